package execso

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// By how much the files behind the region grow: 1024 sites, 4 slots, 8 tables, and
// contents beside all records.
const (
	codeStep     = 1024 * SiteSize
	slotsStep    = 4 * SlotSize
	tablesStep   = 8 * tableSize
	contentsStep = contentsOff
)

// A shared is a file in memory, all of which is mapped, by us and by the programs, though
// it is only as long as has been used so far. What lies behind its end cannot be touched
// (SIGBUS), and takes no memory of a program that has all that it maps locked
// (mlockall(2)), or reads all of it.
type shared struct {
	fd   int
	mem  []byte // all that it may become
	size int64
	step int64
}

// make makes the file, one step long, and maps room bytes of it. A file that shrank would
// kill us; so it is sealed against that, and as seals say.
func (s *shared) make(name string, room, step int64, seals int) (err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return fmt.Errorf("execso: memfd_create: %w", err)
	}
	f := shared{fd: fd, step: step}
	defer func() {
		if err != nil {
			_ = f.close()
		}
	}()
	if err := f.grow(step); err != nil {
		return err
	}
	if f.mem, err = unix.Mmap(fd, 0, int(room), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("execso: mmap: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL|seals); err != nil {
		return fmt.Errorf("execso: sealing: %w", err)
	}
	*s = f
	return nil
}

// grow makes the file size bytes long.
func (s *shared) grow(size int64) error {
	if err := unix.Ftruncate(s.fd, size); err != nil {
		return fmt.Errorf("execso: ftruncate: %w", err)
	}
	s.size = size
	return nil
}

// reach makes the file at least size bytes long, which are to be within its room, and
// reports whether it is.
func (s *shared) reach(size int64) bool {
	if size <= s.size {
		return true
	}
	steps := (size + s.step - 1) / s.step
	return s.grow(min(steps*s.step, int64(len(s.mem)))) == nil
}

// close unmaps and closes what make has made.
func (s *shared) close() error {
	if s.step == 0 {
		return nil
	}
	var err error
	if s.mem != nil {
		err = unix.Munmap(s.mem)
	}
	err = errors.Join(err, unix.Close(s.fd))
	*s = shared{}
	return err
}
