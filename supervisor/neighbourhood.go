package supervisor

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/procfs"
)

// A nearArea is memory for trampolines, within reach of a jump from the sites that
// it serves: private, readable and executable, sealed, written by us only.
type nearArea struct {
	addr, used uint64
	placed     []placed // in order of address
}

// placed is a trampoline in its place.
type placed struct {
	at     uint64
	window *execso.Window
	call   uint64
}

const (
	nearSize  = 64 << 10
	maxNear   = 64            // areas of a process: libraries may come and go for ever
	nearReach = 1<<31 - 1<<20 // of a 32-bit displacement, with room for the area itself
)

// hasRoom reports whether another trampoline fits.
func (a *nearArea) hasRoom() bool { return a.used+execso.MaxTrampoline <= nearSize }

// next returns where the next trampoline goes.
func (a *nearArea) next() uint64 { return a.addr + a.used }

// take notes that the site's trampoline, size bytes long, is the next.
func (a *nearArea) take(s *site, size int) {
	const align = 16
	a.placed = append(a.placed, placed{at: a.next(), window: s.window, call: s.window.Call()})
	a.used += (uint64(size) + align - 1) &^ (align - 1)
}

// A module is an executable mapping of a file.
type module struct {
	start, end uint64
	base       uint64 // where the file's first byte is, or would be
	offset     uint64 // in the file
	path       string
	device     string
	inode      uint64
}

// moduleOf returns the mapping that addr was in when they were last read.
func (i *image) moduleOf(addr uint64) (module, bool) {
	for _, m := range i.text {
		if addr >= m.start && addr < m.end {
			return m, true
		}
	}
	return module{}, false
}

// stillMapped reports whether a module is where it was. It asks for that one, which is faster
// than reading all.
func (t *Thread) stillMapped(m module) bool {
	now, err := procfs.MappingAt(t.tid, m.start)
	return err == nil && now == procfs.Mapping{
		Start: m.start, End: m.end, Offset: m.offset, Inode: m.inode, Device: m.device, Execute: true,
	}
}

// mappings reads the process's executable mappings of files, and the addresses that
// are taken.
func (t *Thread) mappings() (text []module, taken []module) {
	f, err := os.Open(procfs.Path(t.tid, "maps"))
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	bases := map[string]uint64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		// 7f...-7f... r-xp 00026000 fe:00 1234    /usr/lib/...
		fields := strings.Fields(s.Text())
		if len(fields) < 5 {
			continue
		}
		low, high, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(low, 16, 64)
		end, err2 := strconv.ParseUint(high, 16, 64)
		offset, err3 := strconv.ParseUint(fields[2], 16, 64)
		if err1 != nil || err2 != nil || err3 != nil || len(fields[1]) < 4 {
			continue
		}
		m := module{start: start, end: end, offset: offset}
		taken = append(taken, m)
		if len(fields) < 6 || !strings.HasPrefix(fields[5], "/") {
			continue
		}
		m.path = strings.Join(fields[5:], " ")
		m.device = fields[3]
		m.inode, _ = strconv.ParseUint(fields[4], 10, 64)
		key := fields[3] + fields[4]
		if offset == 0 {
			bases[key] = start
		}
		// Shared mappings cannot be written without changing the file; what the
		// program can write it may.
		if fields[1][1] == '-' && fields[1][2] == 'x' && fields[1][3] == 'p' {
			base, ok := bases[key]
			if !ok {
				base = start - offset
			}
			m.base = base
			text = append(text, m)
		}
	}
	return text, taken
}

// areaNear returns an area with room for a trampoline within reach of addr, nil if
// there is none yet.
func (i *image) areaNear(addr uint64) *nearArea {
	for _, a := range i.near {
		if a.hasRoom() && distance(a.addr, addr) < nearReach {
			return a
		}
	}
	return nil
}

// makeRoom has the thread map an area within reach of addr.
func (t *Thread) makeRoom(addr uint64) error {
	if len(t.proc.image.near) >= maxNear {
		return errNoRoom
	}
	_, taken := t.mappings()
	for _, at := range places(addr) {
		if overlaps(taken, at, at+nearSize) {
			continue
		}
		const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED_NOREPLACE
		r := t.inject("mmap", at, nearSize, unix.PROT_READ|unix.PROT_EXEC, flags, ^uint64(0), 0)
		if r.Gone() {
			return unix.ESRCH
		}
		if r.Failed() || uint64(r.Raw()) != at {
			continue
		}
		if r := t.inject("mseal", at, nearSize, 0); r.Failed() {
			return r.Err()
		}
		t.proc.image.near = append(t.proc.image.near, &nearArea{addr: at})
		return nil
	}
	return errNoRoom
}

// places returns where an area for addr may go: rather far from the program's own
// mappings, so that it is in no one's way when they grow.
func places(addr uint64) []uint64 {
	const align = 1 << 20
	var list []uint64
	for _, off := range []uint64{1 << 30, 3 << 29, 1 << 29, 1 << 28, 1 << 26, 1 << 24} {
		if addr > off+align {
			list = append(list, (addr-off)&^(align-1))
		}
	}
	if addr < execso.Base {
		list = append([]uint64{execso.Base - 16<<20}, list...)
	}
	for _, off := range []uint64{1 << 30, 1 << 29, 1 << 28, 1 << 26} {
		list = append(list, (addr+off)&^(align-1))
	}
	return list
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }

func overlaps(taken []module, start, end uint64) bool {
	for _, m := range taken {
		if start < m.end && m.start < end {
			return true
		}
	}
	return false
}
