package process

import (
	"strings"

	"github.com/k42trace/k42trace/table"
)

// What a descriptor's file is called may change while it is open: then the kernel's new
// name is read once more. Names that others change, outside the tree, are not seen.

// maxNames is how many files are looked through for one whose name has changed.
const maxNames = 512

// names ends a call that gives and takes the names in its arguments. They are read now: of
// a recorded call, memory is known at its end.
func names(paths ...int) func(*Thread, *Op, table.Result) {
	return func(t *Thread, op *Op, _ table.Result) {
		for _, i := range paths {
			path, err := table.ReadString(op.mem, op.args[i], table.PathMax)
			name := lastOf(path)
			if err != nil || name == "" || len(t.tree.files) > maxNames {
				t.tree.renamed()
				return
			}
			t.tree.renamedTo(name)
		}
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
func allNames(t *Thread, _ *Op, _ table.Result) { t.tree.renamed() }

// renamed tells that any name may have changed.
func (tr *Tree) renamed() { tr.names++ }

// renamedTo tells that the names may have changed that have the component name.
func (tr *Tree) renamedTo(name string) {
	for _, files := range tr.files {
		for _, f := range files {
			if f.named == tr.names && has(f.name, name) {
				f.named = 0
			}
		}
	}
	for t := range tr.threads {
		if fs := t.fs; has(fs.cwd, name) || has(fs.root, name) {
			fs.named = 0
		}
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
