package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// perfAttr is a struct perf_event_attr: type, size, config, and so on.
func perfAttr(typ, size uint32, rest ...uint64) uint64 {
	all := []any{typ, size}
	for _, n := range append(rest, make([]uint64, 17)...) {
		all = append(all, n)
	}
	return join(all...)
}

// TestPerfRest: structs may end within a member; what is reserved is a note.
func TestPerfRest(t *testing.T) {
	attr := func(size uint64, rest ...uint64) uint64 {
		return words(append([]uint64{1 | size<<32, 0, 0, 0, 0, 0, 0}, append(rest, make([]uint64, 12)...)...)...)
	}
	for _, tt := range []struct {
		size uint64
		want string
	}{
		{66, "wakeup_events=0, config1=0x7, config2=0x8}"},
		{107, "config2=0x8, sample_regs_user=0, sample_regs_intr=0, aux_watermark=10}"},
		{112, "aux_watermark=10, sample_max_stack=11 /* bytes 110..111: 0xc */}"},
		{120, "aux_sample_size=13 /* bytes 116..119: 0xe */}"},
		{128, ", sig_data=0xf}"},
	} {
		got := show(t, Options{Verbose: true}, table.AMD64, "perf_event_open", failed(unix.EINVAL), attr(tt.size, 7, 8, 0, 0, 0, 0, 10|11<<32|12<<48, 13|14<<32, 15), 0, 0, 0, 0)
		if !strings.Contains(got, tt.want) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestPerfAttr(t *testing.T) {
	const tail = `sample_period=0, sample_type=0, read_format=0, precise_ip=0 /* arbitrary skid */, ...}`
	for _, tt := range []struct {
		want string
		attr uint64
	}{
		{`{type=PERF_TYPE_HARDWARE, size=PERF_ATTR_SIZE_VER7, config=PERF_COUNT_HW_CPU_CYCLES, ` + tail, perfAttr(0, 128)},
		{`{type=PERF_TYPE_HARDWARE, size=0 /* PERF_ATTR_SIZE_??? */, config=0x5<<32|PERF_COUNT_HW_INSTRUCTIONS, ` + tail, perfAttr(0, 0, 5<<32|1)},
		{`{type=PERF_TYPE_SOFTWARE, size=PERF_ATTR_SIZE_VER0, config=0x63 /* PERF_COUNT_SW_??? */, ` + tail, perfAttr(1, 64, 99)},
		{`{type=PERF_TYPE_TRACEPOINT, size=PERF_ATTR_SIZE_VER1, config=4660, ` + tail, perfAttr(2, 72, 4660)},
		{`{type=PERF_TYPE_HW_CACHE, size=PERF_ATTR_SIZE_VER7, config=0x99 /* PERF_COUNT_HW_CACHE_RESULT_??? */<<16|PERF_COUNT_HW_CACHE_OP_PREFETCH<<8|PERF_COUNT_HW_CACHE_DTLB, ` + tail, perfAttr(3, 128, 0x990203)},
		{`{type=PERF_TYPE_RAW, size=PERF_ATTR_SIZE_VER7, config=0x1234, ` + tail, perfAttr(4, 128, 0x1234)},
		{`{type=0x6 /* PERF_TYPE_??? */, size=PERF_ATTR_SIZE_VER7, config=0, ` + tail, perfAttr(6, 128)},
		{`{type=PERF_TYPE_HARDWARE, size=PERF_ATTR_SIZE_VER7, config=PERF_COUNT_HW_CPU_CYCLES, sample_freq=99, sample_type=PERF_SAMPLE_IP|PERF_SAMPLE_TID, read_format=0x200 /* PERF_FORMAT_??? */, disabled=1, inherit=1, freq=1, precise_ip=2 /* requested to have 0 skid */, sample_id_all=1, __reserved_1=0x400000 /* Bits 63..38 */, ...}`,
			perfAttr(0, 128, 0, 99, 3, 1<<9, 3|1<<10|2<<15|1<<18|1<<60)},
	} {
		want := `perf_event_open(` + tt.want + `, -5, 0, -1, 0) = -1 ESRCH (No such process)`
		if got := show(t, Options{}, table.AMD64, "perf_event_open", failed(unix.ESRCH), tt.attr, 1<<32-5, 0, 1<<32-1, 0); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	checkGolden(t, Options{}, []golden{
		{`perf_event_open(0x8, 0, -1, -1, 0) = -1 EFAULT (Bad address)`, "perf_event_open", failed(unix.EFAULT), []uint64{bad, 0, 1<<32 - 1, 1<<32 - 1, 0}},
		{`perf_event_open(NULL, 0, -1, -1, 0x10 /* PERF_FLAG_??? */) = -1 EINVAL (Invalid argument)`, "perf_event_open", failed(unix.EINVAL), []uint64{0, 0, 1<<32 - 1, 1<<32 - 1, 16}},
		{`perf_event_open($0, 0, -1, -1, 0) = -1 E2BIG (Argument list too long)`, "perf_event_open", failed(unix.E2BIG), []uint64{perfAttr(0, 63), 0, 1<<32 - 1, 1<<32 - 1, 0}},
	})
	// The kernel says how large a struct it takes.
	size := [34]uint32{1: 5000}
	e, c := event(t, Options{}, table.AMD64, "perf_event_open", at(&size), 0, 0, 0, 0)
	e.Entry(c)
	size[1] = 136
	e.Exit(c, failed(unix.E2BIG))
	if got, want := line(e), `perf_event_open({type=PERF_TYPE_HARDWARE, size=0x1388 /* PERF_ATTR_SIZE_??? */ => PERF_ATTR_SIZE_VER8, `; !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPerfAttrVerbose(t *testing.T) {
	bits := uint64(1<<8 | 1<<14 | 1<<25)
	attr := perfAttr(5, 136, 0, 0, 1<<11|1<<13, 0, bits, 7|3<<32, 0x12345, 4, 0x85, 8, 9|1<<32, 3, 4|5<<32, 7, 9, 0)
	got := show(t, Options{Verbose: true}, table.AMD64, "perf_event_open", failed(unix.EINVAL), attr, 0, 0, 0, 0)
	for _, want := range []string{
		`{type=PERF_TYPE_BREAKPOINT, size=PERF_ATTR_SIZE_VER8, config=0, sample_period=0, sample_type=PERF_SAMPLE_BRANCH_STACK|PERF_SAMPLE_STACK_USER, read_format=0, disabled=0, inherit=0, `,
		`exclude_idle=0, mmap=1, comm=0, `, `watermark=1, precise_ip=0 /* arbitrary skid */, mmap_data=0, `,
		`sigtrap=0, wakeup_watermark=7, bp_type=HW_BREAKPOINT_RW, bp_addr=0x12345, bp_len=4, branch_sample_type=PERF_SAMPLE_BRANCH_USER|PERF_SAMPLE_BRANCH_HV|PERF_SAMPLE_BRANCH_ABORT_TX, sample_regs_user=0x8, sample_stack_user=0x9, clockid=CLOCK_MONOTONIC, sample_regs_intr=0x3, aux_watermark=4, sample_max_stack=5, aux_sample_size=7, sig_data=0x9, config3=0}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	attr = perfAttr(5, 72, 0, 0, 0, 0, 0, 7|5<<32, 0x12345, 4, 0x85)
	if got := show(t, Options{Verbose: true}, table.AMD64, "perf_event_open", failed(unix.EINVAL), attr, 0, 0, 0, 0); !strings.Contains(got, `bp_type=0x5 /* HW_BREAKPOINT_INVALID */, `) {
		t.Error(got)
	}
	attr = perfAttr(0, 72, 0, 0, 0, 0, 0, 7|3<<32, 0x12345, 4, 0x85)
	if got := show(t, Options{Verbose: true}, table.AMD64, "perf_event_open", failed(unix.EINVAL), attr, 0, 0, 0, 0); !strings.Contains(got, `wakeup_events=7, config1=0x12345, config2=0x4}`) {
		t.Error(got)
	}
}
