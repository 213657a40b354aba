package supervisor

import (
	"fmt"
	"reflect"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// sensible returns the result of a handler, or EIO if it is one that the call cannot
// have, of which Warn is told: a program that believes it reads beyond its buffer.
// What the kernel has said is sensible.
func (t *Thread) sensible(result table.Result) table.Result {
	if s := &t.current; s.ran && result.Raw() == s.own.Raw() {
		return result
	}
	why, nonsense := result.Nonsense(&t.call)
	if !nonsense {
		return result
	}
	t.loop.warn(fmt.Errorf("handler %s: answered %s with %s: the program gets EIO", nameOf(t.handler), t.call.Name(), why))
	return table.Errno(unix.EIO)
}

// nameOf returns a handler's name for a message: its function's, or its type.
func nameOf(h table.Handler) string {
	if v := reflect.ValueOf(h); v.Kind() == reflect.Func {
		if f := runtime.FuncForPC(v.Pointer()); f != nil {
			return f.Name()
		}
	}
	return fmt.Sprintf("%T", h)
}
