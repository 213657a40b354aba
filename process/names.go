package process

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What a descriptor's file is called may change while it is open: then the kernel's new
// name is read once more, or, of what has happened a while ago, worked out. Names that
// others change, outside the tree, are not seen.

// maxNames is how many files are looked through for one whose name has changed, where there
// is time to read it later.
const maxNames = 512

// An entry is where a call's arguments name an entry of a directory: the descriptor that its
// path starts from, and the path.
type entry struct{ dir, path int }

// cwd in place of a descriptor's argument: the path starts from the working directory.
const cwd = -1

// removes is the effect of a call that takes a name away.
func removes(e entry) *effect {
	return &effect{names: true, end: func(t *Thread, op *Op, _ table.Result) {
		if name := t.entryName(op, e); name != "" {
			t.tree.removed(name)
		} else {
			t.tree.renamedBy(op, e)
		}
	}}
}

// renames is the effect of a call that gives another name, with RENAME_ flags in an
// argument.
func renames(from, to entry, flags int) *effect {
	// The directory that its path starts from may be what it renames.
	return &effect{names: true, replaces: true, end: func(t *Thread, op *Op, _ table.Result) {
		exchange := flags != never && uint32(op.args[flags])&unix.RENAME_EXCHANGE != 0
		old, name := t.entryName(op, from), t.entryName(op, to)
		switch {
		case old == "" || name == "":
			t.tree.renamedBy(op, from, to)
		case old == name:
		case exchange:
			t.tree.exchanged(old, name)
		default:
			t.tree.removed(name)
			t.tree.moved(old, name)
		}
	}}
}

// entryName returns the whole name of an entry that a call of a while ago was about, "" if
// it cannot be told, or if it need not since the kernel can be asked for the new names. A
// path of one component is the name of the entry, if not "." or "..": what the path leads
// to is removed and renamed itself, also if it is a symbolic link.
func (t *Thread) entryName(op *Op, e entry) string {
	if !t.tree.past {
		return ""
	}
	path, err := table.ReadString(op.mem, op.args[e.path], table.PathMax)
	if err != nil || path == "" || path == "." || path == ".." || strings.Contains(path, "/") {
		return ""
	}
	dir := ""
	if e.dir == cwd || op.fd(e.dir) == unix.AT_FDCWD {
		dir = t.fs.Cwd()
	} else if s := op.fds.slots.at(op.fd(e.dir)); s != nil {
		dir = s.file.name
	}
	switch {
	case dir == "/":
		return dir + path
	case !strings.HasPrefix(dir, "/") || strings.HasSuffix(dir, deleted):
		return ""
	}
	return dir + "/" + path
}

// change calls f with every name that is a path, and keeps what it returns until the kernel
// can be asked.
func (tr *Tree) change(f func(name string) string) {
	for file := tr.all; file != nil; file = file.next {
		if !file.hasPath() {
			continue
		}
		if name := f(file.name); name != file.name {
			file.name, file.named = name, 0
		}
	}
	seen := map[*FS]bool{}
	for t := range tr.threads {
		if fs := t.fs; !seen[fs] && !fs.virtual {
			seen[fs] = true
			if cwd, root := f(fs.cwd), f(fs.root); cwd != fs.cwd || root != fs.root {
				fs.cwd, fs.root, fs.named = cwd, root, 0
			}
		}
	}
}

// removed tells that nothing is called name any more.
func (tr *Tree) removed(name string) {
	tr.change(func(s string) string {
		if s == name {
			return s + deleted
		}
		return s
	})
}

// moved tells that what was called old, and what is in it, has another name.
func (tr *Tree) moved(old, name string) {
	tr.change(func(s string) string { return withMoved(s, old, name) })
}

// exchanged tells that what had one of the names has the other.
func (tr *Tree) exchanged(a, b string) {
	tr.change(func(s string) string {
		if to := withMoved(s, a, b); to != s {
			return to
		}
		return withMoved(s, b, a)
	})
}

// withMoved returns the name s as it is when old has become name.
func withMoved(s, old, name string) string {
	if rest, ok := strings.CutPrefix(s, old); ok && (rest == "" || rest[0] == '/') {
		return name + rest
	}
	return s
}

// renamedBy tells that the names may have changed that have the last components of the
// paths in a call's arguments. They are read now: of a recorded call, memory is known at
// its end.
func (tr *Tree) renamedBy(op *Op, entries ...entry) {
	for _, e := range entries {
		path, err := table.ReadString(op.mem, op.args[e.path], table.PathMax)
		name := lastOf(path)
		if err != nil || name == "" || len(tr.files) > maxNames {
			tr.renamed()
			break
		}
		tr.renamedTo(name)
	}
	if tr.eager && !tr.past {
		tr.refresh()
	}
}

// lastOf returns the last component of a path, "" if the path ends in none that names an
// entry.
func lastOf(path string) string {
	path = strings.TrimRight(path, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	if last == "." || last == ".." {
		return ""
	}
	return last
}

// allNames ends a call after which everything may have another name.
func allNames(t *Thread, _ *Op, _ table.Result) {
	t.tree.renamed()
	if t.tree.eager {
		t.tree.refresh()
	}
}

// renamed tells that any name may have changed.
func (tr *Tree) renamed() { tr.names++ }

// renamedTo tells that the names may have changed that have the component name.
func (tr *Tree) renamedTo(name string) {
	for f := tr.all; f != nil; f = f.next {
		if f.named == tr.names && has(f.name, name) {
			f.named = 0
		}
	}
	for t := range tr.threads {
		if fs := t.fs; has(fs.cwd, name) || has(fs.root, name) {
			fs.named = 0
		}
	}
}

// refresh asks at once for the names that may have changed: later they may have changed
// again.
func (tr *Tree) refresh() {
	for fds := range tr.tables() {
		for fd, s := range fds.slots.all() {
			if s.file.hasPath() && s.file.named != tr.names && !fds.changing(s) {
				fds.learn(fd, s.file)
			}
		}
	}
	for t := range tr.threads {
		t.fs.Cwd()
		t.fs.Root()
	}
}

// has reports whether a path has a component, which in what is deleted ends in a note.
func has(path, component string) bool {
	for {
		i := strings.Index(path, component)
		if i < 0 {
			return false
		}
		rest := path[i+len(component):]
		if i > 0 && path[i-1] == '/' && (rest == "" || rest[0] == '/' || rest == deleted) {
			return true
		}
		path = path[i+1:]
	}
}

// deleted is what the kernel appends to the name of what has none any more.
const deleted = " (deleted)"
