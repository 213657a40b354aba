package decode

// Structs described as lists of their members, where a list of numbers (fields.go) does not say
// it all.

// A piece emits some members of a struct that is open, and leaves r behind them.
type piece func(e *Event, r *reader)

// layout is a struct that is size bytes large in all ABIs.
func layout(size int, pieces ...piece) *structType { return aStruct(size, all(pieces...)) }

// all is several pieces as one.
func all(pieces ...piece) piece {
	return func(e *Event, r *reader) {
		for _, p := range pieces {
			p(e, r)
		}
	}
}

func number(name string, kind Kind, size width) piece { return one(field{name, kind, size, nil}) }
func named(name string, size width, set string) piece {
	return one(field{name, Enum, size, SetByName(set)})
}
func flagged(name string, size width, set string) piece {
	return one(field{name, Flags, size, SetByName(set)})
}

func one(f field) piece {
	rows := []field{f}
	return func(e *Event, r *reader) { e.fields(r, rows) }
}

// numbers are members of one kind and size.
func numbers(kind Kind, size width, names ...string) piece {
	var rows []field
	for _, n := range names {
		rows = append(rows, field{n, kind, size, nil})
	}
	return func(e *Event, r *reader) { e.fields(r, rows) }
}

// fixed is an array of n characters.
func fixed(name string, n int) piece {
	return func(e *Event, r *reader) { e.fixedText(name, r.bytes(n)) }
}

// array is n numbers of size bytes each.
func array(name string, kind Kind, size, n int) piece {
	return func(e *Event, r *reader) { e.numbers(name, kind, size, r, n) }
}

// gap is what is not shown.
func gap(n int) piece { return func(_ *Event, r *reader) { r.skip(n) } }

// from goes on at an offset from the begin of the struct.
func from(off int) piece { return func(_ *Event, r *reader) { r.at(off) } }

// spare is n reserved numbers, shown if one is not 0.
func spare(name string, n, size int) piece {
	return func(e *Event, r *reader) { e.reserved(name, r, n, size) }
}

// sub is a struct in the struct.
func sub(name string, pieces ...piece) piece {
	return func(e *Event, r *reader) {
		defer e.close(e.begin(name, Struct))
		for _, p := range pieces {
			p(e, r)
		}
	}
}

// verbose is what is shown in verbose mode only: else the struct is cut there. It is the last
// of a struct's members.
func verbose(pieces ...piece) piece {
	return func(e *Event, r *reader) {
		if !e.opts.Verbose {
			e.cut()
			return
		}
		for _, p := range pieces {
			p(e, r)
		}
	}
}
