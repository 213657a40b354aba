package main

import (
	"fmt"
	"slices"
	"strconv"
)

// A way is a manner of running a program: under which tracer, and placed how.
type way struct {
	tracer string
	place  placement
	writes bool // a trace, to tools.trace
	stops  bool // at each call that is traced: see row.fewer
	// argv returns the command that runs child.
	argv func(t *tools, child []string) []string
}

// A goal is what a figure is to be: at most max times the figure of base, or at
// most max if base is nil.
type goal struct {
	way  *way // whose figure it is
	max  float64
	base *way
}

// A row is one program, run in several ways.
type row struct {
	name   string
	child  func(t *tools, count int) []string
	count  int // of the operations that the program makes
	fewer  int // one in so many of them are made by ways that stop; 0: all
	ways   []*way
	goals  []goal
	figure figure

	overNative bool // goals compare what is added to native's figure
	traced     bool // a trace has a line or more for each operation
	silent     bool // the program's output is not wanted
	once       bool // too long for rounds
	whole      bool // one of the programs of which a mean is taken
}

// calls returns how many operations the program makes one way.
func (r *row) calls(w *way) int {
	if w.stops {
		return r.count / max(r.fewer, 1)
	}
	return r.count
}

// The ways that the rows choose from; every figure is shown against those that
// report.go names as columns.
var (
	native     = &way{tracer: "native", argv: func(_ *tools, child []string) []string { return child }}
	strace     = &way{tracer: "strace -f", writes: true, stops: true, argv: underStrace()}
	straceCore = &way{tracer: "strace -f", writes: true, stops: true, argv: underStrace(), place: oneCore}

	ours           = &way{tracer: "k42trace, trap", writes: true, stops: true, argv: underK42trace("--route=trap"), place: followed}
	oursUnfollowed = &way{tracer: "k42trace, trap", writes: true, stops: true, argv: underK42trace("--route=trap"), place: unfollowed}
	oursCore       = &way{tracer: "k42trace, trap", writes: true, stops: true, argv: underK42trace("--route=trap"), place: oneCore}
	oursDirect     = &way{tracer: "k42trace, direct", writes: true, argv: underK42trace("--route=direct")}

	straceBPF = &way{tracer: "strace -f --seccomp-bpf", writes: true, stops: true, argv: underStrace("--seccomp-bpf")}
	pass      = &way{tracer: "pass", argv: underService("pass")}
	count     = &way{tracer: "count", argv: underService("count")}
	record    = &way{tracer: "record", argv: underService("record")}
	constant  = &way{tracer: "constant", argv: underService("constant")}
	ask       = &way{tracer: "Go handler", argv: underService("ask")}

	straceOpenat = &way{tracer: "strace -f", writes: true, stops: true, argv: underStrace("-e", "trace=openat")}
	oursOpenat   = &way{tracer: "k42trace", writes: true, argv: underK42trace("-e", "trace=openat"), place: followed}

	straceY = &way{tracer: "strace -f -y", writes: true, stops: true, argv: underStrace("-y")}
	trapY   = &way{tracer: "k42trace -y, trap", writes: true, stops: true, argv: underK42trace("--route=trap", "-y"), place: followed}
	directY = &way{tracer: "k42trace -y, direct", writes: true, argv: underK42trace("--route=direct", "-y")}

	lookTrap    = &way{tracer: "looked at, trap", stops: true, argv: underTrack("trap", "off"), place: followed}
	trackTrap   = &way{tracer: "and kept, trap", stops: true, argv: underTrack("trap", "on"), place: followed}
	lookDirect  = &way{tracer: "looked at, direct", argv: underTrack("direct", "off")}
	trackDirect = &way{tracer: "and kept, direct", argv: underTrack("direct", "on")}

	answer           = &way{tracer: "handler", argv: underAnswer, place: followed}
	answerUnfollowed = &way{tracer: "handler", argv: underAnswer, place: unfollowed}
	answerCore       = &way{tracer: "handler", argv: underAnswer, place: oneCore}

	goroutine = &way{tracer: "goroutine and channels", argv: itself("goroutine")}
	coroutine = &way{tracer: "coroutine", argv: itself("coroutine")}
)

