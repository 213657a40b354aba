package supervisor

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/table"
)

// A writer writes events as a program's thread does (execso/layout.go).
type writer struct {
	mem  []byte // its slot
	site uint64
	head uint64
}

// enter records that the call nr begins, at this moment.
func (w *writer) enter(nr int, arg uint64) {
	const head, ring, ringSize, kindEnter, size = 0x40, 0x8000, 0x10000, 1, 64
	e := w.mem[ring+w.head%ringSize:]
	binary.LittleEndian.PutUint64(e, kindEnter|uint64(nr)<<16|w.site<<32)
	binary.LittleEndian.PutUint64(e[8:], execso.Now())
	binary.LittleEndian.PutUint64(e[16:], arg)
	w.head += size
	binary.LittleEndian.PutUint64(w.mem[head:], w.head)
}

// exit records that it returns.
func (w *writer) exit(result uint64) {
	const head, ring, ringSize, kindExit, size = 0x40, 0x8000, 0x10000, 2, 24
	e := w.mem[ring+w.head%ringSize:]
	binary.LittleEndian.PutUint64(e, kindExit|size<<32)
	binary.LittleEndian.PutUint64(e[8:], execso.Now())
	binary.LittleEndian.PutUint64(e[16:], result)
	w.head += size
	binary.LittleEndian.PutUint64(w.mem[head:], w.head)
}

// A teller is a Recorder that keeps what it is told of, by first argument.
type teller struct {
	entered, returned []uint64
	during            func() // when it is first told of anything
}

func (r *teller) Handle(c *table.Call) table.Result { return c.Native() }
func (r *teller) WantsTimes() bool                  { return true }
func (r *teller) Limits() (text, elements int)      { return 32, 32 }
func (r *teller) Entered(c *table.Call, _ time.Time) {
	r.entered = append(r.entered, c.RawArg(0))
	r.interrupt()
}
func (r *teller) Returned(c *table.Call, _ table.Result, _, _ time.Time) {
	r.returned = append(r.returned, c.RawArg(0))
	r.interrupt()
}

func (r *teller) interrupt() {
	if f := r.during; f != nil {
		r.during = nil
		f()
	}
}

// drained returns the direct route of a loop with threads that are nobody's, and what
// writes to their rings.
func drained(t *testing.T, rec table.Recorder, nr, threads int) (*direct, []*Thread, []*writer) {
	t.Helper()
	region, err := execso.New()
	if err != nil {
		t.Skip("no direct route: ", err)
	}
	cmd := Command("none")
	cmd.Table = table.New()
	l := newLoop(cmd)
	t.Cleanup(l.end)
	l.bell = &doorbell{}
	l.direct = &direct{loop: l, region: region, plans: map[planKey]plan{}}
	d := l.direct
	d.init(l)
	t.Cleanup(d.close)
	d.records = true
	d.recorders[nr] = rec
	slots := region.Mappings()[1]
	mem, err := unix.Mmap(slots.FD, 0, int(slots.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	site, _ := region.NewSite(0x1000)
	var list []*Thread
	var writers []*writer
	for i := range threads {
		th := l.newThread(1<<30+i, nil)
		th.proc.image = newImage()
		th.proc.image.mapped = true
		th.slot = region.NewSlot()
		d.admit(th)
		at := th.slot.Index() * execso.SlotSize
		list = append(list, th)
		writers = append(writers, &writer{mem: mem[at : at+execso.SlotSize], site: site})
	}
	return d, list, writers
}

// What two threads publish while others' events are told is told in order of time,
// whichever ring is looked at first.
func TestOrderOfWhatComesMeanwhile(t *testing.T) {
	const nr = unix.SYS_GETPPID
	for _, first := range []int{0, 1} {
		rec := &teller{}
		d, _, w := drained(t, rec, nr, 2)
		second := 1 - first
		w[first].enter(nr, 1)
		w[first].exit(0)
		rec.during = func() {
			w[second].enter(nr, 2)
			w[second].exit(0)
			w[first].enter(nr, 3)
			w[first].exit(0)
		}
		for d.drain() > 0 {
		}
		if want := []uint64{1, 2, 3}; !slices.Equal(rec.returned, want) || len(rec.entered) > 0 {
			t.Errorf("from thread %d on: told of the calls %v, want %v; %v in the middle", first, rec.returned, want, rec.entered)
		}
	}
}

// Nothing is left untold of a thread that has stopped, whatever it says about the time.
func TestAllIsToldOfAStoppedThread(t *testing.T) {
	const nr = unix.SYS_GETPPID
	rec := &teller{}
	d, threads, w := drained(t, rec, nr, 3)
	for i := range w {
		w[i].enter(nr, uint64(i))
	}
	binary.LittleEndian.PutUint64(w[1].mem[0x8000+8:], ^uint64(0)) // its stamp
	w[1].exit(0)
	d.drain()
	d.drainOne(threads[1])
	if !slices.Equal(rec.returned, []uint64{1}) {
		t.Errorf("told of the calls %v", rec.returned)
	}
	d.shut()
	d.ticked()
	if len(d.quiet) != 2 {
		t.Errorf("%d threads are in a call, want 2", len(d.quiet))
	}
	if d.ticks {
		t.Error("their ends are looked for, and not waited for")
	}
	w[0].exit(0)
	w[2].exit(0)
	d.calm()
	if !slices.Equal(rec.returned, []uint64{1, 0, 2}) || len(d.quiet) != 0 {
		t.Errorf("told of the calls %v; %d threads are in one", rec.returned, len(d.quiet))
	}
}
