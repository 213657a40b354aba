package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// doctor tells what this kernel and this processor offer, which route would be
// taken, and why. It fails if nothing can be traced here.
func doctor(args []string) ending {
	if len(args) > 0 {
		return complain(&usageError{fmt.Errorf("doctor takes no arguments; to run a program of that name: k42trace -- doctor")})
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	broken := examine(w)
	_ = w.Flush()
	if broken != nil {
		return complain(broken)
	}
	return ending{}
}

// examine writes the findings, and returns why nothing can be traced here.
func examine(w io.Writer) (broken error) {
	say := func(what, finding, note string) { fmt.Fprintf(w, "%s\t%s\t%s\n", what, finding, note) }
	verdict := func(err error) string {
		if err != nil {
			return "no"
		}
		return "yes"
	}

	var u unix.Utsname
	_ = unix.Uname(&u)
	say("kernel", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
	say("processors", fmt.Sprint(runtime.NumCPU()), coresNote())
	for _, f := range ptrace.Features() {
		say(f.Name, verdict(f.Err()), "since Linux "+f.Since+"; "+featureNote(f))
	}
	err := execso.Supported()
	say("exec.so", verdict(err), reason(err, "code for this machine"))

	broken = tryRoute(supervisor.RouteTrap)
	say("trap route", verdict(broken), reason(broken, "a program was launched and traced"))
	direct := supervisor.DirectSupported()
	if direct == nil {
		direct = tryRoute(supervisor.RouteDirect)
	}
	say("direct route", verdict(direct), reason(direct, "a program was launched and traced"))
	switch {
	case broken != nil:
		say("taken by default", "none", "")
	case direct != nil:
		say("taken by default", "trap", "there is no direct route here")
	default:
		say("taken by default", "direct", "for -o FILE and -c; trap for a trace on stderr, and with -y: --route")
	}
	return broken
}

// tryRoute runs this program itself, which does nothing, by a route.
func tryRoute(route supervisor.Routing) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := supervisor.Command(self, "--version")
	cmd.Route = route
	cmd.Table = table.New()
	cmd.Table.Handle("all", handlers.NewTrace(handlers.TraceOptions{Out: io.Discard, Messages: io.Discard}))
	if err := cmd.Start(); err != nil {
		return startError(&options{}, self, err)
	}
	return cmd.Wait()
}

func reason(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

func coresNote() string {
	if runtime.NumCPU() < 2 {
		return "recorded calls are told when a ring is full: no core is free to look at it"
	}
	return "one of them tells recorded calls while the program runs on another"
}

// featureNote tells what a feature is for.
func featureNote(f *ptrace.Feature) string {
	switch f {
	case ptrace.SeizeFeature:
		return "needed: job control"
	case ptrace.GetSyscallInfoFeature:
		return "needed: what a call is"
	case ptrace.SeccompTrace:
		return "needed: stops at chosen calls only"
	case ptrace.SetSyscallInfo:
		return "saves a request for each changed call"
	case ptrace.Mseal:
		return "needed by the direct route; protects checked arguments"
	case ptrace.CrossMemory:
		return "reads arguments at once, not word by word"
	}
	return ""
}
