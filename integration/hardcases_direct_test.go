package integration

import (
	"os"
	"strings"
	"testing"
)

// Cases that a tracer which rewrites system-call instructions, and has memory of its
// own in the program, can get wrong. They are tried by each route, and hold for both.

// Row 36: what the program maps at the place of exec.so's region, over it, near it.
func TestMemoryAtTheRegion(t *testing.T) {
	for _, v := range []variant{dynamic64, static64} {
		compareCases(t, v, "region", "before", "overlap", "reserved")
	}
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "region", "over", "over_all", "near")
	}
	compareCases(t, variant{name: "no-pie", flags: []string{"-static", "-no-pie"}}, "region", "heap")
	compareCases(t, variant{name: "no-pie", flags: []string{"-static", "-no-pie"}}.warmed(), "region", "heap")
}

// Row 17: calls of every shape: what stands before the instruction and behind it,
// where it lies, which number it makes.
func TestCallsOfEveryShape(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64, warmThreads, warmStatic} {
		compareCases(t, v, "sites", "shapes")
	}
}

// Row 37: text that is moved, mapped over, dropped or changed after its calls have
// been made often.
func TestTextThatChanges(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "sites", "moved", "grown", "dropped", "mapped_over", "mapped_longer", "changed")
	}
}

// The same where nobody wants to know of the calls that change it.
func TestTextThatChangesUnasked(t *testing.T) {
	needX86(t)
	for _, c := range []string{"moved", "grown", "dropped", "mapped_over", "mapped_longer", "changed"} {
		t.Run(c, func(t *testing.T) {
			p := caseOf(t, dynamic64, "sites", c)
			p.TracerFlags = []string{"-e", "trace=getpid,getppid"}
			p.compareInDir(t).mustExit(t, 0)
		})
	}
}

// Row 37: text that the program reads, and what it makes of that: by the trap route
// it is as it was. By the direct one it is not: docs/EXECSO.md, "What a program can
// notice".
func TestTextThatIsRead(t *testing.T) {
	needX86(t)
	compareCases(t, dynamic64.by(trap), "sites", "copied", "changed_as_memory")
	for _, v := range []variant{dynamic64, static64} {
		compareCases(t, v.by(trap), "selfmodify", "text")
	}
}

// Row 37: libraries with calls in them, loaded and unloaded.
func TestLibrariesThatComeAndGo(t *testing.T) {
	needX86(t)
	library := compileC(t, "library", "-shared", "-fPIC")
	for _, v := range []variant{dynamic64, warm64} {
		t.Run(v.name, func(t *testing.T) {
			p := v.program(t, "sites", "loaded")
			p.Env = []string{"LIBRARY=" + library}
			o := p.compare(t)
			o.mustExit(t, 0)
			if !strings.Contains(o.Stdout, "again: 1; 0 wrong") {
				t.Errorf("natively: %s", o.Stdout)
			}
		})
	}
}

// Row 38: the first time that several threads and processes come to a call.
func TestFirstCallsByMany(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "sites", "first_time", "forks_between", "fork_server", "shared_memory")
	}
}

// Row 17: the program's own GS register.
func TestOwnGS(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "sites", "own_gs", "own_wrgsbase")
	}
}

// Row 18: single steps over calls that have been made often.
func TestStepsOverCalls(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "sites", "stepped")
	}
}

// Rows 14, 17 and 19: signals at any moment of calls that return at once and of
// calls that block: what handlers see, jumps out of them, results.
func TestSignalsAtAnyMoment(t *testing.T) {
	needX86(t)
	for _, v := range []variant{dynamic64, warm64, warmThreads} {
		compareCases(t, v, "interrupted", "backtraces", "storm", "pingpong", "sleeps", "jumps")
	}
}

// Rows 11 and 20: more threads than there is room for, threads and processes that
// end in the middle of storms of calls.
func TestThreadsInStorms(t *testing.T) {
	for _, v := range []variant{dynamic64, warmThreads} {
		compareCases(t, v, "interrupted", "many_alive", "killed")
		t.Run(v.name+"/ends", func(t *testing.T) {
			caseOf(t, v, "interrupted", "thread_ends").compareInDir(t).mustExit(t, 23)
		})
	}
}

// Row 39 and 43: limits, identities and roots that a process takes.
func TestWhatAProcessMayNotDo(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "interrupted", "locked", "identities")
	}
	// (Not warm: a limit that comes later counts the region, docs/EXECSO.md.)
	compareCases(t, dynamic64, "interrupted", "address_space")
	compareCases(t, dynamic64, "interrupted", "no_descriptors", "early_root")
	compareCases(t, static64, "interrupted", "early_root", "address_space")
}

// Row 39: a program of another user, which cannot open what we have open, goes by the
// direct route as well; and so does one that sees no /proc.
func TestDirectRouteOfAnotherUser(t *testing.T) {
	direct.need(t)
	if os.Getuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	setpriv, bash := lookTool(t, "setpriv"), lookTool(t, "bash")
	const script = `i=0; while [ $i -lt 200 ]; do [ -e / ]; i=$((i+1)); done; ls /dev/null /proc/self/fd | wc -l
while read -r line; do case $line in *k42trace-code*) echo "the region is there" >&2;; esac; done </proc/self/maps`
	p := program{Path: setpriv, Args: []string{"--reuid=65534", "--regid=65534", "--clear-groups", bash, "-c", script}}
	native := p.native(t)
	native.mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		o := p.traced(t, r)
		there := o.Stderr == "the region is there\n"
		if o.Stdout != native.Stdout || o.Status != native.Status || there != (r == direct) || !there && o.Stderr != "" {
			t.Errorf("natively %+v, traced %+v", native, o)
		}
	})
}
