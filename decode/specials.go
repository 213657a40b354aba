package decode

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// specials are the calls of which their signatures do not tell all, by name.
var specials = make(map[string]*special, 256)

// special adds a row to specials for each of names.
func addSpecial(s special, names ...string) {
	for _, n := range names {
		specials[n] = &s
	}
}

// good reports whether the call has succeeded.
func (e *Event) good() bool { return !e.res.ShownFailed() && !e.res.Gone() }

// note begins an explanation of the result: what is emitted until close.
func (e *Event) note() (outer int32) {
	outer, e.parent = e.parent, noteSlot
	return outer
}

// timeout notes that a call returned because its time was over.
func (e *Event) timeout() {
	outer := e.note()
	e.emit(Value{Kind: Symbol, Symbol: "Timeout"})
	e.close(outer)
}

// drop shows no more than the first n arguments.
func (e *Event) drop(n int) {
	e.order = e.plan.show[:min(n, len(e.plan.show))]
	e.shown = min(e.shown, n)
}

// later leaves all arguments from the nth on to Exit.
func (e *Event) later(n int) { e.shown = min(e.shown, n) }

// into makes argument i the next that is emitted.
func (e *Event) into(i int) { e.slot = argSlot + int32(i) }

// pointer emits, into argument i, what its address points to, if that is good
// to read.
func (e *Event) pointer(i int, t *structType, good bool) {
	e.into(i)
	if !good || t == nil || t.size[e.abi] == 0 {
		e.emitAddr("", e.args[i], true)
		return
	}
	e.emitStruct("", t, e.args[i])
}

