package execso

import (
	"errors"
	"fmt"
	"unsafe"
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
	// Memory is what Captures, and Opened, have been made of: the same bytes for the same
	// contents of the same places. It is as valid.
	Memory []byte
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
	b, err := s.event(have)
	if err != nil {
		return false, err
	}
	size := uint64(len(b))
	e.Captures, e.Memory, e.Opened = e.Captures[:0], nil, Opened{}
	if le.Uint16(b) == kindEnter {
		err = s.enter(e, b)
	} else {
		err = s.exit(e, b)
	}
	if err != nil {
		return false, err
	}
	s.taken += size
	s.chunk = s.chunk[size:]
	// Each change costs the thread a cache miss: not at every event.
	if s.taken-(s.limit-(ringSize-2*eventReserve)) >= ringSize/8 {
		s.renew()
	}
	return true, nil
}

// event returns the event with which the bytes begin that the ring has, in our own memory.
func (s *Slot) event(have uint64) ([]byte, error) {
	need := uint64(exitSize)
	for range 2 {
		if need > uint64(len(s.chunk)) {
			s.fill(have, need)
		}
		if need = uint64(enterSize); le.Uint16(s.chunk) != kindEnter {
			need = uint64(le.Uint32(s.chunk[4:]))
			if kind := le.Uint16(s.chunk); kind != kindExit {
				return nil, s.corrupt("an event of kind %d", kind)
			}
			if need < exitSize || need > eventReserve-enterSize || need%8 != 0 {
				return nil, s.corrupt("an event of %d bytes", need)
			}
		}
		if need > have {
			return nil, s.corrupt("an event of %d bytes in %d", need, have)
		}
		if need <= uint64(len(s.chunk)) {
			return s.chunk[:need], nil
		}
	}
	return nil, s.corrupt("an event whose size changes")
}

// fill copies as much of the ring as there is room for, at least need bytes, from the next event
// on: many at once, because each of their cache lines is the thread's, and the processor can wait
// for several together.
func (s *Slot) fill(have, need uint64) {
	at := s.taken % ringSize
	n := min(have, max(ringSize-at, need), uint64(len(s.buf)))
	s.chunk = s.buf[:copy(s.buf[:n], s.mem[ringOff+at:])]
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
	e.Args = *(*[6]uint64)(unsafe.Pointer(&b[enterArgs])) // by few moves
	e.Result, e.Unhelped = 0, false
	return nil
}

func (s *Slot) exit(e *Event, b []byte) error {
	e.Kind, e.Stamp = Exit, le.Uint64(b[eventStamp:])
	e.Nr, e.Site, e.Args = 0, 0, [6]uint64{}
	e.Result = int64(le.Uint64(b[exitResult:]))
	n := int(le.Uint16(b[2:]))
	rest := b[exitSize:]
	e.Memory = rest
	if e.Unhelped = n == unhelped; e.Unhelped {
		n = 0
	}
	for range n {
		if len(rest) < captureHead {
			return s.corrupt("%d captures", n)
		}
		length := uint64(le.Uint32(rest[4:]))
		padded := (length + 7) &^ 7
		e.Captures = append(e.Captures, Captured{})
		c := &e.Captures[len(e.Captures)-1]
		c.Arg, c.Addr, c.Cut = int(le.Uint16(rest)), le.Uint64(rest[8:]), le.Uint16(rest[2:]) != 0
		rest = rest[captureHead:]
		if padded > uint64(len(rest)) || c.Arg > statArg {
			return s.corrupt("%d bytes of argument %d", length, c.Arg)
		}
		c.Data, rest = rest[:length:length], rest[padded:]
		if c.Arg >= nameArg {
			if !e.Opened.put(c) {
				return s.corrupt("%d bytes of a struct stat", length)
			}
			e.Captures = e.Captures[:len(e.Captures)-1]
		}
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
	s.chunk = nil // which may have it
	poke(s.mem, areaHead, s.head)
	return true
}
