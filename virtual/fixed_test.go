package virtual_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
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
func TestFixedIsReadInTheProgram(t *testing.T) { sameEverywhere(t, "inprocess") }

// The same for what it reads into vectors, and selects.
func TestFixedIsSelectedInTheProgram(t *testing.T) { sameEverywhere(t, "chosen") }

// The same for those whose descriptors they are, and for how long.
func TestFixedIsSharedInPrograms(t *testing.T) { sameEverywhere(t, "shared") }

// sameEverywhere runs a program of testdata with a file and another, and compares what it prints.
func sameEverywhere(t *testing.T, program string) {
	bin := compile(t, program)
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
	for _, way := range []string{"trap", "direct", "direct, tracked"} {
		var reads, stats atomic.Int64
		w := newWorld(t, func(string, int) virtual.File {
			return counted{virtual.NewFixed(contents, textInfo{}), &reads, &stats}
		})
		route, _, tracked := strings.Cut(way, ", ")
		cmd := onRoute(t, supervisor.Command(bin, "/virtual/file", real), route)
		cmd.Env = append(os.Environ(), "K42TRACE_TEST=1")
		cmd.Track = tracked
		var compared atomic.Int64
		if tracked {
			w.tbl.Handle("pipe,pipe2,socketpair,exit_group", table.HandlerFunc(func(c *table.Call) table.Result {
				if compareDescriptors(t, c) {
					compared.Add(1)
				}
				return c.Native()
			}))
		}
		if got := w.run(cmd); got != string(want) {
			t.Errorf("%s:\n%s", way, difference(string(want), got))
		}
		asked[way] = reads.Load()
		t.Logf("%s: %d reads, %d stats", way, reads.Load(), stats.Load())
		if tracked && compared.Load() == 0 {
			t.Error("what is kept of descriptors has not been looked at")
		}
	}
	for way, n := range asked {
		if way != "trap" && n*2 > asked["trap"] {
			t.Errorf("%s: the file was asked %d times, and %d times by the trap route", way, n, asked["trap"])
		}
	}
}

// compareDescriptors compares what is kept of the descriptors of a process of one thread with
// what /proc says, and reports whether it could.
func compareDescriptors(t *testing.T, c *table.Call) bool {
	pid := c.Thread().Process().PID()
	if tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)); err != nil || len(tasks) != 1 {
		return false
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return false
	}
	var want, got []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Error(err)
		}
		want = append(want, fd)
	}
	for d := range c.FDs().All() {
		got = append(got, d.Number)
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, d.Number))
		if err != nil || link != d.File.Name() {
			t.Errorf("descriptor %d is %s, not %s (%v)", d.Number, link, d.File.Name(), err)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("kept are the descriptors %v, there are %v", got, want)
	}
	return true
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

// What poll tells does not depend on who answers, nor when it is woken.
func TestPollInTheProgram(t *testing.T) {
	bin := compile(t, "polled")
	got := map[string]string{}
	for name := range routes {
		w := newFifoWorld(t)
		got[name] = w.run(onRoute(t, supervisor.Command(bin, "/virtual/a"), name))
	}
	if !strings.Contains(got["trap"], "woken 50\n") || got["trap"] != got["direct"] {
		t.Errorf("by the trap route:\n%s\ndirectly:\n%s", got["trap"], difference(got["trap"], got["direct"]))
	}
}

// Whoever else looks at the calls, or answers some, is not passed by.
func TestHandlersBesideFixed(t *testing.T) {
	contents := fixedContents()
	const times = 300
	for name := range routes {
		var reads, traced, closed, raw atomic.Int64
		w := newWorld(t, func(string, int) virtual.File {
			return counted{virtual.NewFixed(contents, textInfo{}), &reads, &raw}
		})
		// In front of the files' own handler; and on the call that closes.
		w.tbl.Handle("close", table.HandlerFunc(func(c *table.Call) table.Result {
			closed.Add(1)
			return c.Native()
		}))
		set, err := table.ParseSet("pread64")
		if err != nil {
			t.Fatal(err)
		}
		w.tbl.Use(set, func(next table.Handler) table.Handler {
			return table.HandlerFunc(func(c *table.Call) table.Result {
				traced.Add(1)
				return next.Handle(c)
			})
		})
		out := w.run(onRoute(t, self(t, "reads and closes", "/virtual/x", strconv.Itoa(times)), name))
		if out != "ok\n" {
			t.Errorf("%s: %s", name, out)
		}
		if traced.Load() < times || closed.Load() < times {
			t.Errorf("%s: %d reads and %d closes have been seen, of %d", name, traced.Load(), closed.Load(), times)
		}
	}
}

