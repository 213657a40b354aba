package virtual_test

import (
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// otherFD is a layer in front that makes reads of descriptor 0 those of descriptor 4.
type otherFD struct{ table.Handler }

func (o otherFD) Passes(c *table.Call) bool { return table.Passes(o.Handler, c) }

func (o otherFD) Handle(c *table.Call) table.Result {
	if c.FD(0) == unix.Stdin {
		c.SetArg(0, 4)
	}
	return o.Handler.Handle(c)
}

// A descriptor is looked up as the call has it when it comes to the files, whatever they said of it before.
func TestLayerInFront(t *testing.T) {
	for _, other := range []string{"/virtual/b", "/dev/null"} {
		for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
			var closed atomic.Int32
			w := newWorld(t, func(name string, _ int) virtual.File { return newText("this is "+name+"\n", &closed) })
			set, err := table.ParseSet("read")
			if err != nil {
				t.Fatal(err)
			}
			w.tbl.Use(set, func(next table.Handler) table.Handler { return otherFD{next} })
			cmd := supervisor.Command("/bin/sh", "-c", "exec 4<"+other+`; read x </virtual/a; echo "$x"`)
			cmd.Route = route
			want := "this is b\n"
			if other == "/dev/null" {
				want = "\n"
			}
			if got := w.run(cmd); got != want {
				t.Errorf("%s, route %d: %q, want %q", other, route, got, want)
			}
		}
	}
}
