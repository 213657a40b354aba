package decode

import "golang.org/x/sys/unix"

// struct perf_event_attr of perf_event_open(2), which grows, and says itself how
// large it is.

const (
	perfAttrSize0 = 64 // PERF_ATTR_SIZE_VER0, also what a size of 0 means
	perfAttrSize7 = 128
	perfAttrSize  = 136 // PERF_ATTR_SIZE_VER8
)

// Types of events.
const (
	perfHardware   = 0
	perfSoftware   = 1
	perfTracepoint = 2
	perfHWCache    = 3
	perfBreakpoint = 5
)

var (
	setPerfTypes       = SetByName("perf_type")
	setPerfSizes       = SetByName("perf_attr_size")
	setPerfHardware    = SetByName("perf_count_hw")
	setPerfSoftware    = SetByName("perf_count_sw")
	setPerfCacheID     = SetByName("perf_cache_id")
	setPerfCacheOp     = SetByName("perf_cache_op")
	setPerfCacheResult = SetByName("perf_cache_result")
	setPerfSample      = SetByName("perf_sample")
	setPerfBranch      = SetByName("perf_branch")
	setPerfFormat      = SetByName("perf_format")
	setHWBreakpoint    = SetByName("hw_breakpoint")
	setClockID         = SetByName("clockid")
)

// perfBits are the bits behind read_format, from the lowest on. precise_ip has
// two.
var perfBits = [...]string{
	"disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv", "exclude_idle", "mmap", "comm",
	"freq", "inherit_stat", "enable_on_exec", "task", "watermark", "precise_ip", "", "mmap_data", "sample_id_all", "exclude_host",
	"exclude_guest", "exclude_callchain_kernel", "exclude_callchain_user", "mmap2", "comm_exec", "use_clockid", "context_switch",
	"write_backward", "namespaces", "ksymbol", "bpf_event", "aux_output", "cgroup", "text_poke", "build_id", "inherit_thread",
	"remove_on_exec", "sigtrap",
}

// Bits that other members depend on.
const (
	perfBitFreq      = 1 << 10
	perfBitWatermark = 1 << 14
	perfBitPreciseIP = 15
	perfBitClockID   = 1 << 25

	perfSampleBranchStack = 1 << 11
	perfSampleStackUser   = 1 << 13
)

var perfSkids = [4]string{"arbitrary skid", "constant skid", "requested to have 0 skid", "must have 0 skid"}

func init() {
	addSpecial(special{entry: func(e *Event) {
		if b := e.readAll(e.args[0], 8); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b[4:])), true
		}
		e.perfAttr(0, e.old)
		e.later(0)
	}, exit: func(e *Event) {
		// The kernel says what it would have taken.
		if b := e.readAll(e.args[0], 8); e.res.Errno() == unix.E2BIG && e.hadOld && b != nil {
			e.perfAttr(0, uint64(le.Uint32(b[4:])))
		}
	}}, "perf_event_open")
}

// perfAttr emits the struct, argument i, whose size is now what the call has made of it.
func (e *Event) perfAttr(i int, now uint64) {
	addr, size := e.args[i], e.old
	if size == 0 {
		size = perfAttrSize0
	}
	e.into(i)
	b := e.readAll(addr, clamp(size, perfAttrSize))
	if b == nil { // what is new need not be there, whatever the size is said to be
		b = e.readAll(addr, clamp(size, perfAttrSize7))
	}
	if !e.hadOld || size < perfAttrSize0 || b == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	r := e.reader(b, addr)
	defer e.close(e.begin("", Struct))
	typ := r.u32()
	e.enum("type", 32, typ, setPerfTypes)
	if r.skip(4); now == e.old {
		e.enum("size", 32, now, setPerfSizes)
	} else {
		outer := e.begin("size", Change)
		e.enum("", 32, e.old, setPerfSizes)
		e.enum("", 32, now, setPerfSizes)
		e.close(outer)
	}
	e.perfConfig(typ, r.u64())
	period, sample, format, bits := r.u64(), r.u64(), r.u64(), r.u64()
	if bits&perfBitFreq != 0 {
		e.num("sample_freq", Uint, 64, period)
	} else {
		e.num("sample_period", Uint, 64, period)
	}
	e.flags("sample_type", 64, sample, setPerfSample)
	e.flags("read_format", 64, format, setPerfFormat)
	e.perfFlags(bits)
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.perfRest(r, typ, sample, bits)
	if size > uint64(len(b)) {
		e.cut()
	}
}

