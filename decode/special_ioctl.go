package decode

import (
	"bytes"
	"sync"

	"github.com/k42trace/k42trace/table"
)

// An ioctlArg is what the third argument of ioctl is for a request.
type ioctlArg struct {
	kind  ioctlKind
	typ   *structType // of a struct,
	after *structType // and what the kernel makes of it, if that is shown otherwise
	set   *ConstSet   // of a number with names
	// native: it is a number like any other to programs that are not as wide as the kernel.
	native bool
	// always: where the call has failed, its address is shown for what it did not fill in.
	always bool
	// blank: what is all 0 before is not shown.
	blank bool
	// fd: the result is a descriptor; means are the names of what it is otherwise.
	fd    bool
	means *ConstSet
	// sized: there is another number with the size of other ABIs' structs.
	sized bool
	// entry decodes an argument of its own kind, and exit what there is to add; it may be nil.
	entry, exit func(e *Event)
}

// An ioctlTable has the arguments by request.
type ioctlTable map[uint64]ioctlArg

// ioctlFamilies fill the table with the requests of one driver each.
var ioctlFamilies []func(ioctlTable)

func (t ioctlTable) add(a ioctlArg, codes ...uint64) {
	for _, c := range codes {
		t[c] = a
	}
}

// in, out and inOut add requests with a struct that the kernel reads, fills, or both:
// then before is shown, and if the call succeeds what it gives, after.
func (t ioctlTable) in(s *structType, codes ...uint64) {
	t.add(ioctlArg{kind: ioctlIn, typ: s}, codes...)
}
func (t ioctlTable) out(s *structType, codes ...uint64) {
	t.add(ioctlArg{kind: ioctlOut, typ: s}, codes...)
}
func (t ioctlTable) inOut(before, after *structType, codes ...uint64) {
	t.add(ioctlArg{kind: ioctlInOut, typ: before, after: after}, codes...)
}

// grow adds requests with a struct to which more is added when the call succeeds.
func (t ioctlTable) grow(before, more *structType, codes ...uint64) {
	t.add(ioctlArg{kind: ioctlGrow, typ: before, after: more}, codes...)
}

type ioctlKind uint8

const (
	ioctlHex       ioctlKind = iota
	ioctlNone                // no argument
	ioctlInt                 // a number
	ioctlLong                // an unsigned long
	ioctlFD                  // a descriptor
	ioctlAddr                // an address of something
	ioctlFlags               // a number with names for its bits
	ioctlFlagsLong           // an unsigned long with such names
	ioctlEnum                // a number with a name
	ioctlString              // a string
	ioctlIn                  // a struct that the kernel reads
	ioctlOut                 // a struct that the kernel fills
	ioctlInOut               // a struct that it reads and fills, both shown
	ioctlGrow                // a struct of which the kernel fills in the rest
	ioctlPerfAttr            // struct perf_event_attr
	ioctlInterface           // a struct ifreq or ifconf
	ioctlOwn                 // what entry and exit make of it
)

func init() {
	addSpecial(special{entry: entryIoctl, exit: exitIoctl}, "ioctl")
	scalar("u64dec", sizesAll(8), Uint, (*reader).u64)
	flags := func(name string, set *ConstSet) {
		register(name, sizesAll(4), func(e *Event, name string, r *reader) { e.flags(name, 32, r.u32(), set) }).scalar = true
	}
	flags("fs_flags", setFSFlags)
	flags("tiocm", SetByName("tiocm"))
	register("char", sizesAll(1), func(e *Event, name string, r *reader) { e.bytes(name, r.addr, r.b, 1, false) })
	register("blkrange", sizesAll(16), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Array)
		e.num("", Uint, 64, r.u64())
		e.num("", Uint, 64, r.u64())
		e.close(outer)
	})
	register("ifname", sizesAll(ifNameSize), func(e *Event, name string, r *reader) {
		s := upToNUL(r.b)
		e.bytes(name, r.addr, s, uint64(len(s)), len(s) == ifNameSize)
	})
	register("rtc_time", sizesAll(36), decodeRTCTime)
}

