package decode

import (
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

func init() {
	addSpecial(special{entry: func(e *Event) {
		var set *ConstSet
		v := e.arg(2)
		switch e.args[0] {
		case unix.AF_INET, unix.AF_INET6:
			set = setIPProtocols
		case unix.AF_NETLINK:
			set = setNetlinkProtocols
		case unix.AF_PACKET:
			e.into(2)
			outer := e.open(Value{Kind: Macro, Symbol: "htons", Bits: 16, Num: v.Num})
			e.enum("", 16, uint64(swap16(uint16(v.Num))), setEtherTypes)
			e.close(outer)
			return
		}
		if set != nil {
			v.Kind, v.Set = Enum, set
		}
	}}, "socket", "socketpair")
	addSpecial(special{entry: entrySetsockopt}, "setsockopt")
	addSpecial(special{entry: entryGetsockopt, exit: exitGetsockopt}, "getsockopt")
	addSpecial(special{entry: entryRecvmsg, exit: exitRecvmsg}, "recvmsg")
	addSpecial(special{entry: func(e *Event) { e.later(1) }, exit: exitSendmmsg}, "sendmmsg")
	addSpecial(special{exit: exitRecvmmsg}, "recvmmsg", "recvmmsg_time64")

	scalar("errno", sizesAll(4), Errno, (*reader).u32)
	register("linger", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("l_onoff", Int, 32, r.u32())
		e.num("l_linger", Int, 32, r.u32())
		e.close(outer)
	})
	register("ucred", sizesAll(12), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("pid", PID, 32, r.u32())
		e.num("uid", UID, 32, r.u32())
		e.num("gid", UID, 32, r.u32())
		e.close(outer)
	})
}

func swap16(n uint16) uint16 { return n<<8 | n>>8 }

// sockoptName makes argument 2 the name of an option of the level that is
// argument 1.
func (e *Event) sockoptName() {
	v := e.arg(2)
	var set *ConstSet
	switch e.args[1] {
	case unix.SOL_SOCKET:
		set = setSockOptions
	case unix.IPPROTO_IP:
		set = setIPOptions
	case unix.IPPROTO_IPV6:
		set = setIPv6Options
	case unix.IPPROTO_TCP:
		set = setTCPOptions
	case unix.IPPROTO_UDP:
		set = setUDPOptions
	case unix.SOL_NETLINK:
		set = setNetlinkOptions
	case unix.SOL_PACKET:
		set = setPacketOptions
	}
	if set == nil {
		v.Kind, v.Bits = Int, 32
	} else {
		v.Kind, v.Set = Enum, set
	}
}

// sockopt emits, into argument 3, the n bytes of an option's value.
func (e *Event) sockopt(n uint64) {
	addr := e.args[3]
	var t *structType
	if e.args[1] == unix.SOL_SOCKET {
		switch e.args[2] {
		case unix.SO_LINGER:
			t = structs["linger"]
		case unix.SO_PEERCRED:
			t = structs["ucred"]
		}
	}
	e.into(3)
	switch {
	case addr == 0:
		e.emitAddr("", 0, false)
	case n == 4 && e.args[1] == unix.SOL_SOCKET && e.args[2] == unix.SO_ERROR:
		e.emitStruct("", structs["errno"], addr)
	case t != nil && n >= uint64(t.size[e.abi]):
		e.emitStruct("", t, addr)
	case n == 4 && !(e.args[1] == unix.SOL_SOCKET && e.args[2] == unix.SO_BINDTODEVICE):
		e.emitStruct("", structs["int"], addr)
	default:
		e.emitBuffer("", addr, n)
	}
}

func entrySetsockopt(e *Event) {
	e.sockoptName()
	if n := int32(e.args[4]); n < 0 {
		e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
		return
	}
	e.sockopt(e.args[4])
}

func entryGetsockopt(e *Event) { e.sockoptName() }

func exitGetsockopt(e *Event) {
	if !e.good() || !e.hadOld {
		return
	}
	e.sockopt(e.lengthAt(e.args[4]))
}

// Offsets in struct msghdr: of msg_namelen, which recvmsg changes.
func msgNamelen(abi table.ABI) uint64 { return uint64(abi.PointerBits() / 8) }

func entryRecvmsg(e *Event) {
	if e.args[1] != 0 {
		if b := e.readAll(e.args[1]+msgNamelen(e.abi), 4); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b)), true
		}
	}
}

// exitRecvmsg shows of a msghdr that was not filled what recvmsg was given.
func exitRecvmsg(e *Event) {
	if e.good() || e.res.Gone() || !e.hadOld || e.args[1] == 0 {
		return
	}
	e.into(1)
	outer := e.begin("", Struct)
	e.num("msg_namelen", Int, 32, e.old)
	e.close(outer)
}

// exitSendmmsg decodes the messages when it is known how many were sent and
// how much of each.
func exitSendmmsg(e *Event) {
	t := structs["mmsghdr"]
	e.into(1)
	if e.args[1] == 0 || t.size[e.abi] == 0 {
		e.emitAddr("", e.args[1], false)
		return
	}
	n := e.args[2]
	if e.good() {
		n = min(n, uint64(e.res.Value()))
	}
	e.emitArray("", t, e.args[1], n)
}

func exitRecvmmsg(e *Event) {
	if !e.good() {
		return
	}
	if e.res.Value() == 0 {
		e.timeout()
		return
	}
	if e.args[4] != 0 {
		outer := e.note()
		e.emitStruct("left", e.plan.args[4].typ, e.args[4])
		e.close(outer)
	}
}
