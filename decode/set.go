package decode

// A Const is one named constant.
type Const struct {
	Name  string
	Value uint64
	// Mask, if not 0, says that the bits of Mask in a Flags value are one number,
	// and that this is its name if they are Value, which may be 0 then: the
	// access mode in open's flags, the type in socket's.
	Mask uint64
	// New: the kernel has it since strace 6.1. Such names are shown only in values
	// that names explain completely. In others they are left among the bits without
	// a name, as strace leaves them: a program that sets bits nobody knows does not
	// mean the new ones either.
	New bool
}

// A ConstSet is the named constants of one argument: the flags of open(2), the
// commands of fcntl(2). The sets are generated.
type ConstSet struct {
	Name string // the name that table.Arg.Set gives, such as "open_flags"
	// Prefix completes the name of an unknown value in a comment: O_???.
	Prefix string
	// Newer are the bits of Consts that are New.
	Newer uint64
	// Consts is in the order in which a flags value is taken apart: values
	// with several bits before those with one of their bits, fields first of
	// all; for an Enum, by value.
	Consts []Const
}
