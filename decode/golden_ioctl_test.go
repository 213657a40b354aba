package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestTermios(t *testing.T) {
	termios := func(in, out, control, local uint32) uint64 {
		return join(in, out, control, local, "\x00\x03\x1c"+strings.Repeat("\x00", 17))
	}
	ebadf := failed(unix.EBADF)
	const set = 0x5402
	checkGolden(t, Options{}, []golden{
		{`ioctl(0, TCGETS, {c_iflag=ICRNL|IXON, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON|ECHO|IEXTEN|ECHOCTL, ...}) = 0`, "ioctl", ok(0), []uint64{0, 0x5401, termios(0x500, 5, 0xbf, 0x820b)}},
		// Without bits there is nothing, and nothing behind the separator.
		{`ioctl(-1, SNDCTL_TMR_START or TCSETS, {c_iflag=, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|, c_cflag=B0|CS5|, c_lflag=, ...}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, set, termios(0, 0, 0, 0)}},
		{`ioctl(-1, SNDCTL_TMR_START or TCSETS, {c_iflag=0x8000, c_oflag=NL1|CR3|XTABS|BS1|VT1|FF1|0x10000, c_cflag=B57600|B75<<IBSHIFT|CS6|0x2000, c_lflag=0x20000, ...}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, set, termios(0x8000, 0x1ff00, 0x1001|2<<16|0x10|0x2000, 0x20000)}},
		{`ioctl(-1, TCSETA, {c_iflag=, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|, c_cflag=B0|CS5|CREAD, c_lflag=, ...}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x5406, join(uint16(0), uint16(0), uint16(0x80), uint16(0), strings.Repeat("\x00", 12))}},
		{`ioctl(-1, TCGETS, NULL) = -1 EFAULT (Bad address)`, "ioctl", failed(unix.EFAULT), []uint64{1<<32 - 1, 0x5401, 0}},
	})
	got := show(t, Options{Verbose: true}, table.AMD64, "ioctl", ok(0), 0, 0x802c542a, join(uint32(0), uint32(0), uint32(0), uint32(0), "\x00\x03"+strings.Repeat("\x00", 18), uint32(38400), uint32(9600)))
	for _, want := range []string{`c_line=N_TTY, c_cc=[[VINTR]=0x3, [VQUIT]=0, `, `[18]=0], c_ispeed=38400, c_ospeed=9600})`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

func TestIoctlNumbers(t *testing.T) {
	ebadf := failed(unix.EBADF)
	no := func(want string, code, arg uint64) golden {
		return golden{`ioctl(-1, ` + want + `) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, code, arg}}
	}
	checkGolden(t, Options{}, []golden{
		no(`BLKRRPART`, 0x125f, 8), no(`LOOP_SET_FD, 8`, 0x4c00, 8), no(`LOOP_CTL_GET_FREE`, 0x4c82, 8), no(`FIFREEZE`, 0xc0045877, 8),
		no(`TCXONC, TCOON`, 0x540a, 1), no(`TCFLSH, 0x8 /* TC??? */`, 0x540b, 8), no(`TCSBRKP, 3`, 0x5425, 3), no(`TIOCSBRK`, 0x5427, 8),
		no(`KDSETMODE, KD_GRAPHICS`, 0x4b3a, 1), no(`KDSKBMODE, K_UNICODE`, 0x4b45, 3), no(`KDSKBMODE, 8 /* K_??? */`, 0x4b45, 8),
		no(`KDSETLED, LED_SCR|LED_NUM`, 0x4b32, 3), no(`KDSIGACCEPT, SIGFPE`, 0x4b4e, 8),
		no(`PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP`, 0x2400, 1), no(`PERF_EVENT_IOC_REFRESH, 5`, 0x2402, 5),
		no(`NBD_SET_FLAGS, NBD_FLAG_HAS_FLAGS|NBD_FLAG_SEND_FLUSH`, 0xab0a, 5), no(`NS_GET_USERNS`, 0xb701, 8), no(`RTC_UIE_ON`, 0x7003, 8),
		no(`EVIOCGRAB, 1`, 0x40044590, 1), no(`EVIOCGNAME(64), 0x8`, 0x80404506, 8), no(`EVIOCGBIT(EV_KEY, 64), 0x8`, 0x80404521, 8),
		no(`EVIOCGBIT(0, 8), 0x8`, 0x80084520, 8), no(`EVIOCGABS(ABS_RX), 0x8`, 0x80184543, 8), no(`EVIOCSABS(ABS_X), 0x8`, 0x401845c0, 8),
		no(`DRM_IOCTL_VERSION, 0x8`, 0xc0406400, 8), no(`VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, 0x8`, 0x3b71, 8),
		no(`_IOC(_IOC_READ|_IOC_WRITE, 0x12, 0x34, 0x10), 0x5`, 0xc0101234, 5), no(`TIOCSTI, "a"`, 0x5412, cstr("a")),
		no(`SIOCBRDELBR, "br0"`, 0x89a1, cstr("br0")),
	})
}

