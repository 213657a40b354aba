package decode

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Messages of rtnetlink(7), as far as they are not data.

// nlRouteMessages are the messages by type, from RTM_NEWLINK on.
var nlRouteMessages = [...]uint8{
	unix.RTM_NEWLINK: nlMessageIfinfomsg, unix.RTM_DELLINK: nlMessageIfinfomsg, unix.RTM_GETLINK: nlMessageIfinfomsg, unix.RTM_SETLINK: nlMessageIfinfomsg,
	unix.RTM_NEWADDR: nlMessageIfaddrmsg, unix.RTM_DELADDR: nlMessageIfaddrmsg, unix.RTM_GETADDR: nlMessageIfaddrmsg,
	unix.RTM_NEWROUTE: nlMessageRtmsg, unix.RTM_DELROUTE: nlMessageRtmsg, unix.RTM_GETROUTE: nlMessageRtmsg,
	unix.RTM_NEWNEIGH: nlMessageNdmsg, unix.RTM_DELNEIGH: nlMessageNdmsg, unix.RTM_GETNEIGH: nlMessageNdmsg,
	unix.RTM_NEWRULE: nlMessageFibRuleHdr, unix.RTM_DELRULE: nlMessageFibRuleHdr, unix.RTM_GETRULE: nlMessageFibRuleHdr,
	unix.RTM_NEWQDISC: nlMessageTcmsg, unix.RTM_DELQDISC: nlMessageTcmsg, unix.RTM_GETQDISC: nlMessageTcmsg,
	unix.RTM_NEWTCLASS: nlMessageTcmsg, unix.RTM_DELTCLASS: nlMessageTcmsg, unix.RTM_GETTCLASS: nlMessageTcmsg,
	unix.RTM_NEWTFILTER: nlMessageTcmsg, unix.RTM_DELTFILTER: nlMessageTcmsg, unix.RTM_GETTFILTER: nlMessageTcmsg,
	unix.RTM_NEWACTION: nlMessageTcamsg, unix.RTM_DELACTION: nlMessageTcamsg, unix.RTM_GETACTION: nlMessageTcamsg,
	unix.RTM_GETMULTICAST: nlMessageIfaddrmsg, unix.RTM_GETANYCAST: nlMessageIfaddrmsg,
	unix.RTM_NEWNEIGHTBL: nlMessageNdtmsg, unix.RTM_GETNEIGHTBL: nlMessageNdtmsg, unix.RTM_SETNEIGHTBL: nlMessageNdtmsg,
	unix.RTM_NEWADDRLABEL: nlMessageIfaddrlblmsg, unix.RTM_DELADDRLABEL: nlMessageIfaddrlblmsg, unix.RTM_GETADDRLABEL: nlMessageIfaddrlblmsg,
	unix.RTM_GETDCB: nlMessageDcbmsg, unix.RTM_SETDCB: nlMessageDcbmsg,
	unix.RTM_NEWNETCONF: nlMessageNetconfmsg, unix.RTM_DELNETCONF: nlMessageNetconfmsg, unix.RTM_GETNETCONF: nlMessageNetconfmsg,
	unix.RTM_NEWMDB: nlMessageBrPortMsg, unix.RTM_DELMDB: nlMessageBrPortMsg, unix.RTM_GETMDB: nlMessageBrPortMsg,
	unix.RTM_NEWNSID: nlMessageNsid, unix.RTM_DELNSID: nlMessageNsid, unix.RTM_GETNSID: nlMessageNsid,
	unix.RTM_NEWSTATS: nlMessageIfstats, unix.RTM_GETSTATS: nlMessageIfstats, unix.RTM_NEWCACHEREPORT: nlMessageIpmr,
	unix.RTM_NEWCHAIN: nlMessageTcmsg, unix.RTM_DELCHAIN: nlMessageTcmsg, unix.RTM_GETCHAIN: nlMessageTcmsg,
	unix.RTM_NEWNEXTHOP: nlMessageNhmsg, unix.RTM_DELNEXTHOP: nlMessageNhmsg, unix.RTM_GETNEXTHOP: nlMessageNhmsg,
	unix.RTM_NEWLINKPROP: nlMessageNone, unix.RTM_GETLINKPROP: nlMessageNone,
}

