package handlers

import (
	"io/fs"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// An entry is one of a directory.
type entry struct {
	name string
	ino  uint64
	kind uint8 // DT_...
}

// entries returns what is in a directory that lies in an fs.FS, with the mounts in it,
// without "." and "..".
func (v *View) entries(p *paths.Place) ([]entry, error) {
	listed, err := p.ReadDir()
	if err != nil {
		return nil, err
	}
	var list []entry
	mounts := v.tree.MountsIn(p.Path)
	seen := map[string]bool{}
	for _, name := range mounts {
		seen[name] = true
		if e, ok := v.entry(path.Join(p.Path, name)); ok {
			list = append(list, e)
		}
	}
	for _, e := range listed {
		if name := e.Name(); !seen[name] {
			list = append(list, entry{name, paths.Ino(path.Join(p.Path, name)), direntType(e.Type())})
		}
	}
	return list, nil
}

// entriesFrom is entries for somebody who has read as far as at: who reads on reads what was
// there when the reading began.
func (v *View) entriesFrom(p *paths.Place, at int64) ([]entry, error) {
	const most = 16 // directories that are read at a time
	v.mu.Lock()
	list, known := v.listings[p.Path]
	v.mu.Unlock()
	if at > 0 && known {
		return list, nil
	}
	list, err := v.entries(p)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.listings) >= most {
		clear(v.listings)
	}
	v.listings[p.Path] = list
	return list, nil
}

// entry returns the entry of a mount, or of what leads to one.
func (v *View) entry(at string) (entry, bool) {
	p, err := v.tree.Look(at)
	if err != nil || !p.Exists {
		return entry{}, false
	}
	e := entry{path.Base(at), paths.Ino(at), direntType(p.Mode.Type())}
	if !p.Virtual() {
		var st unix.Stat_t
		if unix.Lstat(p.Host, &st) == nil {
			e.ino = st.Ino
		}
	}
	return e, true
}

func direntType(m fs.FileMode) uint8 {
	switch m.Type() {
	case 0:
		return unix.DT_REG
	case fs.ModeDir:
		return unix.DT_DIR
	case fs.ModeSymlink:
		return unix.DT_LNK
	case fs.ModeNamedPipe:
		return unix.DT_FIFO
	case fs.ModeSocket:
		return unix.DT_SOCK
	case fs.ModeDevice:
		return unix.DT_BLK
	case fs.ModeDevice | fs.ModeCharDevice:
		return unix.DT_CHR
	}
	return unix.DT_UNKNOWN
}

// list acts on getdents(2). Where a directory of an fs.FS is read, how far is in the
// offset of its placeholder: dup and fork share it, and lseek moves it, as it should be.
func (v *View) list(c *table.Call, next table.Handler) table.Result {
	p, err := v.tree.ResolveAt(c.Thread(), c.FD(0), "", paths.Arg{Empty: true})
	if err != nil {
		return next.Handle(c)
	}
	if !p.Virtual() {
		return v.listHost(c, next, &p)
	}
	at, flags, err := procfs.FDPosition(c.Thread().TID(), c.FD(0))
	switch {
	case err != nil || flags&unix.O_PATH != 0:
		return table.Errno(unix.EBADF)
	case !p.Mode.IsDir():
		return table.Errno(unix.ENOTDIR)
	}
	entries, err := v.entriesFrom(&p, at)
	if err != nil {
		return table.Errno(paths.Errno(err))
	}
	parent := path.Dir(p.Path)
	all := append([]entry{{".", paths.Ino(p.Path), unix.DT_DIR}, {"..", paths.Ino(parent), unix.DT_DIR}}, entries...)
	var buf []byte
	if c.Name() == "readdir" {
		return listOne(c, all, at)
	}
	for ; at >= 0 && at < int64(len(all)); at++ {
		e := all[at]
		e.ino = inodeNumber(c, e.ino)
		record := direntOf(c).encode(e, at+1)
		if uint64(len(buf)+len(record)) > c.Arg(2) {
			break
		}
		buf = append(buf, record...)
	}
	if len(buf) == 0 {
		if at >= 0 && at < int64(len(all)) {
			return table.Errno(unix.EINVAL) // no room for even one
		}
		return table.Return(0)
	}
	if n, err := c.WriteMemory(c.Arg(1), buf); err != nil || n < len(buf) {
		return table.Errno(unix.EFAULT)
	}
	if r := c.Inject("lseek", c.Arg(0), uint64(at), unix.SEEK_SET); r.Failed() {
		return r
	}
	return table.Return(int64(len(buf)))
}

