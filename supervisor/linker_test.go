package supervisor_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// A logger keeps who made which calls, by what route.
type logger struct {
	names  map[int][]string
	direct map[int]int
}

func (l *logger) Handle(c *table.Call) table.Result {
	pid := c.Process().PID()
	l.names[pid] = append(l.names[pid], c.Name())
	return c.Native()
}
func (l *logger) WantsTimes() bool                   { return false }
func (l *logger) Limits() (text, elements int)       { return 32, 32 }
func (l *logger) Entered(c *table.Call, _ time.Time) {}
func (l *logger) Returned(c *table.Call, _ table.Result, _, _ time.Time) {
	pid := c.Process().PID()
	l.names[pid] = append(l.names[pid], c.Name())
	l.direct[pid]++
}

// A program whose linker is known begins with the direct route, also where it is to find
// virtual files there.
func TestLinkersAreKnown(t *testing.T) {
	t.Run("plain", func(t *testing.T) { linkersAreKnown(t, func(*table.Table) {}, 2) })
	t.Run("files", func(t *testing.T) { linkersAreKnown(t, (&virtual.Files{}).Install, 4) })
}

// linkersAreKnown runs a program three times in a tree. Of the last one's calls a share, one in so
// many, must be told of by the direct route.
func linkersAreKnown(t *testing.T, install func(*table.Table), share int) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	path, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	cmd := supervisor.Command("/bin/sh", "-c", path+"; "+path+"; "+path+"; :")
	cmd.Route = supervisor.RouteDirect
	cmd.Table = table.New()
	l := &logger{map[int][]string{}, map[int]int{}}
	for nr := range 400 {
		if sig := table.SignatureOf(table.AMD64, nr); sig != nil {
			cmd.Table.Handle(sig.Name, l)
		}
	}
	install(cmd.Table)
	run(t, cmd)
	var pids []int
	for pid, names := range l.names {
		if slices.Contains(names, "execve") {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	if len(pids) != 3 {
		t.Fatalf("%d processes have executed a program, want three: %v", len(pids), l.names)
	}
	first, last := pids[0], pids[2]
	afterExec := func(pid int) []string { return l.names[pid][slices.Index(l.names[pid], "execve"):] }
	if !slices.Equal(afterExec(first), afterExec(last)) {
		t.Errorf("the first run made the calls %v,\nthe last %v", afterExec(first), afterExec(last))
	}
	if l.direct[last] < len(afterExec(last))/share {
		t.Errorf("of %d calls of the first run %d went directly, of the last %d of %d", len(afterExec(first)), l.direct[first], l.direct[last], len(afterExec(last)))
	}
}

// So does one that was executed by execveat(2), where execve(2) has no handler.
func TestLinkersAreKnownByExecveat(t *testing.T) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	path, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := supervisor.Command("/bin/sh", "-c", path+"; "+path+"; for i in 1 2 3; do "+self+" "+path+" && echo $i; done")
	cmd.Env = append(os.Environ(), programVar+"=execveat")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Route, cmd.Table = supervisor.RouteDirect, table.New()
	l := &logger{map[int][]string{}, map[int]int{}}
	for nr := range 400 {
		if sig := table.SignatureOf(table.AMD64, nr); sig != nil && sig.Name != "execve" {
			cmd.Table.Handle(sig.Name, l)
		}
	}
	run(t, cmd)
	if out.String() != "1\n2\n3\n" {
		t.Errorf("output %q", out.String())
	}
	began := 0
	for pid, names := range l.names {
		if slices.Contains(names, "execveat") && l.direct[pid] > 0 {
			began++
		}
	}
	if began == 0 {
		t.Error("nobody has made a call directly")
	}
}

func init() {
	programs["execveat"] = func() {
		path := append([]byte(os.Args[1]), 0)
		argv := []*byte{&path[0], nil}
		env := []*byte{nil}
		cwd := unix.AT_FDCWD
		_, _, e := unix.Syscall6(unix.SYS_EXECVEAT, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])),
			uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])), 0, 0)
		fmt.Println(e)
		os.Exit(1)
	}
}

// Where what maps the region cannot run, as the memory that is lent to it has become
// inexecutable, that comes to an end, and the program has its own end.
func TestSetupThatFaults(t *testing.T) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	path, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := supervisor.CommandContext(ctx, "/bin/sh", "-c", path+"; "+path+"; "+path+"; echo $?")
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.Route, cmd.Table = supervisor.RouteDirect, table.New()
	var warnings []error
	cmd.Warn = func(err error) { warnings = append(warnings, err) }
	l := &logger{map[int][]string{}, map[int]int{}}
	for nr := range 400 {
		if sig := table.SignatureOf(table.AMD64, nr); sig != nil {
			cmd.Table.Handle(sig.Name, l)
		}
	}
	execs := 0
	cmd.Table.HandleFunc("execve", func(c *table.Call) table.Result {
		r := c.Native()
		if execs++; execs < 3 {
			return r
		}
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.Process().PID()))
		if err != nil {
			t.Error(err)
		}
		for _, line := range bytes.Split(maps, []byte{'\n'}) {
			var start, end uint64
			if n, _ := fmt.Sscanf(string(line), "%x-%x r-xp", &start, &end); n == 2 && bytes.Contains(line, []byte("/ld")) {
				if r := c.Inject("mprotect", start, end-start, unix.PROT_READ); r.Failed() {
					t.Errorf("mprotect: %v", r.Err())
				}
			}
		}
		return r
	})
	run(t, cmd)
	if out.String() != "139\n" { // by SIGSEGV, of its first instruction
		t.Errorf("output %q", out.String())
	}
	if len(warnings) != 1 {
		t.Errorf("warned of %v", warnings)
	}
}