// nlRoute emits the payload of a message of type typ.
func (e *Event) nlRoute(s span, typ uint64) {
	m := nlMessageNone
	if typ < uint64(len(nlRouteMessages)) {
		m = int(nlRouteMessages[typ])
	}
	family := s.u(0, 1)
	switch {
	case m == nlMessageNone:
		e.nlUnknown(s)
		return
	case typ == unix.RTM_GETNEIGH && family == unix.AF_BRIDGE: // as the kernel's rtnl_fdb_dump has it
		m = nlMessageIfinfomsg
	case m == nlMessageIpmr && s.has(1):
		e.nlCacheReport(s, family)
		return
	}
	e.nlBegin(s, &nlMessages[m])
}

// nlCacheReport emits a report of the multicast routing of a family, which is no address
// family.
func (e *Event) nlCacheReport(s span, family uint64) {
	const ipmr, ip6mr = 128, 129 // RTNL_FAMILY_*
	switch {
	case family == ipmr:
		e.nlBegin(s, &nlMessages[nlMessageIpmr])
		return
	case family == ip6mr:
		e.nlBegin(s, &nlMessages[nlMessageIp6mr])
		return
	}
	names := setFamily
	if names.name(family) == "" {
		names = SetByName("rtnl_family")
	}
	outer := e.begin("", Struct)
	e.enum("rtgen_family", 8, family, names)
	e.close(outer)
	if s.n > 4 {
		e.nlBytes("", s.from(4))
	}
}

// nlCall emits what is no data: s is the value of an attribute, or a member of whole.
func (e *Event) nlCall(name string, ref uint8, s, whole span) bool {
	switch ref {
	case nlCallProtInfo:
		return e.nlProtInfo(s)
	case nlCallAFSpec:
		return e.nlAFSpec(s)
	case nlCallLinkInfo:
		defer func(link, slave string) { e.nlKind, e.nlSlaveKind = link, slave }(e.nlKind, e.nlSlaveKind)
		e.nlKind, e.nlSlaveKind = "", ""
		e.nlAttrs(s, &nlTables[nlAttrsLinkInfo])
	case nlCallLinkKind:
		e.nlKind = nlKindOf(s)
		e.nlNamed("", s, nlCString)
	case nlCallSlaveKind:
		e.nlSlaveKind = nlKindOf(s)
		e.nlNamed("", s, nlCString)
	case nlCallLinkData:
		return e.nlLinkData(s)
	case nlCallLinkStats:
		return e.nlKind == "can" && e.nlStruct("", s, &nlForm{ref: nlRecordCanStats})
	case nlCallSlaveData:
		if e.nlSlaveKind != "bridge" {
			return false
		}
		e.nlAttrs(s, &nlTables[nlAttrsBridgePort])
	case nlCallGUID: // of a size that depends on who has compiled it
		switch s.n {
		case 12:
			return e.nlStruct("", s, &nlForm{ref: nlRecordVfGuid12})
		case 16:
			return e.nlStruct("", s, &nlForm{ref: nlRecordVfGuid16})
		}
		return false
	case nlCallMultipath:
		return e.nlMultipath(s)
	case nlCallVia:
		return e.nlVia(s)
	case nlCallResID:
		e.nfResource(name, s)
	case nlCallCryptoType:
		outer := e.begin("", Struct)
		e.nlNamed("type", s, nlCString)
		e.close(outer)
	case nlCallMDBAddress:
		e.nlMDBAddress(name, s)
	case nlCallRouterPort:
		return e.nlRouterPort(s)
	default:
		return e.nlDiagCall(name, ref, s, whole)
	}
	return true
}

