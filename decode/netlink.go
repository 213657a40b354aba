package decode

import "golang.org/x/sys/unix"

// Messages of netlink(7): a header, of most families a struct by the message's type,
// and attributes, which have a length, a type and a value and may be nested. Whether a
// buffer holds such messages only the socket tells: see Options.Netlink.

const (
	nlHeader  = 16       // sizeof struct nlmsghdr
	nlaHeader = 4        // sizeof struct nlattr
	maxNL     = 64 << 10 // bytes of messages that are looked at
	nlControl = 16       // types below it are the same for all families
)

// An nlType is what a family's messages of one type are like.
type nlType struct {
	size int // of the struct in front
	// family is the struct's first member, which may come alone.
	family string
	rows   []field // what is behind it
	decode func(e *Event, r *reader)
	attrs  *nlAttrs
}

// nlAttrs are the attributes of a kind of message.
type nlAttrs struct {
	names *ConstSet
	forms map[uint16]nlForm
}

// An nlForm emits the value of an attribute.
type nlForm func(e *Event, r *reader)

// isNetlink returns the netlink family of the socket that is argument 0, asking only
// once for a call, and only if b begins as a message would.
func (e *Event) isNetlink(b []byte) (family int, ok bool) {
	if e.opts.Netlink == nil || len(b) < nlHeader || e.thread == nil || e.plan.args[0].kind != FD {
		return 0, false
	}
	if !e.nlAsked {
		e.nlAsked, e.nlSocket = true, -1
		if family, ok := e.opts.Netlink(e.thread, int(int32(e.args[0]))); ok {
			e.nlSocket = family
		}
	}
	return e.nlSocket, e.nlSocket >= 0
}

// emitPayload emits the n bytes at addr that a socket sends or receives.
func (e *Event) emitPayload(name string, addr, n uint64) {
	if e.opts.Netlink != nil && n >= nlHeader && addr != 0 {
		head := e.read(addr, nlHeader)
		if family, ok := e.isNetlink(head); ok && family != unix.NETLINK_KOBJECT_UEVENT {
			if b := e.read(addr, clamp(n, maxNL)); len(b) >= nlHeader {
				e.nlMessages(name, b, family)
				return
			}
		}
	}
	e.emitBuffer(name, addr, n)
}

// nlMessages emits the messages in b, as an array if there are several.
func (e *Event) nlMessages(name string, b []byte, family int) {
	next := nlNext(b)
	if next == nil {
		e.nlMessage(name, b, family)
		return
	}
	outer := e.begin(name, Array)
	for i := 0; ; i++ {
		if i == e.opts.arrayLimit() {
			e.cut()
			break
		}
		e.nlMessage("", b, family)
		if b = nlNext(b); b == nil || e.full() {
			break
		}
		if len(b) < nlHeader {
			e.cut()
			break
		}
	}
	e.close(outer)
}

// nlNext returns what is behind the first message in b, nil if there is nothing.
func nlNext(b []byte) []byte {
	n := uint64(le.Uint32(b))
	if n < nlHeader {
		return nil
	}
	if n = (n + 3) &^ 3; n >= uint64(len(b)) {
		return nil
	}
	return b[n:]
}

// nlMessage emits the message at the start of b.
func (e *Event) nlMessage(name string, b []byte, family int) {
	size := min(uint64(le.Uint32(b)), uint64(len(b)))
	if size <= nlHeader {
		e.nlHeader(name, b, family)
		return
	}
	outer := e.begin(name, Array)
	e.nlHeader("", b, family)
	e.nlPayload(b[:size], family)
	e.close(outer)
}

var (
	setNLTypes  = SetByName("nlmsg_type")
	setNLFlags  = SetByName("nlm_flags")
	setNLGet    = SetByName("nlm_get_flags")
	setNLNew    = SetByName("nlm_new_flags")
	setNLDelete = SetByName("nlm_delete_flags")
	setNLAck    = SetByName("nlm_ack_flags")
	setRTM      = SetByName("rtm_type")
	setSockDiag = SetByName("sock_diag_type")
)

// nlTypeNames are the names of types by family.
var nlTypeNames = map[int]*ConstSet{
	unix.NETLINK_ROUTE: setRTM, unix.NETLINK_SOCK_DIAG: setSockDiag, unix.NETLINK_GENERIC: SetByName("genl_id"),
	unix.NETLINK_AUDIT: SetByName("audit_type"),
}

func (e *Event) nlHeader(name string, b []byte, family int) {
	r := e.reader(b, 0)
	size, typ, flags, seq, pid := r.u32(), r.u16(), r.u16(), r.u32(), r.u32()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("nlmsg_len", Uint, 32, size)
	names := setNLTypes
	if typ >= nlControl {
		names = nlTypeNames[family]
	}
	e.enum("nlmsg_type", 16, typ, names)
	e.flags("nlmsg_flags", 16, flags, nlFlagNames(family, typ))
	e.num("nlmsg_seq", Uint, 32, seq)
	e.num("nlmsg_pid", PID, 32, pid)
}

