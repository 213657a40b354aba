package ptrace

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// pageSize bounds the steps in which memory is read where one request is not
// enough. Every page size is a multiple of it.
const pageSize = 4096

// ReadMemory reads up to len(p) bytes at addr of the thread's memory, as the
// thread itself could read it, and returns how many could be read before the
// first unreadable page; EFAULT if none.
func ReadMemory(tid int, addr uint64, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if addr >= 1<<63 {
		return 0, unix.EFAULT // never user memory; spares uintptr arithmetic
	}
	local := unix.Iovec{Base: &p[0]}
	local.SetLen(len(p))
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(p)}
	n, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(tid),
		uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	switch e {
	case 0:
		return int(n), nil
	case unix.EPERM, unix.ENOSYS:
		return PeekMemory(tid, addr, p)
	}
	return 0, e
}

// maxRanges is how many ranges one request reads; calls have six arguments.
const maxRanges = 16

// ReadRanges reads several ranges, with one request where all are readable, and
// sets N of each.
func ReadRanges(tid int, ranges []table.Range) {
	for len(ranges) > 0 {
		n := min(len(ranges), maxRanges)
		readBatch(tid, ranges[:n])
		ranges = ranges[n:]
	}
}

func readBatch(tid int, ranges []table.Range) {
	if len(ranges) == 1 {
		ranges[0].N, _ = ReadMemory(tid, ranges[0].Addr, ranges[0].Buf)
		return
	}
	var local [maxRanges]unix.Iovec
	var remote [maxRanges]unix.RemoteIovec
	for i := range ranges {
		r := &ranges[i]
		r.N = 0
		if len(r.Buf) > 0 {
			local[i].Base = &r.Buf[0]
		}
		local[i].SetLen(len(r.Buf))
		remote[i] = unix.RemoteIovec{Base: uintptr(r.Addr), Len: len(r.Buf)}
	}
	n, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(tid),
		uintptr(unsafe.Pointer(&local[0])), uintptr(len(ranges)),
		uintptr(unsafe.Pointer(&remote[0])), uintptr(len(ranges)), 0)
	got := int(n)
	if e != 0 {
		got = 0
		if e == unix.ESRCH {
			return
		}
	}
	// The bytes came in order, up to the first that could not be read.
	for i := range ranges {
		r := &ranges[i]
		if got < len(r.Buf) {
			r.N = got
			// The request ended here. What follows may well be readable.
			if got == 0 && len(r.Buf) > 0 {
				r.N, _ = ReadMemory(tid, r.Addr, r.Buf)
			}
			for j := i + 1; j < len(ranges); j++ {
				ranges[j].N, _ = ReadMemory(tid, ranges[j].Addr, ranges[j].Buf)
			}
			return
		}
		r.N = len(r.Buf)
		got -= len(r.Buf)
	}
}

// WriteMemory writes p at addr of the thread's memory, as the thread itself
// could: pages that it may not write are not written. It returns how many bytes
// were written before the first such page; EFAULT if none.
func WriteMemory(tid int, addr uint64, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if addr >= 1<<63 {
		return 0, unix.EFAULT
	}
	local := unix.Iovec{Base: &p[0]}
	local.SetLen(len(p))
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(p)}
	n, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_WRITEV, uintptr(tid),
		uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// StoreWord writes the word at addr, which is aligned, of a stopped tracee, as ForceWrite
// does but so that its threads see it whole (PTRACE_POKETEXT). The kernel copies a word's
// length at a word's address, for which its memcpy takes one store: a move of 8 bytes, or
// where it has fast short string moves (FSRM) one of these. Of 5 bytes written through
// /proc/TID/mem another processor was seen to see a part.
func StoreWord(tid int, addr, word uint64) error {
	if err := request(unix.PTRACE_POKETEXT, tid, uintptr(addr), uintptr(word)); err != nil {
		return requestError("PTRACE_POKETEXT", tid, err)
	}
	return nil
}

// ForceWrite writes p at addr even where the thread itself may not, through
// /proc/TID/mem: into read-only and execute-only private pages, which are
// copied first (proc_pid_mem(5)).
func ForceWrite(tid int, addr uint64, p []byte) error {
	f, err := OpenMemory(tid)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(p, int64(addr)); err != nil {
		return fmt.Errorf("writing memory of thread %d at %#x: %w", tid, addr, err)
	}
	return nil
}

// OpenMemory opens the thread's memory to read and write it as ForceWrite does: by
// address, whatever its protection.
func OpenMemory(tid int) (*MemoryFile, error) {
	fd, err := unix.Open(procfs.Path(tid, "mem"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		err = unix.ESRCH // as it says of one that has not been waited for
	}
	if err != nil {
		return nil, fmt.Errorf("opening memory of thread %d: %w", tid, err)
	}
	return &MemoryFile{fd}, nil
}

// A MemoryFile is a thread's memory, by address. (An os.File would ask the kernel each
// time whether one can wait for it.)
type MemoryFile struct{ fd int }

// ReadAt is io.ReaderAt. It fails with EIO where nothing is mapped, and with ESRCH if the
// memory is gone with its process (fs/proc/base.c, mem_rw, then does nothing).
func (m *MemoryFile) ReadAt(p []byte, off int64) (int, error) {
	return all(p, func(n int) (int, error) { return unix.Pread(m.fd, p[n:], off+int64(n)) })
}

// WriteAt is io.WriterAt, with the same errors.
func (m *MemoryFile) WriteAt(p []byte, off int64) (int, error) {
	return all(p, func(n int) (int, error) { return unix.Pwrite(m.fd, p[n:], off+int64(n)) })
}

// Close gives the descriptor back.
func (m *MemoryFile) Close() error { return unix.Close(m.fd) }

// all calls next until all of p is done, or there is an error, which is ESRCH if next does
// nothing.
func all(p []byte, next func(n int) (int, error)) (n int, err error) {
	for n < len(p) {
		m, err := next(n)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return n, err
		case m <= 0:
			return n, unix.ESRCH
		}
		n += m
	}
	return n, nil
}

// PeekMemory is ReadMemory word by word, by PTRACE_PEEKDATA. It works on tracees
// that process_vm_readv refuses, those that made themselves undumpable while we
// are not privileged; and it fails at pages under userfaultfd(2), where the other
// waits until the program has resolved the fault (mm/userfaultfd.c,
// handle_userfault: only faults that may be retried wait).
func PeekMemory(tid int, addr uint64, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		at := addr + uint64(done)
		var word uint64
		if err := requestPtr(unix.PTRACE_PEEKDATA, tid, uintptr(at&^7), unsafe.Pointer(&word)); err != nil {
			if done > 0 {
				return done, nil
			}
			if err == unix.EIO {
				err = unix.EFAULT
			}
			return 0, err
		}
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], word)
		done += copy(p[done:], b[at&7:])
	}
	return done, nil
}