// nlProtInfo emits IFLA_PROTINFO, whose attributes depend on the family.
func (e *Event) nlProtInfo(s span) bool {
	switch e.nlFamily {
	case unix.AF_BRIDGE:
		e.nlAttrs(s, &nlTables[nlAttrsBridgePort])
	case unix.AF_INET6:
		e.nlAttrs(s, &nlTables[nlAttrsInet6])
	default:
		return false
	}
	return true
}

// nlAFSpec emits IFLA_AF_SPEC, which has attributes of each family, but of a bridge its
// own.
func (e *Event) nlAFSpec(s span) bool {
	t := nlAttrsAfSpec
	if e.nlFamily == unix.AF_BRIDGE {
		t = nlAttrsBridgeAf
	}
	e.nlAttrs(s, &nlTables[t])
	return true
}

// nlKindOf returns the kind of a link, which says what attributes behind it are; "" for
// one that has no end or is longer than any.
func nlKindOf(s span) string {
	const most = 16 // sizeof the kind in linux/netdevice.h
	kind := upToNUL(s.b)
	if s.n >= most || !s.has(s.n) {
		return ""
	}
	return string(kind)
}

func (e *Event) nlLinkData(s span) bool {
	switch e.nlKind {
	case "bridge":
		e.nlAttrs(s, &nlTables[nlAttrsBridge])
	case "tun":
		e.nlAttrs(s, &nlTables[nlAttrsTun])
	default:
		return false
	}
	return true
}

// nlMultipath emits RTA_MULTIPATH: hops, each with its attributes.
func (e *Event) nlMultipath(s span) bool {
	const size = 8 // sizeof struct rtnexthop
	if s.n < size {
		return false
	}
	outer, array := int32(0), false
	for first := true; ; first = false {
		if !s.has(size) {
			e.emitAddr("", s.addr, true)
			break
		}
		length := int(s.u(0, 2))
		if first && length < s.n {
			outer, array = e.begin("", Array), true
		}
		hop := s.first(length)
		if hop.n > size {
			inner := e.begin("", Array)
			e.nlMembers("", s.first(size), &nlRecords[nlRecordNextHop])
			e.nlAttrs(hop.from(size), &nlTables[nlAttrsRta])
			e.close(inner)
		} else {
			e.nlMembers("", s.first(size), &nlRecords[nlRecordNextHop])
		}
		next := (hop.n + 3) &^ 3
		if next == 0 || next >= s.n || e.full() {
			break
		}
		s = s.from(next)
	}
	if array {
		e.close(outer)
	}
	return true
}

// nlVia emits RTA_VIA: an address of another family.
func (e *Event) nlVia(s span) bool {
	const size = 2 // sizeof struct rtvia
	if s.n < size {
		return false
	}
	if !s.has(size) {
		e.emitAddr("", s.addr, true)
		return true
	}
	outer := e.begin("", Struct)
	defer e.close(outer)
	family := s.u(0, 2)
	e.enum("rtvia_family", 16, family, setFamily)
	if s.n > size {
		e.nlAddress("rtvia_addr", s.from(size), family)
	}
	return true
}

// nlMDBAddress emits the address in struct br_mdb_entry: a union, and behind it the
// family in network order.
func (e *Event) nlMDBAddress(name string, s span) {
	const union = 16
	family := uint64(binary.BigEndian.Uint16(s.b[union:]))
	outer := e.begin(name, Struct)
	e.nlUnion("u", s.first(union), family)
	inner := e.open(Value{Name: "proto", Kind: Macro, Symbol: "htons"})
	e.enum("", 16, family, setFamily)
	e.close(inner)
	e.close(outer)
}

// nlRouterPort emits MDBA_ROUTER_PORT: an interface, and attributes behind it.
func (e *Event) nlRouterPort(s span) bool {
	const size = 4
	if s.n < size {
		return false
	}
	if s.has(size) {
		e.num("", Interface, 32, s.u(0, size))
	} else {
		e.emitAddr("", s.addr, true)
	}
	if s.n > size {
		e.nlAttrs(s.from(size), &nlTables[nlAttrsRouterPattr])
	}
	return true
}
