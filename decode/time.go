package decode

func init() {
	timespec := func(e *Event, name string, sec, nsec uint64, bits uint8) {
		outer := e.open(Value{Name: name, Kind: Struct})
		e.num("tv_sec", Int, bits, sec)
		switch {
		case nsec == utimeNow && bits == 64, nsec == utimeNow:
			e.emit(Value{Name: "tv_nsec", Kind: Symbol, Symbol: "UTIME_NOW", Num: nsec})
		case nsec == utimeOmit:
			e.emit(Value{Name: "tv_nsec", Kind: Symbol, Symbol: "UTIME_OMIT", Num: nsec})
		default:
			e.num("tv_nsec", Uint, bits, nsec)
		}
		e.close(outer)
	}
	register("timespec", sizes64(16, 8), func(e *Event, name string, r *reader) {
		timespec(e, name, r.long(), r.long(), r.longBits())
	})
	register("timespec64", sizesAll(16), func(e *Event, name string, r *reader) {
		sec, nsec := r.u64(), r.u64()
		if e.abi.PointerBits() == 32 {
			nsec &= 1<<32 - 1 // the kernel ignores the padding
		}
		timespec(e, name, sec, nsec, 64)
	})
	register("timeval", sizes64(16, 8), decodeTimeval)
	register("utimbuf", sizes64(16, 8), func(e *Event, name string, r *reader) {
		bits := r.longBits()
		outer := e.open(Value{Name: name, Kind: Struct})
		e.time("actime", bits, r.long())
		e.time("modtime", bits, r.long())
		e.close(outer)
	})
	register("timezone", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.open(Value{Name: name, Kind: Struct})
		e.num("tz_minuteswest", Int, 32, r.u32())
		e.num("tz_dsttime", Int, 32, r.u32())
		e.close(outer)
	})
	register("itimerval", sizes64(32, 16), func(e *Event, name string, r *reader) {
		outer := e.open(Value{Name: name, Kind: Struct})
		decodeTimeval(e, "it_interval", r)
		decodeTimeval(e, "it_value", r)
		e.close(outer)
	})
	itimerspec := func(sub string) func(e *Event, name string, r *reader) {
		return func(e *Event, name string, r *reader) {
			outer := e.open(Value{Name: name, Kind: Struct})
			structs[sub].decode(e, "it_interval", r)
			structs[sub].decode(e, "it_value", r)
			e.close(outer)
		}
	}
	register("itimerspec", sizes64(32, 16), itimerspec("timespec"))
	register("itimerspec64", sizesAll(32), itimerspec("timespec64"))
	register("tms", sizes64(32, 16), func(e *Event, name string, r *reader) {
		bits := r.longBits()
		outer := e.open(Value{Name: name, Kind: Struct})
		for _, f := range [...]string{"tms_utime", "tms_stime", "tms_cutime", "tms_cstime"} {
			e.num(f, Int, bits, r.long())
		}
		e.close(outer)
	})
	register("rusage", sizes64(144, 72), decodeRusage)
}

// Values of tv_nsec that utimensat(2) knows.
const (
	utimeNow  = 1<<30 - 1
	utimeOmit = 1<<30 - 2
)

func decodeTimeval(e *Event, name string, r *reader) {
	bits := r.longBits()
	outer := e.open(Value{Name: name, Kind: Struct})
	e.num("tv_sec", Int, bits, r.long())
	e.num("tv_usec", Int, bits, r.long())
	e.close(outer)
}

// time emits seconds since 1970.
func (e *Event) time(name string, bits uint8, sec uint64) {
	e.num(name, Time, bits, sec)
}

func decodeRusage(e *Event, name string, r *reader) {
	bits := r.longBits()
	outer := e.open(Value{Name: name, Kind: Struct})
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
