package decode

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// setsockopt(2), getsockopt(2): what an option is called and what its value is
// depends on its level.

// A sockopt is an option of a level.
type sockopt struct{ level, name uint64 }

// Levels (socket(7), ip(7), ...).
const (
	solIP      = unix.IPPROTO_IP
	solSocket  = unix.SOL_SOCKET
	solTCP     = unix.IPPROTO_TCP
	solUDP     = unix.IPPROTO_UDP
	solIPv6    = unix.IPPROTO_IPV6
	solSCTP    = 132
	solRaw     = unix.SOL_RAW
	solPacket  = unix.SOL_PACKET
	solNetlink = unix.SOL_NETLINK

	// Those that x/sys/unix has no name for.
	solIPX  = 256
	solAX25 = 257
)

// A sockoptLevel is a level's names.
type sockoptLevel struct {
	names    *ConstSet
	set, get *ConstSet // more, for setsockopt and getsockopt only
}

var sockoptLevels = sync.OnceValue(func() map[uint64]sockoptLevel {
	return map[uint64]sockoptLevel{
		solSocket:  {names: setSockOptions, get: &ConstSet{Consts: []Const{{Name: "SO_GET_FILTER", Value: unix.SO_ATTACH_FILTER}}}},
		solIP:      {names: setIPOptions, set: SetByName("ip_option_set"), get: SetByName("ip_option_get")},
		solIPv6:    {names: setIPv6Options, set: SetByName("ipv6_option_set"), get: SetByName("ipv6_option_get")},
		solTCP:     {names: setTCPOptions},
		solUDP:     {names: setUDPOptions},
		solSCTP:    {names: SetByName("sctp_option")},
		solRaw:     {names: SetByName("raw_option")},
		solPacket:  {names: setPacketOptions},
		solNetlink: {names: setNetlinkOptions},

		solIPX:             {names: SetByName("ipx_option")},
		solAX25:            {names: SetByName("ax25_option")},
		unix.SOL_IRDA:      {names: SetByName("irda_option")},
		unix.SOL_LLC:       {names: SetByName("llc_option")},
		unix.SOL_DCCP:      {names: SetByName("dccp_option")},
		unix.SOL_TIPC:      {names: SetByName("tipc_option")},
		unix.SOL_RXRPC:     {names: SetByName("rxrpc_option")},
		unix.SOL_PPPOL2TP:  {names: SetByName("pppol2tp_option")},
		unix.SOL_BLUETOOTH: {names: SetByName("bluetooth_option")},
		unix.SOL_PNPIPE:    {names: SetByName("pnpipe_option")},
		unix.SOL_RDS:       {names: SetByName("rds_option")},
		unix.SOL_IUCV:      {names: SetByName("iucv_option")},
		unix.SOL_CAIF:      {names: SetByName("caif_option")},
		unix.SOL_ALG:       {names: SetByName("alg_option")},
		unix.SOL_NFC:       {names: SetByName("nfc_llcp_option")},
		unix.SOL_KCM:       {names: SetByName("kcm_option")},
		unix.SOL_TLS:       {names: SetByName("tls_option")},
		unix.SOL_XDP:       {names: SetByName("xdp_option")},
		unix.AF_VSOCK:      {names: SetByName("vsock_option")},
	}
})

// A sockoptValue is what the value of an option is, if it is not any int.
type sockoptValue struct {
	get, set sockoptForm
}

// A sockoptForm is the form of a value, for one of both calls.
type sockoptForm struct {
	// rows are the members of a struct; a single one without a name is a
	// number. setsockopt takes the whole, getsockopt may fill a part.
	rows []field
	// typ is a struct that setsockopt takes, exactly or with more behind it.
	typ   *structType
	exact bool
	// numbers: as many as there is room for.
	numbers bool
	// address: too long to be shown.
	address bool
	// show emits the n bytes of a value, more than 0, that is like no other.
	show func(e *Event, addr, n uint64)
}

func init() {
	addSpecial(special{entry: entrySetsockopt}, "setsockopt")
	addSpecial(special{entry: func(e *Event) { e.sockoptName(false) }, exit: exitGetsockopt}, "getsockopt")
}

