package decode

import "github.com/k42trace/k42trace/table"

// struct timex of adjtimex(2): 11 ints are left at its end for what may come.

var (
	timexBegin = []field{
		{"modes", Flags, 4, SetByName("adjtimex_modes")},
		{"offset", Int, long, nil}, {"freq", Int, long, nil}, {"maxerror", Int, long, nil}, {"esterror", Int, long, nil},
		{"status", Flags, 4, SetByName("adjtimex_status")},
		{"constant", Int, long, nil}, {"precision", Int, long, nil}, {"tolerance", Int, long, nil},
	}
	timexEnd = []field{
		{"tick", Int, long, nil}, {"ppsfreq", Int, long, nil}, {"jitter", Int, long, nil}, {"shift", Int, 4, nil},
		{"stabil", Int, long, nil}, {"jitcnt", Int, long, nil}, {"calcnt", Int, long, nil}, {"errcnt", Int, long, nil}, {"stbcnt", Int, long, nil},
		{"tai", Int, 4, nil},
	}
)

func init() {
	t := register("timex", [table.NumABI]int{table.AMD64: 208, table.X32: 208, table.ARM64: 208, table.I386: 128}, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, timexBegin)
		decodeTimeval(e, "time", r)
		e.fields(r, timexEnd)
		e.close(outer)
	})
	t.late = true
	// The one with 64-bit times is that of the 64-bit ABIs.
	register("timex64", sizesAll(208), func(e *Event, name string, r *reader) {
		abi := e.abi
		e.abi, r.abi = table.AMD64, table.AMD64
		t.decode(e, name, r)
		e.abi = abi
	}).late = true
	states := SetByName("adjtimex_state")
	state := func(at int) special {
		return special{exit: func(e *Event) {
			if e.good() && e.arg(at).Kind == Struct && states.name(uint64(e.res.Value())) != "" {
				noteEnum("adjtimex_state")(e)
			}
		}}
	}
	addSpecial(state(0), "adjtimex")
	addSpecial(state(1), "clock_adjtime", "clock_adjtime64")
}