// perfConfig emits which event of its type is meant.
func (e *Event) perfConfig(typ, config uint64) {
	const name = "config"
	switch typ {
	case perfHardware, perfHWCache:
		low := config & (1<<32 - 1)
		if typ == perfHardware && low == config {
			e.enum(name, 64, low, setPerfHardware)
			return
		}
		defer e.close(e.open(Value{Name: name, Kind: Or, Bits: 64, Num: config}))
		if high := config >> 32; high != 0 { // of which PMU
			outer := e.open(Value{Kind: Shifted, Bits: 64, Num: config &^ (1<<32 - 1)})
			e.num("", Hex, 32, high)
			e.num("", Uint, 8, 32)
			e.close(outer)
		}
		if typ == perfHardware {
			e.enum("", 32, low, setPerfHardware)
			return
		}
		e.shiftedEnum(low>>16, 16, setPerfCacheResult)
		e.shiftedEnum(low>>8&0xff, 8, setPerfCacheOp)
		e.enum("", 8, low&0xff, setPerfCacheID)
	case perfSoftware:
		e.enum(name, 64, config, setPerfSoftware)
	case perfTracepoint:
		e.num(name, Uint, 64, config)
	default:
		e.num(name, Hex, 64, config)
	}
}

// shiftedEnum emits a value with a name, shifted to the left.
func (e *Event) shiftedEnum(num uint64, by uint8, set *ConstSet) {
	outer := e.open(Value{Kind: Shifted, Bits: 32, Num: num << by})
	e.enum("", 32, num, set)
	e.num("", Uint, 8, uint64(by))
	e.close(outer)
}

// perfFlags emits the bits; those that are 0 only if everything is wanted.
func (e *Event) perfFlags(bits uint64) {
	for i, name := range perfBits {
		switch bit := bits >> i & 1; {
		case i == perfBitPreciseIP:
			skid := bits >> i & 3
			outer := e.open(Value{Name: name, Kind: Noted, Whole: true})
			e.num("", Uint, 8, skid)
			e.emit(Value{Kind: Symbol, Symbol: perfSkids[skid]})
			e.close(outer)
		case name != "" && (bit != 0 || e.opts.Verbose):
			e.num(name, Uint, 8, bit)
		}
	}
	if rest := bits >> len(perfBits); rest != 0 {
		outer := e.begin("__reserved_1", Noted)
		e.num("", Hex, 64, rest)
		e.emit(Value{Kind: Symbol, Symbol: "Bits 63..38"})
		e.close(outer)
	}
}

// perfRest emits what stands behind the bits, as far as the struct goes.
func (e *Event) perfRest(r *reader, typ, sample, bits uint64) {
	more := func(n int) bool { return r.off+n <= len(r.b) }
	if wakeup := r.u32(); bits&perfBitWatermark != 0 {
		e.num("wakeup_watermark", Uint, 32, wakeup)
	} else {
		e.num("wakeup_events", Uint, 32, wakeup)
	}
	bp := r.u32()
	if typ == perfBreakpoint {
		e.enum("bp_type", 32, bp, setHWBreakpoint)
		e.num("bp_addr", Hex, 64, r.u64())
	} else {
		e.num("config1", Hex, 64, r.u64())
	}
	if !more(8) {
		return
	}
	if typ == perfBreakpoint {
		e.num("bp_len", Uint, 64, r.u64())
	} else {
		e.num("config2", Hex, 64, r.u64())
	}
	if !more(8) {
		return
	}
	if branch := r.u64(); sample&perfSampleBranchStack != 0 {
		e.flags("branch_sample_type", 64, branch, setPerfBranch)
	}
	if !more(16) {
		return
	}
	e.num("sample_regs_user", Hex, 64, r.u64())
	if stack := r.u32(); sample&perfSampleStackUser != 0 {
		e.num("sample_stack_user", Hex, 32, stack)
	}
	if clock := r.u32(); bits&perfBitClockID != 0 {
		e.enum("clockid", 32, clock, setClockID)
	}
	if !more(8) {
		return
	}
	e.num("sample_regs_intr", Hex, 64, r.u64())
	if !more(8) {
		return
	}
	e.num("aux_watermark", Uint, 32, r.u32())
	e.num("sample_max_stack", Uint, 16, r.u16())
	e.reserved("__reserved_2", r, 1, 2)
	if !more(8) {
		return
	}
	e.num("aux_sample_size", Uint, 32, r.u32())
	e.reserved("__reserved_3", r, 1, 4)
	if !more(8) {
		return
	}
	e.num("sig_data", Hex, 64, r.u64())
	if more(8) {
		e.num("config3", Hex, 64, r.u64())
	}
}
