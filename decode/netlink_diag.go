package decode

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Messages of sock_diag(7): what sockets there are, of IP and of AF_UNIX.

var setTCPStates = SetByName("tcp_state")

// nlDiag returns what a message of a type is like: requests and answers have the
// same types.
func nlDiag(typ uint64, request bool, family byte) *nlType {
	const byFamily, destroy = 20, 21
	if typ != byFamily && typ != destroy {
		return nil
	}
	switch family {
	case unix.AF_INET, unix.AF_INET6:
		if request {
			return inetDiagRequest
		}
		return inetDiagAnswer
	case unix.AF_UNIX:
		if request {
			return unixDiagRequest
		}
		return unixDiagAnswer
	}
	return nil
}

var inetDiagRequest = &nlType{size: 56, family: "sdiag_family", attrs: &nlAttrs{names: SetByName("inet_diag_req")}, decode: func(e *Event, r *reader) {
	e.enum("sdiag_protocol", 8, r.u8(), setIPProtocols)
	e.flags("idiag_ext", 8, r.u8(), SetByName("inet_diag_ext"))
	r.skip(1)
	e.states("idiag_states", r.u32())
	e.socketID(r)
}}

var inetDiagAnswer = &nlType{size: 72, family: "idiag_family", attrs: inetDiagAttrs, decode: func(e *Event, r *reader) {
	e.enum("idiag_state", 8, r.u8(), setTCPStates)
	e.num("idiag_timer", Uint, 8, r.u8())
	e.num("idiag_retrans", Uint, 8, r.u8())
	e.socketID(r)
	e.fields(r, []field{
		{"idiag_expires", Uint, 4, nil}, {"idiag_rqueue", Uint, 4, nil}, {"idiag_wqueue", Uint, 4, nil}, {"idiag_uid", Uint, 4, nil}, {"idiag_inode", Uint, 4, nil},
	})
}}

var memInfo = []field{{"idiag_rmem", Uint, 4, nil}, {"idiag_wmem", Uint, 4, nil}, {"idiag_fmem", Uint, 4, nil}, {"idiag_tmem", Uint, 4, nil}}

var inetDiagAttrs = &nlAttrs{names: SetByName("inet_diag"), forms: map[uint16]nlForm{
	1: nlRecord(16, memInfo...), 4: nlString, 5: nlU8, 6: nlU8, // MEMINFO, CONG, TOS, TCLASS
	7: nlMemory, 8: nlU8, 10: nlU8, 11: nlU8, // SKMEMINFO, SHUTDOWN, PROTOCOL, SKV6ONLY
	15: nlU32, 17: nlU32, 21: nlU64, 22: nlSockopts, // MARK, CLASS_ID, CGROUP_ID, SOCKOPT
}}

var setMemory = SetByName("sk_meminfo")

// nlMemory is an array of numbers whose places have names.
func nlMemory(e *Event, r *reader) {
	outer := e.begin("", Array)
	for i := 0; r.off+4 <= len(r.b); i++ {
		inner := e.begin("", Indexed)
		e.enum("", 32, uint64(i), setMemory)
		e.num("", Uint, 32, r.u32())
		e.close(inner)
	}
	e.close(outer)
}

// nlSockopts is struct inet_diag_sockopt: bits, of which those that are set are shown.
func nlSockopts(e *Event, r *reader) {
	if len(r.b) < 2 {
		e.nlHex(r.b)
		return
	}
	bits := r.u16()
	outer := e.begin("", Struct)
	for i, name := range [...]string{
		"recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag", "bind_address_no_port", "recverr_rfc4884", "defer_connect",
	} {
		if bits>>i&1 != 0 {
			e.num(name, Uint, 1, 1)
		}
	}
	e.close(outer)
}

// socketID emits struct inet_diag_sockid.
func (e *Event) socketID(r *reader) {
	outer := e.begin("id", Struct)
	defer e.close(outer)
	e.num("idiag_sport", Port, 16, uint64(binary.BigEndian.Uint16(r.bytes(2))))
	e.num("idiag_dport", Port, 16, uint64(binary.BigEndian.Uint16(r.bytes(2))))
	for _, name := range [...]string{"idiag_src", "idiag_dst"} {
		b := r.bytes(16)
		if e.nlFamily == unix.AF_INET6 {
			e.emit(Value{Name: name, Kind: IPv6, Text: b})
		} else {
			e.emit(Value{Name: name, Kind: IPv4, Text: b[:4]})
		}
	}
	e.num("idiag_if", Interface, 32, r.u32())
	e.cookie("idiag_cookie", r)
}

func (e *Event) cookie(name string, r *reader) {
	outer := e.begin(name, Array)
	e.num("", Uint, 32, r.u32())
	e.num("", Uint, 32, r.u32())
	e.close(outer)
}

// states emits a set of TCP's states: 1<<TCP_LISTEN.
func (e *Event) states(name string, num uint64) {
	known := num & (1<<13 - 2)
	if known == num || known == 0 {
		e.emit(Value{Name: name, Kind: CapSet, Bits: 32, Num: num, Set: setTCPStates})
		return
	}
	outer := e.open(Value{Name: name, Kind: Or, Bits: 32, Num: num})
	e.emit(Value{Kind: CapSet, Bits: 32, Num: known, Set: setTCPStates})
	e.num("", Hex, 32, num&^known)
	e.close(outer)
}

var unixDiagRequest = &nlType{size: 24, family: "sdiag_family", attrs: &nlAttrs{}, decode: func(e *Event, r *reader) {
	e.num("sdiag_protocol", Uint, 8, r.u8())
	r.skip(2)
	e.states("udiag_states", r.u32())
	e.num("udiag_ino", Uint, 32, r.u32())
	e.flags("udiag_show", 32, r.u32(), SetByName("udiag_show"))
	e.cookie("udiag_cookie", r)
}}

var unixDiagAnswer = &nlType{size: 16, family: "udiag_family", attrs: unixDiagAttrs, decode: func(e *Event, r *reader) {
	e.enum("udiag_type", 8, r.u8(), setSockTypes)
	e.enum("udiag_state", 8, r.u8(), setTCPStates)
	r.skip(1)
	e.num("udiag_ino", Uint, 32, r.u32())
	e.cookie("udiag_cookie", r)
}}

var unixDiagAttrs = &nlAttrs{names: SetByName("unix_diag"), forms: map[uint16]nlForm{
	0: func(e *Event, r *reader) { e.nlText(r.b) }, // NAME
	1: nlRecord(8, field{"udiag_vfs_dev", Dev, 4, nil}, field{"udiag_vfs_ino", Uint, 4, nil}),
	2: nlU32, // PEER
	4: nlRecord(8, field{"udiag_rqueue", Uint, 4, nil}, field{"udiag_wqueue", Uint, 4, nil}),
	5: nlMemory, 6: nlU8, 7: nlUID, // MEMINFO, SHUTDOWN, UID
}}