// ioctlArgs returns the arguments by request. The table is made when it is first
// needed: many programs make no such call.
var ioctlArgs = sync.OnceValue(func() ioctlTable {
	args := make(ioctlTable, 512)
	requests := args.add
	named := func(kind ioctlKind, set string, codes ...uint64) {
		requests(ioctlArg{kind: kind, set: SetByName(set)}, codes...)
	}
	structs := func(kind ioctlKind, typ string, codes ...uint64) {
		requests(ioctlArg{kind: kind, typ: structs[typ], after: structs[typ]}, codes...)
	}
	none, number, fd := ioctlArg{kind: ioctlNone}, ioctlArg{kind: ioctlInt}, ioctlArg{kind: ioctlFD}

	// Terminals (asm-generic/ioctls.h).
	structs(ioctlOut, "termios", 0x5401, 0x5456)                // TCGETS, TIOCGLCKTRMIOS
	structs(ioctlOut, "int", 0x5419, 0x894b)                    // TIOCGSOFTCAR, SIOCOUTQNSD
	structs(ioctlIn, "int", 0x541a)                             // TIOCSSOFTCAR
	structs(ioctlIn, "termios", 0x5402, 0x5403, 0x5404, 0x5457) // TCSETS, TCSETSW, TCSETSF, TIOCSLCKTRMIOS
	structs(ioctlOut, "termio", 0x5405)                         // TCGETA
	structs(ioctlIn, "termio", 0x5406, 0x5407, 0x5408)          // TCSETA, TCSETAW, TCSETAF
	structs(ioctlOut, "termios2", 0x802c542a)                   // TCGETS2
	structs(ioctlIn, "termios2", 0x402c542b, 0x402c542c, 0x402c542d)
	requests(number, 0x5409, 0x540e, 0x5425)       // TCSBRK, TIOCSCTTY, TCSBRKP
	named(ioctlEnum, "tcxonc", 0x540a)             // TCXONC
	named(ioctlEnum, "tcflsh", 0x540b)             // TCFLSH
	requests(none, 0x540c, 0x540d, 0x541d)         // TIOCEXCL, TIOCNXCL, TIOCCONS
	requests(none, 0x5422, 0x5427, 0x5428)         // TIOCNOTTY, TIOCSBRK, TIOCCBRK
	requests(none, 0x541f, 0x5437, 0x5450, 0x5451) // TIOCSSERIAL, TIOCVHANGUP, FIONCLEX, FIOCLEX
	structs(ioctlOut, "pid", 0x540f, 0x5429)       // TIOCGPGRP, TIOCGSID
	structs(ioctlIn, "pid", 0x5410)                // TIOCSPGRP
	structs(ioctlOut, "int", 0x5411, 0x541b, 0x5424, 0x80045440)
	structs(ioctlIn, "int", 0x5420, 0x5421, 0x5423, 0x5452, 0x40045431) // TIOCPKT, FIONBIO, TIOCSETD, FIOASYNC, TIOCSPTLCK
	structs(ioctlOut, "winsize", 0x5413)
	structs(ioctlIn, "winsize", 0x5414)
	structs(ioctlOut, "tiocm", 0x5415)                // TIOCMGET
	structs(ioctlIn, "tiocm", 0x5416, 0x5417, 0x5418) // TIOCMBIS, TIOCMBIC, TIOCMSET
	structs(ioctlOut, "uint", 0x80045430, 0x80045432) // TIOCGPTN, TIOCGDEV
	structs(ioctlIn, "char", 0x5412)                  // TIOCSTI
	requests(none, 0x4b36, 0x4b37, 0x4b3c, 0x4b3d)    // KDENABIO, KDDISABIO, KDMAPDISP, KDUNMAPDISP

	// Files (linux/fs.h, linux/fiemap.h).
	requests(number, 0x40049409)           // FICLONE, a descriptor, which strace does not name
	requests(none, 0xc0045877, 0xc0045878) // FIFREEZE, FITHAW
	structs(ioctlOut, "fs_flags", 0x80086601, 0x80046601)
	structs(ioctlIn, "fs_flags", 0x40086602, 0x40046602)
	structs(ioctlOut, "fsxattr", 0x801c581f)
	structs(ioctlIn, "fsxattr", 0x401c5820)
	structs(ioctlOut, "fs_label", 0x81009431)
	structs(ioctlIn, "fs_label", 0x41009432)
	structs(ioctlIn, "fstrim_range", 0xc0185879)
	structs(ioctlIn, "file_clone_range", 0x4020940d)
	structs(ioctlInOut, "fiemap", 0xc020660b)
	// Block devices and loops (linux/fs.h, linux/loop.h).
	structs(ioctlOut, "u64dec", 0x80081272)                // BLKGETSIZE64
	requests(none, 0x125f, 0x1261, 0x1274, 0x1275, 0x1276) // BLKRRPART, BLKFLSBUF, BLKTRACESTART, -STOP, -TEARDOWN
	requests(number, 0x1262, 0x1264)                       // BLKRASET, BLKFRASET
	structs(ioctlIn, "int", 0x125d, 0x40081271)            // BLKROSET, BLKBSZSET
	structs(ioctlIn, "blkrange", 0x1277, 0x127d, 0x127f)   // BLKDISCARD, BLKSECDISCARD, BLKZEROOUT
	requests(fd, 0x4c00, 0x4c06)                           // LOOP_SET_FD, LOOP_CHANGE_FD
	requests(none, 0x4c01, 0x4c07, 0x4c82)                 // LOOP_CLR_FD, LOOP_SET_CAPACITY, LOOP_CTL_GET_FREE
	requests(number, 0x4c08, 0x4c09, 0x4c80, 0x4c81)       // LOOP_SET_DIRECT_IO, LOOP_SET_BLOCK_SIZE, LOOP_CTL_ADD, LOOP_CTL_REMOVE
	requests(none, 0xab03, 0xab04, 0xab05, 0xab06, 0xab08) // NBD_DO_IT, -CLEAR_SOCK, -CLEAR_QUE, -PRINT_DEBUG, -DISCONNECT
	requests(number, 0xab01, 0xab02, 0xab07, 0xab09)       // NBD_SET_BLKSIZE, -SIZE, -SIZE_BLOCKS, -TIMEOUT
	requests(fd, 0xab00)                                   // NBD_SET_SOCK
	named(ioctlFlags, "nbd_flags", 0xab0a)
	requests(none, 0x2202) // SG_GET_TIMEOUT

	// Sockets (linux/sockios.h); struct ifreq is in ifreq.go.
	structs(ioctlOut, "int", 0x8905)                 // SIOCATMARK
	structs(ioctlIn, "int", 0x8901, 0x8902, 0x8926)  // FIOSETOWN, SIOCSPGRP, SIOCSIFENCAP
	structs(ioctlOut, "int", 0x8903, 0x8904, 0x8925) // FIOGETOWN, SIOCGPGRP, SIOCGIFENCAP
	structs(ioctlIn, "ifname", 0x89a0, 0x89a1)       // SIOCBRADDBR, SIOCBRDELBR
	requests(ioctlArg{kind: ioctlInterface}, siocGIfConf, siocGIfName)
	for code := range ifreqs {
		args[code] = ioctlArg{kind: ioctlInterface}
	}

	// Others.
	named(ioctlFlags, "perf_ioc_flags", 0x2400, 0x2401, 0x2403)                                // PERF_EVENT_IOC_ENABLE, -DISABLE, -RESET
	requests(number, 0x2402, 0x40042409)                                                       // PERF_EVENT_IOC_REFRESH, -PAUSE_OUTPUT
	requests(fd, 0x2405, 0x40042408)                                                           // PERF_EVENT_IOC_SET_OUTPUT, -SET_BPF
	requests(number, 0x40044581, 0x40044590, 0x40044591)                                       // EVIOCRMFF, EVIOCGRAB, EVIOCREVOKE
	requests(none, 0x7001, 0x7002, 0x7003, 0x7004, 0x7005, 0x7006)                             // RTC_AIE_ON, ...
	requests(none, 0x700f, 0x7010, 0x7014)                                                     // RTC_WIE_ON, RTC_WIE_OFF, RTC_VL_CLR
	requests(number, 0x4008700c, 0x4008700e)                                                   // RTC_IRQP_SET, RTC_EPOCH_SET
	structs(ioctlOut, "rtc_time", 0x80247008, 0x80247009)                                      // RTC_ALM_READ, RTC_RD_TIME
	structs(ioctlIn, "rtc_time", 0x40247007, 0x4024700a)                                       // RTC_ALM_SET, RTC_SET_TIME
	structs(ioctlOut, "int", 0x80045200)                                                       // RNDGETENTCNT
	structs(ioctlIn, "int", 0x40045201)                                                        // RNDADDTOENTCNT
	requests(none, 0x5206, 0x5207)                                                             // RNDCLEARPOOL, RNDRESEEDCRNG
	requests(none, 0x80045705, 0x9406, 0x9407, 0x9408, 0x941c, 0x942e, 0x5000940c, 0x50009402) // WDIOC_KEEPALIVE, BTRFS_IOC_...
	for _, c := range ioctlAddresses {
		if _, known := args[uint64(c)]; !known {
			args[uint64(c)] = ioctlArg{kind: ioctlAddr}
		}
	}
	for _, c := range ioctlWithout {
		args[uint64(c)] = none
	}
	for _, fill := range ioctlFamilies {
		fill(args)
	}
	return args
})

