package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// Children are killed at random moments, 100 times, in a program that embeds the
// supervisor: it keeps no goroutine, no descriptor and no process of theirs.
func TestKilledChildrenLeaveNothingInTheSupervisor(t *testing.T) {
	tree := compileC(t, "busytree")
	every, err := table.ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	times := 100
	if testing.Short() {
		times = 20
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 20))
	goroutines := goleak.IgnoreCurrent()
	var descriptors []string // after the first round: what Go opens once for itself is there then
	for i := range times {
		mark := fmt.Sprintf("%s=%08d.%08d", markVariable, os.Getpid(), runs.Add(1))
		ctx, cancel := context.WithCancel(context.Background())
		cmd := supervisor.CommandContext(ctx, tree)
		cmd.Env = append(os.Environ(), mark)
		trace := handlers.NewTrace(handlers.TraceOptions{Out: io.Discard})
		cmd.Table = table.New()
		cmd.Table.Use(every, trace.Wrap)
		cmd.Observer = trace
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		moment := time.Duration(random.Int64N(int64(40 * time.Millisecond)))
		select {
		case <-time.After(moment):
		case err := <-ended:
			t.Fatalf("ended by itself: %v", err)
		}
		switch i % 4 {
		case 0:
			cancel()
		case 1:
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		var end error
		for done := false; !done; {
			if i%4 != 0 {
				processesOf(mark, 0).kill()
			}
			select {
			case end = <-ended:
				done = true
			case <-time.After(time.Millisecond):
			}
		}
		cancel()
		var exit *supervisor.ExitError
		if !errors.As(end, &exit) && !errors.Is(end, context.Canceled) {
			t.Errorf("Wait: %v", end)
		}
		if s := cmd.ProcessState.WaitStatus(); !s.Signaled() || s.Signal() != syscall.SIGKILL {
			t.Errorf("the first process: %#x, want its death by SIGKILL", uint32(s))
		}
		if left := goneFor(mark, patience); len(left) > 0 {
			t.Fatalf("round %d, killed after %v (seed %d), left\n%s", i, moment, seed, left.report())
		}
		if left := children(t); len(left) > 0 {
			t.Fatalf("round %d, killed after %v (seed %d): children %v, zombies among them\n%s", i, moment, seed, left, left.report())
		}
		if err := goleak.Find(goroutines); err != nil {
			t.Fatalf("round %d, killed after %v (seed %d): %v", i, moment, seed, err)
		}
		if now := openDescriptors(t); i == 0 {
			descriptors = now
		} else if !slices.Equal(descriptors, now) {
			t.Fatalf("round %d, killed after %v (seed %d): descriptors\n%v\nbefore\n%v", i, moment, seed, now, descriptors)
		}
	}
}

// children returns the children of this process, zombies too.
func children(t testing.TB) processSet {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(files) == 0 {
		t.Fatalf("no /proc/self/task/*/children: %v", err)
	}
	var set processSet
	for _, f := range files {
		text, _ := os.ReadFile(f) // the thread may have ended
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			set = append(set, pid)
		}
	}
	return set
}

// openDescriptors names the open descriptors of this process, but for the one
// that it takes to look.
func openDescriptors(t testing.TB) []string {
	t.Helper()
	return descriptorsOf(t, os.Getpid())
}

func descriptorsOf(t testing.TB, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil { // the directory itself is closed by now
			names = append(names, e.Name()+" "+target)
		}
	}
	slices.Sort(names)
	return names
}

// 10,000 short processes in one run: the supervisor's memory stays under 64 MiB
// and flat, and so do its descriptors and threads.
func TestManyShortProcessesKeepTheSupervisorSmall(t *testing.T) {
	onEachRoute(t, manyShortProcesses)
}

