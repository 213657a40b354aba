package table

import "testing"

// TestFolded: calls that i386 makes by socketcall and ipc are found by their names.
func TestFolded(t *testing.T) {
	socketcall, _ := Number(I386, "socketcall")
	ipc, _ := Number(I386, "ipc")
	call := func(abi ABI, nr int, which uint64) *Call {
		c := &Call{}
		c.Reset(nil, abi, nr, [6]uint64{which}, 0, 0)
		return c
	}
	const accept, recv, semop, msgrcvOfVersion1 = 5, 10, 1, 1<<16 | 12
	for _, test := range []struct {
		pattern string
		c       *Call
		has     bool
		stops   bool // the number has to
	}{
		{"accept", call(I386, socketcall, accept), true, true},
		{"accept", call(I386, socketcall, recv), false, true},
		{"accept", call(AMD64, socketcall, accept), false, false},
		{"accept@64", call(I386, socketcall, accept), false, false},
		{"accept@32", call(I386, socketcall, accept), true, true},
		{"recv", call(I386, socketcall, recv|1<<32), true, true},
		{"socketcall", call(I386, socketcall, recv), false, true},
		{"socketcall", call(I386, socketcall, 99), true, true},
		{"socketcall", call(I386, socketcall, 1<<31), true, true},
		{"%network", call(I386, socketcall, recv), true, true},
		{"%ipc", call(I386, socketcall, recv), false, false},
		{"%ipc", call(I386, ipc, semop), true, true},
		{"/^msgr", call(I386, ipc, msgrcvOfVersion1), true, true},
		{"!msgrcv", call(I386, ipc, msgrcvOfVersion1), false, true},
		{"!msgrcv", call(I386, ipc, semop), true, true},
		{"all", call(I386, ipc, semop), true, true},
		{"none", call(I386, ipc, semop), false, false},
		{"openat", call(I386, ipc, semop), false, false},
	} {
		set, err := ParseSet(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.HasCall(test.c); got != test.has {
			t.Errorf("%q has %v(%d): %v", test.pattern, test.c.Name(), test.c.Arg(0), got)
		}
		if got := set.Stopping().Has(test.c.ABI(), test.c.Nr()); got != test.stops && test.c.ABI() == I386 {
			t.Errorf("%q stops %v: %v", test.pattern, test.c.Name(), got)
		}
	}
	both := mustParse(t, "accept,recv").Intersect(mustParse(t, "recv,semop"))
	if !both.HasCall(call(I386, socketcall, recv)) || both.HasCall(call(I386, socketcall, accept)) || both.HasCall(call(I386, ipc, semop)) {
		t.Error("Intersect")
	}
	if !mustParse(t, "%network").Contains(mustParse(t, "recv")) || mustParse(t, "%network").Contains(mustParse(t, "semop@32")) {
		t.Error("Contains")
	}
	if mustParse(t, "accept@32").Empty() {
		t.Error("Empty")
	}
}

func mustParse(t *testing.T, pattern string) *Set {
	t.Helper()
	set, err := ParseSet(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
