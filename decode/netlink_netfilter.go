package decode

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// Messages of netfilter, whose type is a subsystem and what it is told to do, and what is
// behind them, of which strace knows no names.

const nfTables = 10 // NFNL_SUBSYS_NFTABLES

// nfSubsystems are the types of the subsystems' messages.
var nfSubsystems = [...]*ConstSet{
	1: SetByName("nfnl_ctnetlink"), 2: SetByName("nfnl_ctnetlink_exp"), 3: SetByName("nfnl_queue"), 4: SetByName("nfnl_ulog"), 5: SetByName("nfnl_osf"),
	6: SetByName("nfnl_ipset"), 7: SetByName("nfnl_acct"), 8: SetByName("nfnl_cttimeout"), 9: SetByName("nfnl_cthelper"),
	nfTables: SetByName("nfnl_nftables"), 11: SetByName("nfnl_nft_compat"), 12: SetByName("nfnl_hook"),
}

var (
	setNFBatch     = SetByName("nfnl_batch")
	setNFSubsystem = SetByName("nfnl_subsys")
)

// nfTypes returns the names of the types of a message's subsystem, nil if it is not known.
func nfTypes(typ uint64) *ConstSet {
	if i := typ >> 8; i < uint64(len(nfSubsystems)) {
		return nfSubsystems[i]
	}
	return nil
}

// nfType emits the type of a message.
func (e *Event) nfType(name string, typ uint64) {
	if setNFBatch.name(typ) != "" {
		e.enum(name, 16, typ, setNFBatch)
		return
	}
	outer := e.begin(name, Or)
	inner := e.begin("", Shifted)
	e.enum("", 8, typ>>8, setNFSubsystem)
	e.num("", Uint, 8, 8)
	e.close(inner)
	e.enum("", 8, typ&0xff, nfTypes(typ))
	e.close(outer)
}

// nlNetfilter emits the payload of a message: struct nfgenmsg and attributes.
func (e *Event) nlNetfilter(s span, typ uint64) bool {
	const size = 4 // sizeof struct nfgenmsg
	if s.n < size {
		return false
	}
	e.nlType = typ
	e.nlMembers("", s.first(size), &nlRecords[nlRecordNfgenmsg])
	if !s.has(size) || s.n == size {
		return true
	}
	if setNFBatch.name(typ) != "" {
		e.nlBytes("", s.from(size))
	} else {
		e.nlAttrs(s.from(size), &nlTable{})
	}
	return true
}

// nfResource emits the member res_id, which is in network order, but not in all messages of
// nftables.
func (e *Event) nfResource(name string, s span) {
	num, tables := binary.BigEndian.Uint16(s.b), e.nlType>>8 == nfTables
	switch {
	case tables && num == nfTables:
		outer := e.open(Value{Name: name, Kind: Macro, Symbol: "htons", Bits: 16, Num: s.u(0, 2), Whole: true})
		e.emit(Value{Kind: Symbol, Symbol: "NFNL_SUBSYS_NFTABLES"})
		e.close(outer)
	case tables && s.u(0, 2) == nfTables:
		e.enum(name, 16, nfTables, setNFSubsystem)
	default:
		outer := e.open(Value{Name: name, Kind: Macro, Symbol: "htons"})
		e.num("", Uint, 16, uint64(num))
		e.close(outer)
	}
}

// nlCrypto emits the payload of a message about algorithms.
func (e *Event) nlCrypto(s span, typ uint64) bool {
	const first, last = 0x10, 0x13 // CRYPTO_MSG_NEWALG, CRYPTO_MSG_GETALG
	if typ < first || typ > last {
		return false
	}
	f := &nlForm{op: nlStructText, ref: nlRecordCryptoUserAlg, behind: nlAttrsCrypto}
	if s.n < nlRecords[f.ref].size || s.has(nlRecords[f.ref].size) {
		return e.nlValue(s, f)
	}
	e.emitAddr("", s.addr, true)
	return true
}

// nlSELinux emits what the kernel tells of SELinux.
func (e *Event) nlSELinux(s span, typ uint64) bool {
	switch typ {
	case 0x10: // SELNL_MSG_SETENFORCE
		return e.nlStruct("", s, &nlForm{ref: nlRecordSelnlSetenforce})
	case 0x11: // SELNL_MSG_POLICYLOAD
		return e.nlStruct("", s, &nlForm{ref: nlRecordSelnlPolicyload})
	}
	return false
}

// nlUevent emits what a socket of NETLINK_KOBJECT_UEVENT gets: texts of the kernel, or of
// udev, with a header in front.
func (e *Event) nlUevent(name string, addr, n uint64) {
	r := &nlRecords[nlRecordUdevHeader]
	b := e.readNow(addr, clamp(n, r.size))
	if len(b) < r.size || string(b[:8]) != "libudev\x00" {
		e.emitBuffer(name, addr, n)
		return
	}
	s := span{addr, b, r.size}
	if n == uint64(r.size) {
		e.nlMembers(name, s, r)
		return
	}
	outer := e.begin(name, Array)
	e.nlMembers("", s, r)
	e.emitBuffer("", addr+uint64(r.size), n-uint64(r.size))
	e.close(outer)
}

// nlVerbs are the flags of messages of a type by what its name says.
func nlVerb(types *ConstSet, typ uint64) *ConstSet {
	name := types.name(typ)
	if name == "XFRM_MSG_GETDEFAULT" || len(name) < len(types.Prefix) {
		return setNLFlags
	}
	switch verb := name[len(types.Prefix):]; {
	case strings.HasPrefix(verb, "GET"), name == "NFNL_MSG_HOOK_GET":
		return setNLGet
	case strings.HasPrefix(verb, "NEW"):
		return setNLNew
	case strings.HasPrefix(verb, "DEL"):
		return setNLDelete
	}
	return setNLFlags
}

// nlFlagsOf returns the names of the flags of a message of a family whose types tell.
func nlFlagsOf(family int, typ uint64) *ConstSet {
	const ipset = 6 // NFNL_SUBSYS_IPSET
	switch types := nlTypeNames[family]; family {
	case unix.NETLINK_CRYPTO, unix.NETLINK_XFRM:
		return nlVerb(types, typ)
	case unix.NETLINK_NETFILTER:
		if types = nfTypes(typ); types != nil && typ>>8 != ipset {
			return nlVerb(types, typ&0xff)
		}
	}
	return setNLFlags
}
