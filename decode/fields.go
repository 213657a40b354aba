package decode

// Most structs are a list of numbers: a row for each says all there is to it.

// A field is a row: a member of a struct, in the order of memory. One without a
// name is padding, or not shown.
type field struct {
	name string
	kind Kind
	size width
	set  *ConstSet
}

// A width is how many bytes a field has.
type width uint8

// Widths beside 1, 2, 4 and 8.
const (
	long    width = 100 + iota // as an unsigned long
	pointer                    // as a pointer or a size_t
)

// fields emits the fields of a struct, which is open.
func (e *Event) fields(r *reader, rows []field) {
	for i := range rows {
		f := &rows[i]
		n := int(f.size)
		switch f.size {
		case long:
			n = int(r.longBits() / 8)
		case pointer:
			n = r.abi.PointerBits() / 8
		}
		num := r.u(n)
		if f.name == "" {
			continue
		}
		v := e.next()
		v.Name, v.Kind, v.Bits, v.Num, v.Set = f.name, f.kind, uint8(8*n), num, f.set
	}
}

// record returns the decoder of a struct of such fields.
func record(rows ...field) func(e *Event, name string, r *reader) {
	return func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, rows)
		e.close(outer)
	}
}
