package handlers

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// maxMessages is how many messages sendmmsg(2) sends at most (UIO_MAXIOV).
const maxMessages = 1024

// eachMessage calls f with each msghdr of sendmsg(2) or sendmmsg(2) that can be read,
// until f returns false.
func eachMessage(c *table.Call, f func(m *message) bool) {
	at, n := c.Arg(1), uint64(0)
	switch c.Name() {
	case "sendmsg":
		n = 1
	case "sendmmsg":
		n = min(c.Arg(2), maxMessages)
	}
	for range n {
		m, err := readMessage(c, at)
		if err != nil || !f(&m) {
			return
		}
		at += messageStride(c)
	}
}

// messageStride is the size of a struct mmsghdr.
func messageStride(c *table.Call) uint64 {
	stride := uint64(messageSize(c)) + 4
	if c.ABI().PointerBits() == 64 {
		stride += 4
	}
	return stride
}

// sendOne makes a sendmsg(2) with the message as fix has left it, out of the program's reach.
func sendOne(c *table.Call, next table.Handler, fix func(*message) error) table.Result {
	m, err := readMessage(c, c.Arg(1))
	if err == nil {
		err = fix(&m)
	}
	if err == nil {
		err = c.Pin(1, m.header)
	}
	if err != nil {
		return failed(err)
	}
	return next.Handle(c)
}

// sendMany sends the messages of sendmmsg(2) one by one, as fix has left them: the kernel writes
// to their headers how much it has sent, so these cannot lie where the program cannot write.
func sendMany(c *table.Call, fix func(*message) error) table.Result {
	const scratch = 5
	size := uint64(messageSize(c))
	at, sent := c.Arg(1), int64(0)
	for range min(c.Arg(2), maxMessages) {
		m, err := readMessage(c, at)
		if err == nil {
			err = fix(&m)
		}
		save := c.RawArg(scratch)
		if err == nil {
			err = c.Pin(scratch, m.header)
		}
		header := c.RawArg(scratch)
		c.SetArg(scratch, save)
		var r table.Result
		if err != nil {
			r = failed(err)
		} else {
			r = c.Inject("sendmsg", c.Arg(0), header, c.Arg(3))
		}
		if r.Failed() {
			if sent > 0 {
				break
			}
			return r
		}
		var n [4]byte
		put(n[:], uint64(r.Raw()))
		if w, err := c.WriteMemory(at+size, n[:]); err != nil || w < len(n) {
			return table.Errno(unix.EFAULT)
		}
		sent++
		at += messageStride(c)
	}
	return table.Return(sent)
}
