package supervisor_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// The region is mapped behind a call of which a handler decides, and that the mapping itself takes, and
// nothing of that stays in the program.
func TestMapsBehindItsOwnCalls(t *testing.T) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	bin := compileC(t, "midway")
	for _, call := range []string{"openat", "mmap"} {
		t.Run(call, func(t *testing.T) {
			cmd := supervisor.Command(bin, call)
			cmd.Route, cmd.Table = supervisor.RouteDirect, table.New()
			calls, mapped := 0, false
			cmd.Table.HandleFunc(call, func(c *table.Call) table.Result {
				if calls++; calls > 200 && !mapped {
					maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.Thread().TID()))
					mapped = err == nil && bytes.Contains(maps, []byte("k42trace-code"))
				}
				return c.Native()
			})
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			run(t, cmd)
			if out.String() != "0 more\n" {
				t.Errorf("descriptors: %q", out.String())
			}
			if !mapped {
				t.Errorf("after %d calls the region has not been mapped", calls)
			}
		})
	}
}

// It is not mapped between a call that a signal has interrupted and that signal.
func TestMapsNotBeforeASignal(t *testing.T) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	bin := compileC(t, "midway")
	for before := range 4 { // one of which has the wait trap when it pays to map
		cmd := supervisor.Command(bin, "waits", fmt.Sprint(before))
		cmd.Route, cmd.Table = supervisor.RouteDirect, table.New()
		l := &logger{map[int][]string{}, map[int]int{}}
		for nr := range 400 {
			if sig := table.SignatureOf(table.AMD64, nr); sig != nil {
				cmd.Table.Handle(sig.Name, l)
			}
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil || out.String() != "200 signals\n" {
			t.Errorf("%d calls before: %v, %q", before, err, out.String())
		}
	}
}
