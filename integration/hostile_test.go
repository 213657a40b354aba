package integration

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// What docs/SECURITY.md promises, tried by programs that mean harm to a tracer with
// memory in them.

// hostile has its calls rewritten before it begins.
var hostile = variant{name: "hostile", flags: []string{"-mfsgsbase"}}.warmed()

// hostileProgram is one of them, where it can do its worst.
func hostileProgram(t *testing.T, name, what string) program {
	t.Helper()
	direct.need(t)
	p := hostile.program(t, name, what)
	p.Dir = t.TempDir()
	p.Deadline = 10 * time.Minute // many of their processes go on until they are killed
	p.nativeCase(t).mustExit(t, 0)
	empty(t, p.Dir)
	return p
}

// Whatever they write over their records, and wherever they jump: the supervisor goes
// on, and tells the user.
func TestHostilePrograms(t *testing.T) {
	direct.need(t)
	told := regexp.MustCompile(`(?m)^k42trace: thread \d+: .*the recorded calls make no sense.*; its calls trap from now on\n`)
	for _, c := range []struct {
		program, what, says string
		tells               bool // there is something to tell for sure
	}{
		{"hostile_memory", "scribbles", "done\n", true},
		{"hostile_memory", "everywhere", "done\n", true},
		{"hostile_memory", "floods", "done\n", false},
		{"hostile_memory", "remaps", "done, 0 wrong\n", false},
		{"hostile_memory", "bases", "done\n", false},
		{"hostile_jumps", "jumps", "done\n", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := hostileProgram(t, c.program, c.what)
			o, lines := p.trace(t, direct)
			o.mustExit(t, 0)
			if o.Stdout != c.says {
				t.Errorf("stdout: %q, want %q", o.Stdout, c.says)
			}
			if c.tells && !told.MatchString(o.Stderr) {
				t.Errorf("the user is told nothing: %q", o.Stderr)
			}
			// Threads that have one area between them return from each other's calls, and some find
			// that their stack is not theirs.
			rest := strings.ReplaceAll(told.ReplaceAllString(o.Stderr, ""), "*** stack smashing detected ***: terminated\n", "")
			if rest != "" {
				t.Errorf("stderr: %s", rest)
			}
			// The first process has done nothing of that.
			pid, _, _ := strings.Cut(lines[0], " ")
			last := lines[len(lines)-1]
			if m := tracedLine.FindStringSubmatch(last); m == nil || m[1] != pid || m[2] != "+++ exited with 0 +++" {
				t.Errorf("the trace ends with %q", last)
			}
		})
	}
}

// A call that is decided on is, from whatever instruction it is made, those of the
// region among them, which are exempt from the filter for calls that are only recorded,
// and whatever the supervisor has been asked before.
func TestPolicyHoldsInTheRegion(t *testing.T) {
	every, err := table.ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	forbidden, err := table.ParseSet("mkdir,mkdirat")
	if err != nil {
		t.Fatal(err)
	}
	getpid, _ := table.Number(table.AMD64, "getpid")
	for _, c := range []struct{ what, says string }{
		{"evades", "evaded: No such file or directory\n"},
		{"forges", "forged: No such file or directory\n"},
		{"forges_here", "forged: No such file or directory\n"},
	} {
		for _, enforce := range []bool{false, true} {
			t.Run(c.what, func(t *testing.T) {
				p := hostileProgram(t, "hostile_jumps", c.what)
				var out bytes.Buffer
				var told []error
				cmd := supervisor.Command(p.Path, p.Args...)
				cmd.Dir, cmd.Stdout = p.Dir, &out
				cmd.Route, cmd.Enforce = supervisor.RouteDirect, enforce
				cmd.Warn = func(err error) { told = append(told, err) }
				cmd.Table = table.New()
				cmd.Table.HandleSet(every, recorder{})
				cmd.Table.Use(forbidden, handlers.Deny(unix.EPERM))
				var asked []table.Route
				cmd.Table.HandleFunc("getpid", func(c *table.Call) table.Result {
					if c.Nr() == getpid && c.ABI() == table.AMD64 {
						asked = append(asked, c.Route())
					}
					return c.Native()
				})
				if err := cmd.Run(); err != nil {
					t.Error(err)
				}
				if out.String() != c.says {
					t.Errorf("enforced %v: %q, want %q", enforce, out.String(), c.says)
				}
				if c.what != "evades" {
					if !slices.Contains(asked, table.RouteDirect) {
						t.Error("the supervisor has never been asked: nothing could be forged")
					}
					if len(told) == 0 {
						t.Error("the user is told nothing")
					}
				}
			})
		}
	}
}
