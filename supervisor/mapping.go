package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// mapRegion maps exec.so's region into the thread's process, by calls that the
// thread makes after the one that it stands at the end of. It reports whether the
// region is there. Other threads of the process could see the descriptor that it
// takes for a moment, so there must be none.
//
// It is done when a program has proved to be worth it, and not at its exec: short
// programs would pay for it and gain nothing.
func (t *Thread) mapRegion() bool {
	i := t.proc.image
	if i.mapped || i.off {
		return i.mapped
	}
	i.mapped, i.end = t.tryMapRegion(), t.loop.direct.region.End()
	i.off = !i.mapped
	return i.mapped
}

func (t *Thread) tryMapRegion() bool {
	if t.mapFromHere() {
		return true
	}
	if t.gone || t.proc.image.off || !t.mayMap() {
		return false
	}
	mappings := t.loop.direct.region.Mappings()
	done := 0
	for _, m := range mappings {
		mode := unix.O_RDONLY
		if m.Prot&unix.PROT_WRITE != 0 {
			mode = unix.O_RDWR
		}
		fd, ok := t.openOurs(m.FD, mode)
		if !ok {
			fd, ok = t.passOurs(m.FD, mode)
		}
		if !ok {
			break
		}
		const flags = unix.MAP_SHARED | unix.MAP_FIXED_NOREPLACE
		r := t.inject("mmap", m.Addr, m.Size, uint64(m.Prot), flags, uint64(fd), 0)
		t.inject("close", uint64(fd))
		if r.Failed() || uint64(r.Raw()) != m.Addr {
			break // the program has something there
		}
		done++
	}
	for _, m := range mappings[:done] {
		if done < len(mappings) {
			t.inject("munmap", m.Addr, m.Size)
			continue
		}
		t.inject("madvise", m.Addr, m.Size, unix.MADV_DONTDUMP)
		if t.inject("mseal", m.Addr, m.Size, 0).Failed() {
			// It stays, and the program could take it away.
			return false
		}
	}
	return done == len(mappings)
}

// mayMap reports whether the region would not count: what the program may map may be
// limited.
func (t *Thread) mayMap() bool {
	var limit unix.Rlimit
	if unix.Prlimit(t.proc.pid, unix.RLIMIT_AS, nil, &limit) == nil {
		return limit.Cur == unix.RLIM_INFINITY
	}
	// Of a program that is set-user-ID it needs CAP_SYS_RESOURCE.
	free, err := procfs.Unlimited(t.proc.pid, "Max address space")
	return err == nil && free
}

// inject runs a call of the machine's own ABI in the thread, by name.
func (t *Thread) inject(name string, args ...uint64) table.Result {
	nr, ok := table.Number(ptrace.NativeABI, name)
	if !ok {
		return table.Errno(unix.ENOSYS)
	}
	var a [6]uint64
	copy(a[:], args)
	return t.Inject(&t.call, nr, a)
}