func init() {
	// The mode of a file counts only if one is created.
	mode := func(at int) special {
		return special{entry: func(e *Event) {
			if e.args[at-1]&oCreateMask == 0 {
				e.drop(at)
			}
		}}
	}
	addSpecial(mode(2), "open")
	addSpecial(special{entry: func(e *Event) {
		const creat = 0x40
		if e.args[1]&creat == 0 {
			e.drop(2)
		}
	}}, "mq_open")
	addSpecial(mode(3), "openat")
	addSpecial(special{entry: func(e *Event) {
		e.into(2)
		e.emitVariable("", structs["open_how"], e.args[2], e.args[3])
	}}, "openat2")
	// These take some flags of open, but no access mode.
	noMode := func(at int) special {
		return special{entry: func(e *Event) { e.arg(at).Set = setPipeFlags }}
	}
	addSpecial(noMode(1), "pipe2")
	addSpecial(noMode(2), "dup3")

	// A device number counts only for devices.
	dev := func(at int) special {
		return special{entry: func(e *Event) {
			if !isDevice(e.args[at-1]) {
				e.drop(at)
			}
		}}
	}
	addSpecial(dev(2), "mknod")
	addSpecial(dev(3), "mknodat")

	addSpecial(special{exit: exitDents}, "getdents", "getdents64")
	addSpecial(special{entry: entrySendfile, exit: exitSendfile}, "sendfile", "sendfile64")
	addSpecial(special{entry: func(e *Event) {
		// Random bytes are no text.
		e.later(0)
	}, exit: func(e *Event) { e.values[argSlot].Raw = true }}, "getrandom")
	addSpecial(special{entry: func(e *Event) {
		const mayMove, fixed = 1, 2
		if e.args[3]&(mayMove|fixed) != mayMove|fixed {
			e.drop(4)
		}
	}}, "mremap")
	addSpecial(special{entry: func(e *Event) {
		const cpu = 1
		if e.args[1]&cpu == 0 {
			e.drop(2)
		}
	}, exit: func(e *Event) {
		const query = 0
		if e.good() && e.args[0] == query && e.res.Value() != 0 {
			e.values[resultSlot].Kind = Hex
			outer := e.note()
			parts := e.begin("", Or) // of one: -X tells how this explanation is shown
			e.flags("", 64, uint64(e.res.Value()), SetByName("membarrier_cmd"))
			e.close(parts)
			e.close(outer)
		}
	}}, "membarrier")
	addSpecial(special{entry: func(e *Event) {
		// The length is an int, but no negative one.
		e.arg(1).Kind = Uint
		if e.args[1] > maxNodeName {
			e.set(0, Value{Kind: Addr, Bits: 64, Num: e.args[0]})
		}
	}}, "sethostname", "setdomainname")
	// The second descriptor is another process's.
	addSpecial(special{entry: func(e *Event) {
		e.set(1, Value{Kind: FD, Bits: 32, Num: e.args[1]})
		pidfd, fd := int(int32(e.args[0])), int(int32(e.args[1]))
		if f := e.opts.OtherFD; f != nil && e.thread != nil && pidfd >= 0 && fd >= 0 {
			e.inquired = true
			if name, ok := f(e.thread, pidfd, fd); ok {
				e.nameFD(e.arg(1), name)
			}
		}
	}}, "pidfd_getfd")
	addSpecial(special{exit: func(e *Event) {
		if e.args[1] == 0 && e.args[4] != 0 { // though the call has failed
			e.set(4, Value{Name: e.arg(4).Name, Kind: Array, Num: e.args[4]})
		}
	}}, "move_pages")
	addSpecial(special{exit: exitSleep(1)}, "nanosleep")
	addSpecial(special{exit: exitSleep(3)}, "clock_nanosleep", "clock_nanosleep_time64")
	addSpecial(special{entry: func(e *Event) {
		addr, ok := sigframeMask(e.abi, e.sp)
		if !ok || e.sp == 0 {
			return
		}
		e.into(0)
		outer := e.begin("", Struct)
		if b := e.readAll(addr, 8); b != nil {
			e.num("mask", SigSet, 64, le.Uint64(b))
		} else {
			e.emitAddr("mask", addr, true)
		}
		e.close(outer)
		e.show(0)
		e.shown = 1
	}}, "rt_sigreturn")
	addSpecial(special{entry: func(e *Event) {
		// i386's, whose stack pointer is at a struct sigcontext. Its oldmask has the first
		// 32 signals; the others are behind what has room for the floating-point state.
		const oldMask, others = 80, 88 + 624
		first, rest := e.readAll(e.sp+oldMask, 4), e.readAll(e.sp+others, 4)
		e.into(0)
		e.show(0)
		e.shown = 1
		if first == nil || rest == nil {
			e.emitAddr("", e.sp, true)
			return
		}
		outer := e.begin("", Struct)
		e.num("mask", SigSet, 64, uint64(le.Uint32(first))|uint64(le.Uint32(rest))<<32)
		e.close(outer)
	}}, "sigreturn")
	addSpecial(special{exit: func(e *Event) {
		if sig := e.res.Value(); e.good() && sig > 0 && sig <= 64 {
			outer := e.note()
			if name := SignalName(int(sig)); name != "" {
				e.emit(Value{Kind: Symbol, Symbol: name}) // whatever -X says
			} else {
				e.num("", Signal, 32, uint64(sig))
			}
			e.close(outer)
		}
	}}, "rt_sigtimedwait", "rt_sigtimedwait_time64")
	addSpecial(special{exit: func(e *Event) {
		if e.good() && e.res.Value() != 0 {
			outer := e.note()
			e.emit(Value{Kind: Date, Bits: 64, Num: uint64(e.res.Value())})
			e.close(outer)
		}
	}}, "time")
	// wait4 fills in nothing if there is nothing to tell yet.
	addSpecial(special{exit: func(e *Event) {
		if e.good() && e.res.Value() == 0 {
			e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
			if len(e.plan.args) > 3 {
				e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
			}
		}
	}}, "wait4", "waitpid")
	// With a size of 0 these tell how much there is, and fill in nothing.
	sized := func(buf, size int) special {
		return special{exit: func(e *Event) {
			if e.args[size] == 0 {
				e.set(buf, Value{Kind: Addr, Bits: 64, Num: e.args[buf]})
			}
		}}
	}
	addSpecial(sized(1, 2), "listxattr", "llistxattr", "flistxattr")
	addSpecial(special{exit: func(e *Event) {
		if e.good() && setSchedPolicy.name(uint64(e.res.Value())) != "" {
			noteEnum("sched_policy")(e)
		}
	}}, "sched_getscheduler")
	addSpecial(special{exit: exitAffinity}, "sched_getaffinity")
	addSpecial(special{entry: func(e *Event) {
		const query = 0xffffffff
		if e.args[0] == query {
			e.arg(0).Kind = Hex
		} else {
			e.inFields(0, 0xff, setPersonalities, setPersonality)
		}
	}, exit: func(e *Event) {
		if e.good() {
			e.values[resultSlot].Kind = Hex
			num := uint64(e.res.Value())
			outer := e.note()
			inner := e.open(Value{Kind: Or, Bits: 64, Num: num})
			e.enum("", 64, num&0xff, setPersonalities)
			if rest := num &^ 0xff; rest != 0 {
				e.flags("", 64, rest, setPersonality)
			}
			e.close(inner)
			e.close(outer)
		}
	}}, "personality")
	addSpecial(special{need: 6, entry: entryMmap}, "mmap", "mmap2")
	addSpecial(special{entry: func(e *Event) { e.mapFlags(4) }}, "remap_file_pages")
	addSpecial(special{entry: func(e *Event) {
		e.into(0)
		e.emitShort("", e.args[0], memfdName)
		size := e.args[1] & hugeMask
		if size == 0 {
			return
		}
		set := e.arg(1).Set
		e.into(1)
		outer := e.open(Value{Kind: Or, Bits: 32, Num: e.args[1], Set: set, Whole: true})
		if rest := e.args[1] &^ size; rest != 0 {
			e.flags("", 32, rest, set)
		}
		e.hugeSize(size, "MFD_HUGE_SHIFT")
		e.close(outer)
	}}, "memfd_create")
	addSpecial(special{entry: func(e *Event) {
		const priority = 0x7fff
		flags, set := e.args[1]&^priority, e.arg(1).Set
		e.into(1)
		if flags == 0 {
			e.num("", Uint, 32, e.args[1])
			return
		}
		outer := e.open(Value{Kind: Or, Bits: 32, Num: e.args[1], Set: set})
		e.flags("", 32, flags, set)
		e.num("", Uint, 32, e.args[1]&priority)
		e.close(outer)
	}}, "swapon")
	addSpecial(special{entry: func(e *Event) { e.inFields(0, 0xc, setFanClasses, setFanFlags) }}, "fanotify_init")
	addSpecial(special{entry: func(e *Event) {
		const nofd = 1<<32 - 1
		for i := range e.plan.args {
			if e.plan.args[i].Kind == table.DirFD && e.args[i] == nofd {
				e.set(i, Value{Kind: Named, Bits: 32, Num: nofd, Symbol: "FAN_NOFD"})
			}
		}
	}}, "fanotify_mark")
	addSpecial(special{entry: entryMount}, "mount")
	// Of these strace shows more of some registers than the kernel reads.
	addSpecial(wide(Hex, 0, 1, 2, 3), "rseq")
	addSpecial(wide(Hex, 0), "set_tid_address", "sysfs", "vm86old")
	addSpecial(special{exit: func(e *Event) {
		if e.args[0] == 0 {
			e.arg(0).Kind = Hex
		}
	}}, "olduname", "oldolduname")
	addSpecial(wide(Hex, 0, 1), "stty", "gtty", "ulimit")
	addSpecial(wide(Hex, 0, 1, 2, 3), "profil")
	addSpecial(wide(Uint, 2), "readlink")
	addSpecial(special{entry: func(e *Event) {
		e.socketType(1)
		wide(Uint, 2).entry(e)
	}}, "socketpair")
	addSpecial(wide(Uint, 3), "readlinkat")
	addSpecial(special{entry: func(e *Event) {
		const most = 65536 // NGROUPS_MAX
		if e.args[0] > most {
			e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
		}
	}}, "setgroups", "setgroups32")
	addSpecial(special{entry: func(e *Event) {
		if e.args[2] != 16 {
			e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
		}
	}, exit: func(e *Event) {
		// On x86-64 its errors are 32-bit numbers.
		if num := e.res.Value(); e.good() && num>>32 == 0 && int32(num) < 0 && int32(num) >= -4095 {
			text := AppendErrno(append(strconv.AppendInt(nil, num, 10), ' '), unix.Errno(-int32(num)))
			e.values[resultSlot] = Value{Kind: Symbol, Bits: 64, Symbol: string(text)}
		}
	}}, "modify_ldt")
	// The value of an attribute is often text with its NUL.
	addSpecial(special{entry: func(e *Event) {
		const most = 65536 // XATTR_SIZE_MAX
		e.into(2)
		if e.args[3] > most {
			e.emitAddr("", e.args[2], true)
		} else {
			e.emitEnded("", e.args[2], e.args[3])
		}
	}}, "setxattr", "lsetxattr", "fsetxattr")
	addSpecial(special{exit: func(e *Event) {
		if e.good() {
			noteEnded(e.arg(2))
		}
		if e.args[3] == 0 {
			e.set(2, Value{Kind: Addr, Bits: 64, Num: e.args[2]})
		}
	}}, "getxattr", "lgetxattr", "fgetxattr")
	addSpecial(special{entry: func(e *Event) { e.later(1) }, exit: func(e *Event) {
		e.pointer(1, e.plan.args[1].typ, e.good())
	}}, "io_setup")
	addSpecial(special{entry: func(e *Event) {
		const restart2 = 0xa1b2c3d4
		if e.args[2] != restart2 {
			e.drop(3)
			return
		}
		e.into(3)
		e.emitShort("", e.args[3], rebootArg)
	}}, "reboot")
	addSpecial(special{entry: func(e *Event) { e.who(1) }, exit: func(e *Event) {
		if e.good() {
			outer := e.note()
			e.ioprio("", 0, uint64(e.res.Value()))
			e.close(outer)
		}
	}}, "ioprio_get")
	addSpecial(special{entry: func(e *Event) {
		e.who(1)
		e.into(2)
		e.ioprio("", 32, e.args[2])
	}}, "ioprio_set")
	addSpecial(special{entry: func(e *Event) { e.who(0) }}, "getpriority", "setpriority")
	addSpecial(special{entry: func(e *Event) {
		// Two arguments are one number, the upper half first.
		e.set(1, Value{Kind: Int, Bits: 64, Num: e.args[1]<<32 | e.args[2]})
		e.showOnly(0, 1, 3, 4)
		e.shown = 2
	}}, "_llseek")
	addSpecial(special{exit: func(e *Event) {
		if b := e.readAll(e.args[0], 16); e.good() && b != nil {
			outer := e.note()
			e.emit(Value{Name: "entry_number", Kind: Uint, Bits: 32, Num: uint64(le.Uint32(b)), Equals: true})
			e.close(outer)
		}
	}}, "set_thread_area")
	addSpecial(special{entry: entrySyslog}, "syslog")
	addSpecial(special{entry: func(e *Event) {
		const file, vm, sysvsem, epoll = 0, 1, 6, 7
		switch op := e.args[2]; {
		case op == file:
			for i := 3; i < 5; i++ {
				e.into(i)
				e.fdOf("", e.args[i-3], e.args[i])
			}
		case op == epoll:
			e.into(3)
			e.fdOf("", e.args[0], e.args[3])
			e.pointer(4, kcmpSlot, true)
		case op >= vm && op <= sysvsem:
			e.drop(3)
		}
	}}, "kcmp")
	sizes := &structType{size: sizesAll(6), decode: record(
		field{"seccomp_notif", Uint, 2, nil}, field{"seccomp_notif_resp", Uint, 2, nil}, field{"seccomp_data", Uint, 2, nil})}
	addSpecial(special{entry: entrySeccomp, exit: func(e *Event) {
		const notifSizes = 3
		if e.args[0] == notifSizes {
			e.pointer(2, sizes, e.good())
		}
	}}, "seccomp")
	addSpecial(special{entry: entryArchPrctl, exit: exitArchPrctl}, "arch_prctl")
	addSpecial(special{exit: func(e *Event) {
		// There may be nothing to report.
		e.values[resultSlot].Kind = Int
	}}, "waitid")
}