// underService is a supervisor that takes the direct route: see serviceRole.
func underService(name string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append([]string{t.self, "service", name}, child...)
	}
}

// underStrace is strace -f -o FILE with more flags.
func underStrace(flags ...string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append(append([]string{"strace", "-f", "-o", t.trace}, flags...), child...)
	}
}

// underK42trace is k42trace -o FILE with more flags.
func underK42trace(flags ...string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append(append(append([]string{t.k42trace, "-f", "-o", t.trace}, flags...), "--"), child...)
	}
}

// underTrack is a supervisor that looks at all calls: see trackRole.
func underTrack(route, kept string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append([]string{t.self, "track", route, kept}, child...)
	}
}

// underAnswer is a supervisor whose table answers getppid: see answerRole.
func underAnswer(t *tools, child []string) []string {
	return append([]string{t.self, "answer"}, child...)
}

// itself adds one more argument.
func itself(arg string) func(*tools, []string) []string {
	return func(_ *tools, child []string) []string { return []string{child[0], child[1], arg, child[2]} }
}

// tracers are the ways to trace everything to a file, with the goals.
var (
	tracers     = []*way{native, strace, straceCore, ours, oursUnfollowed, oursCore, oursDirect}
	tracerGoals = []goal{{ours, 0.7, strace}, {ours, 1.0, straceCore}, {oursCore, 1.0, straceCore}, {oursDirect, 0.7, strace}, {oursDirect, 1.0, straceCore}}
	few         = []*way{native, strace, ours, oursDirect}
)

// allRows returns the rows; quick ones have smaller counts.
func allRows(quick bool) []row {
	size := func(full, short int) int {
		if quick {
			return short
		}
		return full
	}
	shell := size(300, 100)
	calls := size(30000, 10000)
	many := size(10000, 1000)
	fast := size(2000000, 500000)
	each := size(400000, 100000)
	rows := []row{
		{
			name:   "getppid, answered, per call",
			child:  looping("getppid"),
			count:  calls,
			ways:   []*way{native, strace, straceCore, answer, answerUnfollowed, answerCore},
			goals:  []goal{{answer, 0.6, strace}, {answerCore, 0.6, straceCore}},
			figure: perCall, overNative: true,
		},
		{
			name:  "find",
			child: func(t *tools, _ int) []string { return []string{"find", t.tree} },
			ways:  tracers, goals: tracerGoals, figure: wallTime, traced: true, silent: true, whole: true,
		},
		{
			name:  "gcc -c",
			child: func(t *tools, _ int) []string { return []string{"gcc", "-c", "-O1", "-o", "small.o", t.source} },
			ways:  tracers, goals: tracerGoals, figure: wallTime, traced: true, silent: true, whole: true,
		},
		{
			name:  "os.stat in Python",
			child: func(*tools, int) []string { return []string{"/usr/bin/python3", "-S", "-c", statLoop} },
			ways:  few, figure: wallTime, traced: true, silent: true, whole: true,
		},
		{
			name:  "git status",
			child: func(t *tools, _ int) []string { return []string{"git", "-C", t.repository, "status"} },
			ways:  few, figure: wallTime, traced: true, silent: true, whole: true,
		},
		{
			name: "redis-server under redis-benchmark",
			child: func(*tools, int) []string {
				return []string{"redis-server", "--port", "0", "--unixsocket", redisSocket, "--save", "", "--appendonly", "no"}
			},
			ways: few, figure: redisTime, traced: true, silent: true, whole: true,
		},
		{
			name:  fmt.Sprintf("%d short processes", shell),
			child: processes, count: shell,
			ways: tracers, goals: append(tracerGoals[:len(tracerGoals):len(tracerGoals)], goal{oursDirect, 1, ours}),
			figure: wallTime, traced: true, silent: true,
		},
		{
			name:  fmt.Sprintf("%d x getppid", calls),
			child: looping("getppid"), count: calls,
			ways: tracers, goals: tracerGoals, figure: wallTime, traced: true,
		},
		{
			name:   "getppid, -e trace=openat, per call",
			child:  looping("getppid"),
			count:  fast,
			fewer:  20,
			ways:   []*way{native, straceOpenat, oursOpenat},
			goals:  []goal{{oursOpenat, 1.1, native}},
			figure: perCall,
		},
		{
			name:   "pread of 4 KiB, -e trace=openat, per call",
			child:  looping("pread"),
			count:  fast / 2,
			fewer:  20,
			ways:   []*way{native, straceOpenat, oursOpenat},
			goals:  []goal{{oursOpenat, 1.1, native}},
			figure: perCall,
		},
		serviceRow("getppid", each, 1.45, constant, ask),
		serviceRow("read", each, 1.45),
		serviceRow("open+close", each, 1.25),
		serviceRow("stat", each, 1.45),
		trackRow("read", each),
		trackRow("open+close", each),
		{
			name:  "find, -y",
			child: func(t *tools, _ int) []string { return []string{"find", t.tree} },
			ways:  []*way{native, strace, straceY, ours, trapY, oursDirect, directY},
			goals: []goal{{trapY, 1.1, ours}, {directY, 1.1, oursDirect}}, figure: wallTime, traced: true, silent: true,
		},
		{
			name: "the tracer's CPU time in 2 s of sleep",
			child: func(t *tools, _ int) []string {
				return []string{t.self, "nap", (idleBegin + idleSpan + idleBegin).String()}
			},
			ways:   []*way{strace, ours, oursDirect},
			goals:  []goal{{ours, 1e-3, nil}, {oursDirect, 1e-3, nil}},
			figure: idleCPU, once: quick,
		},
		{
			name:   "a look-up, to the handler and back",
			child:  func(t *tools, n int) []string { return []string{t.self, "switch", strconv.Itoa(n)} },
			count:  fast / 10,
			ways:   []*way{goroutine, coroutine},
			goals:  []goal{{coroutine, 1e-6, nil}},
			figure: perCall,
		},
		memoryRow(many / 10),
		memoryRow(many),
	}
	return append(rows, virtualRows(calls, calls)...)
}

