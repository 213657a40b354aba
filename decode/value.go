package decode

import "iter"

// A Kind says what a Value is.
type Kind uint8

// Kinds of values. What Num, Size and Text hold is said where it is not plain.
const (
	Absent    Kind = iota // nothing: not decoded yet, or the call does not use it
	Int                   // signed decimal
	Uint                  // unsigned decimal
	Hex                   // hexadecimal
	Octal                 // octal, with a leading 0
	Limit                 // size of a resource; Symbol names the unlimited one, ^0
	Addr                  // address in the child
	FD                    // file descriptor; Text is its path if known
	DirFD                 // the same, or AT_FDCWD
	PID                   // process or thread id
	Group                 // id of a process group or session
	UID                   // user or group id
	Signal                // signal number
	Errno                 // error number
	Mode                  // file type and permissions (inode(7))
	Perm                  // permissions only
	NodeMask              // hexadecimal, with all digits behind 0x
	Mask                  // hexadecimal, all digits
	Time                  // seconds since 1970; Size is the nanoseconds beyond
	Dev                   // device number, as makedev(3) packs it
	Port                  // TCP or UDP port, in host order
	NetLong               // 32-bit number in host order that the child has in network order
	IPv4                  // Text is the address, 4 bytes
	IPv6                  // Text is the address, 16 bytes
	HWAddr                // Text is the address of a network interface, of which Size bytes are shown, 0 for all
	Interface             // index of a network interface
	Flags                 // bits named by Set
	CapSet                // set of capabilities, bit n is the one that Set names n
	Ticks                 // of a clock with 100 in a second
	Date                  // as Time, shown as a date only
	Enum                  // one value named by Set
	Symbol                // a constant that is known by its name only: Symbol
	Bytes                 // Text is (a part of) a string or buffer of Size bytes
	SigSet                // set of signals, signal n is bit n-1
	Status                // wait status (wait(2))
	Struct                // children are fields, with names
	Array                 // children are elements
	List                  // children are elements of a set, as in fd_set; where Symbol is ~, what is not in it
	Change                // children are the value before and after the call
	Count                 // Num is an address, behind it are Size things that Symbol names
	Noted                 // children are a value and what it means
	Joined                // children are shown without anything between them
	Indexed               // children are a place in an array, by name, and what is there
	Sum                   // children are parts that are added
	Or                    // children are parts that are or-ed together
	Shifted               // children are a number and by how much it is shifted to the left
	BitArray              // children are bits, by name; Text is the longs that they are in, Bits wide
	Macro                 // children are the operands of the macro Symbol
	Meaning               // children are a value and its name, which is shown alone in ConstNames
	Named                 // signed decimal that Symbol is the name of
	Offset                // place in a struct, as Symbol says if it is known
	Char                  // character of 8 bits
	FourCC                // four of them in a number, the lowest first
)

// A Value is one decoded argument, field, element or result. It belongs to an
// Event and is valid until the Event decodes another call.
type Value struct {
	Kind Kind
	Bits uint8 // width of Num, 32 or 64 (or less for fields)
	// Cut: there is more than Text or the children show.
	Cut bool
	// Failed: Kind is Addr in place of what should be there, because its
	// memory could not be read or the call failed to fill it.
	Failed bool
	// Raw: Text is not text, even if some of it looks like it. Of Flags and Enum: they are
	// shown as a number, with the names behind it; of Noted: there is no note in ConstRaw;
	// of Or: it is one number there.
	Raw bool
	// Equals: a note is shown as name=value.
	Equals bool
	// Bare: no bits are shown as nothing, not as 0. So strace does for the
	// flags of terminals. Of Bytes: a NUL follows that is shown where they are shown in
	// hexadecimal.
	Bare bool
	// Whole: an Or is one number where numbers are shown. As an explanation of a
	// result, it is shown only where names are. The note of a Noted is always shown.
	// Of FD: Text is the name of a file that there is, though it ends as those of deleted ones.
	Whole bool
	// Decimal: the number of a Macro or an Enum is shown so, where it is shown.
	Decimal bool

	Name   string // of the field or the argument, if shown
	Symbol string
	Num    uint64 // zero-extended from Bits
	Size   uint64
	Text   []byte
	Set    *ConstSet

	first, last, next int32 // children and next sibling in Event.values; 0: none
}

// Signed returns Num as a signed number of Bits bits.
func (v *Value) Signed() int64 {
	shift := 64 - v.width()
	return int64(v.Num<<shift) >> shift
}

func (v *Value) width() uint8 {
	if v.Bits == 0 || v.Bits > 64 {
		return 64
	}
	return v.Bits
}

// Children yields the fields or elements of v.
func (e *Event) Children(v *Value) iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		for i := v.first; i != 0; i = e.values[i].next {
			if !yield(&e.values[i]) {
				return
			}
		}
	}
}

// Args yields the arguments in the order in which they are shown. Before Exit,
// those that only the finished call tells are Absent.
func (e *Event) Args() iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		for _, i := range e.order {
			if !yield(e.arg(i)) {
				return
			}
		}
	}
}

// Result returns the value that the call returned, nil before Exit. For a
// failed call see Event.Outcome.
func (e *Event) Result() *Value {
	if !e.done {
		return nil
	}
	return &e.values[resultSlot]
}
