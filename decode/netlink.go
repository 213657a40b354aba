package decode

import "golang.org/x/sys/unix"

// Messages of netlink(7): a header, of most families a struct by the message's type,
// and attributes, which have a length, a type and a value and may be nested. What they
// hold is data: netlink.txt in gen says it, and znetlink.go is made of that. Whether a
// buffer holds messages only the socket tells: see Options.Netlink.

const (
	nlHeader  = 16       // sizeof struct nlmsghdr
	nlaHeader = 4        // sizeof struct nlattr
	maxNL     = 64 << 10 // bytes of messages that are looked at
	nlControl = 16       // types below it are the same for all families
)

// A span is n bytes at addr of the child, of which those in b could be read.
type span struct {
	addr uint64
	b    []byte
	n    int
}

// from returns the span behind the first off bytes.
func (s span) from(off int) span {
	off = min(off, s.n)
	return span{s.addr + uint64(off), s.b[min(off, len(s.b)):], s.n - off}
}

// first returns the first n bytes of the span, or all if it has less.
func (s span) first(n int) span {
	n = min(n, s.n)
	return span{s.addr, s.b[:min(n, len(s.b))], n}
}

// has reports that the first n bytes could be read.
func (s span) has(n int) bool { return len(s.b) >= n }

// u reads a number of n bytes at off.
func (s span) u(off, n int) (num uint64) {
	for i := range n {
		if off+i < len(s.b) {
			num |= uint64(s.b[off+i]) << (8 * i)
		}
	}
	return num
}

// isNetlink returns the netlink family of the socket that is argument 0, asking only
// once for a call.
func (e *Event) isNetlink() (family int, ok bool) {
	if e.opts.Netlink == nil || e.thread == nil || e.plan == nil || len(e.plan.args) == 0 || e.plan.args[0].kind != FD {
		return 0, false
	}
	if !e.nlAsked {
		e.nlAsked, e.inquired = true, true
		e.nlFound, e.nlIs = e.opts.Netlink(e.thread, int(int32(e.args[0])))
	}
	return e.nlFound, e.nlIs
}

// nlReadable says that messages are looked at at all.
func (e *Event) nlReadable() bool { return e.opts.Netlink != nil && !e.opts.Shallow }

// emitPayload emits the n bytes at addr that a socket sends or receives.
func (e *Event) emitPayload(name string, addr, n uint64) {
	if e.nlReadable() && n > 0 && addr != 0 {
		family, ok := e.isNetlink()
		if ok && family == unix.NETLINK_KOBJECT_UEVENT {
			e.nlUevent(name, addr, n)
			return
		}
		if ok {
			size := clamp(n, maxNL)
			b := e.read(addr, size)
			if len(b) < size { // what is read in one go with the rest is whole or nothing
				b = e.readNow(addr, size)
			}
			e.nlMessages(name, span{addr, b, size}, family)
			return
		}
	}
	e.emitBuffer(name, addr, n)
}

// nlMessages emits the messages in s, as an array if there are several.
func (e *Event) nlMessages(name string, s span, family int) {
	outer, array := int32(0), false
	for i := 0; e.nlFetch(name, s, nlHeader, array); i++ {
		if i == e.opts.arrayLimit() {
			e.cut()
			break
		}
		next := s.after(s.u(0, 4), nlHeader)
		if !array && next.n > 0 {
			outer, array = e.begin(name, Array), true
			name = ""
		}
		e.nlMessage(name, s, family)
		if next.n == 0 || e.full() {
			break
		}
		s = next
	}
	if array {
		e.close(outer)
	}
}

// after returns what is behind a message or attribute of size bytes, header included,
// at the start of s; nothing if the size cannot be.
func (s span) after(size uint64, header int) span {
	aligned := (size + 3) &^ 3
	if size < uint64(header) || aligned >= uint64(s.n) {
		return span{}
	}
	return s.from(int(aligned))
}

// nlFetch reports that s has a header of size bytes, and if it has not shows what is there.
func (e *Event) nlFetch(name string, s span, size int, array bool) bool {
	switch {
	case s.n < size:
		e.nlBytes(name, s)
	case s.has(size):
		return true
	case array:
		e.emitLost(s.addr)
	default:
		e.emitAddr(name, s.addr, true)
	}
	return false
}

// nlMessage emits the message at the start of s.
func (e *Event) nlMessage(name string, s span, family int) {
	if size := min(s.u(0, 4), uint64(s.n)); size > nlHeader {
		outer := e.begin(name, Array)
		defer e.close(outer)
		e.nlHeader("", s, family)
		e.nlPayload(s, s.first(int(size)).from(nlHeader), family)
		return
	}
	e.nlHeader(name, s, family)
}

var (
	setNLTypes  = SetByName("nlmsg_type")
	setNLFlags  = SetByName("nlm_flags")
	setNLGet    = SetByName("nlm_get_flags")
	setNLNew    = SetByName("nlm_new_flags")
	setNLDelete = SetByName("nlm_delete_flags")
	setNLAck    = SetByName("nlm_ack_flags")
)

// nlTypeNames are the names of types by family.
var nlTypeNames = map[int]*ConstSet{
	unix.NETLINK_ROUTE: SetByName("rtm_type"), unix.NETLINK_SOCK_DIAG: SetByName("sock_diag_type"),
	unix.NETLINK_AUDIT: SetByName("audit_type"), unix.NETLINK_SELINUX: SetByName("selnl_type"), unix.NETLINK_CRYPTO: SetByName("crypto_type"),
	unix.NETLINK_XFRM: SetByName("xfrm_type"),
}