// serviceRow compares what is done about a call by the direct route, and the tracers.
func serviceRow(call string, n int, recorded float64, more ...*way) row {
	r := row{
		name:  call + ", per call",
		child: looping(call), count: n, fewer: 20,
		ways: append([]*way{native, strace, straceBPF, ours, oursDirect, pass, count, record}, more...),
		goals: []goal{
			{oursDirect, 2.5, native}, {oursDirect, 1. / 20, strace},
			{pass, 1.3, native}, {count, 1.3, native}, {record, recorded, native},
			{constant, 0.1, native}, {ask, 4, native},
		},
		figure: perCall, overNative: true, traced: true,
	}
	r.goals = slices.DeleteFunc(r.goals, func(g goal) bool { return !slices.Contains(r.ways, g.way) })
	return r
}

// trackRow compares what it costs to look at calls with what it costs to keep the state as
// well.
func trackRow(call string, n int) row {
	return row{
		name:  call + ", the state kept, per call",
		child: looping(call), count: n, fewer: 20,
		ways:   []*way{native, lookTrap, trackTrap, lookDirect, trackDirect},
		goals:  []goal{{trackTrap, 1.1, lookTrap}, {trackDirect, 1.1, lookDirect}},
		figure: perCall,
	}
}

const statLoop = "import os\nfor i in range(50000): os.stat('/etc/passwd')"

// memoryRow measures the memory that a tracer needs for count short processes:
// it must be bounded, and the same for any count.
func memoryRow(count int) row {
	return row{
		name:  fmt.Sprintf("the tracer's memory, %d processes", count),
		child: processes, count: count,
		ways:   []*way{strace, ours, oursDirect},
		goals:  []goal{{ours, 64 << 20, nil}, {oursDirect, 64 << 20, nil}},
		figure: peakMemory, traced: true, silent: true, once: true,
	}
}

// looping makes a call count times: see loopRole.
func looping(call string) func(*tools, int) []string {
	return func(t *tools, count int) []string { return []string{t.self, "loop", call, strconv.Itoa(count)} }
}

// processes starts count processes, one after the other.
func processes(_ *tools, count int) []string {
	const script = `i=0; while [ $i -lt $1 ]; do /bin/true; i=$((i+1)); done`
	return []string{"sh", "-c", script, "sh", strconv.Itoa(count)}
}
