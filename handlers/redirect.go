package handlers

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Redirect is middleware that lets calls which name the path from, or what is
// below it, use the same place in to, which need not exist yet. Both are absolute. It
// does not matter how the program comes there: by a relative path, by "..", or by a symbolic
// link. It is a View with one place moved, for the calls that the caller chooses;
// RedirectCalls are all that can lead there.
//
// It shows a program other files; it does not keep files from a program: for
// that there is Deny.
func Redirect(from, to string) table.Middleware {
	v := NewView()
	if !strings.HasPrefix(to, "/") {
		panic("handlers: Redirect: " + to + " is not absolute")
	}
	if err := v.tree.Move(to, from); err != nil {
		panic("handlers: Redirect: " + err.Error())
	}
	return v.Wrap
}

// RedirectCalls are the calls that Redirect has to see so that nothing of a program leads
// to the old place.
const RedirectCalls = viewCalls

// failed returns the result that an error of a Call's method, or of resolving a path,
// stands for.
func failed(err error) table.Result {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return table.Errno(errno)
	}
	return table.Errno(paths.Errno(err))
}
