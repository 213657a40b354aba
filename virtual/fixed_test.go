package virtual_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// A counted file counts how often it is asked.
type counted struct {
	virtual.Fixed
	reads, stats *atomic.Int64
}

func (f counted) ReadAt(p []byte, off int64) (int, error) {
	f.reads.Add(1)
	return f.Fixed.ReadAt(p, off)
}

func (f counted) Stat() (fs.FileInfo, error) {
	f.stats.Add(1)
	return f.Fixed.Stat()
}

var routes = map[string]supervisor.Routing{"trap": supervisor.RouteTrap, "direct": supervisor.RouteDirect}

// onRoute makes cmd take a route, or skips the test.
func onRoute(t *testing.T, cmd *supervisor.Cmd, name string) *supervisor.Cmd {
	t.Helper()
	if err := supervisor.DirectSupported(); err != nil && name == "direct" {
		t.Skip("no direct route: ", err)
	}
	cmd.Route = routes[name]
	cmd.Warn = func(err error) { t.Error("warning: ", err) }
	return cmd
}

// fixedContents begin with a byte that nothing else does, and lines that are all different.
func fixedContents() []byte {
	b := []byte("#")
	for range 300 {
		for c := byte('!'); c <= '~'; c++ {
			b = append(b, c)
		}
	}
	return b
}

// A program finds the same whether the kernel has the file, or we, or it reads it by itself.
func TestFixedIsReadInTheProgram(t *testing.T) {
	bin := compile(t, "inprocess")
	contents := fixedContents()
	dir := t.TempDir()
	file, real := filepath.Join(dir, "file"), filepath.Join(dir, "real")
	for name, b := range map[string][]byte{file: contents, real: []byte("a real file, which is none of ours\n")} {
		if err := os.WriteFile(name, b, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Unix(1e9, 42)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := exec.Command(bin, file, real).CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, want)
	}
	asked := map[string]int64{}
	for name := range routes {
		var reads, stats atomic.Int64
		w := newWorld(t, func(string, int) virtual.File {
			return counted{virtual.NewFixed(contents, textInfo{}), &reads, &stats}
		})
		cmd := onRoute(t, supervisor.Command(bin, "/virtual/file", real), name)
		cmd.Env = append(os.Environ(), "K42TRACE_TEST=1")
		if got := w.run(cmd); got != string(want) {
			t.Errorf("%s:\n%s", name, difference(string(want), got))
		}
		asked[name] = reads.Load()
		t.Logf("%s: %d reads, %d stats", name, reads.Load(), stats.Load())
	}
	if asked["direct"]*2 > asked["trap"] {
		t.Errorf("the file was asked %d times by the direct route, and %d times by the other", asked["direct"], asked["trap"])
	}
}

// difference shows the lines that differ.
func difference(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, c string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			c = g[i]
		}
		if a != c {
			b.WriteString("want " + a + "\n got " + c + "\n")
		}
	}
	return b.String()
}
