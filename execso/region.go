package execso

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

var le = binary.LittleEndian

// A Region is what is mapped into the processes of one tree, seen from the
// supervisor. Its methods, and its slots', must not be called from two goroutines
// at once.
type Region struct {
	code, slots shared

	limits    limits
	first     [Numbers]int // the first step of each number's plan
	freeSlots []int
	null      *Slot
	counting  bool // Count has ever been in use

	calls     []uint64 // the call of each site, 0: free
	freeSites []int

	setup Setup
	files *files // nil: there are none
}

// New returns a new region: every number takes the trap route.
func New() (_ *Region, err error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	r := &Region{limits: defaultLimits}
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	// What a child may not write is a file of its own, which nobody can map
	// writable any more once we have.
	if err = r.code.make("k42trace-code", CodeSize, codeStep, unix.F_SEAL_FUTURE_WRITE); err != nil {
		return nil, err
	}
	if err = r.slots.make("k42trace-slots", SlotsSize, slotsStep, 0); err != nil {
		return nil, err
	}
	copy(r.code.mem[CodeOffset:], entry)
	for i, errno := range proofs {
		r.code.mem[classesOff+int(errno)] = byte(i + 1)
	}
	r.place()
	if err := r.placeSetup(); err != nil {
		return nil, err
	}
	for nr := range Numbers {
		r.SetService(nr, Trap)
		r.SetCounter(nr, nr)
	}
	for i := maxSlots - 1; i > 0; i-- {
		r.freeSlots = append(r.freeSlots, i)
	}
	r.null = &Slot{region: r, mem: r.slots.mem[:SlotSize]}
	return r, nil
}

// Close gives the region back. Processes that have it mapped keep it.
func (r *Region) Close() error {
	err := errors.Join(r.code.close(), r.slots.close(), r.files.close())
	*r = Region{}
	if err != nil {
		return fmt.Errorf("execso: closing a region: %w", err)
	}
	return nil
}

// A Mapping is a part of the region as a process maps it: MAP_SHARED, and
// MAP_FIXED_NOREPLACE, from the start of a file, which may end earlier.
type Mapping struct {
	Addr, Size uint64
	Prot       int
	FD         int // of the file, in this process
}

// Mappings returns what a process must map.
func (r *Region) Mappings() []Mapping {
	list := []Mapping{
		{Base, CodeSize, unix.PROT_READ | unix.PROT_EXEC, r.code.fd},
		{Base + SlotsOffset, SlotsSize, unix.PROT_READ | unix.PROT_WRITE, r.slots.fd},
	}
	if f := r.files; f != nil {
		list = append(list,
			Mapping{Base + DescriptorsOffset, DescriptorsSize, unix.PROT_READ | unix.PROT_WRITE, f.tables.fd},
			Mapping{Base + FilesOffset, FilesSize, unix.PROT_READ, f.contents.fd})
	}
	return list
}

// End returns the address behind the last byte of the region; there is room in between.
func (r *Region) End() uint64 {
	last := r.Mappings()[len(r.Mappings())-1]
	return last.Addr + last.Size
}

// MappedIn reports whether mem, a process's memory at absolute addresses, has the region
// in its place: its code, that is.
func (r *Region) MappedIn(mem io.ReaderAt) bool {
	there := make([]byte, len(entry))
	_, err := mem.ReadAt(there, Base+CodeOffset)
	return err == nil && bytes.Equal(there, entry)
}

// Exempt returns the range of instruction pointers, which are those behind the
// system call, whose calls the filter need not look at.
func (r *Region) Exempt() (start, end uint64) { return Base + SitesOffset, Base + CodeSize }

// SetService says what is done about the calls of a number from now on. It panics
// unless they are Servable.
func (r *Region) SetService(nr int, s Service) {
	if !Servable(nr, s) {
		panic(fmt.Sprintf("execso: call %d has no service %q", nr, s))
	}
	if s == Count {
		r.counting = true
	}
	poke(r.code.mem, TableOffset+8*nr, entryOf(nr, s).address())
}