func manyShortProcesses(t *testing.T, r route) {
	const most = 64 << 10 // KiB
	count := 10000
	if testing.Short() {
		count = 1000
	}
	prog := compileC(t, "manyshort", "musl-gcc", "-static")
	argv := append(r.tracer(t, filepath.Join(t.TempDir(), "trace")), prog, strconv.Itoa(count))
	cmd := exec.Command(argv[0], argv[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	marked(t, cmd)
	var peaks, threads, descriptors []int
	for s := bufio.NewScanner(stdout); s.Scan(); {
		if want := fmt.Sprintf("batch %d", len(peaks)); s.Text() != want {
			t.Fatalf("%q, want %q", s.Text(), want)
		}
		peaks = append(peaks, highWater(t, cmd.Process.Pid))
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		threads = append(threads, len(tasks))
		descriptors = append(descriptors, len(descriptorsOf(t, cmd.Process.Pid)))
		if _, err := stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(peaks) != 10 {
		t.Fatalf("%d batches, want 10", len(peaks))
	}
	t.Logf("peaks in KiB %v, threads %v, descriptors %v", peaks, threads, descriptors)
	if last := peaks[9]; last > most {
		t.Errorf("the supervisor's peak is %d KiB, want at most %d", last, most)
	}
	// After a third of them, everything that is kept for reuse is there.
	if grown := peaks[9] - peaks[2]; grown > 8<<10 {
		t.Errorf("the supervisor has grown by %d KiB after the third batch: %v", grown, peaks)
	}
	if threads[9] > threads[2]+8 {
		t.Errorf("the supervisor's threads: %v", threads)
	}
	if descriptors[9] > descriptors[0]+4 {
		t.Errorf("the supervisor's descriptors: %v", descriptors)
	}
}

// A routed counts calls by the route that they came, and by thread.
type routed struct {
	order []int
	calls map[int]*[2]int // by the trap, and directly
}

func (r *routed) count(c *table.Call, direct int) {
	tid := c.Thread().TID()
	n := r.calls[tid]
	if n == nil {
		n = new([2]int)
		r.calls[tid] = n
		r.order = append(r.order, tid)
	}
	n[direct]++
}

func (r *routed) Handle(c *table.Call) table.Result {
	r.count(c, 0)
	return c.Native()
}

func (r *routed) Entered(*table.Call, time.Time) {}

func (r *routed) Returned(c *table.Call, _ table.Result, _, _ time.Time) { r.count(c, 1) }

func (r *routed) WantsTimes() bool             { return false }
func (r *routed) Limits() (text, elements int) { return 0, 0 }

// Threads, processes and programs come and go: each gets its place in the region and
// its calls rewritten, the last as well as the first.
func TestPlacesInTheRegionAreGivenBack(t *testing.T) {
	direct.need(t)
	getppid := &table.Set{}
	nr, _ := table.Number(table.AMD64, "getppid")
	getppid.Add(table.AMD64, nr)
	every, err := table.ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind  string
		build variant
		count int
	}{
		{"threads", dynamic64, 4000}, {"forks", dynamic64, 2000},
		{"execs", warm64, 700}, // a hundred sites each, and there are 65536
	} {
		t.Run(c.kind, func(t *testing.T) {
			p := c.build.program(t, "lifetimes", c.kind, strconv.Itoa(c.count))
			cmd := supervisor.Command(p.Path, p.Args...)
			cmd.Route = supervisor.RouteDirect
			cmd.Table = table.New()
			r := &routed{calls: map[int]*[2]int{}}
			cmd.Table.HandleSet(every, &recorder{})
			cmd.Table.HandleSet(getppid, r)
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			const each = 60
			if len(r.order) != c.count+1 {
				t.Errorf("%d threads made calls, want %d", len(r.order), c.count+1)
			}
			for i, tid := range r.order {
				n := r.calls[tid]
				if n[0]+n[1] < each || i > 0 && n[1] < each/2 {
					t.Fatalf("the %d-th has made %d calls by the trap and %d directly, of %d or more", i, n[0], n[1], each)
				}
			}
		})
	}
}

// A recorder only looks, and does not even do that.
type recorder struct{}

func (recorder) Handle(c *table.Call) table.Result                        { return c.Native() }
func (recorder) Entered(*table.Call, time.Time)                           {}
func (recorder) Returned(*table.Call, table.Result, time.Time, time.Time) {}
func (recorder) WantsTimes() bool                                         { return false }
func (recorder) Limits() (text, elements int)                             { return 0, 0 }
