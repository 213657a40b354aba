package handlers

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// The data that calls read and write, dumped behind their lines (strace -e read=, -e
// write=).

// Stopping is middleware that makes calls come by the trap route: a Trace that dumps
// their data needs to see all of it.
func Stopping(next table.Handler) table.Handler { return stopping{next} }

type stopping struct{ table.Handler }

var _ table.Stopper = stopping{}

func (stopping) Stops() {}

// Dumpable returns the calls whose data a Trace dumps if the options want it.
func Dumpable() *table.Set {
	set := &table.Set{}
	for abi := range table.NumABI {
		for nr := range maxKnown {
			if sig := table.SignatureOf(abi, nr); sig != nil && payload(sig) > 0 {
				set.Add(abi, nr)
			}
		}
	}
	return set
}

// payload returns which argument of a call on a descriptor, its first argument, has
// the data that is read or written; 0 if there is none.
func payload(sig *table.Signature) int {
	if len(sig.Args) < 2 || sig.Args[0].Kind != table.FD || sig.Class&(table.ClassDesc|table.ClassNetwork) == 0 {
		return 0
	}
	switch a := &sig.Args[1]; {
	case sig.Result != table.Int && sig.Result != table.Uint: // not a number of bytes
	case a.Kind == table.Buffer:
		return 1
	case a.Kind == table.Struct && (a.Set == "iovec" || a.Set == "msghdr" || a.Set == "mmsghdr"):
		return 1
	}
	return 0
}

// dump appends the data of a finished call.
func (t *Trace) dump(dst []byte, e *decode.Event, c *table.Call, res table.Result) []byte {
	sig, args := e.Call()
	if sig == nil || payload(sig) == 0 {
		return dst
	}
	a := &sig.Args[1]
	reads := a.Dir&table.Out != 0 && sig.Name != "sendmmsg"
	if res.Failed() && (reads || sig.Name == "sendmmsg") { // what was to be written is there anyhow
		return dst
	}
	fd := int(int32(args[0]))
	if fds := t.opts.Reads; reads && !fds.Has(fd) {
		return dst
	}
	if fds := t.opts.Writes; !reads && !fds.Has(fd) {
		return dst
	}
	left := uint64(math.MaxUint64)
	if reads {
		left = uint64(res.Value())
	}
	d := dumper{dst, c}
	addr := args[1]
	switch {
	case a.Kind == table.Buffer:
		n := left
		if !reads {
			n = args[a.Len]
		}
		d.data(addr, n)
	case a.Set == "iovec":
		d.vectors(addr, args[a.Len], left)
	case a.Set == "msghdr":
		d.message(addr, left)
	default:
		d.messages(addr, uint64(res.Value()))
	}
	return d.text
}

// maxDumped bounds what is dumped of one buffer, and of how many.
const (
	maxDumped  = 16 << 20
	maxVectors = 1024 // UIO_MAXIOV
)

type dumper struct {
	text []byte
	call *table.Call
}

// word reads a pointer or a size_t; x32's structs have narrow ones.
func (d *dumper) words(addr uint64, n int) []uint64 {
	size := d.call.ABI().PointerBits() / 8
	b := make([]byte, n*size)
	if got, err := d.call.ReadMemory(addr, b); err != nil || got < len(b) {
		return nil
	}
	words := make([]uint64, n)
	for i := range words {
		if size == 4 {
			words[i] = uint64(binary.LittleEndian.Uint32(b[i*size:]))
		} else {
			words[i] = binary.LittleEndian.Uint64(b[i*size:])
		}
	}
	return words
}

// vectors dumps an array of struct iovec with up to left bytes.
func (d *dumper) vectors(addr, n, left uint64) {
	words := d.words(addr, 2*int(min(n, maxVectors)))
	for i := 0; i+1 < len(words) && left > 0; i += 2 {
		size := min(words[i+1], left)
		if left -= size; size == 0 {
			continue
		}
		d.text = append(d.text, " * "...)
		d.text = appendPadded(d.text, int64(size), 0, false)
		d.text = append(d.text, " bytes in buffer "...)
		d.text = appendPadded(d.text, int64(i/2), 0, false)
		d.text = append(d.text, '\n')
		d.data(words[i], size)
	}
}

// message dumps what a struct msghdr holds: msg_name, msg_namelen, msg_iov, msg_iovlen.
func (d *dumper) message(addr, left uint64) (buffers uint64) {
	if h := d.words(addr, 4); h != nil {
		d.vectors(h[2], h[3], left)
		return h[3]
	}
	return 0
}

// messages dumps n of an array of struct mmsghdr, each a msghdr and its length.
func (d *dumper) messages(addr, n uint64) {
	word := uint64(d.call.ABI().PointerBits() / 8)
	size := 7*word + 4
	size = (size + word - 1) / word * word
	for i := range min(n, maxVectors) {
		at := addr + i*size
		var length [4]byte
		h := d.words(at, 4)
		if got, err := d.call.ReadMemory(at+7*word, length[:]); err != nil || got < len(length) || h == nil {
			return
		}
		d.text = append(d.text, " = "...)
		d.text = appendPadded(d.text, int64(h[3]), 0, false)
		d.text = append(d.text, " buffers in vector "...)
		d.text = appendPadded(d.text, int64(i), 0, false)
		d.text = append(d.text, '\n')
		d.vectors(h[2], h[3], uint64(binary.LittleEndian.Uint32(length[:])))
	}
}

// data dumps n bytes at addr, 16 to a line.
func (d *dumper) data(addr, n uint64) {
	b := make([]byte, min(n, maxDumped))
	got, err := d.call.ReadMemory(addr, b)
	if err != nil || got <= 0 {
		return
	}
	const row, least = 16, 5
	width := max(least, (bits.Len64(n-1)+3)/4) // of the last offset
	for at := 0; at < got; at += row {
		d.text = appendRow(d.text, at, width, b[at:min(at+row, got)])
	}
	if got < len(b) {
		d.unreadable(addr+uint64(got), len(b)-got)
	}
}

// unreadable tells of n bytes that cannot be dumped.
func (d *dumper) unreadable(addr uint64, n int) {
	plural := "s"
	if n == 1 {
		plural = ""
	}
	d.text = fmt.Appendf(d.text, " | <Cannot fetch %d byte%s from pid %d @%#x>\n", n, plural, d.call.Thread().TID(), addr)
}

// appendRow appends one line of a dump: offset with width digits, bytes, text.
func appendRow(dst []byte, at, width int, b []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, " | "...)
	for width--; width >= 0; width-- {
		dst = append(dst, digits[at>>(4*width)&15])
	}
	dst = append(dst, ' ')
	for i := range 16 {
		if i%8 == 0 {
			dst = append(dst, ' ')
		}
		if i < len(b) {
			dst = append(dst, digits[b[i]>>4], digits[b[i]&15], ' ')
		} else {
			dst = append(dst, "   "...)
		}
	}
	dst = append(dst, ' ')
	for i := range 16 {
		switch {
		case i >= len(b):
			dst = append(dst, ' ')
		case b[i] < ' ' || b[i] > '~':
			dst = append(dst, '.')
		default:
			dst = append(dst, b[i])
		}
	}
	return append(dst, " |\n"...)
}
