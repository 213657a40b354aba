package decode

import "encoding/binary"

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
