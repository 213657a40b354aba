package execso

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

var (
	// ErrNoFunction: nothing tells where the function begins that a call is part of.
	ErrNoFunction = errors.New("bounds of the function are unknown")
	// ErrSignalFrame: the call is part of what a signal handler returns to (the
	// unwinding information says so). It is never rewritten.
	ErrSignalFrame = errors.New("call is part of a signal's return")
)

// FunctionOf finds the function that the instruction at address call is part of:
// where to begin to decode, and where branches to it may stand. Mem is the process's
// memory at absolute addresses, moduleBase the lowest address at which the
// module with that code is mapped, file its ELF file, if it can be had (nil
// otherwise); the caller sees to it that it is the one that is mapped.
//
// The unwinding information in memory (PT_GNU_EH_FRAME) is asked first, then the
// file's symbols, its unsearchable unwinding information, and the function table of
// Go programs. Where only the symbols of other functions are known, the bounds
// are those before and behind the call: more than the function, but the start
// is still the start of an instruction.
//
// All of that is the program's and believed as little as that: nothing is read in
// proportion to what it claims, and the bounds are at most MaxFunction apart, hold
// the call, and lie in one executable segment of the module.
func FunctionOf(mem io.ReaderAt, moduleBase uint64, file io.ReaderAt, call uint64) (start, end uint64, err error) {
	m, err := readModule(mem, moduleBase, file)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: module at %#x: %w", ErrNoFunction, moduleBase, err)
	}
	text, ok := m.segment(call)
	if !ok {
		return 0, 0, fmt.Errorf("%w: %#x is in no executable segment of the module at %#x", ErrNoFunction, call, moduleBase)
	}
	found, err := m.search(mem, file, text, call)
	switch {
	case errors.Is(err, ErrSignalFrame):
		return 0, 0, err
	case err != nil:
		return 0, 0, fmt.Errorf("%w: of the call at %#x: %w", ErrNoFunction, call, err)
	case found.end-found.start > MaxFunction:
		return 0, 0, fmt.Errorf("%w: %d bytes at %#x", ErrTooLong, found.end-found.start, found.start)
	}
	return found.start, found.end, nil
}

// extent is a range of addresses, the end excluded.
type extent struct{ start, end uint64 }

// holds reports whether a system-call instruction at address call lies in e.
func (e extent) holds(call uint64) bool {
	return e.start <= call && call < e.end && e.end-call >= syscallLen
}

// within reports whether e lies in o.
func (e extent) within(o extent) bool { return o.start <= e.start && e.end <= o.end }

var errAbsent = errors.New("not there")

// search asks each of the sources in turn.
func (m *module) search(mem, file io.ReaderAt, text extent, call uint64) (extent, error) {
	var why []error
	accept := func(source string, e extent, err error) bool {
		if err == nil && (!e.holds(call) || !e.within(text)) {
			err = errAbsent
		}
		if err != nil {
			why = append(why, fmt.Errorf("%s: %w", source, err))
		}
		return err == nil
	}

	if m.ehFrameHdr.start != 0 {
		e, signal, err := functionByTable(mem, m.ehFrameHdr, call)
		if accept("unwinding table", e, err) {
			if signal {
				return e, fmt.Errorf("%w: at %#x", ErrSignalFrame, call)
			}
			return e, nil
		}
	}
	if file == nil {
		return extent{}, errors.Join(append(why, errors.New("no file"))...)
	}
	sections, err := readSections(file)
	if err != nil {
		return extent{}, errors.Join(append(why, fmt.Errorf("sections: %w", err))...)
	}
	// From here on addresses are the file's.
	unbiased := func(e extent) extent { return extent{e.start + m.bias, e.end + m.bias} }
	at := call - m.bias

	exact, around, err := functionBySymbols(file, sections, at)
	if accept("symbols", unbiased(exact), err) {
		return unbiased(exact), nil
	}
	e, signal, err := functionByFrames(file, sections, at)
	if accept("unwinding information", unbiased(e), err) {
		if signal {
			return e, fmt.Errorf("%w: at %#x", ErrSignalFrame, call)
		}
		return unbiased(e), nil
	}
	e, err = functionByGo(file, sections, at)
	if accept("Go's functions", unbiased(e), err) {
		return unbiased(e), nil
	}
	if around.start != 0 {
		near := extent{around.start + m.bias, min(around.end, text.end-m.bias) + m.bias}
		if call-near.start < MaxFunction/2 {
			near.end = min(near.end, near.start+MaxFunction)
		}
		if accept("symbols nearby", near, nil) {
			return near, nil
		}
	}
	return extent{}, errors.Join(why...)
}

// readAt fills b from address or offset at.
func readAt(r io.ReaderAt, b []byte, at uint64) error {
	if at > math.MaxInt64-uint64(len(b)) {
		return fmt.Errorf("address %#x: %w", at, io.ErrUnexpectedEOF)
	}
	n, err := r.ReadAt(b, int64(at))
	if n >= len(b) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("address %#x: %w", at, err)
}

// some reads up to len(b) bytes and returns those that could be read.
func some(r io.ReaderAt, b []byte, at uint64) []byte {
	if at > math.MaxInt64-uint64(len(b)) {
		return nil
	}
	n, _ := r.ReadAt(b, int64(at))
	return b[:max(0, min(n, len(b)))]
}

var little = binary.LittleEndian
