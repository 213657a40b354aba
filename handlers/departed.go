package handlers

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// departures tell which inodes are gone, whose numbers the file system will use again: a file that
// has lost its last name is there until nobody has it open any more. inotify(7) holds an inode
// until it has told that.
type departures struct {
	file    *os.File // the inotify instance; closed by its finalizer
	watched map[int32]inode
}

// await watches the file at a path for its end, with flags of inotify_add_watch(2).
func (d *departures) await(name string, id inode, flags uint32) error {
	if d.file == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return err
		}
		d.file, d.watched = os.NewFile(uintptr(fd), "inotify"), map[int32]inode{}
	}
	wd, err := unix.InotifyAddWatch(int(d.file.Fd()), name, unix.IN_DELETE_SELF|flags)
	if err == nil {
		d.watched[int32(wd)] = id
	}
	return err
}

// each calls f with those that are gone by now.
func (d *departures) each(f func(inode)) {
	var buf [32 * unix.SizeofInotifyEvent]byte
	for len(d.watched) > 0 {
		n, err := unix.Read(int(d.file.Fd()), buf[:])
		if err != nil || n <= 0 {
			return
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; b = b[unix.SizeofInotifyEvent:] { // of files: without names
			wd := int32(binary.NativeEndian.Uint32(b))
			if id, ok := d.watched[wd]; ok {
				delete(d.watched, wd)
				f(id)
			}
		}
	}
}
