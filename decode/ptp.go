package decode

// Clocks of the Precision Time Protocol (linux/ptp_clock.h). Most requests have a second
// version, whose reserved members must be 0: there they are shown if they are not.

func init() { ioctlFamilies = append(ioctlFamilies, ptpRequests) }

const ptpMaxSamples = 25 // PTP_MAX_SAMPLES

func ptpRequests(t ioctlTable) {
	t.out(aStruct(80, func(e *Event, r *reader) {
		for _, name := range [...]string{"max_adj", "n_alarm", "n_ext_ts", "n_per_out", "pps", "n_pins", "cross_timestamping", "adjust_phase"} {
			e.num(name, Int, 32, r.u32())
		}
		e.reserved("rsv", r, 12, 4)
	}), 0x80503d01, 0x80503d0a)
	external := func(second bool) *structType {
		return aStruct(16, func(e *Event, r *reader) {
			e.num("index", Uint, 32, r.u32())
			e.flags("flags", 32, r.u32(), SetByName("ptp_flags"))
			if second {
				e.reserved("rsv", r, 2, 4)
			}
		})
	}
	t.in(external(false), 0x40103d02)
	t.in(external(true), 0x40103d0b)
	periodic := func(second bool) *structType {
		return aStruct(56, func(e *Event, r *reader) { e.ptpPeriodic(r, second) })
	}
	t.in(periodic(false), 0x40383d03)
	t.in(periodic(true), 0x40383d0c)
	samples := func(size int) *structType {
		return aStruct(size, func(e *Event, r *reader) {
			e.num("n_samples", Uint, 32, r.u32())
			e.reserved("rsv", r, 3, 4)
		})
	}
	t.grow(samples(832), aStruct(832, func(e *Event, r *reader) {
		n := min(2*r.u32()+1, 2*ptpMaxSamples+1) // between two of the system's clock one of the device's
		r.at(16)
		e.some("ts", int(n), func() { e.ptpTime("", r, true) })
	}), 0x43403d05, 0x43403d0e)
	t.grow(samples(1216), aStruct(1216, func(e *Event, r *reader) {
		n := min(r.u32(), ptpMaxSamples)
		r.at(16)
		e.some("ts", int(n), func() {
			e.some("", 3, func() { e.ptpTime("", r, true) })
		})
	}), 0xc4c03d09, 0xc4c03d12)
	t.out(aStruct(64, func(e *Event, r *reader) {
		e.ptpTime("device", r, true)
		e.ptpTime("sys_realtime", r, true)
		e.ptpTime("sys_monoraw", r, false) // since some time, not since 1970
		e.reserved("rsv", r, 4, 4)
	}), 0xc0403d08, 0xc0403d11)

	const index, rest = 64, 76
	function := func(e *Event, r *reader) {
		e.enum("func", 32, r.at(index+4).u32(), SetByName("ptp_pin"))
		e.num("chan", Uint, 32, r.u32())
	}
	get := func(second bool) *structType {
		return aStruct(96, func(e *Event, r *reader) {
			e.num("index", Uint, 32, r.at(index).u32())
			if second {
				e.reserved("rsv", r.at(rest), 5, 4)
			}
		})
	}
	named := aStruct(96, func(e *Event, r *reader) {
		e.fixedText("name", r.bytes(64))
		function(e, r)
	})
	t.grow(get(false), named, 0xc0603d06)
	t.grow(get(true), named, 0xc0603d0f)
	set := func(second bool) *structType {
		return aStruct(96, func(e *Event, r *reader) {
			e.num("index", Uint, 32, r.at(index).u32())
			function(e, r)
			if second {
				e.reserved("rsv", r, 5, 4)
			}
		})
	}
	t.in(set(false), 0x40603d07)
	t.in(set(true), 0x40603d10)
}

// ptpPeriodic emits the members of struct ptp_perout_request.
func (e *Event) ptpPeriodic(r *reader, second bool) {
	const dutyCycle, phase = 2, 4
	flags := r.at(36).u32()
	r.at(0)
	if flags&phase != 0 {
		e.ptpTime("phase", r, false)
	} else {
		e.ptpTime("start", r, true)
	}
	e.ptpTime("period", r, false)
	e.num("index", Uint, 32, r.u32())
	e.flags("flags", 32, r.u32(), SetByName("ptp_periodic_flags"))
	if flags&dutyCycle != 0 {
		e.ptpTime("on", r, false)
	} else if second {
		e.reserved("rsv", r, 4, 4)
	}
}

// ptpTime emits struct ptp_clock_time, with a note of the date if it may be one.
func (e *Event) ptpTime(name string, r *reader, date bool) {
	sec, nsec, reserved := r.u64(), r.u32(), r.u32()
	noted := e.open(Value{Name: name, Kind: Noted, Raw: true})
	outer := e.begin("", Struct)
	e.num("sec", Int, 64, sec)
	e.num("nsec", Uint, 32, nsec)
	if reserved != 0 {
		e.num("reserved", Hex, 32, reserved)
	}
	e.close(outer)
	if date {
		e.dateNote(64, sec, nsec, nanoseconds)
	}
	e.close(noted)
}
