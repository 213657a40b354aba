package execso

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// files is the part of a region in which programs read virtual files by themselves. What
// is read there, and the files' records, programs cannot write; what is known of their
// descriptors, and the files' positions, they can.
type files struct {
	tables     shared
	freeTables []int // as the rest of a Region, the tracing thread's

	mu       sync.Mutex // guards all that follows: Files are closed by anybody
	closed   bool
	contents shared
	records  []int // free ones, the one that has been free for longest first
	// generations are those of the records, in the place that they have in positions.
	generations [maxFiles]uint64
	room        arena
	loaded      map[*byte]*loaded // by where they are in our own memory
}

// loaded is what some Files have as their contents.
type loaded struct {
	span
	users int
}

// AddFiles makes room for files. It must be called before any process has the region.
func (r *Region) AddFiles() error {
	f := &files{loaded: map[*byte]*loaded{}}
	if err := f.tables.make("k42trace-descriptors", DescriptorsSize, tablesStep, 0); err != nil {
		return err
	}
	if err := f.contents.make("k42trace-files", FilesSize, contentsStep, unix.F_SEAL_FUTURE_WRITE); err != nil {
		return errors.Join(err, f.tables.close())
	}
	r.files = f
	if err := r.listMappings(); err != nil {
		return err // Close gives it back
	}
	// Of the first nothing is ever known.
	for i := maxTables - 1; i > 0; i-- {
		f.freeTables = append(f.freeTables, i)
	}
	for i := range maxFiles {
		f.records = append(f.records, i)
		poke(f.tables.mem, positionsOff+8*i, positionless)
	}
	f.room = arena{{contentsOff, contentsRoom}}
	return nil
}

// Has reports whether the file is one of the region's.
func (r *Region) Has(f *File) bool { return f.files == r.files }

func (f *files) close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return errors.Join(f.tables.close(), f.contents.close())
}

// A position is a word that programs exchange: what generation the record is of, and the
// file's position.
const (
	positionless = 1 << 63
	positionMask = 1<<positionBits - 1
)

// A File is one open file description that programs know by its record. Its methods may
// be called on any goroutine.
type File struct {
	files    *files
	index    int
	contents []byte
	key      *byte // of its contents in files.loaded, if they are there
	closed   bool
	// generation is in the position's word while programs may use that.
	generation uint64
	// apart: the position is here, and not in the word: it has been taken, or is too
	// large.
	apart bool
	pos   int64
}

var _ table.Kept = (*File)(nil)

// NewFile makes the record of a file; nil if there is room for no more.
func (r *Region) NewFile(k table.KeptFile) *File {
	f := r.files
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.records) == 0 {
		return nil
	}
	i := f.records[0]
	f.records = f.records[1:]
	at := i * recordSize
	poke(f.contents.mem, at+recordEvents, uint64(k.Events))
	poke(f.contents.mem, at+recordContents, 0)
	if len(k.Stat) == statSize && len(k.Statx) == statxSize {
		copy(f.contents.mem[at+recordStat:], k.Stat)
		copy(f.contents.mem[at+recordStatx:], k.Statx)
	} else {
		k.Contents = nil
	}
	// What was read under the old generation is not taken for this file's.
	f.generations[i] = (f.generations[i] + 1<<positionBits) &^ positionless
	poke(f.tables.mem, positionsOff+8*i, f.generations[i])
	return &File{files: f, index: i, contents: k.Contents, generation: f.generations[i]}
}

// address returns where programs find the record.
func (f *File) address() uint64 { return Base + FilesOffset + uint64(f.index)*recordSize }

func (f *File) word() *uint64 {
	return (*uint64)(unsafe.Pointer(&f.files.tables.mem[positionsOff+8*f.index]))
}

// Load puts the contents where programs read them, unless there is no room.
func (f *File) Load() {
	s := f.files
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || f.closed || f.contents == nil || f.key != nil {
		return
	}
	key := unsafe.SliceData(f.contents)
	l := s.loaded[key]
	if l == nil || l.size < len(f.contents) {
		at, ok := s.room.take(max(len(f.contents), 1))
		if !ok {
			return
		}
		if !s.contents.reach(int64(at.at + at.size)) {
			s.room.give(at)
			return
		}
		copy(s.contents.mem[at.at:], f.contents)
		if l != nil { // a longer one of the same beginning: it is shared by nobody
			key = new(byte)
		}
		l = &loaded{span: at}
		s.loaded[key] = l
	}
	l.users++
	f.key = key
	at := f.index * recordSize
	poke(s.contents.mem, at+recordLength, uint64(len(f.contents)))
	poke(s.contents.mem, at+recordContents, Base+FilesOffset+uint64(l.at))
}

// Close gives the record back. No descriptor of the file is left, but threads may still be
// reading what they have found by one.
func (f *File) Close() {
	s := f.files
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || f.closed {
		return
	}
	f.closed = true
	atomic.StoreUint64(f.word(), f.generation|positionless)
	poke(s.contents.mem, f.index*recordSize+recordContents, 0)
	s.records = append(s.records, f.index)
	if l := s.loaded[f.key]; l != nil {
		if l.users--; l.users == 0 {
			delete(s.loaded, f.key)
			s.room.give(l.span)
		}
	}
}

