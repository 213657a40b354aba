package decode

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Messages of families that have few: crypto, SELinux, uevents of udev.

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

// nlVerb returns the names of the flags of messages of a type, by what its own name says.
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
