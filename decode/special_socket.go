package decode

import (
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

func init() {
	addSpecial(special{entry: func(e *Event) {
		e.socketType(1)
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
		if set == nil {
			set = setProtocols[e.args[0]]
		}
		if set != nil {
			v.Kind, v.Set, v.Raw = Enum, set, e.args[0] == unix.AF_AX25
		} else {
			wide(Uint, 2).entry(e)
		}
	}}, "socket")
	// Without a place for the address its length does not count.
	noAddress := func(at int) special {
		return special{exit: func(e *Event) {
			switch {
			case e.args[at] == 0:
				e.set(at+1, Value{Kind: Addr, Bits: 64, Num: e.args[at+1]})
			case e.good() && int32(e.lengthAt(e.args[at+1])) < 0:
				e.set(at, Value{Kind: Addr, Bits: 64, Num: e.args[at]})
			}
		}}
	}
	addSpecial(noAddress(1), "getsockname", "getpeername", "accept", "accept4")
	received := noAddress(4)
	addSpecial(special{exit: func(e *Event) {
		received.exit(e)
		if e.good() && e.arg(1).Kind == Bytes {
			e.into(1)
			e.emitPayload("", e.args[1], min(uint64(e.res.Value()), e.args[2]))
		}
	}}, "recvfrom")
	addSpecial(special{entry: func(e *Event) {
		if e.arg(1).Kind == Bytes || e.args[1] != 0 && e.nlReadable() { // as far as messages can be read, they are shown
			e.into(1)
			e.emitPayload("", e.args[1], e.args[2])
		}
	}}, "sendto")
	addSpecial(special{entry: entryRecvmsg, exit: exitRecvmsg}, "recvmsg")
	addSpecial(special{entry: func(e *Event) { e.later(1) }, exit: exitSendmmsg}, "sendmmsg")
	addSpecial(special{entry: entryRecvmmsg, exit: exitRecvmmsg}, "recvmmsg", "recvmmsg_time64")
}

// socketType shows argument i, a type in the lowest bits and flags.
func (e *Event) socketType(i int) {
	const mask = 0xf
	if num := e.args[i]; setSockTypes.name(num&mask) != "" {
		e.inFields(i, mask, setSockTypes, setSockFlags)
	} else {
		e.set(i, Value{Kind: Flags, Bits: 32, Num: num, Set: setSockFlags})
	}
}

var (
	setSockTypes = SetByName("socket_type").fields()
	setSockFlags = SetByName("socket_type").plain()
)

// setProtocols are the protocols of families that have few.
var setProtocols = map[uint64]*ConstSet{
	unix.AF_BLUETOOTH: SetByName("bluetooth_protocol"), unix.AF_CAIF: SetByName("caif_protocol"), unix.AF_CAN: SetByName("can_protocol"),
	unix.AF_ISDN: SetByName("isdn_protocol"), unix.AF_IRDA: SetByName("irda_protocol"), unix.AF_KCM: SetByName("kcm_protocol"),
	unix.AF_NFC: SetByName("nfc_protocol"), unix.AF_PHONET: SetByName("phonet_protocol"), unix.AF_SMC: SetByName("smc_protocol"),
	unix.AF_RXRPC: setFamily, unix.AF_AX25: SetByName("ax25_protocol"),
}

func swap16(n uint16) uint16 { return n<<8 | n>>8 }

// Offsets in struct msghdr: of msg_namelen, which recvmsg changes.
func msgNamelen(abi table.ABI) uint64 { return uint64(abi.PointerBits() / 8) }

func entryRecvmsg(e *Event) {
	if e.args[1] != 0 {
		if b := e.readAll(e.args[1], structs["msghdr"].size[e.abi]); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b[msgNamelen(e.abi):])), true
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

// exitSendmmsg decodes the messages when it is known how many were sent, and how much
// of each of these.
func exitSendmmsg(e *Event) {
	t := structs["mmsghdr"]
	e.into(1)
	if e.args[1] == 0 || t.size[e.abi] == 0 {
		e.emitAddr("", e.args[1], false)
		return
	}
	e.emitArray("", t, e.args[1], e.args[2])
}

// entryRecvmmsg remembers how much room there is for each address.
func entryRecvmmsg(e *Event) {
	size := structs["mmsghdr"].size[e.abi]
	n := clamp(e.args[2], e.opts.arrayLimit())
	e.olds = e.olds[:0]
	if size == 0 {
		return
	}
	for b := e.read(e.args[1], n*size); len(b) >= size; b = b[size:] {
		e.olds = append(e.olds, le.Uint32(b[msgNamelen(e.abi):]))
	}
}

func exitRecvmmsg(e *Event) {
	if !e.good() {
		return
	}
	if e.res.Value() == 0 {
		e.timeout()
		return
	}
	if e.args[4] != 0 && !e.opts.Shallow {
		outer := e.note()
		e.emitStruct("left", e.plan.args[4].typ, e.args[4])
		e.close(outer)
	}
}
