package table

// A Kind says how an argument or a result is to be read and shown.
type Kind uint8

// Argument and result kinds. Integers are read with the width in Arg.Bits.
const (
	Int      Kind = iota // signed decimal
	Uint                 // unsigned decimal
	Hex                  // hexadecimal: addresses passed as numbers, masks, cookies
	Octal                // file mode bits; with Set "file_mode" the file's type too
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
	Struct               // a struct or scalar in child memory named Arg.Set, or an array of them
	High                 // upper half of the 64-bit value whose lower half is the argument before it
	Unused               // the kernel ignores the register
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

// Arg.Len of what has no length in another argument.
const (
	LenNone   = -1 // the kind alone tells (strings, single structs)
	LenResult = -2 // only the call's result tells
)

// An Arg is one argument of a call: argument i of a Signature is in register i
// of the ABI, so a 64-bit value in a 32-bit ABI has two of them, the second one
// of kind High.
type Arg struct {
	Name string // as in the manual page
	Kind Kind
	Dir  Dir
	// Bits is the width that the kernel reads: 32 for int and unsigned, 64
	// for long, size_t and pointers (32 in i386), 16 for umode_t and the old
	// user ids. The register's other bits mean nothing.
	Bits uint8
	// Len is the index of the argument that holds the length of a Buffer (in
	// bytes) or of an array of Struct (in elements; of a sigset, cpu_set or
	// a struct that grows over time: in bytes; of fd_set and nodemask: in
	// bits), or LenNone or LenResult. The argument may be a pointer to the length (socklen).
	Len int8
	// Count is the fixed length of an array of Struct, 0 if it has none.
	Count uint8
	// Result: the call returns how much of an Out buffer or array it has
	// filled. For an iovec or msghdr that is the number of bytes in all its
	// buffers; the length of the array itself is still in Len.
	Result bool
	// Set names the constant set of Flags and Enum (package decode has them),
	// or the struct of Struct.
	Set string
}

// A Signature is what the table knows of one system call: one row of data.
type Signature struct {
	Name   string
	Args   []Arg
	Result Kind // Int, Uint, Hex (an address), Octal, FD, PID, UID, NoReturn
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
	ClassUstat                     // ustat, which is in %%statfs only
	ClassPure                      // no arguments, cannot fail
)