// nlFlagNames returns the names of a message's flags, half of which mean something
// else with each kind of request.
func nlFlagNames(family int, typ uint64) *ConstSet {
	switch {
	case typ == unix.NLMSG_ERROR:
		return setNLAck
	case typ < nlControl:
		return setNLFlags
	case family == unix.NETLINK_ROUTE:
		return [...]*ConstSet{setNLNew, setNLDelete, setNLGet, setNLFlags}[typ&3]
	case family == unix.NETLINK_SOCK_DIAG:
		return setNLGet
	}
	return setNLFlags
}

// nlPayload emits what is behind the header of the message that is b.
func (e *Event) nlPayload(b []byte, family int) {
	typ, flags := uint64(le.Uint16(b[4:])), le.Uint16(b[6:])
	b = b[nlHeader:]
	switch {
	case typ == unix.NLMSG_DONE && len(b) >= 4:
		e.num("", Int, 32, uint64(le.Uint32(b)))
	case typ == unix.NLMSG_ERROR && len(b) >= 4:
		e.nlError(b, family, flags&unix.NLM_F_ACK_TLVS != 0)
	default:
		if t := nlTypeOf(family, typ, flags&unix.NLM_F_REQUEST != 0, b); t != nil {
			e.nlStruct(t, b)
		} else {
			e.nlText(b)
		}
	}
}

func nlTypeOf(family int, typ uint64, request bool, b []byte) *nlType {
	switch family {
	case unix.NETLINK_ROUTE:
		return nlRoute[typ]
	case unix.NETLINK_SOCK_DIAG:
		return nlDiag(typ, request, b[0])
	}
	return nil
}

func (e *Event) nlText(b []byte) {
	show := min(len(b), e.opts.StringLimit)
	e.emit(Value{Kind: Bytes, Text: b[:show], Size: uint64(len(b)), Cut: show < len(b)})
}

// nlError emits the answer to the message that is in it, of which only the header
// may be, and attributes that say more.
func (e *Event) nlError(b []byte, family int, more bool) {
	if more && len(b) >= 4+nlHeader {
		size := int(min(uint64(le.Uint32(b[4:])), uint64(len(b))))
		if at := (4 + size + 3) &^ 3; at < len(b) {
			outer := e.begin("", Array)
			defer e.close(outer)
			defer e.nlAttrs(b[at:], nlErrorAttrs)
			b = b[:at]
		}
	}
	outer := e.begin("", Struct)
	defer e.close(outer)
	num := uint64(le.Uint32(b))
	if name := ErrnoName(unix.Errno(-int32(num))); int32(num) < 0 && name != "" {
		e.emit(Value{Name: "error", Kind: Symbol, Bits: 32, Num: num, Symbol: "-" + name})
	} else {
		e.num("error", Int, 32, num)
	}
	if b = b[4:]; len(b) >= nlHeader {
		e.nlMessage("msg", b, family)
	}
}

var nlErrorAttrs = &nlAttrs{names: SetByName("nlmsgerr_attr"), forms: map[uint16]nlForm{1: nlString, 2: nlU32}}

// nlStruct emits the struct of a message and the attributes behind it.
func (e *Event) nlStruct(t *nlType, b []byte) {
	outer := e.begin("", Struct)
	e.nlFamily = uint64(b[0])
	e.enum(t.family, 8, e.nlFamily, setFamily)
	if len(b) < t.size {
		if len(b) > 1 || t.size > 1 {
			e.cut()
		}
		e.close(outer)
		return
	}
	r := e.reader(b, 0).at(1)
	if t.decode != nil {
		t.decode(e, r)
	} else {
		e.fields(r, t.rows)
	}
	e.close(outer)
	if at := (t.size + 3) &^ 3; at < len(b) && t.attrs != nil {
		e.nlAttrs(b[at:], t.attrs)
	}
}

// nlAttrs emits the attributes in b, as an array if there are several.
func (e *Event) nlAttrs(b []byte, t *nlAttrs) {
	if len(b) < nlaHeader {
		e.nlHex(b)
		return
	}
	next := nlaNext(b)
	if next == nil {
		e.nlAttr(b, t)
		return
	}
	outer := e.begin("", Array)
	for i := 0; ; i++ {
		if i == e.opts.arrayLimit() {
			e.cut()
			break
		}
		if len(b) < nlaHeader {
			e.nlHex(b)
			break
		}
		e.nlAttr(b, t)
		if b = nlaNext(b); b == nil || e.full() {
			break
		}
	}
	e.close(outer)
}