func TestIfreq(t *testing.T) {
	name := func(s string) string { return s + strings.Repeat("\x00", 16-len(s)) }
	rest := strings.Repeat("\x00", 24)
	ifr := func(n string, parts ...any) uint64 { return join(append(append([]any{name(n)}, parts...), rest)...) }
	inet := []any{uint16(2), uint16(0), "\x01\x02\x03\x04", uint64(0)}
	enodev := failed(unix.ENODEV)
	checkGolden(t, Options{}, []golden{
		{`ioctl(3, SIOCGIFFLAGS, {ifr_name="lo", ifr_flags=IFF_UP|IFF_LOOPBACK|IFF_RUNNING}) = 0`, "ioctl", ok(0), []uint64{3, 0x8913, ifr("lo", uint16(0x49))}},
		{`ioctl(3, SIOCGIFFLAGS, {ifr_name="nope"}) = -1 ENODEV (No such device)`, "ioctl", enodev, []uint64{3, 0x8913, ifr("nope", uint16(0x49))}},
		{`ioctl(3, SIOCGIFFLAGS, 0x8) = -1 EFAULT (Bad address)`, "ioctl", failed(unix.EFAULT), []uint64{3, 0x8913, bad}},
		{`ioctl(3, SIOCGIFFLAGS, NULL) = -1 EFAULT (Bad address)`, "ioctl", failed(unix.EFAULT), []uint64{3, 0x8913, 0}},
		{`ioctl(3, SIOCGIFADDR, {ifr_name="lo", ifr_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("1.2.3.4")}}) = 0`, "ioctl", ok(0), []uint64{3, 0x8915, ifr("lo", inet...)}},
		{`ioctl(3, SIOCSIFNETMASK, {ifr_name="lo", ifr_netmask={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("1.2.3.4")}}) = -1 ENODEV (No such device)`, "ioctl", enodev, []uint64{3, 0x891c, ifr("lo", inet...)}},
		{`ioctl(3, SIOCGIFMTU, {ifr_name="lo", ifr_mtu=65536}) = 0`, "ioctl", ok(0), []uint64{3, 0x8921, ifr("lo", uint32(65536))}},
		{`ioctl(3, SIOCGIFHWADDR, {ifr_name="lo", ifr_hwaddr={sa_family=ARPHRD_LOOPBACK, sa_data=01:02:03:04:05:06}}) = 0`, "ioctl", ok(0), []uint64{3, 0x8927, ifr("lo", uint16(772), "\x01\x02\x03\x04\x05\x06")}},
		{`ioctl(3, SIOCSIFNAME, {ifr_name="lo", ifr_newname="l1"}) = 0`, "ioctl", ok(0), []uint64{3, 0x8923, ifr("lo", name("l1"))}},
		{`ioctl(3, SIOCGIFNAME, {ifr_ifindex=1, ifr_name="lo"}) = 0`, "ioctl", ok(0), []uint64{3, 0x8910, ifr("lo", uint32(1))}},
		{`ioctl(3, SIOCGIFMAP, {ifr_name="lo", ifr_map={mem_start=0x1, mem_end=0x2, base_addr=0, irq=0, dma=0, port=0}}) = 0`, "ioctl", ok(0), []uint64{3, 0x8970, ifr("lo", uint64(1), uint64(2), uint64(0))}},
		{`ioctl(3, SIOCGIFCONF, {ifc_len=40 /* 1 * sizeof(struct ifreq) */, ifc_buf=[{ifr_name="lo", ifr_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("1.2.3.4")}}]}) = 0`, "ioctl", ok(0), []uint64{3, 0x8912, words(40, ifr("lo", inet...))}},
		{`ioctl(3, SIOCGIFCONF, {ifc_len=80 /* 2 * sizeof(struct ifreq) */, ifc_buf=NULL}) = 0`, "ioctl", ok(0), []uint64{3, 0x8912, words(80, 0)}},
	})
	conf := [2]uint64{4000, ifr("lo", inet...)}
	e, c := event(t, Options{}, table.AMD64, "ioctl", 3, 0x8912, at(&conf))
	e.Entry(c)
	conf[0] = 40
	e.Exit(c, ok(0))
	if got, want := line(e), `ioctl(3, SIOCGIFCONF, {ifc_len=4000 /* 100 * sizeof(struct ifreq) */ => 40 /* 1 * sizeof(struct ifreq) */, ifc_buf=[{ifr_name="lo", `; !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIoctlStructs(t *testing.T) {
	ebadf := failed(unix.EBADF)
	loop := func() uint64 {
		b := make([]byte, 232)
		le.PutUint64(b[24:], 512)
		le.PutUint32(b[40:], 3)
		le.PutUint32(b[52:], 5)
		copy(b[56:], "/tmp/disk")
		return bytesAt(b)
	}()
	checkGolden(t, Options{}, []golden{
		{`ioctl(-1, BLKDISCARD, [0, 1048576]) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x1277, words(0, 1<<20)}},
		{`ioctl(4, FS_IOC_FSGETXATTR, {fsx_xflags=FS_XFLAG_NODUMP, fsx_extsize=0, fsx_nextents=1, fsx_projid=0, fsx_cowextsize=0}) = 0`, "ioctl", ok(0), []uint64{4, 0x801c581f, ints(0x80, 0, 1, 0, 0, 0, 0)}},
		{`ioctl(-1, FS_IOC_FSSETXATTR, {fsx_xflags=0, fsx_extsize=0, fsx_projid=0, fsx_cowextsize=0}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x401c5820, ints(0, 0, 1, 0, 0, 0, 0)}},
		{`ioctl(4, FITRIM, {start=0, len=0, minlen=0}) = -1 EINVAL (Invalid argument)`, "ioctl", failed(unix.EINVAL), []uint64{4, 0xc0185879, words(0, 0, 0)}},
		{`ioctl(-1, BTRFS_IOC_CLONE_RANGE or FICLONERANGE, {src_fd=3, src_offset=1, src_length=2, dest_offset=4}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x4020940d, words(3, 1, 2, 4)}},
		{`ioctl(4, FS_IOC_FIEMAP, {fm_start=0, fm_length=1048576, fm_flags=FIEMAP_FLAG_SYNC, fm_extent_count=4} => {fm_flags=FIEMAP_FLAG_SYNC, fm_mapped_extents=1, ...}) = 0`, "ioctl", ok(0), []uint64{4, 0xc020660b, join(uint64(0), uint64(1<<20), uint32(1), uint32(1), uint32(4), uint32(0))}},
		{`ioctl(4, FS_IOC_FIEMAP, {fm_start=0, fm_length=1048576, fm_flags=0, fm_extent_count=4}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{4, 0xc020660b, join(uint64(0), uint64(1<<20), uint32(0), uint32(1), uint32(4), uint32(0))}},
		{`ioctl(4, FS_IOC_FIEMAP, 0x8) = -1 EFAULT (Bad address)`, "ioctl", failed(unix.EFAULT), []uint64{4, 0xc020660b, bad}},
		{`ioctl(-1, LOOP_SET_STATUS64, {lo_offset=0x200, lo_number=3, lo_flags=LO_FLAGS_READ_ONLY|LO_FLAGS_AUTOCLEAR, lo_file_name="/tmp/disk", ...}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x4c04, loop}},
		{`ioctl(-1, RTC_SET_TIME, {tm_sec=1, tm_min=2, tm_hour=3, tm_mday=4, tm_mon=5, tm_year=6, ...}) = -1 EBADF (Bad file descriptor)`, "ioctl", ebadf, []uint64{1<<32 - 1, 0x4024700a, ints(1, 2, 3, 4, 5, 6, 7, 8, 9)}},
		{`ioctl(3, TIOCMGET, [TIOCM_DTR|TIOCM_RTS]) = 0`, "ioctl", ok(0), []uint64{3, 0x5415, ints(6)}},
	})
}
