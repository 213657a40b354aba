package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Requests of drivers: what the program gives, and what the kernel adds when the request
// succeeds.
func TestDriverRequests(t *testing.T) {
	fixed := func(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	const fd = 1<<32 - 1
	line := func(want string, res table.Result, code, arg uint64) golden {
		return golden{`ioctl(-1, ` + want, "ioctl", res, []uint64{fd, code, arg}}
	}
	ebadf := failed(unix.EBADF)
	const bad = `) = -1 EBADF (Bad file descriptor)`
	gpio := join(uint32(50), uint32(0xc), fixed("line name", 32), fixed("consumer", 32))
	checkGolden(t, Options{}, []golden{
		line(`GPIO_GET_LINEINFO_IOCTL, {line_offset=50} => {flags=GPIOLINE_FLAG_ACTIVE_LOW|GPIOLINE_FLAG_OPEN_DRAIN, name="line name", consumer="consumer"}) = 0`, ok(0), 0xc048b402, gpio),
		line(`GPIO_GET_LINEINFO_IOCTL, {line_offset=50}`+bad, ebadf, 0xc048b402, gpio),
		line(`GPIO_V2_LINE_GET_VALUES_IOCTL, {mask=0x2} => {bits=0x1}) = 0`, ok(0), 0xc010b40e, join(uint64(1), uint64(2))),
		line(`HDIO_GETGEO, {heads=2, sectors=3, cylinders=4, start=5}) = 0`, ok(0), 0x301, join("\x02\x03", uint16(4), zeros(4), uint64(5))),
		line(`HDIO_SET_NICE, 1 << IDE_NICE_DSC_OVERLAP|1 << IDE_NICE_2`+bad, ebadf, 0x329, 0x11),
		line(`EVIOCGBIT(0, 8), [EV_SYN EV_KEY EV_MSC EV_LED ...]) = 4`, ok(4), 0x80084520, join(uint32(0x120013), uint32(0))),
		line(`EVIOCGABS(ABS_Y), {value=1, minimum=2, ...}) = 0`, ok(0), 0x80184541, join(uint32(1), uint32(2), zeros(16))),
		line(`EVIOCSKEYCODE, [7, KEY_ESC]`+bad, ebadf, 0x40084504, join(uint32(7), uint32(1))),
		line(`WDIOC_SETTIMEOUT, [123]) = 0`, ok(0), 0xc0045706, join(uint32(123))),
		line(`SG_SCSI_RESET, [SG_SCSI_RESET_NO_ESCALATE|SG_SCSI_RESET_DEVICE]`+bad, ebadf, 0x2284, join(uint32(0x101))),
		line(`RNDADDENTROPY, {entropy_count=3, buf_size=8, buf="12345678"}`+bad, ebadf, 0x40085203, join(uint32(3), uint32(8), "12345678")),
		line(`PERF_EVENT_IOC_QUERY_BPF, {ids_len=7, prog_cnt=2, ids=[8, 9]}) = 0`, ok(0), 0xc008240a, join(uint32(7), uint32(2), uint32(8), uint32(9))),
		line(`PERF_EVENT_IOC_QUERY_BPF, {ids_len=7, ...}`+bad, ebadf, 0xc008240a, join(uint32(7), uint32(2))),
		line(`BLKPG, {op=BLKPG_DEL_PARTITION, flags=1, datalen=2, data=0x8}`+bad, ebadf, 0x1269, join(uint32(2), uint32(1), uint32(2), zeros(4), uint64(8))),
		line(`UBI_IOCEBMAP, {lnum=1, dtype=UBI_UNKNOWN}`+bad, ebadf, 0x40084f03, join(uint32(1), "\x03\x00\x00\x00")),
		line(`MIXER_READ(13) or OTPSELECT, [MTD_OTP_USER]`+bad, ebadf, 0x80044d0d, join(uint32(2))),
		line(`RTC_PARAM_GET, {param=RTC_PARAM_CORRECTION, index=3} => {svalue=-2}) = 0`, ok(0), 0x40187013, join(uint64(1), uint64(1<<64-2), uint32(3), uint32(0))),
		line(`LIRC_SET_SEND_MODE, [LIRC_MODE_PULSE]`+bad, ebadf, 0x40046911, join(uint32(2))),
		line(`UFFDIO_API, {api=0xaa, features=UFFD_FEATURE_SIGBUS, ioctls=1<<_UFFDIO_REGISTER|1<<_UFFDIO_API}) = 0`, ok(0), 0xc018aa3f, join(uint64(0xaa), uint64(0x80), uint64(1<<63|1))),
		line(`UFFDIO_WAKE, {start=0x1000, len=0x2000}`+bad, ebadf, 0x8010aa02, join(uint64(0x1000), uint64(0x2000))),
		line(`COUNTER_ADD_WATCH_IOCTL, {component={type=COUNTER_COMPONENT_COUNT, scope=COUNTER_SCOPE_SIGNAL, parent=1, id=2}, event=COUNTER_EVENT_INDEX, channel=3}`+bad, ebadf, 0x40063e00, join("\x02\x01\x01\x02\x04\x03")),
		{`arch_prctl(ARCH_GET_XCOMP_SUPP, [0x207 /* XFEATURE_MASK_FPSSE|XFEATURE_MASK_YMM|XFEATURE_MASK_PKRU */]) = 0`, "arch_prctl", ok(0), []uint64{0x1021, join(uint64(0x207))}},
		{`arch_prctl(ARCH_REQ_XCOMP_PERM, 0x12 /* XFEATURE_XTILE_DATA */) = 0x2 (XFEATURE_MASK_SSE)`, "arch_prctl", ok(2), []uint64{0x1023, 0x12}},
		{`futex(0x8, 0x101 /* FUTEX_??? */, 3) = -1 ENOSYS (Function not implemented)`, "futex", failed(unix.ENOSYS), []uint64{8, 0x101, 3}},
		{`kcmp(2, 3, KCMP_EPOLL_TFD, 4, {efd=5, tfd=6, toff=7}) = 0`, "kcmp", ok(0), []uint64{2, 3, 7, 4, join(uint32(5), uint32(6), uint32(7))}},
	})
}

// In the other styles a macro is the number that it makes, and names of bits are longs.
func TestStylesOfMacros(t *testing.T) {
	for _, test := range []struct {
		style      ConstStyle
		code, want string
	}{
		{ConstNames, "macro", `_IOC(_IOC_WRITE, 0x12, 0x34, 0)`},
		{ConstRaw, "macro", `0x40001234`},
		{ConstBoth, "macro", `0x40001234 /* _IOC(_IOC_WRITE, 0x12, 0x34, 0) */`},
	} {
		e := &Event{opts: &Options{}}
		e.clear()
		e.args[1] = 0x40001234
		e.ioctlCode()
		text := Text{Consts: test.style}
		if got := string(text.appendValue(nil, e, e.arg(1))); got != test.want {
			t.Errorf("style %d: %s, want %s", test.style, got, test.want)
		}
	}
}
