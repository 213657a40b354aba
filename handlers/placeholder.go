package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Objects of the kernel stand for what lies in an fs.FS: an empty directory, which is
// deleted as soon as the program has it, for a directory, and a sealed memfd with the
// contents for a regular file. Their names say for what they stand (paths.View.Placeholder), and
// /proc/PID/fd and /proc/PID/cwd tell the names, wherever the objects come to.

// onStandIn runs a call about a directory, or a symbolic link opened with O_PATH, with
// the path of an object that stands for it.
func (v *View) onStandIn(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	if p.Itself {
		return next.Handle(c)
	}
	if p.Mode.IsRegular() {
		return v.onContents(c, next, a, p)
	}
	name, release, err := v.standIn(p)
	if err != nil {
		return failed(err)
	}
	defer release()
	if err := v.point(c, a, name); err != nil {
		return failed(err)
	}
	return next.Handle(c)
}

// standIn makes the object. release takes its name away.
func (v *View) standIn(p *paths.Place) (name string, release func(), err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	name = filepath.Join(os.TempDir(), v.tree.Placeholder(p.Path))
	if v.standing[name] == 0 {
		if p.Mode.IsDir() {
			if err = os.Mkdir(name, 0o700); err == nil {
				err = os.Chmod(name, readable(p.Mode).Perm())
			}
		} else {
			var target string
			if target, err = p.ReadLink(); err == nil {
				err = os.Symlink(target, name)
			}
		}
		if err != nil {
			_ = os.Remove(name)
			return "", nil, fmt.Errorf("standing in for %s: %w", p.Path, err)
		}
	}
	v.standing[name]++
	return name, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.standing[name]--; v.standing[name] == 0 {
			delete(v.standing, name)
			_ = os.Remove(name)
		}
	}, nil
}

// A contents keeps memfds of what has been opened.
type contents struct {
	files map[string]*content
	clock uint64 // counts uses
	total int64
}

type content struct {
	file  *os.File // closed by its finalizer, when nobody opens it any more
	size  int64
	mtime time.Time
	used  uint64
}

// Limits of what is kept of files that nobody may open again.
const (
	maxContents     = 256
	maxContentBytes = 256 << 20
)

// openFile opens a regular file.
func (v *View) openFile(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	return v.onContents(c, next, a, p)
}

// onContents runs a call about a regular file with the path of its contents.
func (v *View) onContents(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	f, err := v.content(c, p)
	if err != nil {
		return table.Errno(paths.Errno(err))
	}
	defer runtime.KeepAlive(f)
	if err := v.point(c, a, fdName(f)); err != nil {
		return failed(err)
	}
	if err := followLast(c); err != nil {
		return failed(err)
	}
	r := next.Handle(c)
	if e := r.Errno(); (e == unix.EACCES || e == unix.ENOENT || e == unix.EPERM) && opens(c) {
		return v.ownCopy(c, f)
	}
	return r
}

// fdName returns the path by which other processes find a descriptor of this one.
func fdName(f *os.File) string { return procfs.FDPath(os.Getpid(), int(f.Fd())) }

func opens(c *table.Call) bool {
	switch c.Name() {
	case "open", "openat", "openat2":
		return true
	}
	return false
}

// followLast lets the call follow the link of /proc that its path is now. The program's own
// path ended in a file, so O_NOFOLLOW and the like are satisfied.
func followLast(c *table.Call) error {
	switch c.Name() {
	case "open":
		c.SetArg(1, c.Arg(1)&^unix.O_NOFOLLOW)
	case "openat":
		c.SetArg(2, c.Arg(2)&^unix.O_NOFOLLOW)
	case "openat2":
		how, err := c.Bytes(2, min(c.Arg(3), table.PathMax))
		if err != nil {
			return err
		}
		if len(how) < 24 {
			return unix.EINVAL
		}
		put(how[:8], get(how[:8])&^unix.O_NOFOLLOW)
		clear(how[16:24])
		return c.Pin(2, how)
	}
	return nil
}

// content returns a memfd with the contents of a file.
func (v *View) content(c *table.Call, p *paths.Place) (*os.File, error) {
	info, err := p.Stat()
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	if k := v.contents.files[p.Path]; k != nil && !k.mtime.IsZero() && k.mtime.Equal(info.ModTime()) && k.size == info.Size() {
		v.contents.clock++
		k.used = v.contents.clock
		v.mu.Unlock()
		return k.file, nil
	}
	v.mu.Unlock()
	var f *os.File
	if perr := c.Park(func(context.Context) { f, err = v.fill(p, info) }); perr != nil {
		return nil, perr
	}
	if err != nil {
		return nil, err
	}
	v.keep(p.Path, &content{file: f, size: info.Size(), mtime: info.ModTime()})
	return f, nil
}

