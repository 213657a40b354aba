package decode

import "golang.org/x/sys/unix"

// Messages of sock_diag(7), as far as they are not data.

// nlDiagMessages are the messages by address family: requests and answers.
var nlDiagMessages = map[uint64][2]int{
	unix.AF_UNIX:    {nlMessageUnixDiagReq, nlMessageUnixDiagMsg},
	unix.AF_INET:    {nlMessageInetDiagReqV2, nlMessageInetDiagMsg},
	unix.AF_INET6:   {nlMessageInetDiagReqV2, nlMessageInetDiagMsg},
	unix.AF_NETLINK: {nlMessageNetlinkDiagReq, nlMessageNetlinkDiagMsg},
	unix.AF_PACKET:  {nlMessagePacketDiagReq, nlMessagePacketDiagMsg},
	unix.AF_SMC:     {nlMessageSmcDiagReq, nlMessageSmcDiagMsg},
}

// nlDiag emits the payload of a message: requests and answers have the same types.
func (e *Event) nlDiag(s span, typ uint64, request bool) {
	const tcp, dccp = 18, 19 // TCPDIAG_GETSOCK, DCCPDIAG_GETSOCK: older than other families' requests
	family := s.u(0, 1)
	both, known := nlDiagMessages[family]
	if !known || s.n <= 1 {
		e.nlUnknown(s)
		return
	}
	m := both[1]
	if request {
		if m = both[0]; m == nlMessageInetDiagReqV2 && (typ == tcp || typ == dccp) {
			m = nlMessageInetDiagReq
		}
	}
	e.nlBegin(s, &nlMessages[m])
}

// nlDiagCall is nlCall for what sock_diag has.
func (e *Event) nlDiagCall(name string, ref uint8, s, whole span) bool {
	switch ref {
	case nlCallSKMeminfo:
		return e.nlArray("", s, s.n/4, 4, func(i int, s span) {
			e.nlElement(i, s, &nlForm{op: nlIndex, kind: Uint, set: "sk_meminfo"})
		})
	case nlCallBytecode:
		return e.nlBytecode(s)
	case nlCallShutdown:
		return e.nlValue(s, &nlForm{op: nlVerbose, kind: Flags, size: 1, short: true, set: "sock_shutdown"})
	case nlCallSockaddrs:
		return e.nlArray("", s, s.n/sockaddrMax, sockaddrMax, func(_ int, s span) { decodeSockaddr(e, "", e.reader(s.b, s.addr)) })
	case nlCallMD5Key:
		b := s.first(int(whole.u(2, 2))).b
		e.emit(Value{Name: name, Kind: Bytes, Raw: true, Text: b, Size: uint64(len(b))})
	case nlCallMclistAddress:
		b := s.first(int(whole.u(10, 2))).b
		e.emit(Value{Name: name, Kind: Bytes, Raw: true, Text: b, Size: uint64(len(b))})
	case nlCallSockopts:
		return e.nlSockopts(s)
	case nlCallGroups:
		word := int(longBits(e.abi) / 8)
		return e.nlArray("", s, s.n/word, word, func(_ int, s span) { e.num("", Mask, uint8(8*s.n), s.u(0, s.n)) })
	case nlCallPacketFilter:
		const size = 8 // sizeof struct sock_filter
		if n := s.n / size; n == 0 || n > 0xffff {
			return false
		}
		e.filterProgram("", s.addr, uint64(s.n/size))
	default:
		return false
	}
	return true
}

// nlBytecode emits INET_DIAG_REQ_BYTECODE: an instruction of the program that chooses
// sockets, and what it compares with; what is behind that is shown with it.
func (e *Event) nlBytecode(s span) bool {
	const size = 4 // sizeof struct inet_diag_bc_op
	op := &nlForm{op: nlStruct, ref: nlRecordBytecode}
	if s.n < size {
		return false
	}
	e.nlStruct("", s.first(size), op)
	if !s.has(size) || s.n == size {
		return true
	}
	const sourceGE, destinationLE, source, destination, device, mark = 2, 5, 7, 8, 9, 10 // INET_DIAG_BC_*
	rest, good := s.from(size), false
	switch code := s.u(0, 1); {
	case code == source || code == destination:
		good = e.nlHostCondition(rest)
	case code == device:
		good = e.nlValue(rest, &nlForm{op: nlNumber, kind: Interface, size: 4})
	case code >= sourceGE && code <= destinationLE:
		good = e.nlStruct("", rest, op)
	case code == mark:
		good = e.nlStruct("", rest, &nlForm{op: nlStruct, ref: nlRecordMarkCondition})
	}
	if !good {
		e.nlBytes("", rest)
	}
	return true
}

// nlHostCondition emits struct inet_diag_hostcond, which ends with an address.
func (e *Event) nlHostCondition(s span) bool {
	r := &nlRecords[nlRecordHostCondition]
	if s.n < r.size {
		return false
	}
	if !s.has(r.size) {
		e.emitAddr("", s.addr, true)
		return true
	}
	outer := e.begin("", Struct)
	defer e.close(outer)
	e.nlFields(s, r.fields)
	if s.n > r.size {
		e.nlAddress("addr", s.from(r.size), s.u(0, 1))
	}
	return true
}

// nlSockopts is struct inet_diag_sockopt: bits, of which those that are set are shown.
func (e *Event) nlSockopts(s span) bool {
	const size, known = 2, 11
	if s.n < size {
		return false
	}
	if !s.has(size) {
		e.emitAddr("", s.addr, true)
		return true
	}
	bits := s.u(0, size)
	outer := e.begin("", Struct)
	for i, name := range [known]string{
		"recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag", "bind_address_no_port", "recverr_rfc4884", "defer_connect",
	} {
		if bit := bits >> i & 1; bit != 0 || e.opts.Verbose {
			e.num(name, Uint, 1, bit)
		}
	}
	if rest := bits >> known; rest != 0 || e.opts.Verbose {
		inner := e.begin("unused", Noted)
		e.num("", Hex, 8, rest)
		e.emit(Value{Kind: Symbol, Symbol: "bits 3..8"})
		e.close(inner)
	}
	e.close(outer)
	if s.n > size {
		e.unknownRest(s.addr, size, uint64(s.n))
	}
	return true
}