// SetConstant says what the service Constant answers to the calls of a number:
// result is a raw one, an error's negative number or a value.
func (r *Region) SetConstant(nr int, result int64) {
	poke(r.code.mem, constantsOff+8*nr, uint64(result)-answerBias)
}

// SetCounter says by which counter the service Count counts the calls of a number that
// begin from now on. Those under way keep theirs: Slot.Counting.
func (r *Region) SetCounter(nr, counter int) {
	const each, word = 16, 8
	off := countersOff + 2*nr
	bit := uint(off%word) * 8
	was := peek(r.code.mem, off&^(word-1))
	poke(r.code.mem, off&^(word-1), was&^((1<<each-1)<<bit)|uint64(counter)<<bit)
}

// SetLimits says how many bytes of strings and buffers, and how many elements of
// arrays, are captured. Calls under way may still see what was said before.
func (r *Region) SetLimits(text, elements int) {
	const most = 1 << 20
	want := limits{min(max(text, 0), most), min(max(elements, 0), most)}
	if want == r.limits {
		return
	}
	r.limits = want
	for nr, first := range r.first {
		if first >= firstPlan {
			r.write(first, newPlan(nr, r.limits))
		}
	}
}

// The first steps are for all numbers.
const (
	countStep = iota // Count's exit
	plainStep        // an exit without captures
	helpStep         // an exit that stops for the supervisor: two steps
	_
	leaveStep // Leave's exit
	firstPlan
)

// stepAddress returns where a step is in the processes.
func stepAddress(n int) uint64 { return Base + stepsOff + uint64(n)*stepSize }

// isStep reports whether a step of this kind is at addr, which may be any number.
func (r *Region) isStep(addr uint64, do label) bool {
	off := addr - (Base + stepsOff)
	return off < maxSteps*stepSize && off%stepSize == 0 && peek(r.code.mem, stepsOff+int(off)) == do.address()
}

// place writes all plans.
func (r *Region) place() {
	r.write(countStep, plan{{do: stepCounted}})
	r.write(plainStep, plan{{do: stepLeave}})
	r.write(helpStep, plan{{do: stepCapture}, {do: atHelp}})
	r.write(leaveStep, plan{{do: stepLeft}})
	next := firstPlan
	for nr := range Numbers {
		p := plans()[nr]
		at := plainStep
		if len(p) > 1 {
			at = next
			next += len(p)
			if next > maxSteps {
				panic("execso: too many steps")
			}
			r.write(at, p)
			r.first[nr] = at
		}
		poke(r.code.mem, plansOff+8*nr, stepAddress(at))
	}
}

// write writes a plan's steps. Threads may be taking them: what changes does so
// with one store.
func (r *Region) write(at int, p plan) {
	for i, s := range p {
		var b [8]byte
		switch s.do {
		case stepProven:
			le.PutUint64(b[:], s.mask)
		case stepCase:
			b[stepArg-8] = 8 * s.arg
			le.PutUint16(b[stepTarget-8:], uint16(at+s.target))
			le.PutUint32(b[stepLimit-8:], s.limit)
		default:
			b[stepArg-8] = 8 * s.arg
			b[stepLen-8] = s.length
			if s.length != noLength {
				b[stepLen-8] = 8 * s.length
			}
			b[stepUnit-8], b[stepFlags-8] = s.unit, s.flags
			le.PutUint32(b[stepLimit-8:], s.limit)
		}
		off := stepsOff + (at+i)*stepSize
		poke(r.code.mem, off, s.do.address())
		poke(r.code.mem, off+8, le.Uint64(b[:]))
	}
}

// peek and poke are seen whole by the threads of the processes. off is a multiple
// of 8.
func peek(mem []byte, off int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&mem[off : off+8][0])))
}

func poke(mem []byte, off int, v uint64) {
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&mem[off : off+8][0])), v)
}