// kcmpSlot is struct kcmp_epoll_slot: descriptors of the second process.
var kcmpSlot = &structType{size: sizesAll(12), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.fdOf("efd", e.args[1], r.u32())
	e.fdOf("tfd", e.args[1], r.u32())
	e.num("toff", Uint, 32, r.u32())
	e.close(outer)
}}

// fdOf emits a descriptor of the process pid.
func (e *Event) fdOf(name string, pid, fd uint64) {
	e.inquired = true
	if e.thread != nil && int(int32(pid)) == e.thread.Process().PID() {
		e.emitFD(name, fd, false)
		return
	}
	if f := e.opts.ProcessFD; f != nil && e.thread != nil && int32(pid) > 0 && int32(fd) >= 0 {
		if called, ok := f(e.thread, int(int32(pid)), int(int32(fd))); ok {
			v := e.next()
			v.Kind, v.Name, v.Bits, v.Num = FD, name, 32, uint64(uint32(fd))
			e.nameFD(v, called)
			return
		}
	}
	e.num(name, Int, 32, uint64(uint32(fd)))
}

// noteEnum explains a result by the set of the name set.
func noteEnum(set string) func(e *Event) {
	return func(e *Event) {
		if e.good() {
			outer := e.note()
			e.enum("", 64, uint64(e.res.Value()), SetByName(set))
			e.close(outer)
		}
	}
}

