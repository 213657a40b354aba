package decode

import (
	"bytes"
	"encoding/binary"

	"github.com/k42trace/k42trace/table"
)

// Limits of what one event reads and keeps, whatever the child says.
const (
	pageSize   = 4096    // the smallest of all architectures
	firstPath  = 256     // nearly every path is shorter
	maxEvent   = 4 << 20 // bytes of child memory kept per event
	keepBuffer = 256 << 10
	maxValues  = 1 << 16 // values per event
	keepValues = 4096
	maxCount   = 4 << 20 // bytes of pointers that are read to count an envp
)

// alloc returns n bytes that live as long as the event's values, nil if that
// would be too much for one event.
func (e *Event) alloc(n int) []byte {
	if n < 0 || n > maxEvent-e.used {
		return nil
	}
	e.used += n
	if cap(e.buf)-len(e.buf) < n {
		// Values keep pointing into the old buffer; both live on until Reset.
		e.buf = make([]byte, 0, max(2*cap(e.buf), n, 4096))
	}
	i := len(e.buf)
	e.buf = e.buf[:i+n]
	return e.buf[i : i+n : i+n]
}

// want puts n bytes at addr into the batch that fetch reads.
func (e *Event) want(addr uint64, n int) {
	if addr == 0 || n <= 0 {
		return
	}
	if b := e.alloc(n); b != nil {
		e.ranges = append(e.ranges, table.Range{})
		r := &e.ranges[len(e.ranges)-1]
		r.Addr, r.Buf = addr, b // in place: a copy of what has just been stored waits for it
	}
}

// fetch reads what want asked for.
func (e *Event) fetch() {
	if e.fetched < len(e.ranges) {
		e.thread.ReadRanges(e.ranges[e.fetched:])
		e.fetched = len(e.ranges)
	}
}

// read returns up to n bytes at addr, from what fetch has read or from memory:
// less if the rest is unreadable. The slice lives as long as the event's values.
func (e *Event) read(addr uint64, n int) []byte {
	if e.opts.Shallow {
		return nil
	}
	return e.readText(addr, n)
}

// readText is read for what is text, which is shown also where structs are not.
func (e *Event) readText(addr uint64, n int) []byte {
	if addr == 0 || n <= 0 {
		return nil
	}
	for i := range e.ranges {
		r := &e.ranges[i]
		if r.Addr == addr && (n <= len(r.Buf) || r.N < len(r.Buf)) {
			return r.Buf[:max(0, min(n, r.N, len(r.Buf)))]
		}
	}
	return e.readNow(addr, n)
}

// readNow is readText for what the batch may have failed to read.
func (e *Event) readNow(addr uint64, n int) []byte {
	b := e.alloc(n)
	if b == nil {
		return nil
	}
	got, err := e.thread.ReadMemory(addr, b)
	if err != nil || got < 0 {
		return nil
	}
	return b[:min(got, n)]
}

// readAll is read, or nil unless all n bytes are readable.
func (e *Event) readAll(addr uint64, n int) []byte {
	if b := e.read(addr, n); len(b) == n && n > 0 {
		return b
	}
	return nil
}

// readString returns the bytes before the NUL of a string, at most limit of
// them. ended tells that the NUL was found, at that place or before; ok that
// anything could be read.
func (e *Event) readString(addr uint64, limit, first int) (s []byte, ended, ok bool) {
	if addr == 0 {
		return nil, false, false
	}
	step := first
	for len(s) <= limit {
		// Never past the page: the next may be none of the string's business.
		n := min(toPageEnd(addr), limit+1-len(s), step)
		b := e.readText(addr, n)
		if len(b) == 0 {
			// A string that runs into unreadable memory is as bad an
			// address for the kernel as one that begins there.
			return nil, false, false
		}
		if i := bytes.IndexByte(b, 0); i >= 0 {
			if s == nil {
				return b[:i], true, true
			}
			return append(s, b[:i]...), true, true
		}
		if s == nil {
			s = b
		} else {
			s = append(s, b...)
		}
		if len(b) < n {
			return nil, false, false
		}
		addr += uint64(len(b))
		step = pageSize
	}
	return s[:limit], false, true
}

// readTextUpTo returns the bytes before the NUL of a string, or all n if there is none among
// them; ok is false if they are not readable. Unlike readString it never reads what follows.
func (e *Event) readTextUpTo(addr uint64, n int) (s []byte, ok bool) {
	if n <= 0 {
		return nil, addr != 0
	}
	s, ended, ok := e.readString(addr, n-1, pageSize)
	if ok && !ended {
		s = e.readText(addr, n)
		ok = len(s) == n
	}
	return s, ok
}

func toPageEnd(addr uint64) int { return pageSize - int(addr%pageSize) }

// clamp makes a length of the child's an int that is safe to compute with.
func clamp(n uint64, limit int) int {
	if n > uint64(limit) {
		return limit
	}
	return int(n)
}

var le = binary.LittleEndian