// Take takes the position away from the programs: see table.Kept.
func (f *File) Take() int64 {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	if !f.apart && !f.closed && !f.files.closed {
		f.pos = int64(atomic.SwapUint64(f.word(), f.generation|positionless) & positionMask)
		f.apart = true
	}
	return f.pos
}

// Put gives it back.
func (f *File) Put(pos int64) {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	f.pos = pos
	if pos <= positionMask && !f.closed && !f.files.closed {
		f.apart = false
		atomic.StoreUint64(f.word(), f.generation|uint64(pos))
	}
}

// SetEvents says what poll(2) tells of the file.
func (f *File) SetEvents(events uint16) {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	if !f.closed && !f.files.closed {
		poke(f.files.contents.mem, f.index*recordSize+recordEvents, uint64(events))
	}
}

// Descriptors are what is known of the descriptors of a struct files_struct: which are
// known not to be virtual, and which Files others are. What is not known is asked for.
//
// A number that is about to mean something else (close, dup2) is left before, and what is
// known of it forgotten after, by the program itself (Leave) or by the supervisor. What
// becomes known in between could be about the past; so it is not noted then, nor if it
// was asked for before.
type Descriptors struct {
	files *files
	index int
	mem   []byte
}

// NewDescriptors returns an empty table, nil if there is no room.
func (r *Region) NewDescriptors() *Descriptors {
	f := r.files
	if f == nil || len(f.freeTables) == 0 {
		return nil
	}
	i := f.freeTables[len(f.freeTables)-1]
	at := tablesOff + i*tableSize
	if !f.tables.reach(int64(at + tableSize)) {
		return nil
	}
	f.freeTables = f.freeTables[:len(f.freeTables)-1]
	return &Descriptors{files: f, index: i, mem: f.tables.mem[at : at+tableSize]}
}

// Copy takes what is known of other descriptors, of which these are copies. None of those
// may have changed since.
func (d *Descriptors) Copy(of *Descriptors) {
	if d == nil || of == nil {
		return
	}
	for off := 0; off < tableSize; off += 8 {
		if e := peek(of.mem, off); e != 0 && e>>32&leaving == 0 {
			poke(d.mem, off, e&(1<<32-1))
		}
	}
}

// Free gives the table back, which no thread uses any more.
func (d *Descriptors) Free() {
	clear(d.mem)
	d.files.freeTables = append(d.files.freeTables, d.index)
}

func (d *Descriptors) entry(fd int) *uint64 {
	if d == nil || fd < 0 || fd >= MaxDescriptors {
		return nil
	}
	return (*uint64)(unsafe.Pointer(&d.mem[8*fd]))
}

// A Glance is what was known of a descriptor when the kernel was asked about it.
type Glance struct {
	entry *uint64
	was   uint64
}

// Look is to be called before the kernel is asked what a descriptor is. ok is false if what
// it says must not be noted.
func (d *Descriptors) Look(fd int) (g Glance, ok bool) {
	e := d.entry(fd)
	if e == nil {
		return g, false
	}
	g = Glance{e, atomic.LoadUint64(e)}
	return g, g.was>>32&leaving == 0
}

// Note notes what the kernel has said of the descriptor: which File it is, or that it is
// none if that is nil.
func (g Glance) Note(f *File) {
	what := uint64(entryReal)
	if f != nil {
		what = f.address()
	}
	g.note(what)
}

// NoteAsked notes that nothing can be said of the descriptor, which may be closed: who
// polls it need not ask again.
func (g Glance) NoteAsked() {
	if uint32(g.was) == 0 {
		g.note(entryAsked)
	}
}

// Unknown reports whether nothing was known.
func (g Glance) Unknown() bool { return uint32(g.was) == 0 }

func (g Glance) note(what uint64) {
	atomic.CompareAndSwapUint64(g.entry, g.was, g.was>>32<<32|what)
}

// Leave is what the service does before a call, for those made otherwise.
func (d *Descriptors) Leave(fd int) {
	if e := d.entry(fd); e != nil {
		atomic.AddUint64(e, beginLeave<<32)
	}
}

// Left is what it does afterwards.
func (d *Descriptors) Left(fd int) {
	if e := d.entry(fd); e != nil {
		left(e)
	}
}

func left(entry *uint64) {
	for {
		was := atomic.LoadUint64(entry)
		if atomic.CompareAndSwapUint64(entry, was, (was>>32-1)<<32) {
			return
		}
	}
}

// Use lets the thread look its descriptors up in d; nothing is known of them if that is nil.
func (s *Slot) Use(d *Descriptors) {
	if s.index == 0 || s.freed || s.region.files == nil {
		return
	}
	i := 0
	if d != nil {
		i = d.index
	}
	poke(s.mem, areaTable, uint64(Base+DescriptorsOffset+tablesOff+i*tableSize))
	poke(s.mem, areaFiles, cookie)
}

// leaving reports whether the thread's observed call is one of the service Leave.
func (s *Slot) leaving() bool { return peek(s.mem, areaPlan) == stepAddress(leaveStep) }

// left ends the service Leave for a stopped thread. The entry is what the thread says.
func (s *Slot) left() {
	f := s.region.files
	at := peek(s.mem, areaEntry) - (Base + DescriptorsOffset)
	if f != nil && at%8 == 0 && at >= tablesOff && at < uint64(f.tables.size) {
		left((*uint64)(unsafe.Pointer(&f.tables.mem[at])))
	}
}
