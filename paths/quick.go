package paths

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// UseState makes the view ask the state that is kept of a thread (table.FDs, table.FS) what
// its descriptors and its working directory are, and not /proc itself. Where the state is kept
// (supervisor.Cmd.Track) that costs no call; a directory that somebody renames who is not
// traced has its old name then.
func (v *View) UseState() { v.state = true }

// DescriptorName returns what the thread's descriptor is, or its working directory, for
// AT_FDCWD, as the kernel calls it.
func (v *View) DescriptorName(t table.Thread, fd int) (string, error) {
	if !v.state {
		return DescriptorName(t, fd)
	}
	if fd == unix.AT_FDCWD {
		if name := t.FS().Cwd(); name != "" {
			return name, nil
		}
	} else if name, ok := t.FDs().Name(fd); ok {
		return name, nil
	}
	return "", unix.EBADF
}

// Passes reports whether the path argument a of the call leads the kernel where it leads in
// the view, so that the call can be left as it is. If it returns true that is so; if it
// returns false, Resolve knows.
//
// It works by the text of the path, and then makes sure that there is no symbolic link in
// it: by one call of the kernel, or none.
func (v *View) Passes(c *table.Call, a Arg) bool {
	if !v.Mounted() {
		return true
	}
	if v.root.Host != "/" || a.Resolve != 0 {
		return false
	}
	name := ""
	if c.Arg(a.Path) != 0 || !a.Empty {
		var err error
		if name, err = c.Path(a.Path); err != nil {
			return true // the kernel cannot read it either
		}
		if name == "" && !a.Empty {
			return true // ENOENT
		}
	}
	if name != "" && name[0] == '/' {
		return v.passes("", name, a.Follow)
	}
	dir := unix.AT_FDCWD
	if a.Dir >= 0 {
		dir = c.FD(a.Dir)
	}
	at, err := v.DescriptorName(c.Thread(), dir)
	if err != nil {
		return true // EBADF
	}
	if name == "" {
		return !v.IsPlaceholder(at)
	}
	return v.plain(at) && v.passes(at, name, a.Follow)
}

// plain reports whether the kernel's name of a directory is also its path in the view, and the
// only one.
func (v *View) plain(at string) bool {
	if !strings.HasPrefix(at, "/") || strings.HasSuffix(at, " (deleted)") || isProc(at) {
		return false
	}
	if m, _ := v.mountOf(at); m != v.root {
		return false
	}
	v.mu.Lock()
	_, known := v.reached[at]
	v.mu.Unlock()
	return !known && !v.IsPlaceholder(at)
}

// passes is Passes for a path relative to the directory dir, "" for the root.
func (v *View) passes(dir, name string, follow bool) bool {
	if dir == "/" {
		dir = ""
	}
	at := dir // in the view, if there is no link
	names, plainEnd, leads := 0, false, false
	for rest, more := name, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		plainEnd = false
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(strings.LastIndexByte(at, '/'), 0)]
		default:
			names, plainEnd = names+1, true
			at += "/" + part
		}
		if m, _ := v.mountOf(at); m != v.root || isProc(at) {
			return false
		}
		leads = leads || v.leadsToMount(at)
	}
	if len(v.reachedBy(at)) > 0 {
		return false // and somebody may want to know that now it is reached by its own name
	}
	switch {
	case names == 0:
		return true // what leads up from a directory are directories
	case names == 1 && plainEnd && !follow:
		return !leads
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if !follow {
		how.Flags |= unix.O_NOFOLLOW
	}
	fd, err := openat2(dir+"/"+name, &how)
	switch err {
	case nil:
		unix.Close(fd)
		return true
	case unix.ENOENT, unix.ENOTDIR:
		return !leads // to a directory that only the view has
	}
	return false
}

func openat2(name string, how *unix.OpenHow) (fd int, err error) {
	for {
		fd, err = unix.Openat2(unix.AT_FDCWD, name, how)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// reachedBy returns by which path a directory of the host was reached, "" if by its own.
func (v *View) reachedBy(host string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.reached) == 0 {
		return ""
	}
	return v.reached[host]
}

// isProc reports whether the path is in proc(5), where links lead to objects and depend on who
// follows them.
func isProc(name string) bool {
	rest, ok := strings.CutPrefix(name, "/proc")
	return ok && (rest == "" || rest[0] == '/')
}

// IsPlaceholder reports whether something of that name stands for what the view has, and the
// host has not.
func (v *View) IsPlaceholder(name string) bool {
	_, is := v.placeholder(name)
	return is
}

// PassesListing reports whether the entries of the directory fd are those that the kernel
// tells.
func (v *View) PassesListing(t table.Thread, fd int) bool {
	if !v.Mounted() {
		return true
	}
	name, err := v.DescriptorName(t, fd)
	if err != nil {
		return true
	}
	if v.IsPlaceholder(name) {
		return false
	}
	at, ok := v.Shown(name)
	return !ok || len(v.MountsIn(at)) == 0
}

// PassesDescriptor reports whether the descriptor fd is the kernel's alone.
func (v *View) PassesDescriptor(t table.Thread, fd int) bool {
	if !v.HasPlaceholders() {
		return true
	}
	name, err := v.DescriptorName(t, fd)
	return err != nil || !v.IsPlaceholder(name)
}

// HasPlaceholders reports whether there has been a placeholder yet.
func (v *View) HasPlaceholders() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.token != ""
}
