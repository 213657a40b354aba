package process

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Descriptors come in messages (unix(7), SCM_RIGHTS and SCM_PIDFD). The message is in the
// program's memory, and may be anything by now: it only says which numbers are to be
// looked at.

// maxControl bounds the control messages that are looked at: as many descriptors as fit
// into one message (SCM_MAX_FD) with room for others.
const maxControl = 4096

func endRecvmsg(t *Thread, op *Op, _ table.Result) { t.received(op, op.args[1]) }

// endRecvmmsg ends recvmmsg(2), whose result is how many messages there were.
func endRecvmmsg(t *Thread, op *Op, res table.Result) {
	const most = 1024 // UIO_MAXIOV
	header, _ := headerSize(op.abi)
	word := uint64(op.abi.PointerBits() / 8)
	size := (header + 4 + word - 1) &^ (word - 1) // with msg_len
	for i := range min(uint64(res.Value()), most) {
		t.received(op, op.args[1]+i*size)
	}
}

// headerSize returns the size of a struct msghdr and where msg_control is in it.
func headerSize(abi table.ABI) (size, control uint64) {
	if abi.PointerBits() == 32 {
		return 28, 16
	}
	return 56, 32
}

// received looks at the control messages behind the struct msghdr at addr.
func (t *Thread) received(op *Op, addr uint64) {
	word := uint64(op.abi.PointerBits() / 8)
	_, at := headerSize(op.abi)
	control, ok1 := op.long(addr + at)
	size, ok2 := op.long(addr + at + word)
	if !ok1 || !ok2 || control == 0 {
		return
	}
	b := make([]byte, min(size, maxControl))
	n, _ := op.mem.ReadMemory(control, b)
	b = b[:n]
	header := int(word) + 8 // struct cmsghdr: length, level, type
	for len(b) >= header {
		length := uint64(binary.NativeEndian.Uint32(b))
		if word == 8 {
			length = binary.NativeEndian.Uint64(b)
		}
		if length < uint64(header) {
			return
		}
		length = min(length, uint64(len(b)))
		level, kind := binary.NativeEndian.Uint32(b[word:]), binary.NativeEndian.Uint32(b[word+4:])
		if level == unix.SOL_SOCKET && (kind == unix.SCM_RIGHTS || kind == unix.SCM_PIDFD) {
			for data := b[header:length]; len(data) >= 4; data = data[4:] {
				t.arrived(op.fds, int(int32(binary.NativeEndian.Uint32(data))))
			}
		}
		b = b[min((length+word-1)&^(word-1), uint64(len(b))):]
	}
}

// socketcalls are the calls that socketcall(2) of i386 stands for, by its first argument,
// and how many arguments they have (linux/net.h).
var socketcalls = map[uint32]struct {
	name string
	args uint64
}{
	1: {"socket", 3}, 2: {"bind", 3}, 3: {"connect", 3}, 4: {"listen", 2}, 5: {"accept", 3}, 8: {"socketpair", 4},
	17: {"recvmsg", 3}, 18: {"accept4", 4}, 19: {"recvmmsg", 5},
}

// inSocketcall are their effects; it is filled when effects is complete.
var inSocketcall = map[uint32]*effect{}

func init() {
	for nr, c := range socketcalls {
		inSocketcall[nr] = effects[c.name]
	}
}

// beginSocketcall begins the call that it stands for, with arguments from memory, which
// are not certainly those that the kernel reads.
func beginSocketcall(t *Thread, op *Op) {
	e := inSocketcall[uint32(op.args[0])]
	if e == nil {
		op.effect = nil
		return
	}
	var args [6]uint64
	for i := range socketcalls[uint32(op.args[0])].args {
		v, ok := op.word(op.args[1] + 4*i)
		if !ok {
			op.effect = nil
			return
		}
		args[i] = uint64(v)
	}
	op.args, op.effect, op.doubtful = args, e, true
	if e.begin != nil {
		e.begin(t, op)
	}
}
