package process

import (
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// FS is what paths start from.
type FS struct {
	tree  *Tree
	users users

	cwd, root           string
	umask               uint32
	virtual             bool // cwd is what SetCwd has said
	cwdKnown, rootKnown bool
	umaskKnown          bool
}

var _ table.FS = (*FS)(nil)

// Cwd returns the working directory.
func (f *FS) Cwd() string {
	if !f.cwdKnown {
		f.cwd, f.cwdKnown = f.link(procfs.AtCWD)
		f.cwdKnown = f.cwdKnown && f.tree.tracked
	}
	return f.cwd
}

// Root returns the root directory.
func (f *FS) Root() string {
	if !f.rootKnown {
		f.root, f.rootKnown = f.link(procfs.AtRoot)
		f.rootKnown = f.rootKnown && f.tree.tracked
	}
	return f.root
}

func (f *FS) link(at int) (string, bool) {
	s, err := procfs.FDLink(f.users.any(), at)
	return s, err == nil
}

// Umask returns the file mode creation mask.
func (f *FS) Umask() uint32 {
	if !f.umaskKnown {
		u, err := procfs.Umask(f.users.any())
		f.umask, f.umaskKnown = u, err == nil && f.tree.tracked
	}
	return f.umask
}

// SetCwd says that the working directory is path, which the kernel need not know.
func (f *FS) SetCwd(path string) { f.cwd, f.cwdKnown, f.virtual = path, true, true }

// CwdIsVirtual reports whether SetCwd has said what Cwd returns.
func (f *FS) CwdIsVirtual() bool { return f.virtual }
