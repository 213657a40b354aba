package paths

import (
	"io/fs"
	"path"
	"time"
)

// A ghostFS has the directories that lead to mounts.
type ghostFS struct{ v *View }

func (g ghostFS) Open(name string) (fs.File, error) {
	info, err := g.Stat(name)
	if err != nil {
		return nil, err
	}
	return nil, &fs.PathError{Op: "open", Path: info.Name(), Err: fs.ErrInvalid}
}

func (g ghostFS) Stat(name string) (fs.FileInfo, error) {
	at := "/" + name
	if name == "." {
		at = "/"
	}
	if !g.v.leadsToMount(at) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return ghost(path.Base(at)), nil
}

func (g ghostFS) ReadDir(string) ([]fs.DirEntry, error) { return nil, nil }

// A ghost is such a directory.
type ghost string

func (g ghost) Name() string     { return string(g) }
func (ghost) Size() int64        { return 0 }
func (ghost) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (ghost) ModTime() time.Time { return time.Time{} }
func (ghost) IsDir() bool        { return true }
func (ghost) Sys() any           { return nil }