// exitSleep decodes what is left of a sleep that was interrupted, at rem. The
// kernel writes nothing else there.
func exitSleep(rem int) func(e *Event) {
	return func(e *Event) {
		// A sleep until some time needs none.
		interrupted := (e.res.Restarting() || e.res.Errno() == eintr) && (rem < 2 || e.args[rem-2] == 0)
		e.pointer(rem, e.plan.args[rem].typ, interrupted)
	}
}

// exitAffinity decodes the mask that the kernel filled, as many bytes as it
// returned.
func exitAffinity(e *Event) {
	if !e.good() {
		return
	}
	e.into(2)
	e.affinity(e.args[2], uint64(max(e.res.Value(), 0)))
}

const memfdName = 250 // bytes of a name that memfd_create reads

const rebootArg = 255 // and of the argument of reboot

const maxNodeName = 64 // __NEW_UTS_LEN

const maxCPUSet = 1024 / 8 // of which more are not shown

const eintr = 4

// entryMmap shows the size of huge pages, which the flags have as a number.
func entryMmap(e *Event) {
	if e.name == "mmap2" { // the offset is in pages of 4096 bytes
		e.arg(5).Num, e.arg(5).Bits = e.args[5]<<12, 64
	}
	e.mapFlags(3)
}

// mapFlags takes argument i apart: what kind of a mapping, flags, and the size of
// huge pages.
func (e *Event) mapFlags(i int) {
	const typeMask = 0xf
	v := e.arg(i)
	num, set := e.args[i]&(1<<32-1), v.Set
	v.Num, v.Bits = num, 32
	size := num & hugeMask
	if size == 0 && setMapTypes.name(num&typeMask) != "" {
		return
	}
	e.into(i)
	outer := e.open(Value{Kind: Or, Bits: 32, Num: num, Set: set, Whole: true})
	if setMapTypes.name(num&typeMask) != "" {
		e.flags("", 32, num&^size, set)
	} else {
		e.enum("", 32, num&typeMask, setMapTypes)
		if rest := num &^ (typeMask | size); rest != 0 {
			e.flags("", 32, rest, setMapFlags)
		}
	}
	if size != 0 {
		e.hugeSize(size, "MAP_HUGE_SHIFT")
	}
	e.close(outer)
}

