package main

import (
	"fmt"
	"strconv"
)

// A way is a manner of running a program: under which tracer, and placed how.
type way struct {
	tracer string
	place  placement
	writes bool // a trace, to tools.trace
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
	child  func(t *tools) []string
	count  int // of the operations that the program makes
	ways   []*way
	goals  []goal
	figure figure

	overNative bool // goals compare what is added to native's figure
	traced     bool // a trace has a line or more for each operation
	silent     bool // the program's output is not wanted
	once       bool // too long for rounds
}

// The ways that the rows choose from; every figure is shown against those that
// report.go names as columns.
var (
	native     = &way{tracer: "native", argv: func(_ *tools, child []string) []string { return child }}
	strace     = &way{tracer: "strace -f", writes: true, argv: underStrace()}
	straceCore = &way{tracer: "strace -f", writes: true, argv: underStrace(), place: oneCore}

	ours           = &way{tracer: "k42trace", writes: true, argv: underK42trace(), place: followed}
	oursUnfollowed = &way{tracer: "k42trace", writes: true, argv: underK42trace(), place: unfollowed}
	oursCore       = &way{tracer: "k42trace", writes: true, argv: underK42trace(), place: oneCore}

	straceOpenat = &way{tracer: "strace -f", writes: true, argv: underStrace("-e", "trace=openat")}
	oursOpenat   = &way{tracer: "k42trace", writes: true, argv: underK42trace("-e", "trace=openat"), place: followed}

	answer           = &way{tracer: "handler", argv: underAnswer, place: followed}
	answerUnfollowed = &way{tracer: "handler", argv: underAnswer, place: unfollowed}
	answerCore       = &way{tracer: "handler", argv: underAnswer, place: oneCore}

	goroutine = &way{tracer: "goroutine and channels", argv: itself("goroutine")}
	coroutine = &way{tracer: "coroutine", argv: itself("coroutine")}
)

// underStrace is strace -f -o FILE with more flags.
func underStrace(flags ...string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append(append([]string{"strace", "-f", "-o", t.trace}, flags...), child...)
	}
}

// underK42trace is k42trace -o FILE with more flags.
func underK42trace(flags ...string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string {
		return append(append(append([]string{t.k42trace, "-o", t.trace}, flags...), "--"), child...)
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
	tracers     = []*way{native, strace, straceCore, ours, oursUnfollowed, oursCore}
	tracerGoals = []goal{{ours, 0.7, strace}, {ours, 1.0, straceCore}, {oursCore, 1.0, straceCore}}
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
	return []row{
		{
			name:   "getppid, answered, per call",
			child:  looping("getppid", calls),
			count:  calls,
			ways:   []*way{native, strace, straceCore, answer, answerUnfollowed, answerCore},
			goals:  []goal{{answer, 0.6, strace}, {answerCore, 0.6, straceCore}},
			figure: perCall, overNative: true,
		},
		{
			name:  "find",
			child: func(t *tools) []string { return []string{"find", t.tree} },
			ways:  tracers, goals: tracerGoals, figure: wallTime, traced: true, silent: true,
		},
		{
			name:  "gcc -c",
			child: func(t *tools) []string { return []string{"gcc", "-c", "-O1", "-o", "small.o", t.source} },
			ways:  tracers, goals: tracerGoals, figure: wallTime, traced: true, silent: true,
		},
		{
			name:  fmt.Sprintf("%d short processes", shell),
			child: processes(shell), count: shell,
			ways: tracers, goals: tracerGoals, figure: wallTime, traced: true, silent: true,
		},
		{
			name:  fmt.Sprintf("%d x getppid", calls),
			child: looping("getppid", calls), count: calls,
			ways: tracers, goals: tracerGoals, figure: wallTime, traced: true,
		},
		{
			name:   "getppid, -e trace=openat, per call",
			child:  looping("getppid", fast),
			count:  fast,
			ways:   []*way{native, straceOpenat, oursOpenat},
			goals:  []goal{{oursOpenat, 1.15, native}},
			figure: perCall,
		},
		{
			name:   "pread of 4 KiB, -e trace=openat, per call",
			child:  looping("pread", fast/2),
			count:  fast / 2,
			ways:   []*way{native, straceOpenat, oursOpenat},
			goals:  []goal{{oursOpenat, 1.15, native}},
			figure: perCall,
		},
		{
			name:   "the tracer's CPU time in 2 s of sleep",
			child:  func(t *tools) []string { return []string{t.self, "nap", (idleBegin + idleSpan + idleBegin).String()} },
			ways:   []*way{strace, ours},
			goals:  []goal{{ours, 1e-3, nil}},
			figure: idleCPU, once: quick,
		},
		{
			name:   "a look-up, to the handler and back",
			child:  func(t *tools) []string { return []string{t.self, "switch", strconv.Itoa(fast / 10)} },
			count:  fast / 10,
			ways:   []*way{goroutine, coroutine},
			goals:  []goal{{coroutine, 1e-6, nil}},
			figure: perCall,
		},
		memoryRow(many / 10),
		memoryRow(many),
	}
}

// memoryRow measures the memory that a tracer needs for count short processes:
// it must be bounded, and the same for any count.
func memoryRow(count int) row {
	return row{
		name:  fmt.Sprintf("the tracer's memory, %d processes", count),
		child: processes(count), count: count,
		ways:   []*way{strace, ours},
		goals:  []goal{{ours, 64 << 20, nil}},
		figure: peakMemory, traced: true, silent: true, once: true,
	}
}

// looping makes a call count times: see loopRole.
func looping(call string, count int) func(*tools) []string {
	return func(t *tools) []string { return []string{t.self, "loop", call, strconv.Itoa(count)} }
}

// processes starts count processes, one after the other.
func processes(count int) func(*tools) []string {
	const script = `i=0; while [ $i -lt $1 ]; do /bin/true; i=$((i+1)); done`
	return func(*tools) []string { return []string{"sh", "-c", script, "sh", strconv.Itoa(count)} }
}
