package decode

// arch_prctl(2) of x86: segments, CPUID, and which registers the program may use.

const (
	archGetFS         = 0x1003
	archGetGS         = 0x1004
	archGetCPUID      = 0x1011
	archGetXcompSupp  = 0x1021
	archGetXcompPerm  = 0x1022
	archReqXcompPerm  = 0x1023
	archGetXcompGuest = 0x1024
	archReqXcompGuest = 0x1025
)

func entryArchPrctl(e *Event) {
	v := e.arg(1)
	switch op := e.args[0]; op {
	case archGetFS, archGetGS, archGetXcompSupp, archGetXcompPerm, archGetXcompGuest:
		e.later(1)
	case archGetCPUID:
		e.drop(1)
	case archReqXcompPerm, archReqXcompGuest:
		v.Kind, v.Set, v.Raw = Enum, SetByName("x86_feature"), true
	default:
		v.Kind = Hex
	}
}

func exitArchPrctl(e *Event) {
	switch op := e.args[0]; op {
	case archGetFS, archGetGS:
		e.pointer(1, structs["addr"], e.good())
	case archGetXcompSupp, archGetXcompPerm, archGetXcompGuest:
		e.pointer(1, xfeatures, e.good())
	case archReqXcompPerm, archReqXcompGuest:
		if num := uint64(e.res.Value()); e.good() && num != 0 {
			e.values[resultSlot].Kind = Hex
			if set := SetByName("x86_features"); set.known()&num != 0 {
				outer := e.note()
				e.emit(Value{Kind: Flags, Bits: 64, Num: num, Set: set, Whole: true})
				e.close(outer)
			}
		}
	}
}

// xfeatures is a mask of features of the processor.
var xfeatures = &structType{size: sizesAll(8), scalar: true, decode: func(e *Event, name string, r *reader) {
	e.emit(Value{Name: name, Kind: Flags, Bits: 64, Num: r.u64(), Set: SetByName("x86_features"), Raw: true})
}}
