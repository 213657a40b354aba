package table

// A Kind says how an argument or a result is to be read and shown.
type Kind uint8

// Argument and result kinds. Integers are read with the width in Arg.Bits.
const (
	Int      Kind = iota // signed decimal
	Uint                 // unsigned decimal
	Hex                  // hexadecimal: addresses passed as numbers, masks, cookies
	Octal                // file mode bits
	FD                   // file descriptor
	DirFD                // file descriptor of a directory, or AT_FDCWD
	PID                  // process or thread id
	UID                  // user or group id, -1 means "leave"
	Signal               // signal number
	Dev                  // device number
	Flags                // bits named by the constant set Arg.Set
	Enum                 // one value named by the constant set Arg.Set
	Addr                 // an address that is not followed
	Path                 // NUL-terminated path in child memory
	String               // NUL-terminated string in child memory
	Buffer               // bytes in child memory, Arg.Len gives their count
	Strings              // NULL-terminated array of strings (argv)
	Env                  // the same, shown as a count (envp)
	Struct               // a struct named Arg.Set, or an array of them
	NoReturn             // result only: the call does not return
)

// A Dir says when the memory that an argument points to is meaningful.
type Dir uint8

// Directions, bits.
const (
	In    Dir = 1 << iota // read before the call
	Out                   // read after the call succeeded
	InOut = In | Out
)

// Where an argument's length comes from, beside the index of another argument.
const (
	LenNone   = -1 // the kind alone tells (strings, single structs)
	LenResult = -2 // as many bytes (or elements) as the call returned
)

// An Arg is one argument of a call.
type Arg struct {
	Name string // as in the manual page
	Kind Kind
	Dir  Dir
	// Bits is the width that the kernel reads: 32 for int and unsigned, 64
	// for long, size_t and pointers (which are 32 in the 32-bit ABIs).
	Bits uint8
	// Len is the index of the argument that holds the length of a Buffer (in
	// bytes) or of an array of Struct (in elements), or LenNone. For an Out
	// buffer whose filled part is what the call returned, Result is true.
	Len int8
	// Result: an Out buffer is filled up to the call's return value.
	Result bool
	// Set names the constant set of Flags and Enum, or the struct of Struct.
	Set string
}

// A Signature is what the table knows of one system call: one row of data.
type Signature struct {
	Name   string
	Args   []Arg
	Result Kind // Int, Hex (an address), Octal, FD, PID, NoReturn
	Class  Class
}

// A Class is a set of the groups that -e trace=%class names.
type Class uint32

// Classes, bits; the same groups as strace's.
const (
	ClassFile    Class = 1 << iota // takes a path
	ClassDesc                      // takes or returns a descriptor
	ClassProcess                   // creates, waits for, ends processes
	ClassNetwork                   // sockets
	ClassSignal                    // signals
	ClassIPC                       // System V IPC
	ClassMemory                    // address space
	ClassCreds                     // user and group ids, capabilities
	ClassClock                     // reads or sets a clock
	ClassStat                      // stat and its variants
	ClassLstat                     // lstat
	ClassFstat                     // fstat, fstatat and the like
	ClassStatfs                    // statfs
	ClassFstatfs                   // fstatfs
	ClassPure                      // no arguments, cannot fail
)
