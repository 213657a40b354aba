package decode

// io_uring_setup(2) and io_uring_enter(2).

const uringParamsSize = 120

var setUringSetup = SetByName("io_uring_setup_flags")

func init() {
	register("io_uring_params", sizesAll(uringParamsSize), decodeUringParams)
	addSpecial(special{entry: func(e *Event) { e.later(1) }, exit: exitUringSetup}, "io_uring_setup")
	addSpecial(special{entry: func(e *Event) {
		const extArg, extSize = 8, 24 // the argument is a struct of more than a mask
		if e.args[3]&extArg == 0 || e.args[5] != extSize {
			e.into(4)
			e.emitVariable("", structs["sigset"], e.args[4], e.args[5])
		}
	}}, "io_uring_enter")
}

// decodeUringParams decodes what the program asks for.
func decodeUringParams(e *Event, name string, r *reader) {
	const attachWQ = 0x20
	flags := r.at(8).u32()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.flags("flags", 32, flags, setUringSetup)
	e.num("sq_thread_cpu", Hex, 32, r.u32())
	e.num("sq_thread_idle", Uint, 32, r.u32())
	if wq := r.at(24).u32(); flags&attachWQ != 0 {
		e.emitFD("wq_fd", wq, false)
	}
	e.reserved("resv", r, 3, 4)
}

// exitUringSetup adds what the kernel has made of it.
func exitUringSetup(e *Event) {
	if !e.good() || e.arg(1).Kind != Struct {
		return
	}
	b := e.readAll(e.args[1], uringParamsSize)
	if b == nil {
		return
	}
	outer := e.parent
	defer e.close(outer)
	e.parent = argSlot + 1
	r := e.reader(b, e.args[1])
	e.fields(r, uringEntries)
	e.fields(r.at(20), uringFeatures)
	inner := e.begin("sq_off", Struct)
	e.fields(r.at(40), uringSQ)
	e.reserved("resv1", r, 1, 4)
	e.reserved("resv2", r, 1, 8)
	e.close(inner)
	inner = e.begin("cq_off", Struct)
	e.fields(r.at(80), uringCQ)
	e.reserved("resv1", r, 1, 4)
	e.reserved("resv2", r, 1, 8)
	e.close(inner)
}

var (
	uringEntries  = []field{{"sq_entries", Uint, 4, nil}, {"cq_entries", Uint, 4, nil}}
	uringFeatures = []field{{"features", Flags, 4, SetByName("io_uring_features")}}
	uringSQ       = []field{
		{"head", Uint, 4, nil}, {"tail", Uint, 4, nil}, {"ring_mask", Uint, 4, nil}, {"ring_entries", Uint, 4, nil},
		{"flags", Uint, 4, nil}, {"dropped", Uint, 4, nil}, {"array", Uint, 4, nil},
	}
	uringCQ = []field{
		{"head", Uint, 4, nil}, {"tail", Uint, 4, nil}, {"ring_mask", Uint, 4, nil}, {"ring_entries", Uint, 4, nil},
		{"overflow", Uint, 4, nil}, {"cqes", Uint, 4, nil}, {"flags", Uint, 4, nil},
	}
)