// grown adds to the struct of the third argument what the kernel has filled in.
func (e *Event) grown(t *structType) {
	if e.arg(2).Kind != Struct {
		return
	}
	defer e.close(e.reopen())
	if !e.good() {
		if t.rest {
			e.cut()
		}
		return
	}
	b := e.readAll(e.args[2], t.size[e.abi])
	if b == nil {
		e.cut()
		return
	}
	t.members(e, e.reader(b, e.args[2]))
}

// reopen makes the third argument the parent of what follows, until close.
func (e *Event) reopen() (outer int32) {
	outer, e.parent = e.parent, argSlot+2
	return outer
}

// lastChanges makes the last member of the open struct one that the call has changed, to what
// now emits.
func (e *Event) lastChanges(now func()) {
	place := e.values[e.parent].last
	old := e.values[place]
	e.values[place] = Value{Name: old.Name, Kind: Change}
	outer := e.parent
	e.parent = place
	old.Name, old.next = "", 0
	e.emit(old)
	now()
	e.parent = outer
}

// lastBecomes is lastChanges for a member that is shown with its name again.
func (e *Event) lastBecomes(now func()) {
	place := e.values[e.parent].last
	old := e.values[place]
	e.values[place] = Value{Kind: Change, next: old.next}
	outer := e.parent
	e.parent = place
	old.next = 0
	e.emit(old)
	now()
	e.parent = outer
}