// keep keeps contents, and gives up the oldest if there are too many.
func (v *View) keep(at string, k *content) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &v.contents
	if s.files == nil {
		s.files = map[string]*content{}
	}
	if old := s.files[at]; old != nil {
		s.total -= old.size
	}
	s.clock++
	k.used = s.clock
	s.files[at] = k
	s.total += k.size
	for len(s.files) > maxContents || s.total > maxContentBytes && len(s.files) > 1 {
		var oldest string
		for name, o := range s.files {
			if oldest == "" || o.used < s.files[oldest].used {
				oldest = name
			}
		}
		s.total -= s.files[oldest].size
		delete(s.files, oldest)
	}
}

// fill makes a memfd with the contents of a file.
func (v *View) fill(p *paths.Place, info fs.FileInfo) (*os.File, error) {
	src, err := p.Mount.FS.Open(p.Name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	name := v.tree.Placeholder(p.Path)
	const mfdExec = 0x10 // MFD_EXEC, since Linux 6.3
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|mfdExec)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = io.Copy(f, src)
	if err == nil {
		err = unix.Fchmod(fd, uint32(readable(info.Mode()).Perm()))
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

const seals = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL

// ownCopy opens a file in a thread that may not open our descriptors, because it has
// other ids or another /proc: it gets a memfd of its own.
func (v *View) ownCopy(c *table.Call, f *os.File) table.Result {
	flags := uint64(paths.OpenFlags(c))
	if err := c.PinPath(1, f.Name()); err != nil {
		return failed(err)
	}
	r := c.Inject("memfd_create", c.RawArg(1), unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if r.Failed() {
		return r
	}
	fd := uint64(r.Raw())
	own := procfs.FDPath(c.Thread().TID(), int(fd))
	err := copyTo(own, f)
	if err == nil {
		err = c.PinPath(1, fmt.Sprintf("/proc/self/task/%d/fd/%d", procfs.ID(c.Thread().TID()), fd))
	}
	if err != nil {
		c.Inject("close", fd)
		return table.Errno(paths.Errno(err))
	}
	// The number has to be the lowest that was free.
	at := unix.AT_FDCWD
	r = c.Inject("openat", uint64(at), c.RawArg(1), flags&^(unix.O_NOFOLLOW|unix.O_CREAT|unix.O_EXCL), 0)
	if r.Failed() {
		c.Inject("close", fd)
		return r
	}
	if d := c.Inject("dup3", uint64(r.Raw()), fd, flags&unix.O_CLOEXEC); d.Failed() {
		return d
	}
	c.Inject("close", uint64(r.Raw()))
	return table.Return(int64(fd))
}

// copyTo writes the contents of f to the memfd with that path, and seals it.
func copyTo(name string, f *os.File) error {
	dst, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer dst.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, io.NewSectionReader(f, 0, info.Size())); err != nil {
		return err
	}
	if err := unix.Fchmod(int(dst.Fd()), uint32(info.Mode().Perm())); err != nil {
		return err
	}
	_, err = unix.FcntlInt(dst.Fd(), unix.F_ADD_SEALS, seals)
	return err
}

// watch has inotify(7) watch an object on which nothing will ever happen, as nothing will
// in the fs.FS.
func (v *View) watch(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	const onlyDir = 0x01000000 // IN_ONLYDIR
	if c.Arg(2)&onlyDir != 0 && !p.Mode.IsDir() {
		return table.Errno(unix.ENOTDIR)
	}
	f, err := v.watched(p)
	if err != nil {
		return failed(err)
	}
	defer runtime.KeepAlive(f)
	if err := v.point(c, a, fdName(f)); err != nil {
		return failed(err)
	}
	c.SetArg(2, c.Arg(2)&^(onlyDir|0x02000000)) // IN_DONT_FOLLOW
	return next.Handle(c)
}

// watched returns the object that is watched for a place: always the same, as long as it
// is kept, so that it is the same watch.
func (v *View) watched(p *paths.Place) (*os.File, error) {
	key := "watch " + p.Path
	v.mu.Lock()
	k := v.contents.files[key]
	v.mu.Unlock()
	if k != nil {
		return k.file, nil
	}
	fd, err := unix.MemfdCreate(v.tree.Placeholder(p.Path), unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	k = &content{file: os.NewFile(uintptr(fd), p.Path)}
	v.keep(key, k)
	return k.file, nil
}
