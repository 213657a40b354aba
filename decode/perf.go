package decode

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// struct perf_event_attr of perf_event_open(2), which grows, and says itself how
// large it is.

const (
	perfAttrSize0 = 64 // PERF_ATTR_SIZE_VER0, also what a size of 0 means
	perfAttrShort = 48 // as much of it is shown if not everything is
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
	want := clamp(size, perfAttrSize)
	if !e.opts.Verbose {
		want = min(want, perfAttrShort)
	}
	b := e.readAll(addr, want)
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
	e.perfRest(b, typ, sample, bits)
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
		if top := low >> 24; top != 0 { // nothing, so far
			outer := e.open(Value{Kind: Shifted, Bits: 64, Num: top << 24})
			e.num("", Hex, 32, top)
			e.num("", Uint, 8, 24)
			e.close(outer)
		}
		e.shiftedEnum(low>>16&0xff, 16, setPerfCacheResult)
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
			e.comment(perfSkids[skid])
			e.close(outer)
		case name != "" && (bit != 0 || e.opts.Verbose):
			e.num(name, Uint, 8, bit)
		}
	}
	if rest := bits >> len(perfBits); rest != 0 {
		outer := e.begin("__reserved_1", Noted)
		e.num("", Hex, 64, rest)
		e.comment("Bits 63..38")
		e.close(outer)
	}
}

// perfRest emits what stands behind the bits, as far as the struct goes; it may end within
// a member.
func (e *Event) perfRest(b []byte, typ, sample, bits uint64) {
	var all [perfAttrSize]byte
	copy(all[:], b)
	u32 := func(at int) uint64 { return uint64(le.Uint32(all[at:])) }
	u64 := func(at int) uint64 { return le.Uint64(all[at:]) }
	reserved := func(name string, num uint64, at, spare int, bits uint8, rest uint64) {
		if rest == 0 {
			e.num(name, Uint, bits, num)
			return
		}
		outer := e.begin(name, Noted)
		e.num("", Uint, bits, num)
		inner := e.begin("", Joined)
		e.emit(Value{Kind: Symbol, Symbol: fmt.Sprintf("bytes %d..%d: ", at, at+spare-1)})
		e.num("", Hex, 32, rest)
		e.close(inner)
		e.close(outer)
	}
	if bits&perfBitWatermark != 0 {
		e.num("wakeup_watermark", Uint, 32, u32(48))
	} else {
		e.num("wakeup_events", Uint, 32, u32(48))
	}
	if typ == perfBreakpoint {
		switch typ := u32(52); typ {
		case 5, 6, 7: // HW_BREAKPOINT_X with reading or writing
			e.noted("bp_type", Hex, 32, typ, "HW_BREAKPOINT_INVALID")
		default:
			e.enum("bp_type", 32, typ, setHWBreakpoint)
		}
	}
	for _, m := range [...]struct {
		at   int
		show func(at int)
	}{
		{56, func(at int) {
			if typ == perfBreakpoint {
				e.num("bp_addr", Hex, 64, u64(at))
			} else {
				e.num("config1", Hex, 64, u64(at))
			}
		}},
		{64, func(at int) {
			if typ == perfBreakpoint {
				e.num("bp_len", Uint, 64, u64(at))
			} else {
				e.num("config2", Hex, 64, u64(at))
			}
		}},
		{72, func(at int) {
			if sample&perfSampleBranchStack != 0 {
				e.flags("branch_sample_type", 64, u64(at), setPerfBranch)
			}
		}},
		{80, func(at int) { e.num("sample_regs_user", Hex, 64, u64(at)) }},
		{88, func(at int) {
			if sample&perfSampleStackUser != 0 {
				e.num("sample_stack_user", Hex, 32, u32(at))
			}
		}},
		{92, func(at int) {
			if bits&perfBitClockID != 0 {
				e.enum("clockid", 32, u32(at), setClockID)
			}
		}},
		{96, func(at int) { e.num("sample_regs_intr", Hex, 64, u64(at)) }},
		{104, func(at int) { e.num("aux_watermark", Uint, 32, u32(at)) }},
		{108, func(at int) { reserved("sample_max_stack", u32(at)&0xffff, at+2, 2, 16, u32(at)>>16) }},
		{112, func(at int) { reserved("aux_sample_size", u32(at), at+4, 4, 32, u32(at+4)) }},
		{120, func(at int) { e.num("sig_data", Hex, 64, u64(at)) }},
		{128, func(at int) { e.num("config3", Hex, 64, u64(at)) }},
	} {
		if m.at >= len(b) {
			return
		}
		m.show(m.at)
	}
}
