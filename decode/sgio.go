package decode

// Commands to SCSI devices (scsi/sg.h, linux/bsg.h): SG_IO is there in two versions, which the
// first member of the struct tells apart. What the kernel has filled in is shown even where
// the request has failed.

func init() {
	ioctlFamilies = append(ioctlFamilies, func(t ioctlTable) {
		t[0x2285] = ioctlArg{kind: ioctlOwn, entry: (*Event).scsiBefore, exit: (*Event).scsiAfter} // SG_IO
	})
}

// Directions of data (SG_DXFER_...).
const (
	scsiTo   = 1<<32 - 2
	scsiFrom = 1<<32 - 3
	scsiBoth = 1<<32 - 4
)

const scsi4Size = 160

// scsi3Size is the size of struct sg_io_hdr.
func scsi3Size(e *Event) int { return 64 + 24*btoi(e.abi.PointerBits() == 64) }

// scsiRest reads a struct of n bytes whose first member has been read.
func (e *Event) scsiRest(n int) *reader {
	b := e.readAll(e.args[2], n)
	if b == nil {
		e.num("", Addr, 64, e.args[2]+4)
		return nil
	}
	return e.reader(b, e.args[2]).at(4)
}

func (e *Event) scsiBefore() {
	addr := e.args[2]
	b := e.readAll(addr, 4)
	if b == nil {
		e.emitAddr("", addr, true)
		return
	}
	version := le.Uint32(b)
	if version != 'S' && version != 'Q' {
		defer e.close(e.begin("", Array))
		e.num("", Uint, 32, uint64(version))
		return
	}
	e.later(2)
	defer e.close(e.begin("", Struct))
	if version == 'S' {
		e.num("interface_id", Char, 32, 'S')
		if r := e.scsiRest(scsi3Size(e)); r != nil {
			e.scsi3Before(r)
		}
		return
	}
	e.num("guard", Char, 32, 'Q')
	if r := e.scsiRest(scsi4Size); r != nil {
		e.scsi4Before(r)
	}
}

func (e *Event) scsiAfter() {
	v := e.arg(2)
	if v.Kind != Struct || e.values[v.last].Kind == Addr && e.values[v.last].Name == "" {
		return
	}
	defer e.close(e.reopen())
	size := scsi3Size(e)
	three := e.values[v.first].Num == 'S'
	if !three {
		size = scsi4Size
	}
	b := e.readAll(e.args[2], size)
	if b == nil {
		e.cut()
		return
	}
	if r := e.reader(b, e.args[2]).at(4); three {
		e.scsi3After(r)
	} else {
		e.scsi4After(r)
	}
}

// scsiData emits n bytes of data at addr, or where the count iovecs there say.
func (e *Event) scsiData(name string, addr, n, count uint64) {
	if count == 0 {
		e.rawBuffer(name, addr, n)
		return
	}
	e.left = int64(n)
	e.emitArray(name, structs["iovec"], addr, count)
	e.left = allData
}

func (e *Event) scsi3Before(r *reader) {
	direction, commandLen, senseMax, count, n := r.u32(), r.u8(), r.u8(), r.u16(), r.u32()
	data, command := r.ptr(), r.ptr()
	r.ptr()
	e.enum("dxfer_direction", 32, direction, SetByName("sg_direction"))
	e.num("cmd_len", Uint, 8, commandLen)
	e.rawBuffer("cmdp", command, commandLen)
	e.num("mx_sb_len", Uint, 8, senseMax)
	e.num("iovec_count", Uint, 16, count)
	e.num("dxfer_len", Uint, 32, n)
	e.num("timeout", Uint, 32, r.u32())
	e.flags("flags", 32, r.u32(), SetByName("sg_flags"))
	if direction == scsiTo || direction == scsiBoth {
		e.scsiData("dxferp", data, n, count)
	}
}

func (e *Event) scsi3After(r *reader) {
	direction := r.u32()
	r.skip(2)
	count, n, data := r.u16(), r.u32(), r.ptr()
	r.ptr()
	sense := r.ptr()
	r.skip(12) // timeout, flags, pack_id
	r.ptr()
	status, masked, message, senseLen := r.u8(), r.u8(), r.u8(), r.u8()
	host, driver, residue := r.u16(), r.u16(), r.u32()
	got := n
	if int32(residue) > 0 && residue <= n {
		got -= residue
	}
	switch {
	case direction == scsiFrom:
		e.scsiData("dxferp", data, got, count)
	case direction == scsiBoth && got > 0:
		e.lastBecomes(func() { e.scsiData("dxferp", data, got, count) })
	}
	e.num("status", Hex, 8, status)
	e.num("masked_status", Hex, 8, masked)
	e.num("msg_status", Hex, 8, message)
	e.num("sb_len_wr", Uint, 8, senseLen)
	e.rawBuffer("sbp", sense, senseLen)
	e.num("host_status", Hex, 16, host)
	e.num("driver_status", Hex, 16, driver)
	e.num("resid", Int, 32, residue)
	e.num("duration", Uint, 32, r.u32())
	e.flags("info", 32, r.u32(), SetByName("sg_info"))
}

func (e *Event) scsi4Before(r *reader) {
	protocol := r.u32()
	e.enum("protocol", 32, protocol, SetByName("bsg_protocol"))
	e.enum("subprotocol", 32, r.u32(), SetByName("bsg_subprotocol"))
	n := r.u32()
	e.num("request_len", Uint, 32, n)
	e.rawBuffer("request", r.u64(), n)
	e.num("request_tag", Hex, 64, r.u64())
	for _, name := range [...]string{"request_attr", "request_priority", "request_extra", "max_response_len"} {
		e.num(name, Uint, 32, r.u32())
	}
	r.skip(8)
	count, out := r.u32(), r.u32()
	e.num("dout_iovec_count", Uint, 32, count)
	e.num("dout_xfer_len", Uint, 32, out)
	e.num("din_iovec_count", Uint, 32, r.u32())
	e.num("din_xfer_len", Uint, 32, r.u32())
	e.scsiData("dout_xferp", r.u64(), out, count)
	r.skip(8)
	e.num("timeout", Uint, 32, r.u32())
	e.flags("flags", 32, r.u32(), SetByName("bsg_flags"))
	e.num("usr_ptr", Hex, 64, r.u64())
}

func (e *Event) scsi4After(r *reader) {
	response := r.at(48).u64()
	r.skip(8)
	count, in := r.u32(), r.u32()
	data := r.at(80).u64()
	responseLen, residue := r.at(132).u32(), r.u32()
	e.num("response_len", Uint, 32, responseLen)
	e.rawBuffer("response", response, responseLen)
	if int32(residue) > 0 && residue <= in {
		in -= residue
	}
	e.scsiData("din_xferp", data, in, count)
	r.at(108)
	for _, name := range [...]string{"driver_status", "transport_status", "device_status"} {
		e.num(name, Hex, 32, r.u32())
	}
	e.num("retry_delay", Uint, 32, r.u32())
	e.flags("info", 32, r.u32(), SetByName("sg_info"))
	e.num("duration", Uint, 32, r.u32())
	e.num("response_len", Uint, 32, r.u32())
	e.num("din_resid", Int, 32, r.u32())
	e.num("dout_resid", Int, 32, r.u32())
	e.num("generated_tag", Hex, 64, r.u64())
}
