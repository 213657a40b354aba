package decode

import "github.com/k42trace/k42trace/table"

// What the last argument of msgctl(2), shmctl(2) and semctl(2) points to depends
// on the command (asm-generic/ipcbuf.h and its neighbours). In i386's layouts times
// have their upper halves in members of their own, which nobody shows.

// Commands that all three have (linux/ipc.h).
const (
	ipcSet  = 1
	ipcStat = 2
	ipcInfo = 3

	// ipc64 asks for the structs of today. 64-bit ABIs have no others.
	ipc64 = 0x100
)

func init() {
	num := func(name string, size width) field {
		if size == 8 {
			return field{name, Uint, size, nil}
		}
		return field{name, Int, size, nil}
	}
	uint32s := func(name string) field { return field{name, Uint, 4, nil} }
	pid := func(name string) field { return field{name, PID, 4, nil} }

	// high is the upper half of what comes before.
	high := field{size: 4}
	qbytes := part{88, []field{{"msg_qbytes", Uint, 8, nil}}}
	qbytes32 := part{68, []field{{"msg_qbytes", Uint, 4, nil}}}
	status := byWidth(ipcStruct("msg_perm", 120,
		part{48, []field{num("msg_stime", 8), num("msg_rtime", 8), num("msg_ctime", 8)}},
		part{80, []field{{"msg_qnum", Uint, 8, nil}, {"msg_qbytes", Uint, 8, nil}, pid("msg_lspid"), pid("msg_lrpid")}}),
		ipcStruct("msg_perm", 88,
			part{36, []field{uint32s("msg_stime"), high, uint32s("msg_rtime"), high, uint32s("msg_ctime"), high}},
			part{64, []field{uint32s("msg_qnum"), uint32s("msg_qbytes"), pid("msg_lspid"), pid("msg_lrpid")}}))
	info := ipcNumbers(32, 32,
		num("msgpool", 4), num("msgmap", 4), num("msgmax", 4), num("msgmnb", 4),
		num("msgmni", 4), num("msgssz", 4), num("msgtql", 4), field{"msgseg", Uint, 2, nil})
	const msgStat, msgInfo, msgStatAny = 11, 12, 13
	addSpecial(ipcctl(2, byWidth(ipcStruct("msg_perm", 120, qbytes), ipcStruct("msg_perm", 88, qbytes32)), map[uint64]*structType{
		ipcStat: status, msgStat: status, msgStatAny: status, ipcInfo: info, msgInfo: info,
	}), "msgctl")

	status = byWidth(ipcStruct("shm_perm", 112,
		part{48, []field{{"shm_segsz", Uint, 8, nil}}},
		part{80, []field{pid("shm_cpid"), pid("shm_lpid"), {"shm_nattch", Uint, 8, nil}}},
		part{56, []field{num("shm_atime", 8), num("shm_dtime", 8), num("shm_ctime", 8)}}),
		ipcStruct("shm_perm", 84,
			part{36, []field{uint32s("shm_segsz")}},
			part{64, []field{pid("shm_cpid"), pid("shm_lpid"), uint32s("shm_nattch")}},
			part{40, []field{uint32s("shm_atime"), high, uint32s("shm_dtime"), high, uint32s("shm_ctime"), high}}))
	unsigned := func(name string) field { return field{name, Uint, long, nil} }
	const shmStat, shmInfo, shmStatAny = 13, 14, 15
	addSpecial(ipcctl(2, byWidth(ipcStruct("shm_perm", 112), ipcStruct("shm_perm", 84)), map[uint64]*structType{
		ipcStat: status, shmStat: status, shmStatAny: status,
		ipcInfo: ipcNumbers(72, 36, unsigned("shmmax"), unsigned("shmmin"), unsigned("shmmni"), unsigned("shmseg"), unsigned("shmall")),
		shmInfo: ipcNumbers(48, 24, num("used_ids", 4), unsigned("shm_tot"), unsigned("shm_rss"), unsigned("shm_swp"),
			unsigned("swap_attempts"), unsigned("swap_successes")),
	}), "shmctl")

	// x86 has padding behind the times.
	amd64 := ipcStruct("sem_perm", 104, part{48, []field{num("sem_otime", 8), {size: 8}, num("sem_ctime", 8), {size: 8}, unsigned("sem_nsems")}})
	arm64 := ipcStruct("sem_perm", 88, part{48, []field{num("sem_otime", 8), num("sem_ctime", 8), unsigned("sem_nsems")}})
	narrow := ipcStruct("sem_perm", 64, part{36, []field{uint32s("sem_otime"), high, uint32s("sem_ctime"), high, uint32s("sem_nsems")}})
	semStatus := &structType{size: amd64.size, decode: func(e *Event, name string, r *reader) {
		if r.abi == table.ARM64 {
			arm64.decode(e, name, r)
		} else {
			amd64.decode(e, name, r)
		}
	}}
	semStatus.size[table.ARM64] = arm64.size[table.ARM64]
	semStatus = byWidth(semStatus, narrow)
	info = ipcNumbers(40, 40,
		num("semmap", 4), num("semmni", 4), num("semmns", 4), num("semmnu", 4), num("semmsl", 4),
		num("semopm", 4), num("semume", 4), num("semusz", 4), num("semvmx", 4), num("semaem", 4))
	const semStat, semInfo, semStatAny = 18, 19, 20
	control := ipcctl(3, byWidth(ipcStruct("sem_perm", 88), ipcStruct("sem_perm", 64)), map[uint64]*structType{
		ipcStat: semStatus, semStat: semStatus, semStatAny: semStatus, ipcInfo: info, semInfo: info,
	})
	// What ipc has behind a pointer is shown so, if it is an address.
	behind := func(decode func(e *Event)) func(e *Event) {
		return func(e *Event) {
			decode(e)
			if e.indirect && e.arg(3).Kind == Addr {
				e.into(3)
				outer := e.begin("", Array)
				e.emitAddr("", e.args[3], true)
				e.close(outer)
			}
		}
	}
	addSpecial(special{entry: behind(control.entry), exit: behind(control.exit)}, "semctl")
}