func nlaNext(b []byte) []byte {
	n := int(le.Uint16(b))
	if n < nlaHeader {
		return nil
	}
	if n = (n + 3) &^ 3; n >= len(b) {
		return nil
	}
	return b[n:]
}

func (e *Event) nlHex(b []byte) {
	show := min(len(b), e.opts.StringLimit)
	e.emit(Value{Kind: Bytes, Raw: true, Text: b[:show], Size: uint64(len(b)), Cut: show < len(b)})
}

// nlAttr emits the attribute at the start of b.
func (e *Event) nlAttr(b []byte, t *nlAttrs) {
	size := min(int(le.Uint16(b)), len(b))
	if size <= nlaHeader {
		e.nlaHeader(b, t.names)
		return
	}
	outer := e.begin("", Array)
	e.nlaHeader(b, t.names)
	value := b[nlaHeader:size]
	if form := t.forms[le.Uint16(b[2:])&0x3fff]; form != nil {
		form(e, e.reader(value, 0))
	} else {
		e.nlHex(value)
	}
	e.close(outer)
}

func (e *Event) nlaHeader(b []byte, names *ConstSet) {
	typ := uint64(le.Uint16(b[2:]))
	outer := e.begin("", Struct)
	defer e.close(outer)
	e.num("nla_len", Uint, 16, uint64(le.Uint16(b)))
	flags := typ & (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
	if flags == 0 {
		e.enum("nla_type", 16, typ, names)
		return
	}
	inner := e.open(Value{Name: "nla_type", Kind: Or, Bits: 16, Num: typ})
	if flags&unix.NLA_F_NESTED != 0 {
		e.emit(Value{Kind: Symbol, Symbol: "NLA_F_NESTED", Num: unix.NLA_F_NESTED})
	}
	if flags&unix.NLA_F_NET_BYTEORDER != 0 {
		e.emit(Value{Kind: Symbol, Symbol: "NLA_F_NET_BYTEORDER", Num: unix.NLA_F_NET_BYTEORDER})
	}
	e.enum("", 16, typ&^flags, names)
	e.close(inner)
}

// Forms of values. One that is too short for its type is shown as bytes.

func nlNumber(kind Kind, size int, set *ConstSet) nlForm {
	return func(e *Event, r *reader) {
		if len(r.b) < size {
			e.nlHex(r.b)
			return
		}
		e.emit(Value{Kind: kind, Bits: uint8(8 * size), Num: r.u(size), Set: set})
	}
}

var (
	nlU8      = nlNumber(Uint, 1, nil)
	nlU16     = nlNumber(Uint, 2, nil)
	nlU32     = nlNumber(Uint, 4, nil)
	nlU64     = nlNumber(Uint, 8, nil)
	nlS32     = nlNumber(Int, 4, nil)
	nlUID     = nlNumber(UID, 4, nil)
	nlIfindex = nlNumber(Interface, 4, nil)
)

func nlString(e *Event, r *reader) {
	s := upToNUL(r.b)
	cut := len(s) == len(r.b)
	if show := e.opts.StringLimit; len(s) > show {
		s, cut = s[:show], true
	}
	e.emit(Value{Kind: Bytes, Text: s, Size: uint64(len(r.b)), Cut: cut})
}

func nlHWAddr(e *Event, r *reader) { e.emit(Value{Kind: HWAddr, Text: r.b}) }

// nlAddress is an address of the family that the message is about.
func nlAddress(e *Event, r *reader) {
	switch {
	case e.nlFamily == unix.AF_INET && len(r.b) >= 4:
		e.emit(Value{Kind: IPv4, Text: r.b[:4]})
	case e.nlFamily == unix.AF_INET6 && len(r.b) >= 16:
		outer := e.open(Value{Kind: Macro, Symbol: "inet_pton"})
		e.emit(Value{Kind: Symbol, Symbol: "AF_INET6"})
		e.emit(Value{Kind: IPv6, Text: r.b[:16]})
		e.close(outer)
	default:
		e.nlHex(r.b)
	}
}

// nlRecord is a struct, of which a part may be missing at the end.
func nlRecord(size int, rows ...field) nlForm {
	return func(e *Event, r *reader) {
		if len(r.b) < size {
			e.nlHex(r.b)
			return
		}
		outer := e.begin("", Struct)
		for i := range rows {
			if r.off+int(rows[i].size) > len(r.b) {
				break
			}
			e.fields(r, rows[i:i+1])
		}
		e.close(outer)
	}
}

func nlNested(t *nlAttrs) nlForm {
	return func(e *Event, r *reader) { e.nlAttrs(r.b, t) }
}