var (
	setMapTypes = SetByName("mmap_type")
	setMapFlags = SetByName("mmap_flags").plain().withPrefix("")
)

// hugeMask are the bits of flags that are the logarithm of the size of huge pages
// (asm-generic/hugetlb_encode.h).
const hugeMask, hugeShift = 0x3f << 26, 26

// hugeSize emits that size: 21<<MAP_HUGE_SHIFT.
func (e *Event) hugeSize(size uint64, symbol string) {
	outer := e.open(Value{Kind: Shifted, Bits: 32, Num: size})
	e.num("", Uint, 32, size>>hugeShift)
	e.emit(Value{Kind: Named, Bits: 8, Symbol: symbol, Num: hugeShift})
	e.close(outer)
}

// ioprio emits an I/O priority: a class and a number in it (ioprio_set(2)). bits is 0 where
// the number is shown already.
func (e *Event) ioprio(name string, bits uint8, num uint64) {
	const shift = 13
	outer := e.open(Value{Name: name, Kind: Macro, Symbol: "IOPRIO_PRIO_VALUE", Bits: bits, Num: num, Decimal: true})
	e.enum("", 32, num>>shift, setIoprioClass)
	e.num("", Uint, 32, num&(1<<shift-1))
	e.close(outer)
}

var setLogLevels = SetByName("log_level")

