package decode

// Structs with which sockets join groups (ip(7), ipv6(7), packet(7)), and what
// packet sockets' rings are like.

var ipMreq = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.emit(Value{Name: "imr_multiaddr", Kind: IPv4, Text: r.bytes(4)})
	e.emit(Value{Name: "imr_interface", Kind: IPv4, Text: r.bytes(4)})
	e.close(outer)
}}

var ipv6Mreq = &structType{size: sizesAll(20), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.emit(Value{Name: "ipv6mr_multiaddr", Kind: IPv6, Text: r.bytes(16)})
	e.num("ipv6mr_interface", Interface, 32, r.u32())
	e.close(outer)
}}

// struct group_req: an interface and a struct sockaddr_storage, aligned as a long
// is.
var groupReq = &structType{size: sizesPtr(136, 132), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.num("gr_interface", Interface, 32, r.u32())
	at := uint64(r.abi.PointerBits() / 8)
	e.emitVariable("gr_group", structs["sockaddr"], r.addr+at, sockaddrMax)
	e.close(outer)
}}

var setPacketMrTypes = SetByName("packet_mr_type")

var packetMreq = &structType{size: sizesAll(16), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.num("mr_ifindex", Interface, 32, r.u32())
	e.enum("mr_type", 16, r.u16(), setPacketMrTypes)
	n := r.u16()
	e.num("mr_alen", Uint, 16, n)
	addr := r.bytes(8)
	e.emit(Value{Name: "mr_address", Kind: HWAddr, Text: addr[:min(int(n), len(addr))]})
	e.close(outer)
}}

var tpacketReq = &structType{size: sizesAll(16), decode: record(
	field{"tp_block_size", Uint, 4, nil}, field{"tp_block_nr", Uint, 4, nil}, field{"tp_frame_size", Uint, 4, nil}, field{"tp_frame_nr", Uint, 4, nil})}