// ipcctl is what the three have in common: the pointer is argument at, behind
// the command; set is what IPC_SET takes, gets are what other commands fill.
func ipcctl(at int, set *structType, gets map[uint64]*structType) special {
	cmd := at - 1
	return special{entry: func(e *Event) {
		num := e.args[cmd] &^ ipc64
		if num != e.args[cmd] {
			v := *e.arg(cmd)
			e.into(cmd)
			outer := e.open(Value{Kind: Or, Bits: 32, Num: v.Num, Set: v.Set})
			e.emit(Value{Kind: Symbol, Symbol: "IPC_64", Num: ipc64})
			e.enum("", 32, num, v.Set)
			e.close(outer)
		}
		switch {
		case num == ipcSet:
			e.pointer(at, set, true)
		case gets[num] != nil:
			e.later(at)
		default:
			e.set(at, Value{Kind: Addr, Bits: 64, Num: e.args[at]})
		}
	}, exit: func(e *Event) {
		if t := gets[e.args[cmd]&^ipc64]; t != nil {
			e.pointer(at, t, e.good())
		}
	}}
}

// A part of a struct is some fields at an offset.
type part struct {
	off  int
	rows []field
}

// ipcStruct returns a struct that begins with a struct ipc64_perm called perm.
func ipcStruct(perm string, size int, parts ...part) *structType {
	return &structType{size: sizesAll(size), decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		inner := e.begin(perm, Struct)
		key, uid, gid, cuid, cgid := r.u32(), r.u32(), r.u32(), r.u32(), r.u32()
		mode := r.u32()
		if r.abi == table.I386 {
			mode &= 0xffff
		}
		e.num("uid", UID, 32, uid)
		e.num("gid", UID, 32, gid)
		e.num("mode", Perm, 32, mode)
		if e.done {
			e.num("key", Uint, 32, key)
			e.num("cuid", UID, 32, cuid)
			e.num("cgid", UID, 32, cgid)
		}
		e.close(inner)
		for _, p := range parts {
			e.fields(r.at(p.off), p.rows)
		}
		e.close(outer)
	}}
}

func ipcNumbers(wide, narrow int, rows ...field) *structType {
	return &structType{size: sizes64(wide, narrow), decode: record(rows...)}
}

// byWidth returns the struct that is wide everywhere but on i386.
func byWidth(wide, narrow *structType) *structType {
	size := wide.size
	size[table.I386] = narrow.size[table.I386]
	return &structType{size: size, decode: func(e *Event, name string, r *reader) {
		if r.abi == table.I386 {
			narrow.decode(e, name, r)
		} else {
			wide.decode(e, name, r)
		}
	}}
}