// sockoptValues returns the values by option.
var sockoptValues = sync.OnceValue(func() map[sockopt]sockoptValue {
	values := map[sockopt]sockoptValue{}
	number := func(kind Kind, set *ConstSet) sockoptForm { return sockoptForm{rows: []field{{"", kind, 4, set}}} }
	for _, name := range [...]uint64{
		unix.SO_DEBUG, unix.SO_REUSEADDR, unix.SO_DONTROUTE, unix.SO_BROADCAST, unix.SO_SNDBUF, unix.SO_RCVBUF, unix.SO_KEEPALIVE,
		unix.SO_OOBINLINE, unix.SO_NO_CHECK, unix.SO_PRIORITY, unix.SO_BSDCOMPAT, unix.SO_REUSEPORT, unix.SO_PASSCRED, unix.SO_RCVLOWAT,
		unix.SO_SNDLOWAT, unix.SO_DETACH_FILTER, unix.SO_TIMESTAMP_OLD, unix.SO_ACCEPTCONN, unix.SO_SNDBUFFORCE, unix.SO_RCVBUFFORCE,
		unix.SO_PASSSEC, unix.SO_TIMESTAMPNS_OLD, unix.SO_MARK, unix.SO_TIMESTAMPING_OLD, unix.SO_RXQ_OVFL, unix.SO_WIFI_STATUS,
		unix.SO_PEEK_OFF, unix.SO_NOFCS, unix.SO_LOCK_FILTER, unix.SO_SELECT_ERR_QUEUE, unix.SO_BUSY_POLL, unix.SO_INCOMING_CPU,
		unix.SO_CNX_ADVICE, unix.SO_INCOMING_NAPI_ID, unix.SO_ZEROCOPY, unix.SO_TIMESTAMP_NEW, unix.SO_TIMESTAMPNS_NEW,
		unix.SO_TIMESTAMPING_NEW, unix.SO_DETACH_REUSEPORT_BPF, unix.SO_PREFER_BUSY_POLL, unix.SO_BUSY_POLL_BUDGET, unix.SO_RESERVE_MEM, unix.SO_RCVMARK,
	} {
		values[sockopt{solSocket, name}] = sockoptValue{get: number(Int, nil), set: number(Int, nil)}
	}
	rehash := number(Enum, SetByName("txrehash"))
	linger := sockoptForm{rows: []field{{"l_onoff", Int, 4, nil}, {"l_linger", Int, 4, nil}}}
	values[sockopt{solSocket, unix.SO_ERROR}] = sockoptValue{get: number(Errno, nil)}
	values[sockopt{solSocket, unix.SO_TXREHASH}] = sockoptValue{get: rehash, set: rehash}
	values[sockopt{solSocket, unix.SO_LINGER}] = sockoptValue{get: linger, set: linger}
	values[sockopt{solSocket, unix.SO_PEERCRED}] = sockoptValue{get: sockoptForm{rows: ucredRows}}
	values[sockopt{solPacket, unix.PACKET_STATISTICS}] = sockoptValue{get: sockoptForm{rows: []field{{"tp_packets", Uint, 4, nil}, {"tp_drops", Uint, 4, nil}, {"tp_freeze_q_cnt", Uint, 4, nil}}}}
	values[sockopt{solNetlink, unix.NETLINK_LIST_MEMBERSHIPS}] = sockoptValue{get: sockoptForm{numbers: true}}

	takes := func(t *structType, exact bool, level uint64, names ...uint64) {
		for _, n := range names {
			values[sockopt{level, n}] = sockoptValue{set: sockoptForm{typ: t, exact: exact}}
		}
	}
	takes(structs["sock_fprog"], false, solSocket, unix.SO_ATTACH_FILTER, unix.SO_ATTACH_REUSEPORT_CBPF)
	icmp := sockoptForm{show: (*Event).icmpFilter}
	values[sockopt{solRaw, icmpFilterOption}] = sockoptValue{get: icmp, set: icmp}
	filter := sockopt{solSocket, unix.SO_ATTACH_FILTER} // SO_GET_FILTER has the same number
	values[filter] = sockoptValue{set: values[filter].set, get: sockoptForm{address: true}}
	takes(ipMreq, false, solIP, unix.IP_ADD_MEMBERSHIP, unix.IP_DROP_MEMBERSHIP)
	takes(ipv6Mreq, false, solIPv6, unix.IPV6_ADD_MEMBERSHIP, unix.IPV6_DROP_MEMBERSHIP, unix.IPV6_JOIN_ANYCAST, unix.IPV6_LEAVE_ANYCAST)
	takes(groupReq, false, solIP, unix.MCAST_JOIN_GROUP, unix.MCAST_LEAVE_GROUP)
	takes(groupReq, false, solIPv6, unix.MCAST_JOIN_GROUP, unix.MCAST_LEAVE_GROUP)
	takes(packetMreq, true, solPacket, unix.PACKET_ADD_MEMBERSHIP, unix.PACKET_DROP_MEMBERSHIP)
	takes(tpacketReq, true, solPacket, unix.PACKET_RX_RING, unix.PACKET_TX_RING)
	return values
})

