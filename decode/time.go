package decode

func init() {
	register("timespec", sizes64(16, 8), decodeTimespec)
	register("timespec64", sizesAll(16), decodeTimespec64)
	register("timeval", sizes64(16, 8), decodeTimeval)
	register("timeval64", sizesAll(16), record(field{"tv_sec", Int, 8, nil}, field{"tv_usec", Int, 8, nil}))
	register("utimbuf", sizes64(16, 8), func(e *Event, name string, r *reader) {
		bits := r.longBits()
		outer := e.begin(name, Struct)
		e.time("actime", bits, r.long())
		e.time("modtime", bits, r.long())
		e.close(outer)
	})
	register("timezone", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("tz_minuteswest", Int, 32, r.u32())
		e.num("tz_dsttime", Int, 32, r.u32())
		e.close(outer)
	})
	register("itimerval", sizes64(32, 16), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		decodeTimeval(e, "it_interval", r)
		decodeTimeval(e, "it_value", r)
		e.close(outer)
	})
	itimerspec := func(sub string) func(e *Event, name string, r *reader) {
		return func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			structs[sub].decode(e, "it_interval", r)
			structs[sub].decode(e, "it_value", r)
			e.close(outer)
		}
	}
	register("itimerspec", sizes64(32, 16), itimerspec("timespec"))
	register("itimerspec64", sizesAll(32), itimerspec("timespec64"))
	register("tms", sizes64(32, 16), func(e *Event, name string, r *reader) {
		bits := r.longBits() // clock_t is signed
		outer := e.begin(name, Struct)
		for _, f := range [...]string{"tms_utime", "tms_stime", "tms_cutime", "tms_cstime"} {
			n := r.long()
			if bits == 32 {
				n = uint64(int32(n))
			}
			e.num(f, Ticks, 64, n)
		}
		e.close(outer)
	})
	register("rusage", sizes64(144, 72), decodeRusage)
}

func decodeTimespec(e *Event, name string, r *reader) {
	e.timespec(name, r.longBits(), r.long(), r.long())
}

func decodeTimespec64(e *Event, name string, r *reader) {
	e.timespec(name, 64, r.u64(), r.u64())
}

func (e *Event) timespec(name string, bits uint8, sec, nsec uint64) {
	outer := e.begin(name, Struct)
	e.num("tv_sec", Int, bits, sec)
	e.num("tv_nsec", Uint, bits, nsec)
	e.close(outer)
}

func decodeTimeval(e *Event, name string, r *reader) {
	bits := r.longBits()
	outer := e.begin(name, Struct)
	e.num("tv_sec", Int, bits, r.long())
	e.num("tv_usec", Uint, bits, r.long())
	e.close(outer)
}

// time emits seconds since 1970.
func (e *Event) time(name string, bits uint8, sec uint64) {
	e.num(name, Time, bits, sec)
}

func decodeRusage(e *Event, name string, r *reader) {
	bits := r.longBits()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	decodeTimeval(e, "ru_utime", r)
	decodeTimeval(e, "ru_stime", r)
	if !e.opts.Verbose {
		e.cut()
		return
	}
	for _, f := range [...]string{
		"ru_maxrss", "ru_ixrss", "ru_idrss", "ru_isrss", "ru_minflt", "ru_majflt", "ru_nswap",
		"ru_inblock", "ru_oublock", "ru_msgsnd", "ru_msgrcv", "ru_nsignals", "ru_nvcsw", "ru_nivcsw",
	} {
		e.num(f, Uint, bits, r.long())
	}
}

// Values of tv_nsec that utimensat(2) knows.
const (
	utimeNow  = 1<<30 - 1
	utimeOmit = 1<<30 - 2
)

// The times that files get are shown with the date that they mean.
var (
	fileTimespec = &structType{size: sizes64(16, 8), decode: func(e *Event, name string, r *reader) {
		e.fileTime(name, r, decodeTimespec, r.longBits(), 1, true)
	}}
	fileTimespec64 = &structType{size: sizesAll(16), decode: func(e *Event, name string, r *reader) {
		e.fileTime(name, r, decodeTimespec64, 64, 1, true)
	}}
	fileTimeval = &structType{size: sizes64(16, 8), decode: func(e *Event, name string, r *reader) {
		e.fileTime(name, r, decodeTimeval, r.longBits(), 1000, false)
	}}
)

func (e *Event) fileTime(name string, r *reader, decode func(*Event, string, *reader), bits uint8, unit uint64, special bool) {
	peek := *r
	sec, sub := peek.u(int(bits/8)), peek.u(int(bits/8))
	layout := ".000000"
	if special {
		layout = nanoseconds
		switch sub {
		case utimeNow:
			e.fileTimeAs(name, r, decode, "UTIME_NOW")
			return
		case utimeOmit:
			e.fileTimeAs(name, r, decode, "UTIME_OMIT")
			return
		}
	}
	outer := e.begin(name, Noted)
	decode(e, "", r)
	if sub < 1e9/unit {
		e.dateNote(bits, sec, sub*unit, layout)
	}
	e.close(outer)
}

// nanoseconds is how the fraction of a date's second is shown.
const nanoseconds = ".000000000"

// dateNote emits the date of a time, for a note behind it, if it is one that has a date.
func (e *Event) dateNote(bits uint8, sec, nsec uint64, fraction string) {
	if (sec != 0 || nsec != 0) && nsec < 1e9 && dated(int64(sec)) {
		e.emit(Value{Kind: Date, Bits: bits, Num: sec, Size: nsec, Symbol: fraction})
	}
}

// fileTimeAs emits a time that is none.
func (e *Event) fileTimeAs(name string, r *reader, decode func(*Event, string, *reader), symbol string) {
	outer := e.open(Value{Name: name, Kind: Meaning})
	decode(e, "", r)
	e.emit(Value{Kind: Symbol, Symbol: symbol})
	e.close(outer)
}

func init() {
	times := func(i int, t *structType) special {
		return special{entry: func(e *Event) {
			if e.args[i] != 0 {
				e.into(i)
				if e.readAll(e.args[i], 2*t.size[e.abi]) == nil {
					e.emitAddr("", e.args[i], true)
					return
				}
				e.emitArray("", t, e.args[i], 2)
			}
		}}
	}
	addSpecial(times(1, fileTimeval), "utimes")
	addSpecial(times(2, fileTimeval), "futimesat")
	addSpecial(times(2, fileTimespec), "utimensat")
	addSpecial(times(2, fileTimespec64), "utimensat_time64")
}
