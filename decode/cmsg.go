package decode

import "golang.org/x/sys/unix"

// Control messages of sendmsg(2) and recvmsg(2) (cmsg(3), unix(7), ip(7)).

var (
	setCmsgLevel = setSockLevel.withPrefix("SOL_")
	setSCM       = SetByName("scm_type")
	setIPCmsg    = SetByName("ip_cmsg_type")
)

// maxControl bounds the control messages that are looked at: what a socket takes at
// most (net.core.optmem_max).
const maxControl = 128 << 10

// control emits the n bytes of control messages at addr.
func (e *Event) control(addr, n uint64) {
	const name = "msg_control"
	word := e.abi.PointerBits() / 8
	header := word + 8
	total := clamp(n, maxControl)
	b := e.read(addr, total)
	if addr == 0 || len(b) < total || total < header {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	outer := e.open(Value{Name: name, Kind: Array, Num: addr})
	defer e.close(outer)
	if n > maxControl {
		defer e.cut()
	}
	for !e.full() {
		size := e.word(b)
		// What is there of it: as much as it says, which may be wrong.
		used := clamp(max(size, uint64(header)), len(b))
		e.cmsg(size, b[word:used])
		used = min((used+word-1)&^(word-1), len(b))
		addr += uint64(used)
		b = b[used:]
		if len(b) == 0 {
			return
		}
		if size < uint64(header) || len(b) < header {
			e.emitLost(addr)
			return
		}
	}
}

// cmsg emits one message of the given size, of which b is what is behind it.
func (e *Event) cmsg(size uint64, b []byte) {
	level, typ, data := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), b[8:]
	outer := e.begin("", Struct)
	defer e.close(outer)
	e.num("cmsg_len", Uint, 64, size)
	e.enum("cmsg_level", 32, level, setCmsgLevel)
	switch level {
	case solSocket:
		e.enum("cmsg_type", 32, typ, setSCM)
		e.socketCmsg(typ, data)
	case solIP:
		e.enum("cmsg_type", 32, typ, setIPCmsg)
		e.ipCmsg(typ, data)
	default:
		e.num("cmsg_type", Hex, 32, typ)
	}
}

const cmsgData = "cmsg_data"

func (e *Event) socketCmsg(typ uint64, data []byte) {
	switch typ {
	case unix.SCM_RIGHTS, unix.SCM_PIDFD:
		if len(data) < 4 {
			return
		}
		outer := e.begin(cmsgData, Array)
		for limit := e.opts.arrayLimit(); len(data) >= 4; data = data[4:] {
			if limit--; limit < 0 {
				e.cut()
				break
			}
			e.emitFD("", uint64(le.Uint32(data)), false)
		}
		e.close(outer)
	case unix.SCM_CREDENTIALS:
		if len(data) >= 12 {
			outer := e.begin(cmsgData, Struct)
			e.fields(e.reader(data, 0), ucredRows)
			e.close(outer)
		}
	case unix.SCM_SECURITY:
		if len(data) > 0 {
			e.cmsgText(data)
		}
	case unix.SO_TIMESTAMP_OLD:
		e.cmsgTimes("timeval", data, 1)
	case unix.SO_TIMESTAMPNS_OLD:
		e.cmsgTimes("timespec", data, 1)
	case unix.SO_TIMESTAMPING_OLD:
		e.cmsgTimes("timespec", data, 3)
	case unix.SO_TIMESTAMP_NEW:
		e.cmsgTimes("timeval64", data, 1)
	case unix.SO_TIMESTAMPNS_NEW:
		e.cmsgTimes("timespec64", data, 1)
	case unix.SO_TIMESTAMPING_NEW:
		e.cmsgTimes("timespec64", data, 3)
	}
}

// cmsgText emits data that is text as far as one knows.
func (e *Event) cmsgText(data []byte) {
	show := min(len(data), e.opts.StringLimit)
	e.bytes(cmsgData, 0, data[:show], uint64(len(data)), show < len(data))
}

// cmsgTimes emits n times, in brackets if they are more than one.
func (e *Event) cmsgTimes(name string, data []byte, n int) {
	t := structs[name]
	size := t.size[e.abi]
	if len(data) < n*size {
		e.emit(Value{Name: cmsgData, Kind: Symbol, Symbol: "???"})
		return
	}
	if n == 1 {
		e.emitBytesAs(cmsgData, t, data[:size])
		return
	}
	outer := e.begin(cmsgData, Array)
	for range n {
		e.emitBytesAs("", t, data[:size])
		data = data[size:]
	}
	e.close(outer)
}

func (e *Event) ipCmsg(typ uint64, data []byte) {
	switch typ {
	case unix.IP_TOS, unix.IP_RECVOPTS, unix.IP_RETOPTS:
		e.cmsgNumbers(Hex, 1, data)
	case unix.IP_TTL, unix.IP_CHECKSUM:
		e.cmsgNumbers(Uint, 4, data)
	case unix.SCM_SECURITY:
		if len(data) > 0 {
			e.cmsgText(data)
		}
	case unix.IP_PKTINFO:
		if len(data) < 12 {
			return
		}
		outer := e.begin(cmsgData, Struct)
		e.num("ipi_ifindex", Interface, 32, uint64(le.Uint32(data)))
		e.emit(Value{Name: "ipi_spec_dst", Kind: IPv4, Text: data[4:8]})
		e.emit(Value{Name: "ipi_addr", Kind: IPv4, Text: data[8:12]})
		e.close(outer)
	case unix.IP_RECVERR:
		const size = 16 // of struct sock_extended_err; the address is behind it
		if len(data) < size+unix.SizeofSockaddrInet4 {
			return
		}
		outer := e.begin(cmsgData, Struct)
		e.fields(e.reader(data, 0), extendedErr)
		e.emitBytesAs("offender", structs["sockaddr"], data[size:size+unix.SizeofSockaddrInet4])
		e.close(outer)
	case unix.IP_ORIGDSTADDR:
		if len(data) >= unix.SizeofSockaddrInet4 {
			e.emitBytesAs(cmsgData, structs["sockaddr"], data)
		}
	}
}

// cmsgNumbers emits the numbers that data is made of.
func (e *Event) cmsgNumbers(kind Kind, size int, data []byte) {
	if len(data) < size {
		return
	}
	outer := e.begin(cmsgData, Array)
	r := e.reader(data, 0)
	for limit := e.opts.arrayLimit(); len(data)-r.off >= size; {
		if limit--; limit < 0 {
			e.cut()
			break
		}
		e.num("", kind, uint8(8*size), r.u(size))
	}
	e.close(outer)
}

var extendedErr = []field{
	{"ee_errno", Uint, 4, nil}, {"ee_origin", Uint, 1, nil}, {"ee_type", Uint, 1, nil}, {"ee_code", Uint, 1, nil}, {size: 1},
	{"ee_info", Uint, 4, nil}, {"ee_data", Uint, 4, nil},
}
