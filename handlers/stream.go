package handlers

import "io"

// A stream is a text of lines to which one thread writes, or all do.
type stream struct {
	out io.Writer
	// open is the thread whose call has begun the last line; the line has no
	// end yet. nil: the next text begins a line.
	open   *thread
	column int // how many bytes the open line has
	// results is the column of results.
	results int
}

const unfinished = " <unfinished ...>"

// interrupt ends the open line, if there is one, in dst: something else is to be
// written first.
func (s *stream) interrupt(dst []byte) []byte {
	if s.open == nil {
		return dst
	}
	th := s.open
	s.open = nil
	if th.exits {
		// Nothing more will come of it, though it may be long until the thread has ended: the
		// first of a process ends when all have.
		th.inCall = false
		from := len(dst)
		dst = append(dst, ") "...)
		dst = pad(dst, s.column+len(dst)-from, s.results)
		return append(dst, "= ?\n"...)
	}
	th.interrupted = true
	dst = append(dst, unfinished...)
	return append(dst, '\n')
}

const spaces = "                                                                "

// pad appends spaces to a text that is have bytes long until it is n bytes long.
func pad(dst []byte, have, n int) []byte {
	for have < n {
		k := min(n-have, len(spaces))
		dst = append(dst, spaces[:k]...)
		have += k
	}
	return dst
}

// appendPadded appends n in decimal, at least width wide, the number first if
// left is true.
func appendPadded(dst []byte, n int64, width int, left bool) []byte {
	var digits [20]byte
	i := len(digits)
	for v := uint64(max(n, 0)); ; v /= 10 {
		i--
		digits[i] = '0' + byte(v%10)
		if v < 10 {
			break
		}
	}
	have := len(digits) - i
	if left {
		dst = append(dst, digits[i:]...)
		return pad(dst, have, width)
	}
	dst = pad(dst, have, width)
	return append(dst, digits[i:]...)
}