// latestChild returns the value that was made last of those that belong to the open one.
func (e *Event) latestChild() int32 { return e.values[e.parent].last }

// changed adds what the third argument has become, unless there is nothing to show of it.
func (e *Event) changed(t *structType) {
	defer e.close(e.reopen())
	before := e.arg(2).last
	e.emitStruct("", t, e.args[2])
	if v := e.arg(2); v.last != before && e.values[v.last].Kind == Struct && e.values[v.last].first == 0 {
		v.last, e.values[before].next = before, 0
	}
}

// blank reports whether n bytes at addr are all 0.
func (e *Event) blank(addr uint64, n int) bool {
	b := e.readAll(addr, n)
	return b != nil && len(bytes.Trim(b, "\x00")) == 0
}

// ioctlArg returns what the third argument is.
func (e *Event) ioctlArg() ioctlArg {
	a := ioctlArgs()[requestOf(e.abi, e.args[1])]
	if n := e.args[1]; a.kind == ioctlHex && n>>30 != 0 && n>>8&0xff == 'E' {
		a.kind = ioctlAddr // an input device's, by its letter
	}
	if a.native && e.abi.PointerBits() == 32 {
		a.kind = ioctlHex
	}
	if a.sized && a.typ.size[e.abi] != int(e.args[1]>>16&0x3fff) {
		a.kind = ioctlAddr
	}
	return a
}

