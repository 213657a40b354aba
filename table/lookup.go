package table

// SignatureOf returns what is known of the call nr of abi, nil if nothing is.
func SignatureOf(abi ABI, nr int) *Signature { panic("generated data pending") }

// Number returns the number of the call name in abi, and false if abi has none.
// x32 numbers come with X32Bit.
func Number(abi ABI, name string) (int, bool) { panic("pending") }

// ParseSet reads a set of calls in the language of strace's -e trace=: names
// and numbers separated by commas, %class, /regexp/, "all", "none", a leading
// "!" to invert, "?" before a name that may be unknown. The error for an unknown
// name suggests the nearest one.
func ParseSet(s string) (*Set, error) { panic("pending") }
