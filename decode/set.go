package decode

// A Const is one named constant.
type Const struct {
	Name  string
	Value uint64
	// Mask, if not 0, says that the bits of Mask in a Flags value are one number,
	// and that this is its name if they are Value, which may be 0 then: the
	// access mode in open's flags, the type in socket's.
	Mask uint64
}

// A ConstSet is the named constants of one argument: the flags of open(2), the
// commands of fcntl(2). The sets are generated.
type ConstSet struct {
	Name string // the name that table.Arg.Set gives, such as "open_flags"
	// Prefix completes the name of an unknown value in a comment: O_???.
	Prefix string
	// Consts is in the order in which a flags value is taken apart: values
	// with several bits before those with one of their bits, fields first of
	// all; for an Enum, by value.
	Consts []Const
}