// entrySyslog shows the buffer only to the actions that fill it.
func entrySyslog(e *Event) {
	v := e.arg(0)
	num, set := v.Num, v.Set
	e.into(0)
	outer := e.open(Value{Kind: Noted, Bits: 32, Num: num})
	e.num("", Int, 32, num)
	if set != nil && set.name(num) != "" {
		e.enum("", 32, num, set)
	} else {
		e.emit(Value{Kind: Symbol, Symbol: "SYSLOG_ACTION_???"})
	}
	e.close(outer)
	const closeLog, openLog, read, readAll, readClear, clearLog, consoleOff, consoleOn, consoleLevel, unread, size = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
	switch num {
	case read, readAll, readClear:
	case consoleLevel:
		e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
		e.into(2)
		outer := e.begin("", Noted)
		e.num("", Int, 32, e.args[2])
		if name := setLogLevels.name(e.args[2]); name != "" {
			e.emit(Value{Kind: Symbol, Symbol: name})
		} else {
			e.emit(Value{Kind: Symbol, Symbol: setLogLevels.Prefix + "???"})
		}
		e.close(outer)
		e.shown = 3
	case closeLog, openLog, clearLog, consoleOff, consoleOn, unread, size:
		e.drop(1)
		e.shown = 1
	default:
		e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
		e.shown = 3
	}
}

// wide shows arguments as they are in the registers.
func wide(kind Kind, args ...int) special {
	return special{entry: func(e *Event) {
		for _, i := range args {
			e.set(i, Value{Kind: kind, Bits: longBits(e.abi), Num: e.raw[i]})
		}
	}}
}

// inFields emits argument i as a number with a name, in the bits of mask, and
// flags.
func (e *Event) inFields(i int, mask uint64, field, flags *ConstSet) {
	num := e.args[i]
	e.into(i)
	outer := e.open(Value{Kind: Or, Bits: 64, Num: num, Set: flags})
	e.enum("", 64, num&mask, field)
	if rest := num &^ mask; rest != 0 {
		e.flags("", 64, rest, flags)
	}
	e.close(outer)
}

var (
	setKexecArchs    = SetByName("kexec_arch")
	setKexecFlags    = SetByName("kexec_flags").plain()
	setFanClasses    = SetByName("fanotify_class")
	setFanFlags      = SetByName("fanotify_init_flags").plain()
	setPersonalities = SetByName("personality_type")
	setPersonality   = SetByName("personality").plain().withPrefix("")
)

// entryMount shows as text what a mount uses: changes of mounts have no type, and
// most of them no data.
func entryMount(e *Event) {
	const remount, magic, magicMask = 0x20, 0xc0ed0000, 0xffff0000
	const changes = 0x1000 | 0x2000 | 1<<17 | 1<<18 | 1<<19 | 1<<20 // MS_BIND, MS_MOVE, MS_UNBINDABLE to MS_SHARED
	num := e.args[3]
	if num&magicMask == magic {
		num &^= magicMask
		set := e.arg(3).Set
		e.into(3)
		outer := e.open(Value{Kind: Or, Bits: 64, Num: e.args[3], Set: set})
		e.emit(Value{Kind: Symbol, Symbol: "MS_MGC_VAL", Num: magic})
		if num != 0 {
			e.flags("", 64, num, set)
		}
		e.close(outer)
	}
	switch {
	case num&remount != 0:
		e.set(2, Value{Kind: Addr, Bits: 64, Num: e.args[2]})
	case num&changes != 0:
		e.set(2, Value{Kind: Addr, Bits: 64, Num: e.args[2]})
		e.set(4, Value{Kind: Addr, Bits: 64, Num: e.args[4]})
	}
}

func entrySeccomp(e *Event) {
	const strict, filter, actionAvail = 0, 1, 2
	if e.args[0] != filter {
		e.arg(1).Kind = Hex
	}
	if e.args[0] == 3 { // SECCOMP_GET_NOTIF_SIZES
		e.later(2)
	}
	switch e.args[0] {
	case filter:
		e.pointer(2, structs["sock_fprog"], true)
	case actionAvail:
		e.into(2)
		b := e.readAll(e.args[2], 4)
		if b == nil {
			e.emitAddr("", e.args[2], true)
			return
		}
		outer := e.open(Value{Kind: Array, Num: e.args[2]})
		e.enum("", 32, uint64(le.Uint32(b)), setSeccompAction)
		e.close(outer)
	}
}

// who makes the second argument what the first says that it is: a process, a group or a
// user. The first's values begin with that for a process (getpriority(2), ioprio_get(2)).
func (e *Event) who(process uint64) {
	switch kinds := []Kind{PID, Group, Int}; {
	case e.args[0]&(1<<32-1)-process < uint64(len(kinds)):
		e.set(1, Value{Kind: kinds[e.args[0]&(1<<32-1)-process], Bits: 32, Num: uint64(uint32(e.args[1]))})
	}
}