// nlHeader emits the header at the start of s, all of it whatever it says of its length.
func (e *Event) nlHeader(name string, s span, family int) {
	typ := s.u(4, 2)
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("nlmsg_len", Uint, 32, s.u(0, 4))
	switch own := nlTypeNames[family]; {
	case typ < nlControl:
		e.enum("nlmsg_type", 16, typ, setNLTypes)
	case family == unix.NETLINK_GENERIC:
		e.enum("nlmsg_type", 16, typ, genericFamilies())
	case family == unix.NETLINK_NETFILTER:
		e.nfType("nlmsg_type", typ)
	case own != nil:
		e.enum("nlmsg_type", 16, typ, own)
	default:
		e.enum("nlmsg_type", 16, typ, setNLTypes)
	}
	e.flags("nlmsg_flags", 16, s.u(6, 2), nlFlagNames(family, typ))
	e.num("nlmsg_seq", Uint, 32, s.u(8, 4))
	e.num("nlmsg_pid", PID, 32, s.u(12, 4))
}

// nlFlagNames returns the names of a message's flags, half of which mean something
// else with each kind of request.
func nlFlagNames(family int, typ uint64) *ConstSet {
	switch {
	case typ == unix.NLMSG_ERROR:
		return setNLAck
	case typ < nlControl:
	case family == unix.NETLINK_ROUTE && typ == unix.RTM_DELACTION:
		return setNLGet
	case family == unix.NETLINK_ROUTE:
		return [...]*ConstSet{setNLNew, setNLDelete, setNLGet, setNLFlags}[typ&3]
	case family == unix.NETLINK_SOCK_DIAG:
		return setNLGet
	default:
		return nlFlagsOf(family, typ)
	}
	return setNLFlags
}

// nlPayload emits s, which is behind the header head.
func (e *Event) nlPayload(head, s span, family int) {
	typ, flags := head.u(4, 2), head.u(6, 2)
	switch {
	case typ == unix.NLMSG_ERROR:
		e.nlError(s, family, flags&unix.NLM_F_CAPPED != 0)
	case typ >= nlControl && e.nlOwn(s, family, typ, flags):
	case typ == unix.NLMSG_DONE && s.n == 4 && s.has(4):
		e.num("", Int, 32, s.u(0, 4))
	default:
		e.nlBytes("", s)
	}
}

// nlOwn emits the payload of a message of a family that has its own decoder.
func (e *Event) nlOwn(s span, family int, typ, flags uint64) bool {
	switch family {
	case unix.NETLINK_ROUTE:
		e.nlRoute(s, typ)
	case unix.NETLINK_SOCK_DIAG:
		e.nlDiag(s, typ, flags&unix.NLM_F_REQUEST != 0)
	case unix.NETLINK_NETFILTER:
		return e.nlNetfilter(s, typ)
	case unix.NETLINK_CRYPTO:
		return e.nlCrypto(s, typ)
	case unix.NETLINK_SELINUX:
		return e.nlSELinux(s, typ)
	default:
		return false
	}
	return true
}

// nlError emits the answer to the message that is in it, of which only the header
// may be, and attributes that say more.
func (e *Event) nlError(s span, family int, capped bool) {
	const size = 4 + nlHeader // sizeof struct nlmsgerr
	if s.n < size {
		e.nlBytes("", s)
		return
	}
	if !s.has(size) {
		e.emitAddr("", s.addr, true)
		return
	}
	msg := s.from(4)
	length := nlHeader
	if !capped {
		length = clamp(max(msg.u(0, 4), nlHeader), msg.n)
	}
	if msg.n > length {
		outer := e.begin("", Array)
		defer e.close(outer)
		defer e.nlAttrs(msg.from(length), &nlTables[nlAttrsNlmsgerr])
	}
	outer := e.begin("", Struct)
	defer e.close(outer)
	num := s.u(0, 4)
	if name := ErrnoName(unix.Errno(-int32(num))); int32(num) < 0 && name != "" {
		e.emit(Value{Name: "error", Kind: Named, Bits: 32, Num: num, Symbol: "-" + name})
	} else {
		e.num("error", Int, 32, num)
	}
	e.nlMessage("msg", msg.first(length), family)
}

// An nlMessage is what messages of some types are like: a struct, which begins with the
// family that they are about and may end behind it, and attributes.
type nlMessage struct {
	size   int // of the struct
	attrs  uint8
	fields []nlField
}

// nlBegin emits the struct that s begins with, and the attributes behind it.
func (e *Event) nlBegin(s span, m *nlMessage) {
	if !s.has(1) {
		e.emitAddr("", s.addr, true)
		return
	}
	e.nlFamily = s.u(0, 1)
	outer := e.begin("", Struct)
	e.nlFields(s, m.fields[:1])
	ok := true
	if len(m.fields) > 1 {
		switch ok = false; {
		case s.n < m.size:
			e.cut()
		case !s.has(m.size):
			e.emitAddr("", s.addr+1, true)
		default:
			ok = true
			e.nlFields(s, m.fields[1:])
		}
	}
	e.close(outer)
	if at := (m.size + 3) &^ 3; ok && s.n > at && m.attrs != nlNoAttrs {
		e.nlAttrs(s.from(at), &nlTables[m.attrs])
	}
}

// nlUnknown emits a message that has no decoder: its family and what is behind it.
func (e *Event) nlUnknown(s span) {
	if !s.has(1) {
		e.emitAddr("", s.addr, true)
		return
	}
	outer := e.begin("", Struct)
	defer e.close(outer)
	e.enum("family", 8, s.u(0, 1), setFamily)
	if s.n > 1 {
		e.nlBytes("data", s.from(1))
	}
}