// sockoptName makes argument 2 the name of an option of the level that is
// argument 1.
func (e *Event) sockoptName(set bool) {
	v := e.arg(2)
	level, ok := sockoptLevels()[e.args[1]]
	if !ok {
		v.Kind, v.Bits = Uint, 32
		return
	}
	more := level.get
	if set {
		more = level.set
	}
	v.Kind, v.Set = Enum, level.names
	if more != nil && more.name(v.Num) != "" {
		v.Set = more
	}
}

func entrySetsockopt(e *Event) {
	e.sockoptName(true)
	level, addr, n := e.args[1], e.args[3], int64(int32(e.args[4]))
	form := sockoptValues()[sockopt{level, e.args[2]}].set
	if level == solNetlink { // ints are all that this one has
		form.rows = intRow
	}
	e.into(3)
	switch least := form.size(e.abi); {
	case form.show != nil && n > 0:
		form.show(e, addr, uint64(n))
	case form.show != nil:
		e.emitAddr("", addr, false)
	case n < 0 && form.typ == nil && form.rows == nil:
		e.anyOption(addr, uint64(n))
	case n < least || form.exact && n > least:
		e.emitAddr("", addr, false)
	case form.typ != nil:
		e.emitStruct("", form.typ, addr)
	case form.rows != nil:
		e.option(addr, uint64(least), form.rows)
	default:
		e.anyOption(addr, uint64(n))
	}
}

func exitGetsockopt(e *Event) {
	if !e.good() {
		return
	}
	if !e.hadOld {
		e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
		return
	}
	addr, n := e.args[3], e.lengthAt(e.args[4])
	form := sockoptValues()[sockopt{e.args[1], e.args[2]}].get
	if e.args[1] == solNetlink && !form.numbers {
		form.rows = intRow
	}
	e.into(3)
	switch {
	case n != 0 && e.args[1] == solSocket && e.args[2] == unix.SO_ATTACH_FILTER: // SO_GET_FILTER has its number
		e.filterProgram("", addr, n)
	case n == 0 || form.address || int32(n) < 0:
		e.emitAddr("", addr, false)
	case form.show != nil:
		form.show(e, addr, n)
	case form.numbers:
		e.emitArray("", structs["uint"], addr, n/4)
	case form.rows != nil:
		e.option(addr, n, form.rows)
	default:
		e.anyOption(addr, n)
	}
}

var ucredRows = []field{{"pid", PID, 4, nil}, {"uid", UID, 4, nil}, {"gid", UID, 4, nil}}

var intRow = []field{{"", Int, 4, nil}}

// size is how much setsockopt takes of the value.
func (f *sockoptForm) size(abi table.ABI) int64 {
	if f.typ != nil {
		return int64(f.typ.size[abi])
	}
	return 4 * int64(len(f.rows))
}

// anyOption emits a value of which only its length is known.
func (e *Event) anyOption(addr, n uint64) {
	if n == 4 {
		e.option(addr, n, intRow)
	} else {
		e.emitBuffer("", addr, n)
	}
}

// option emits the n bytes of a value, which may end within rows.
func (e *Event) option(addr, n uint64, rows []field) {
	want := clamp(n, 4*len(rows))
	b := e.read(addr, want)
	if addr == 0 || len(b) < want {
		e.emitAddr("", addr, addr != 0)
		return
	}
	if len(rows) > 1 {
		defer e.close(e.begin("", Struct))
	} else if want == 4 {
		defer e.close(e.open(Value{Kind: Array, Num: addr}))
	}
	r := e.reader(b, addr)
	e.fields(r, rows[:want/4])
	if want == 4 && rows[0].kind == Enum {
		e.values[e.latest].Decimal = true // an int, name or not
	}
	if rest := b[want/4*4:]; len(rest) > 0 {
		v := e.next()
		v.Name, v.Kind, v.Raw, v.Text, v.Size = rows[want/4].name, Bytes, true, rest, uint64(len(rest))
	}
}