// listOne answers readdir(2), which takes one entry.
func listOne(c *table.Call, all []entry, at int64) table.Result {
	if at < 0 || at >= int64(len(all)) {
		return table.Return(0)
	}
	e, word := all[at], c.ABI().PointerBits()/8
	b := make([]byte, 2*word+2, 2*word+3+len(e.name)) // struct old_linux_dirent
	put(b[:word], inodeNumber(c, e.ino))
	put(b[word:2*word], uint64(at))
	put(b[2*word:], uint64(len(e.name)))
	b = append(append(b, e.name...), 0)
	if n, err := c.WriteMemory(c.Arg(1), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	if r := c.Inject("lseek", c.Arg(0), uint64(at+1), unix.SEEK_SET); r.Failed() {
		return r
	}
	return table.Return(1)
}

// listHost acts on a directory of the host, in which mounts may be: they are shown
// with the first entries, in place of those that they hide.
func (v *View) listHost(c *table.Call, next table.Handler, p *paths.Place) table.Result {
	if p.Mount == nil || c.Name() == "readdir" {
		return next.Handle(c) // by readdir(2) mounts are not shown in directories of the host
	}
	names := v.tree.MountsIn(p.Path)
	if len(names) == 0 {
		return next.Handle(c)
	}
	d := direntOf(c)
	mounts := map[string]entry{}
	for _, name := range names {
		if e, ok := v.entry(path.Join(p.Path, name)); ok {
			mounts[name] = e
		}
	}
	var extra []byte
	size := c.Arg(2)
	if at := c.Inject("lseek", c.Arg(0), 0, unix.SEEK_CUR); at.Raw() == 0 {
		for _, name := range names {
			var st unix.Stat_t
			e, ok := mounts[name]
			if ok && unix.Lstat(path.Join(p.Host, name), &st) == unix.ENOENT {
				extra = append(extra, d.encode(e, 0)...)
			}
		}
		if uint64(len(extra)) >= size {
			extra = nil // the buffer is for a few entries only
		}
	}
	c.SetArg(2, size-uint64(len(extra)))
	r := next.Handle(c)
	if r.Failed() || r.Raw() < 0 || uint64(r.Raw()) > size {
		return r
	}
	b, err := c.Bytes(1, uint64(r.Raw()))
	if err != nil {
		return r
	}
	last := d.replace(b, mounts)
	d.offset(extra, last)
	b = append(b, extra...)
	if n, err := c.WriteMemory(c.Arg(1), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(int64(len(b)))
}

// A dirent is the layout of struct linux_dirent64, or of the older linux_dirent
// (getdents(2)), in which the type comes last.
type dirent struct {
	word int  // bytes of d_ino and d_off
	old  bool // linux_dirent
}

func direntOf(c *table.Call) dirent {
	if c.Name() == "getdents64" {
		return dirent{word: 8}
	}
	return dirent{word: c.ABI().PointerBits() / 8, old: true}
}

func (d dirent) nameAt() int {
	if d.old {
		return 2*d.word + 2
	}
	return 2*d.word + 3
}

// encode returns an entry's record; next is where the directory goes on after it.
func (d dirent) encode(e entry, next int64) []byte {
	n := d.nameAt() + len(e.name) + 1
	if d.old {
		n++ // the type
	}
	b := make([]byte, (n+d.word-1)/d.word*d.word)
	put(b[:d.word], e.ino)
	put(b[d.word:2*d.word], uint64(next))
	put(b[2*d.word:2*d.word+2], uint64(len(b)))
	copy(b[d.nameAt():], e.name)
	b[d.kindAt(len(b))] = e.kind
	return b
}

func (d dirent) kindAt(size int) int {
	if d.old {
		return size - 1
	}
	return 2*d.word + 2
}

// records calls f with each record in b, which the kernel has written and the
// program may have changed since.
func (d dirent) records(b []byte, f func(record []byte)) {
	for len(b) > d.nameAt() {
		n := int(get(b[2*d.word : 2*d.word+2]))
		if n <= d.nameAt() || n > len(b) {
			return
		}
		f(b[:n])
		b = b[n:]
	}
}

// replace puts the mounts in place of what the host has at their names, and returns
// where the directory goes on behind the last record.
func (d dirent) replace(b []byte, mounts map[string]entry) (next uint64) {
	d.records(b, func(r []byte) {
		name := r[d.nameAt():]
		for i, ch := range name {
			if ch == 0 {
				name = name[:i]
				break
			}
		}
		if e, ok := mounts[string(name)]; ok {
			put(r[:d.word], e.ino)
			r[d.kindAt(len(r))] = e.kind
		}
		next = get(r[d.word : 2*d.word])
	})
	return next
}

// offset gives all records the same place to go on.
func (d dirent) offset(b []byte, next uint64) {
	d.records(b, func(r []byte) { put(r[d.word:2*d.word], next) })
}

func itoa(n int) string { return strconv.Itoa(n) }