func init() {
	programs["reads and closes"] = func() {
		times, err := strconv.Atoi(os.Args[2])
		try(err)
		null, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		try(err)
		virtually, err := unix.Open(os.Args[1], unix.O_RDONLY, 0)
		try(err)
		fd := -1
		for i := range times {
			// The same number, of which one and then the other is to be read.
			from, want := null, 0
			if i%2 != 0 {
				from, want = virtually, 4
			}
			if fd < 0 {
				fd, err = unix.Dup(from)
				try(err)
			} else {
				again, err := unix.Dup(from)
				try(err)
				if again != fd {
					fmt.Println("another number")
				}
			}
			b := make([]byte, 4)
			if n, err := unix.Pread(fd, b, 0); n != want || err != nil {
				fmt.Println(i, n, err)
			}
			if n, err := unix.Seek(fd, 2, io.SeekStart); want > 0 && (n != 2 || err != nil) {
				fmt.Println(i, n, err)
			}
			if n, err := unix.Read(fd, b); n != want || err != nil || want > 0 && b[0] != '"' {
				fmt.Println(i, n, err, b)
			}
			try(unix.Close(fd))
		}
		fmt.Println("ok")
	}
}

// A program may write what it likes where its descriptors are looked up: it deceives
// itself, and nobody else.
func TestScribbling(t *testing.T) {
	bin := compile(t, "scribble")
	var reads, stats atomic.Int64
	w := newWorld(t, func(string, int) virtual.File {
		return counted{virtual.NewFixed(fixedContents(), textInfo{}), &reads, &stats}
	})
	for seed := range 8 {
		cmd := onRoute(t, supervisor.Command(bin, "/virtual/x", strconv.Itoa(seed)), "direct")
		if got := w.run(cmd); got != "found\ndone 3000 0\n" {
			t.Errorf("seed %d: %q", seed, got)
		}
	}
}

// Nor is anything written for it that it could not write itself, where it says what is to be stored.
// It may die of what it says.
func TestScribblingWhatIsStored(t *testing.T) {
	bin := compile(t, "storm")
	w := newWorld(t, func(string, int) virtual.File { return virtual.NewFixed(fixedContents(), textInfo{}) })
	for seed := range 3 {
		cmd := onRoute(t, supervisor.Command(bin, "/virtual/x", strconv.Itoa(seed)), "direct")
		var out strings.Builder
		cmd.Table, cmd.Stdout = w.tbl, &out
		err := cmd.Run()
		hurt := err != nil && cmd.ProcessState != nil && cmd.ProcessState.WaitStatus().Signal() == unix.SIGSEGV
		if got := out.String(); got != "selected 300\ncode unchanged\n" && !(hurt && got == "selected 300\n") {
			t.Errorf("seed %d: %q, %v", seed, got, err)
		}
	}
}

// That nothing has been waited for is told by the time that is left: less by the least there is,
// which takes less than any call.
func TestWaitsAreAnsweredInTheProgram(t *testing.T) {
	const times = 300
	w := newWorld(t, func(string, int) virtual.File { return virtual.NewFixed([]byte("text"), textInfo{}) })
	out := w.run(onRoute(t, self(t, "waits briefly", "/virtual/x", strconv.Itoa(times)), "direct"))
	var ppolls, pselects int
	if _, err := fmt.Sscanf(out, "%d %d\n", &ppolls, &pselects); err != nil || ppolls < times/2 || pselects < times/2 {
		t.Errorf("of %d ppolls and pselects have been answered in the program: %s", times, out)
	}
}

func init() {
	programs["waits briefly"] = func() {
		times, err := strconv.Atoi(os.Args[2])
		try(err)
		fd, err := unix.Open(os.Args[1], unix.O_RDONLY, 0)
		try(err)
		var ppolls, pselects int
		for range times {
			left := unix.Timespec{Sec: 5}
			if n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &left, nil); n != 1 || err != nil {
				fmt.Println(n, err)
			}
			if left.Sec == 4 && left.Nsec == 1e9-1 {
				ppolls++
			}
			left = unix.Timespec{Sec: 5}
			var set unix.FdSet
			set.Set(fd)
			// (unix.Pselect does not tell what is left.)
			n, _, e := unix.Syscall6(unix.SYS_PSELECT6, uintptr(fd+1), uintptr(unsafe.Pointer(&set)), 0, 0, uintptr(unsafe.Pointer(&left)), 0)
			if n != 1 || e != 0 || !set.IsSet(fd) {
				fmt.Println(n, e)
			}
			if left.Sec == 4 && left.Nsec == 1e9-1 {
				pselects++
			}
		}
		fmt.Println(ppolls, pselects)
	}
}
