package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// request is a golden line of ioctl(-1, want.
func request(want string, res table.Result, code, arg uint64) golden {
	return golden{`ioctl(-1, ` + want, "ioctl", res, []uint64{1<<32 - 1, code, arg}}
}

const badFD = `) = -1 EBADF (Bad file descriptor)`

// Arguments that no program should give.
func TestOddArguments(t *testing.T) {
	einval, efault := failed(unix.EINVAL), failed(unix.EFAULT)
	checkGolden(t, Options{}, []golden{
		{`futex(0x8, 0xac00 /* FUTEX_??? */, 1, NULL) = -1 EINVAL (Invalid argument)`, "futex", einval, []uint64{bad, 0xac00, 1, 0, 5, 6}},
		{`futex(0x8, 0xac60 /* FUTEX_??? */, 1, NULL, 0x5, 0x6) = -1 EINVAL (Invalid argument)`, "futex", einval, []uint64{bad, 0xac60, 1, 0, 5, 6}},
		{`getdents64(3, NULL /* 0 entries */, 0) = 0`, "getdents64", ok(0), []uint64{3, 0, 0}},
		{`getpriority(PRIO_USER, -14) = -1 EINVAL (Invalid argument)`, "getpriority", einval, []uint64{2, 1<<32 - 14}},
		{`mincore(0x15, 0, []) = -1 EINVAL (Invalid argument)`, "mincore", einval, []uint64{0x15, 0, bad}},
		{`move_pages(1, 0, NULL, NULL, [], 0) = -1 EINVAL (Invalid argument)`, "move_pages", einval, []uint64{1, 0, 0, 0, bad, 0}},
		{`get_mempolicy(0x8, [], 0, 0x8, MPOL_F_NODE) = -1 EINVAL (Invalid argument)`, "get_mempolicy", einval, []uint64{bad, bad, 0, bad, 1}},
		{`wait4(7, [0xffffffff], 0, NULL) = 7`, "wait4", ok(7), []uint64{7, ints(1<<32 - 1), 0, 0}},
		{`socket(AF_AX25, SOCK_RAW, 0x7 /* AX25_P_VJUNCOMP */) = -1 EINVAL (Invalid argument)`, "socket", einval, []uint64{unix.AF_AX25, unix.SOCK_RAW, 7}},
		{`setsockopt(3, AF_VSOCK, SO_VM_SOCKETS_TRUSTED, NULL, 4) = -1 EFAULT (Bad address)`, "setsockopt", efault, []uint64{3, unix.AF_VSOCK, 5, 0, 4}},
		{`getsockopt(3, SOL_NETLINK, 0x4e /* NETLINK_??? */, [6], [8]) = 0`, "getsockopt", ok(0), []uint64{3, unix.SOL_NETLINK, 0x4e, ints(6, 7), ints(8)}},
		{`sched_getattr(1, {size=0}, 60, 0) = 0`, "sched_getattr", ok(0), []uint64{1, join(strings.Repeat("\x00", 60)), 60, 0}},
	})
}

// Consoles, and requests that are macros.
func TestConsoleRequests(t *testing.T) {
	ebadf := failed(unix.EBADF)
	zeros := strings.Repeat("\x00", 512)
	checkGolden(t, Options{}, []golden{
		request(`HIDIOCGPHYS(8), 0x8`+badFD, ebadf, 0x80084812, bad),
		request(`MIXER_WRITE(3), 0`+badFD, ebadf, 0x40044d03, 0),
		request(`MIXER_READ(118) or OSS_GETVERSION, 0`+badFD, ebadf, 0x80044d76, 0),
		request(`MIXER_WRITE(0) or MFB_SET_ALPHA, 0`+badFD, ebadf, 0x40014d00, 0),
		request(`UBI_IOCMKVOL, {vol_id=1, alignment=0, bytes=0, vol_type=0x11 /* UBI_???_VOLUME */, flags=0, name_len=0, name=""}`+badFD, ebadf, 0x40986f00, join(uint32(1), strings.Repeat("\x00", 12), "\x11", strings.Repeat("\x00", 135))),
		request(`HCIDEVUP, 0x8`+badFD, ebadf, 0x400448c9, bad),
		request(`APEI_ERST_CLEAR_RECORD, NULL`+badFD, ebadf, 0x40084501, 0),            // has the letter of input devices
		request(`_IOC(_IOC_WRITE, 0x70, 0xc, 0x4), 0x8`+badFD, ebadf, 0x4004700c, bad), // RTC_IRQP_SET in i386 alone
		request(`NS_GET_NSTYPE) = 131072 (CLONE_NEWNS)`, ok(0x20000), 0xb703, 0),
		request(`NS_GET_OWNER_UID, [1000]) = 0`, ok(0), 0xb704, ints(1000)),
		request(`KIOCSOUND, 440 /* 2711 Hz */`+badFD, ebadf, 0x4b2f, 440),
		request(`KDMKTONE, 1<<16|65535 /* 18 Hz, 1 ms */`+badFD, ebadf, 0x4b30, 0x1ffff),
		request(`KDMKTONE, 440 /* off */`+badFD, ebadf, 0x4b30, 440),
		request(`KDADDIO, 0x3c0 /* GPFIRST + 12 */`+badFD, ebadf, 0x4b34, 0x3c0),
		request(`KDSETLED, LED_NUM|LED_CAP|0xc8`+badFD, ebadf, 0x4b32, 0xfeedface),
		request(`KDSKBMODE, -2 /* K_??? */`+badFD, ebadf, 0x4b45, 1<<32-2),
		request(`KDSIGACCEPT, SIGHUP`+badFD, ebadf, 0x4b4e, 1),
		request(`KDGKBENT, {kb_table=K_SHIFTTAB, kb_index=69, kb_value=0x10 /* K(KT_LATIN, '\x10') */}) = 0`, ok(0), 0x4b46, join("\x01\x45", uint16(0x10))),
		request(`KDGKBENT, {kb_table=K_SHIFTTAB, kb_index=69}`+badFD, ebadf, 0x4b46, join("\x01\x45", uint16(0x10))),
		request(`KDSKBENT, {kb_table=1<<KG_CTRL, kb_index=0, kb_value=0x213 /* K_BARENUMLOCK */}`+badFD, ebadf, 0x4b47, join("\x04\x00", uint16(0x213))),
		request(`KDSKBSENT, {kb_func=KVAL(K_F2), kb_string="ab"}`+badFD, ebadf, 0x4b49, join("\x01ab", zeros)),
		request(`KDSKBDIACR, {kb_cnt=1, kbdiacr=[{diacr='a', base='\\', result='\xff'}]}`+badFD, ebadf, 0x4b4b, join(uint32(1), "a\\\xff")),
		request(`KDGETKEYCODE, {scancode=0x1, keycode=0x2 => 0x2}) = 0`, ok(0), 0x4b4c, ints(1, 2)),
		request(`GIO_UNIMAP, {entry_ct=1 => 1, entries=[{unicode=0x20, fontpos=0x30}]}) = 0`, ok(0), 0x4b66, words(1, ints(0x300020))),
		request(`GIO_UNIMAP, {entry_ct=1 => 1, entries=0x8}`+badFD, ebadf, 0x4b66, words(1, bad)),
		request(`KDFONTOP, {op=KD_FONT_OP_SET_DEFAULT, width=1, height=2, data="name"} => {width=1, height=2}) = 0`, ok(0), 0x4b72, join(uint32(2), uint32(0), uint32(1), uint32(2), uint64(0), words(uint64(0x656d616e)))),
	})
}
