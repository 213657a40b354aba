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
	if a.Resolve != 0 {
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
	enters := strings.HasPrefix(c.Name(), "open") || c.Name() == "chdir"
	if name != "" && name[0] == '/' {
		return v.passes("/", name, a.Follow, enters)
	}
	dir := unix.AT_FDCWD
	if a.Dir >= 0 {
		dir = c.FD(a.Dir)
	}
	at, err := v.DescriptorName(c.Thread(), dir)
	switch {
	case err != nil:
		return true // EBADF
	case name == "":
		return !v.IsPlaceholder(at)
	case !strings.HasPrefix(at, "/") || strings.HasSuffix(at, " (deleted)"):
		return false
	}
	return v.passes(at, name, a.Follow, enters)
}

// passes is Passes for a path relative to the directory that the kernel calls dir. enters says
// that a directory may come to be held by the program.
func (v *View) passes(dir, name string, follow, enters bool) bool {
	at, ok := v.Shown(dir) // in the view, if there is no link
	if !ok || v.IsPlaceholder(dir) {
		return false
	}
	mount, rest := v.mountOf(at)
	if mount.FS != nil || mount.host(rest) != dir && dir != "/" || isProc(dir) || isProc(at) {
		return false
	}
	if dir == "/" && mount != v.root || mount.Host == "" || name[0] == '/' && v.root.Host != "/" {
		return false
	}
	host := strings.TrimSuffix(dir, "/")
	at = strings.TrimSuffix(at, "/")
	names, plainEnd, leads := 0, false, false
	for rest, more := name, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		plainEnd = false
		switch part {
		case "", ".":
			continue
		case "..":
			if host != at {
				return false // what is above is not the same
			}
			at = at[:max(strings.LastIndexByte(at, '/'), 0)]
			host = at
		default:
			names, plainEnd = names+1, true
			at += "/" + part
			host += "/" + part
		}
		if m, _ := v.mountOf(at); m != mount || isProc(at) || isProc(host) {
			return false
		}
		leads = leads || v.leadsToMount(at)
	}
	if enters && v.namedOtherwise(host, at) {
		return false // somebody will want to know by which name it was reached
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
	fd, err := openat2(strings.TrimSuffix(dir, "/")+"/"+name, &how)
	switch err {
	case nil:
		unix.Close(fd)
		return true
	case unix.ENOENT, unix.ENOTDIR:
		return !leads // to a directory that only the view has
	}
	return false
}

// namedOtherwise reports whether a directory of the host would be taken to be at another
// place of the view, or is to be noted as reached from there no more.
func (v *View) namedOtherwise(host, at string) bool {
	if v.reachedBy(host) != "" {
		return true
	}
	likely, ok := v.likely(host)
	return !ok || likely != at
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
