package execso

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/k42trace/k42trace/table"
)

// withFiles returns a region that has files, without processes.
func withFiles(t testing.TB) *Region {
	r := lonely(t)
	if err := r.AddFiles(); err != nil {
		t.Fatal(err)
	}
	return r
}

var anyStat, anyStatx = make([]byte, statSize), make([]byte, statxSize)

func TestArena(t *testing.T) {
	const size = 1 << 16
	a := arena{{0, size}}
	rng := rand.New(rand.NewPCG(1, 2))
	var taken []span
	for range 20000 {
		if len(taken) > 0 && rng.IntN(2) == 0 {
			i := rng.IntN(len(taken))
			a.give(taken[i])
			taken[i] = taken[len(taken)-1]
			taken = taken[:len(taken)-1]
			continue
		}
		n := 1 + rng.IntN(5000)
		s, ok := a.take(n)
		if !ok {
			continue
		}
		if s.size < n || s.at < 0 || s.at+s.size > size {
			t.Fatalf("%d bytes: %+v", n, s)
		}
		for _, o := range taken {
			if s.at < o.at+o.size && o.at < s.at+s.size {
				t.Fatalf("%+v and %+v overlap", s, o)
			}
		}
		taken = append(taken, s)
	}
	for _, s := range taken {
		a.give(s)
	}
	if len(a) != 1 || a[0] != (span{0, size}) {
		t.Errorf("when all is given back: %+v", a)
	}
	if _, ok := a.take(size + 1); ok {
		t.Error("more was taken than there is")
	}
}

// What is learnt of a number is not noted if it has been left since it was asked for, or
// is being left.
func TestDescriptorsForget(t *testing.T) {
	r := withFiles(t)
	f := r.NewFile(table.KeptFile{})
	d := r.NewDescriptors()
	known := func() uint64 { return uint64(uint32(peek(d.mem, 8*5))) }
	look := func(want bool) Glance {
		t.Helper()
		g, ok := d.Look(5)
		if ok != want {
			t.Errorf("Look: %v", ok)
		}
		return g
	}
	g := look(true)
	g.Note(f)
	if known() != f.address() {
		t.Errorf("known is %#x", known())
	}
	early := look(true)
	d.Leave(5)
	look(false)
	d.Leave(5)
	d.Left(5)
	look(false)
	early.Note(nil)
	d.Left(5)
	early.Note(nil)
	if known() != 0 {
		t.Errorf("known is %#x after it has been left", known())
	}
	look(true).Note(nil)
	if known() != entryReal {
		t.Errorf("known is %#x", known())
	}
	look(true).NoteAsked()
	if known() != entryReal {
		t.Errorf("known is %#x after less was learnt", known())
	}
	// A copy has what is known, and not what is being left.
	other, e := d.entry(6), d.entry(7)
	*other, *e = f.address(), entryAsked
	d.Leave(6)
	c := r.NewDescriptors()
	c.Copy(d)
	for fd, want := range map[int]uint64{5: entryReal, 6: 0, 7: entryAsked, 8: 0} {
		if got := *c.entry(fd); got != want {
			t.Errorf("the copy of descriptor %d is %#x, want %#x", fd, got, want)
		}
	}
	c.Free()
	if again := r.NewDescriptors(); again.index != c.index || *again.entry(5) != 0 {
		t.Error("a new table knows something")
	}
	for _, fd := range []int{-1, MaxDescriptors, 1 << 31} {
		if _, ok := d.Look(fd); ok {
			t.Errorf("descriptor %d", fd)
		}
		d.Leave(fd)
		d.Left(fd)
	}
	var none *Descriptors
	none.Leave(5)
	none.Left(5)
	if _, ok := none.Look(5); ok {
		t.Error("without a table")
	}
}