func entryIoctl(e *Event) {
	v, num := e.arg(2), e.args[2]
	if e.abi == table.I386 {
		e.arg(1).Set = narrowSet()
	}
	if e.arg(1).Set == nil || e.arg(1).Set.name(e.args[1]) == "" {
		input, ok := e.macroRequest(e.args[1])
		if input {
			e.entryInput()
			return
		}
		if !ok {
			e.ioctlCode()
		}
	}
	a := e.ioctlArg()
	switch a.kind {
	case ioctlNone:
		e.drop(2)
	case ioctlInt:
		v.Kind, v.Bits, v.Num = Int, 32, uint64(uint32(num))
	case ioctlLong:
		v.Kind, v.Bits = Uint, longBits(e.abi)
	case ioctlFD:
		e.into(2)
		e.emitFD("", num, false)
	case ioctlAddr:
		v.Kind = Addr
	case ioctlFlags:
		v.Kind, v.Set, v.Bits, v.Num = Flags, a.set, 32, uint64(uint32(num))
	case ioctlFlagsLong:
		v.Kind, v.Set = Flags, a.set
	case ioctlEnum:
		v.Kind, v.Set = Enum, a.set
	case ioctlString:
		e.into(2)
		e.emitString("", num)
	case ioctlIn:
		e.pointer(2, a.typ, true)
	case ioctlOut:
		e.later(2)
	case ioctlInOut:
		if a.blank && e.blank(num, a.typ.size[e.abi]) {
			e.later(2)
			return
		}
		e.into(2)
		outer := e.begin("", Change)
		e.emitStruct("", a.typ, num)
		e.close(outer)
		e.later(2)
		e.partial = true
	case ioctlGrow:
		e.pointer(2, a.typ, true)
		e.later(2)
	case ioctlPerfAttr:
		if b := e.readAll(num, 8); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b[4:])), true
		}
		e.perfAttr(2, e.old)
	case ioctlInterface:
		e.later(2)
		e.keepIfreq()
	case ioctlOwn:
		e.into(2)
		a.entry(e)
	}
}

func exitIoctl(e *Event) {
	if v := e.arg(1); v.Kind == Macro && v.Bare && v.Num>>8&0xff == 'E' {
		e.exitInput()
		return
	}
	a := e.ioctlArg()
	e.ioctlResult(&a)
	switch a.kind {
	case ioctlOut:
		e.pointer(2, a.typ, e.good())
	case ioctlInOut:
		if v := e.arg(2); v.Kind != Change {
			e.pointer(2, a.after, e.good())
		} else if e.good() && !e.values[v.first].Failed && e.values[v.first].Kind != Addr {
			e.changed(a.after)
		} else if a.always && !e.good() && e.values[v.first].Kind == Struct {
			outer := e.reopen()
			e.emitAddr("", e.args[2], true)
			e.close(outer)
		}
	case ioctlGrow:
		e.grown(a.after)
	case ioctlInterface:
		e.exitIfreq()
	case ioctlOwn:
		if a.exit != nil {
			a.exit(e)
		}
	}
}

// ioctlResult decodes the result of a request that returns more than success.
func (e *Event) ioctlResult(a *ioctlArg) {
	switch {
	case !e.good():
	case a.fd:
		e.emitResult(FD)
	case a.means != nil && a.means.name(uint64(e.res.Raw())) != "":
		outer := e.note()
		e.enum("", 64, uint64(e.res.Raw()), a.means)
		e.close(outer)
	}
}

// decodeRTCTime decodes struct rtc_time of rtc(4), which is like struct tm.
func decodeRTCTime(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	for i, f := range [...]string{"tm_sec", "tm_min", "tm_hour", "tm_mday", "tm_mon", "tm_year", "tm_wday", "tm_yday", "tm_isdst"} {
		if i == 6 && !e.opts.Verbose {
			e.cut()
			return
		}
		e.num(f, Int, 32, r.u32())
	}
}
