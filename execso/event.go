package execso

import (
	"errors"
	"fmt"
)

// ErrCorrupt says that a thread has written nonsense into its slot.
var ErrCorrupt = errors.New("the recorded calls make no sense")

// EventKind says what an Event tells.
type EventKind uint8

// Kinds of events.
const (
	Enter EventKind = iota + 1
	Exit
)

// An Event is one half of a recorded call. All of it is what the thread wrote: that
// the numbers are possible has been checked, and nothing else; so an Exit may
// have no Enter.
type Event struct {
	Kind  EventKind
	Stamp uint64 // time-stamp counter, 0 unless RecordTimed

	// Of an Enter:
	Nr   int // a number that can be recorded
	Site uint64
	Args [6]uint64 // registers; what the kernel looks at may be less

	// Of an Exit:
	Result   int64      // raw: an error's negative number or a value
	Unhelped bool       // there should have been captures, but nobody helped
	Captures []Captured // valid until the next call of Next for the slot
	// Opened is the descriptor that is the result, empty unless that was wanted:
	// Slot.SetNames. Its name is as valid as Captures.
	Opened Opened
}

// Captured is memory of the program as it was when a call had returned.
type Captured struct {
	Arg  int    // the argument that led to it
	Addr uint64 // where it is in the process
	Cut  bool   // there was more
	Data []byte
}

// ReadCaptured reads up to len(p) bytes at addr from captured memory, up to the first
// that is not there. It returns how many.
func ReadCaptured(captures []Captured, addr uint64, p []byte) (n int) {
	for n < len(p) {
		// Captures may overlap, as the program's buffers may.
		var best []byte
		for i := range captures {
			c := &captures[i]
			if off := addr + uint64(n) - c.Addr; off < uint64(len(c.Data)) && len(c.Data)-int(off) > len(best) {
				best = c.Data[off:]
			}
		}
		if best == nil {
			break
		}
		n += copy(p[n:], best)
	}
	return n
}

// Look finds out what the thread has recorded up to now, for Next. It costs a running
// thread a cache miss at its next event.
func (s *Slot) Look() {
	if s.index != 0 && !s.freed {
		s.head = peek(s.mem, areaHead)
	}
}

// Next takes the next event out of the ring, if Look has seen one. An error is
// ErrCorrupt and remains; the slot is then shut for good.
func (s *Slot) Next(e *Event) (ok bool, err error) {
	if s.index == 0 || s.freed || s.broken != nil {
		return false, s.broken
	}
	have := s.head - s.taken
	if have == 0 {
		return false, nil
	}
	if have > ringSize || have%8 != 0 {
		return false, s.corrupt("%d bytes in the ring", have)
	}
	e.Captures, e.Opened = e.Captures[:0], Opened{}
	ring := s.mem[ringOff:]
	at := int(s.taken % ringSize)
	first := peek(ring, at)
	size := uint64(enterSize)
	switch uint16(first) {
	case kindEnter:
	case kindExit:
		if size = first >> 32; size < exitSize || size > eventReserve-enterSize || size%8 != 0 {
			return false, s.corrupt("an event of %d bytes", size)
		}
	default:
		return false, s.corrupt("an event of kind %d", uint16(first))
	}
	if size > have {
		return false, s.corrupt("an event of %d bytes in %d", size, have)
	}
	b := s.buf[:size]
	copy(b, ring[at:])
	le.PutUint64(b, first) // of which it has been checked
	if uint16(first) == kindEnter {
		err = s.enter(e, b)
	} else {
		err = s.exit(e, b)
	}
	if err != nil {
		return false, err
	}
	s.taken += size
	// Each change costs the thread a cache miss: not at every event.
	if s.taken-(s.limit-(ringSize-2*eventReserve)) >= ringSize/8 {
		s.renew()
	}
	return true, nil
}

func (s *Slot) enter(e *Event, b []byte) error {
	e.Kind, e.Stamp = Enter, le.Uint64(b[eventStamp:])
	e.Nr, e.Site = int(le.Uint16(b[2:])), uint64(le.Uint32(b[4:]))
	if !Servable(e.Nr, Record) {
		return s.corrupt("call %d", e.Nr)
	}
	if s.region.CallOf(e.Site) == 0 {
		return s.corrupt("a call from %#x", e.Site)
	}
	for i := range e.Args {
		e.Args[i] = le.Uint64(b[enterArgs+8*i:])
	}
	e.Result, e.Unhelped = 0, false
	return nil
}

func (s *Slot) exit(e *Event, b []byte) error {
	e.Kind, e.Stamp = Exit, le.Uint64(b[eventStamp:])
	e.Nr, e.Site, e.Args = 0, 0, [6]uint64{}
	e.Result = int64(le.Uint64(b[exitResult:]))
	n := int(le.Uint16(b[2:]))
	rest := b[exitSize:]
	if e.Unhelped = n == unhelped; e.Unhelped {
		n = 0
	}
	for range n {
		if len(rest) < captureHead {
			return s.corrupt("%d captures", n)
		}
		length := uint64(le.Uint32(rest[4:]))
		padded := (length + 7) &^ 7
		c := Captured{Arg: int(le.Uint16(rest)), Addr: le.Uint64(rest[8:]), Cut: le.Uint16(rest[2:]) != 0}
		rest = rest[captureHead:]
		if padded > uint64(len(rest)) || c.Arg > statArg {
			return s.corrupt("%d bytes of argument %d", length, c.Arg)
		}
		c.Data, rest = rest[:length:length], rest[padded:]
		if c.Arg >= nameArg {
			if !e.Opened.put(&c) {
				return s.corrupt("%d bytes of a struct stat", length)
			}
			continue
		}
		e.Captures = append(e.Captures, c)
	}
	if len(rest) != 0 {
		return s.corrupt("%d bytes behind the captures", len(rest))
	}
	return nil
}

func (s *Slot) corrupt(format string, args ...any) error {
	s.Shut()
	s.broken = fmt.Errorf("execso: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	return s.broken
}

// TakeBack takes the last event out of the ring again, if it is an Enter that Next
// has not taken: of a call that the thread, which must be stopped, will make again.
func (s *Slot) TakeBack() bool {
	if s.index == 0 || s.freed {
		return false
	}
	head := peek(s.mem, areaHead)
	if have := head - s.taken; have < enterSize || have > ringSize || have%8 != 0 {
		return false
	}
	s.head = head - enterSize
	poke(s.mem, areaHead, s.head)
	return true
}
