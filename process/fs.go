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
	moved               bool // a chdir has been seen
	umaskKnown          bool
	setting             int    // calls of umask(2) under way
	sets                uint64 // how many have begun and ended
	named               uint64 // as of File
	unseen              bool   // nobody tells of what changes it
	parted              bool   // as of FDs
}

var _ table.FS = (*FS)(nil)

// Cwd returns the working directory.
func (f *FS) Cwd() string {
	f.refresh()
	if !f.cwdKnown {
		f.cwd, f.cwdKnown = f.link(procfs.AtCWD)
	}
	return f.cwd
}

// Root returns the root directory.
func (f *FS) Root() string {
	f.refresh()
	if !f.rootKnown {
		f.root, f.rootKnown = f.link(procfs.AtRoot)
	}
	return f.root
}

// refresh forgets what may have another name by now.
func (f *FS) refresh() {
	if f.named == f.tree.names && f.tree.tracked && !f.unseen || f.tree.past {
		return
	}
	f.cwdKnown, f.rootKnown = f.cwdKnown && f.virtual, false
	f.named = f.tree.names
}

func (f *FS) link(at int) (s string, known bool) {
	known = f.users.some(func(tid int) bool {
		var err error
		s, err = procfs.FDLink(tid, at)
		return err == nil
	})
	return s, known
}

// Umask returns the file mode creation mask.
func (f *FS) Umask() uint32 {
	if !f.umaskKnown || !f.tree.tracked || f.unseen {
		f.umaskKnown = f.users.some(func(tid int) bool {
			u, err := procfs.Umask(tid)
			f.umask = u
			return err == nil
		})
	}
	return f.umask
}

// SetCwd says that the working directory is path, which the kernel need not know.
func (f *FS) SetCwd(path string) { f.cwd, f.cwdKnown, f.virtual = path, true, true }

// CwdIsVirtual reports whether SetCwd has said what Cwd returns.
func (f *FS) CwdIsVirtual() bool { return f.virtual }

// forget tells that the directories may be others.
func (f *FS) forget() {
	f.cwdKnown, f.rootKnown = f.virtual, false
	if f.tree.eager {
		f.Cwd()
		f.Root()
	}
}

// copy returns what a process gets that does not share it.
func (f *FS) copy() *FS {
	c := *f
	c.users, c.moved, c.setting, c.parted = nil, false, 0, false
	return &c
}

// shared reports whether others share it, or have done so since its only user was last
// seen to begin a call.
func (f *FS) shared() bool { return f.parted || len(f.users) > 1 }

// ownFS gives the thread its own copy of what of is, as the kernel has just done. If others
// share the original, they may have changed it before or after that.
func (t *Thread) ownFS(of *FS) {
	shared := of.shared()
	t.setFS(of.copy())
	if shared {
		t.fs.umaskKnown = false
		t.fs.forget()
	}
}

// moved ends chdir(2) and fchdir(2).
func moved(t *Thread, _ *Op, _ table.Result) {
	t.fs.virtual, t.fs.moved = false, true
	t.fs.forget()
}

// rooted ends chroot(2).
func rooted(t *Thread, _ *Op, _ table.Result) { t.fs.forget() }

// pivoted ends pivot_root(2), which changes the directories of other processes.
func pivoted(t *Thread, _ *Op, _ table.Result) {
	t.tree.renamed()
	for o := range t.tree.threads {
		o.fs.forget()
	}
}

// endSetns ends setns(2): a mount namespace has directories of its own.
func endSetns(t *Thread, _ *Op, _ table.Result) { t.fs.forget() }

func beginUmask(t *Thread, op *Op) {
	t.fs.setting++
	t.fs.sets++
	op.sets = t.fs.sets
}

// endUmask ends umask(2). Where several threads have set it at a time, the kernel has to
// be asked which was the last.
func endUmask(t *Thread, op *Op, _ table.Result) {
	t.fs.setting--
	t.fs.umask, t.fs.umaskKnown = uint32(op.args[0])&0o777, t.fs.setting == 0 && t.fs.sets == op.sets
	t.fs.sets++
}