// Whatever programs write where the positions are, ours stay within bounds, and another
// file in the same place is not taken for this one.
func TestPositionsAreHostile(t *testing.T) {
	r := withFiles(t)
	f := r.NewFile(table.KeptFile{Contents: []byte("contents"), Stat: anyStat, Statx: anyStatx})
	f.Load()
	for _, word := range []uint64{0, 1, positionMask, positionless, ^uint64(0), positionless | 5, 1<<positionBits | 7} {
		poke(r.files.tables.mem, positionsOff+8*f.index, word)
		if got := f.Take(); got != int64(word&positionMask) {
			t.Errorf("%#x: position %d", word, got)
		}
		if got := peek(r.files.tables.mem, positionsOff+8*f.index); got&positionless == 0 {
			t.Errorf("a position that was taken is %#x", got)
		}
		f.Put(3)
		if got := peek(r.files.tables.mem, positionsOff+8*f.index); got != f.generation|3 {
			t.Errorf("it is given back as %#x", got)
		}
	}
	const far = positionMask + 1
	f.Take()
	f.Put(far)
	if got := f.Take(); got != far {
		t.Errorf("far away: %d", got)
	}
	f.Put(1)
	f.Close()
	for range maxFiles {
		g := r.NewFile(table.KeptFile{})
		if g.index == f.index {
			if g.generation == f.generation {
				t.Error("the same generation")
			}
			return
		}
	}
	t.Error("the record is not used again")
}

// Contents are there once, for all who have them open, and no longer than that.
func TestContentsAreShared(t *testing.T) {
	r := withFiles(t)
	free := r.files.room[0].size
	text := bytes.Repeat([]byte("text"), 1000)
	file := func(b []byte) *File {
		f := r.NewFile(table.KeptFile{Contents: b, Stat: anyStat, Statx: anyStatx})
		f.Load()
		f.Load()
		return f
	}
	at := func(f *File) (addr, length uint64) {
		rec := f.index * recordSize
		return peek(r.files.contents.mem, rec+recordContents), peek(r.files.contents.mem, rec+recordLength)
	}
	a, b, part, empty := file(text), file(text), file(text[:10]), file([]byte{})
	first, n := at(a)
	if second, m := at(b); first == 0 || first != second || n != uint64(len(text)) || m != n {
		t.Errorf("%#x, %d and %#x, %d", first, n, second, m)
	}
	if p, n := at(part); p != first || n != 10 {
		t.Errorf("a part is %d bytes at %#x", n, p)
	}
	if e, n := at(empty); e == 0 || n != 0 {
		t.Errorf("nothing is %d bytes at %#x", n, e)
	}
	longer := file(text[:len(text):cap(text)])
	short := file(append([]byte(nil), "short"...))
	got := make([]byte, len(text))
	copy(got, r.files.contents.mem[first-(Base+FilesOffset):])
	if !bytes.Equal(got, text) {
		t.Error("the contents are others")
	}
	if big := file(make([]byte, contentsRoom)); peek(r.files.contents.mem, big.index*recordSize+recordContents) != 0 {
		t.Error("more is there than fits")
	}
	for _, f := range []*File{a, b, part, empty, longer, short} {
		f.Close()
		f.Close()
		if addr, _ := at(f); addr != 0 {
			t.Errorf("a closed file is at %#x", addr)
		}
	}
	if len(r.files.room) != 1 || r.files.room[0].size != free || len(r.files.loaded) != 0 {
		t.Errorf("%+v is free, %d are kept", r.files.room, len(r.files.loaded))
	}
	for i := range maxFiles {
		if f := r.NewFile(table.KeptFile{}); f == nil && i < maxFiles-1 {
			t.Errorf("no room for file %d", i) // the large one is still there
			break
		}
	}
	if r.NewFile(table.KeptFile{}) != nil {
		t.Error("there is no end of files")
	}
}

// Files may be told of changes after the region is gone.
func TestFilesOutliveTheRegion(t *testing.T) {
	r := lonely(t)
	if err := r.AddFiles(); err != nil {
		t.Fatal(err)
	}
	f := r.NewFile(table.KeptFile{Contents: []byte{1}, Stat: anyStat, Statx: anyStatx})
	f.Load()
	g := r.NewFile(table.KeptFile{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f.SetEvents(7)
	f.Put(f.Take() + 1)
	f.Load()
	if got := f.Take(); got != 1 {
		t.Errorf("position %d", got)
	}
	f.Close()
	g.Close()
}
