package table

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Nonsense reports whether r is no result that c can have, and says why: if r is not
// Exactly what is wanted. It is for engines.
func (r Result) Nonsense(c *Call) (why string, is bool) {
	switch {
	case r.marks&(exact|gone) != 0, r.blocked != nil, r.Restarting():
		return "", false
	case r.Failed():
		if unix.ErrnoName(r.Errno()) == "" {
			return fmt.Sprintf("errno %d, which there is not", int(r.Errno())), true
		}
		return "", false
	}
	most, ok := c.most()
	if ok && (r.raw < 0 || uint64(r.raw) > most) {
		return fmt.Sprintf("%d, of %d bytes", r.raw, most), true
	}
	if most, ok = c.mostItems(); ok && (r.raw < 0 || uint64(r.raw) > most) {
		return fmt.Sprintf("%d, of at most %d", r.raw, most), true
	}
	return "", false
}

// mostItems returns what a call returns at most, if it is one that returns how many of the
// program's structs it has filled in.
func (c *Call) mostItems() (n uint64, ok bool) {
	if c.sig == nil {
		return 0, false
	}
	switch c.sig.Name {
	case "poll", "ppoll", "ppoll_time64":
		return uint64(uint32(c.Arg(1))), true
	case "epoll_wait", "epoll_pwait", "epoll_pwait2", "recvmmsg", "recvmmsg_time64", "sendmmsg":
		return uint64(uint32(c.Arg(2))), true
	case "io_getevents", "io_pgetevents", "io_pgetevents_time64":
		return c.Arg(2), true
	case "select", "_newselect", "pselect6", "pselect6_time64": // a bit in each of three sets
		return 3 * uint64(uint32(c.Arg(0))), true
	case "getgroups", "getgroups32":
		return uint64(uint32(c.Arg(0))), uint32(c.Arg(0)) != 0 // 0 asks how many there are
	}
	return 0, false
}

// most returns how many bytes a call moves at most, if it is one that returns how many
// it has moved.
func (c *Call) most() (n uint64, ok bool) {
	if c.sig == nil {
		return 0, false
	}
	switch c.sig.Name {
	case "recvfrom":
		return c.Arg(2), c.Arg(3)&unix.MSG_TRUNC == 0 // which asks for the message's whole size
	case "read", "write", "pread64", "pwrite64", "getdents", "getdents64", "sendto":
		return c.Arg(2), true
	case "readlink": // the size is an int
		return uint64(uint32(c.Arg(2))), true
	case "readlinkat":
		return uint64(uint32(c.Arg(3))), true
	case "sendfile", "sendfile64":
		return c.Arg(3), true
	case "getrandom", "getcwd":
		return c.Arg(1), true
	case "splice", "copy_file_range":
		return c.Arg(4), true
	case "tee":
		return c.Arg(2), true
	case "getxattr", "lgetxattr", "fgetxattr":
		return c.Arg(3), c.Arg(3) != 0 // 0 asks how many there are
	case "listxattr", "llistxattr", "flistxattr":
		return c.Arg(2), c.Arg(2) != 0
	case "mq_timedreceive", "mq_timedreceive_time64", "msgrcv":
		return c.Arg(2), true
	case "readv", "writev", "preadv", "pwritev", "preadv2", "pwritev2", "vmsplice", "process_vm_readv", "process_vm_writev":
		return c.vectors(c.Arg(1), c.Arg(2))
	case "recvmsg", "sendmsg":
		if c.sig.Name == "recvmsg" && c.Arg(2)&unix.MSG_TRUNC != 0 {
			return 0, false
		}
		return c.message(c.Arg(1))
	}
	return 0, false
}

// maxVectors is how many the kernel takes (UIO_MAXIOV).
const maxVectors = 1024

// vectors returns how many bytes n struct iovec at addr are of, false if that cannot be told.
func (c *Call) vectors(addr, n uint64) (bytes uint64, ok bool) {
	if n > maxVectors {
		return 0, false
	}
	width := uint64(c.abi.PointerBits() / 8)
	b := make([]byte, 2*width*n)
	if got, err := c.ReadMemory(addr, b); err != nil || got < len(b) {
		return 0, false
	}
	for ; len(b) > 0; b = b[2*width:] {
		size := pointer(b[width : 2*width])
		if bytes += size; bytes < size {
			return 0, false
		}
	}
	return bytes, true
}

// message is vectors for those of a struct msghdr.
func (c *Call) message(addr uint64) (bytes uint64, ok bool) {
	width := uint64(c.abi.PointerBits() / 8)
	b := make([]byte, 2*width) // msg_iov and msg_iovlen, behind msg_name and msg_namelen
	if got, err := c.ReadMemory(addr+2*width, b); err != nil || got < len(b) {
		return 0, false
	}
	return c.vectors(pointer(b[:width]), pointer(b[width:]))
}

// pointer reads a number as wide as a pointer.
func pointer(b []byte) uint64 {
	if len(b) == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}
