package supervisor_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// A passer lets calls pass, as it is told, and counts what it is asked.
type passer struct {
	pass          func(c *table.Call) bool
	asked, called int
}

func (p *passer) Passes(c *table.Call) bool {
	p.asked++
	return p.pass(c)
}

func (p *passer) Handle(c *table.Call) table.Result {
	p.called++
	return c.Native()
}

// What passes is not handled, and the program sees no difference, by either route.
func TestPasses(t *testing.T) {
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		p := &passer{pass: func(c *table.Call) bool {
			if c.Name() != "openat" {
				return true
			}
			name, err := c.Path(1)
			return err != nil || name != "/etc/hostname"
		}}
		var out bytes.Buffer
		cmd := supervisor.Command("sh", "-c", "for i in 1 2 3; do cat /etc/passwd > /dev/null; cd /; done; cat /etc/hostname > /dev/null; echo through | cat")
		cmd.Route, cmd.Stdout, cmd.Table = route, &out, table.New()
		cmd.Table.Handle("openat,read,write,chdir,execve,dup2", p)
		if err := cmd.Run(); err != nil || out.String() != "through\n" {
			t.Errorf("route %v: %v, %q", route, err, &out)
		}
		if p.called != 1 || p.asked < 20 {
			t.Errorf("route %v: asked %d times, called %d", route, p.asked, p.called)
		}
	}
}

// A call that the supervisor itself has to see the end of does not pass.
func TestPassesNotWhatIsTracked(t *testing.T) {
	p := &passer{pass: func(*table.Call) bool { return true }}
	var looked bool
	var cwd string
	cmd := supervisor.Command("sh", "-c", "cd /usr; cd /; umask 77; cd /etc; exec true")
	cmd.Track, cmd.Table = true, table.New()
	cmd.Table.Handle("chdir", p)
	cmd.Table.HandleFunc("execve", func(c *table.Call) table.Result {
		looked, cwd = true, c.FS().Cwd()
		return c.Native()
	})
	if err := cmd.Run(); err != nil || !looked || cwd != "/etc" || p.called != 3 {
		t.Errorf("%v, cwd %q, called %d times", err, cwd, p.called)
	}
}

// A panic there kills the tree, as one in a handler.
func TestPassesPanics(t *testing.T) {
	p := &passer{pass: func(*table.Call) bool { panic("no idea") }}
	cmd := supervisor.Command("sh", "-c", "cd /; exec sleep 1000")
	cmd.Table = table.New()
	cmd.Table.Handle("chdir", p)
	err := cmd.Run()
	if panicked, ok := errors.AsType[*supervisor.PanicError](err); !ok || panicked.Value != "no idea" || p.called != 0 && p.asked != 1 {
		t.Errorf("%v, called %d times", err, p.called)
	}
}
