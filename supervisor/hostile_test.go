package supervisor

import (
	"context"
	"encoding/binary"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/table"
)

// Where things are in a slot: execso/layout.go.
const (
	slotHead = 0x40
	slotRing = 0x8000
	ringSize = 0x10000
)

// A forger writes into the slots of threads that do not exist what it is told to, and
// has the supervisor tell of it. Their memory is that of a program that sleeps.
type forger struct {
	t       testing.TB
	loop    *loop
	slots   []byte // as the programs see them
	sites   []uint64
	threads [3]*Thread
	warned  int
	written int // bytes of trace
	bad     []byte
}

func newForger(t testing.TB, opts handlers.TraceOptions) *forger {
	if err := DirectSupported(); err != nil {
		t.Skip(err)
	}
	child := exec.Command("sleep", "1000000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	f := &forger{t: t}
	opts.Out = f
	trace := handlers.NewTrace(opts)
	every, err := table.ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	cmd := &Cmd{Route: RouteDirect, Table: table.New(), Observer: trace, ctx: context.Background()}
	cmd.Warn = func(error) { f.warned++ }
	cmd.Table.Use(every, trace.Wrap)
	f.loop = newLoop(cmd)
	f.loop.wantFilter = cmd.Table.Routed()
	if err := f.loop.setUpDirect(); err != nil {
		t.Fatal(err)
	}
	d := f.loop.direct
	t.Cleanup(func() { f.loop.end(); d.close() })
	m := d.region.Mappings()[1]
	if f.slots, err = unix.Mmap(m.FD, 0, int(m.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(f.slots) })
	for i := range uint64(8) {
		site, _ := d.region.NewSite(0x400000 + 16*i)
		f.sites = append(f.sites, site)
	}
	for i := range f.threads {
		// (Of the others nothing is there to read.)
		f.threads[i] = f.loop.newThread(child.Process.Pid+i<<22, nil)
		f.threads[i].proc.image = newImage()
		f.threads[i].proc.image.mapped = true
		f.loop.observer.ThreadStarted(f.threads[i], nil)
	}
	d.crowded()
	return f
}

// Write takes a part of the trace: printable text, whatever the strings were.
func (f *forger) Write(p []byte) (int, error) {
	f.written += len(p)
	for _, c := range p {
		if c != '\n' && (c < ' ' || c > '~') && f.bad == nil {
			f.bad = append(f.bad, p...)
		}
	}
	return len(p), nil
}

// run does what a script says, and ends with what is left told. Each step is a byte that
// says what is done, to which thread, and operands.
func (f *forger) run(script []byte) {
	d := f.loop.direct
	f.written, f.bad = 0, nil
	for _, t := range f.threads {
		t.slot, t.distrusted, t.rec = d.region.NewSlot(), false, record{}
		d.admit(t)
	}
	take := func(n int) []byte {
		n = min(n, len(script))
		taken := script[:n]
		script = script[n:]
		return taken
	}
	number := func(size int) uint64 {
		var b [8]byte
		copy(b[:], take(size))
		return binary.LittleEndian.Uint64(b[:])
	}
	for len(script) > 0 {
		op := number(1)
		t := f.threads[op>>4%3]
		mem := f.slots[t.slot.Index()*execso.SlotSize:][:execso.SlotSize]
		switch op % 12 {
		case 0: // anything, anywhere in the area
			copy(mem[number(1)*8:], take(int(number(1)%64)))
		case 1: // anything, in the ring behind what is written
			head := binary.LittleEndian.Uint64(mem[slotHead:])
			copy(mem[slotRing+head%ringSize:], take(int(number(1))))
		case 2: // something is written, or less than there was
			head := binary.LittleEndian.Uint64(mem[slotHead:])
			binary.LittleEndian.PutUint64(mem[slotHead:], head+uint64(int64(int8(number(1))))*8)
		case 3, 4, 5: // a call begins
			e := make([]byte, 64)
			binary.LittleEndian.PutUint64(e, 1|number(2)%512<<16|f.sites[op>>4%8]<<32)
			copy(e[8:], take(int(number(1)%57)))
			f.emit(mem, e)
		case 6, 7, 8: // and ends, with memory
			e := make([]byte, 24, 512)
			binary.LittleEndian.PutUint64(e[8:], number(1))
			binary.LittleEndian.PutUint64(e[16:], uint64(int64(int16(number(2)))))
			captures := number(1) % 4
			for range captures {
				data := take(int(number(1) % 96))
				e = binary.LittleEndian.AppendUint64(e, number(1)%6|uint64(len(data))<<32|number(1)%2<<16)
				e = binary.LittleEndian.AppendUint64(e, number(3))
				e = append(e, data...)
				e = append(e, make([]byte, -len(e)&7)...)
			}
			binary.LittleEndian.PutUint64(e, 2|captures<<16|uint64(len(e))<<32)
			f.emit(mem, e)
		case 9:
			d.drain()
		case 10: // another stops
			d.drain()
			d.tellEntered(t)
		case 11:
			if op>>4%2 == 0 {
				d.shut()
			} else {
				d.admit(t)
			}
		}
	}
	for _, t := range f.threads {
		d.forget(t)
	}
	if len(d.entered) > 0 || len(d.open) > 0 || len(d.quiet) > 0 {
		f.t.Fatalf("of threads that are gone, %d are in calls, %d open, %d quiet", len(d.entered), len(d.open), len(d.quiet))
	}
	if f.loop.err != nil {
		f.t.Fatal(f.loop.err)
	}
	if f.bad != nil {
		f.t.Fatalf("the trace has %q", f.bad)
	}
}

// emit writes an event as exec.so does.
func (f *forger) emit(mem, event []byte) {
	head := binary.LittleEndian.Uint64(mem[slotHead:])
	copy(mem[slotRing+head%ringSize:], event)
	binary.LittleEndian.PutUint64(mem[slotHead:], head+uint64(len(event)))
}

// FuzzRecords has the supervisor tell what any bytes in the areas and rings of several
// threads say, from the rings to the text of the trace.
func FuzzRecords(f *testing.F) {
	plain := newForger(f, handlers.TraceOptions{PID: handlers.PIDAlways})
	rich := newForger(f, handlers.TraceOptions{
		PID: handlers.PIDAlways, Clock: handlers.ClockTime, Relative: true, Duration: true, Number: true, IP: true,
		Decode: decode.Options{Verbose: true, StringLimit: 64, FDName: handlers.FDNames(^handlers.FDAspects(0))},
	})
	open := []byte{3, 0x01, 0x01, 24, 1, 0, 0, 0, 0, 0, 0, 0, 0x9c, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x10, 0x20, 0x30, 0, 0, 0, 0, 0}
	opened := []byte{6, 9, 3, 0, 1, 5, '/', 'x', 0x1b, 0xff, 0, 1, 0, 0x10, 0x20, 0x30}
	f.Add(append(append([]byte{}, open...), opened...))
	f.Add(append(append(append([]byte{}, open...), 9, 10+16), opened...))
	f.Add(append(append([]byte{}, open...), open...))
	f.Add([]byte{1, 8, 2, 0, 0, 0, 24, 0, 0, 0, 2, 3, 9, 2, 0xff, 10, 11, 27})
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, forger := range []*forger{plain, rich} {
			forger.t = t
			forger.run(script)
		}
	})
}
