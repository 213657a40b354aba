// Command k42trace runs a program and shows its system calls, in the format of
// strace and with strace's flags.
//
//	k42trace [flags] -- CMD [ARGS]
//
// It owns flags, output files, the relaying of signals, and exit statuses. All
// tracing is the library's: packages supervisor, table, decode and handlers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// In a program that is run in place of this one (-D), it is the first thread that has to
// execute it: that is the one that stays.
func init() { runtime.LockOSThread() }

func main() {
	tune()
	var status ending
	profiled(func() { status = run(os.Args[1:]) })
	status.leave()
}

// profiled calls run: see profile.go.
var profiled = func(run func()) { run() }

// run is the command; its result is how this process should end.
func run(args []string) ending {
	if len(args) > 0 && args[0] == "doctor" {
		return doctor(args[1:])
	}
	if len(args) > 0 && args[0] == "run" {
		return besideOrphans(func() ending { return runProgram(args[1:]) })
	}
	if os.Getenv(starterEnv) != "" {
		return startTracer()
	}
	opts := options{tracee: tracedProcess()}
	if done, err := opts.parse(args); err != nil {
		return complain(err)
	} else if done {
		return ending{}
	}
	prog, err := opts.program()
	if err != nil {
		return complain(err)
	}
	if opts.daemon > 0 && opts.tracee == 0 {
		return runHere(&opts, prog)
	}
	return besideOrphans(func() ending {
		runtime.UnlockOSThread() // which does nothing where it is not ours
		for _, message := range opts.withoutEffect() {
			fmt.Fprintln(os.Stderr, "k42trace: "+message)
		}
		out, err := openOutputs(&opts)
		if err != nil {
			return complain(err)
		}
		// Also when something panics: the trace tells what led to it.
		defer out.close()
		return trace(&opts, prog, out)
	})
}

// program returns the path of the program to run, "" if there is none, but only
// processes to attach to.
func (o *options) program() (string, error) {
	if len(o.command) == 0 {
		return "", nil
	}
	return find(o.command[0])
}

// trace runs the program.
func trace(opts *options, prog string, out *outputs) ending {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := supervisor.CommandContext(ctx, prog)
	cmd.Path, cmd.Args, cmd.Err = prog, opts.command, nil
	if opts.tracee != 0 {
		opts.attach = []int{opts.tracee}
	}
	if opts.argv0 != "" && len(cmd.Args) > 0 {
		cmd.Args = append([]string{opts.argv0}, cmd.Args[1:]...)
	}
	cmd.Attach, cmd.NoFollow = opts.attach, opts.alone
	cmd.Env = opts.environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = opts.user.attributes()
	cmd.Table = table.New()
	calls := opts.calls.Stopping()

	if opts.reads != nil || opts.writes != nil {
		cmd.Table.Use(calls.Intersect(handlers.Dumpable()), handlers.Stopping)
	}
	for _, r := range opts.remarks {
		cmd.Table.Use(calls.Intersect(r.Calls), handlers.Stopping)
	}
	var inject *handlers.Inject
	if len(opts.injections) > 0 {
		inject = handlers.NewInject(opts.injections...)
		inject.Messages = out.messages
		cmd.Table.Use(opts.calls.Intersect(inject.Calls()).Stopping(), inject.Wrap)
	}
	var observer table.Observer
	var count *handlers.Count
	if opts.summary {
		observer = handlers.NewTrace(opts.messagesOnly(out))
	} else {
		t := handlers.NewTrace(opts.trace(out, &handlers.Launch{Path: prog, Args: cmd.Args, Env: cmd.Env}))
		cmd.Table.Use(calls, t.Wrap)
		observer = t
	}
	if opts.summary || opts.alongside {
		count = opts.count()
		if prog != "" && opts.showsLaunch(prog) {
			count.Launched()
		}
		cmd.Table.Use(calls, count.Wrap)
	}
	if opts.quiet&handlers.QuietPath == 0 {
		for _, message := range opts.resolved {
			fmt.Fprintf(out.messages, "k42trace: %s\n", message)
		}
	}
	if inject != nil {
		observer = inject.Observe(observer)
	}
	if opts.leaves() {
		opts.leave.Statuses, opts.leave.Reached = opts.statuses, cmd.Detach
		opts.leave.Launched = prog != "" && opts.showsLaunch(prog)
		cmd.Table.Use(calls, opts.leave.Wrap)
		observer = opts.leave.Observe(observer)
	}
	if opts.filters() {
		cmd.Table.Use(calls, opts.filter.Wrap)
	}
	cmd.Table.Use(calls.Intersect(table.Folding()), handlers.Selection{Calls: opts.calls}.Wrap)
	if opts.tracee != 0 {
		await := &handlers.Await{PID: opts.tracee, Observer: observer}
		cmd.Table.Use(calls, await.Wrap)
		observer = await
		cmd.Path, cmd.Args = "", nil
		opts.keepAway()
	}
	cmd.Route = opts.routing(out)
	if opts.fds != 0 && !opts.summary {
		cmd.Track, cmd.TrackNames = true, true
		cmd.TrackFiles, cmd.TrackSockets = opts.fds&^handlers.FDPaths != 0, opts.fds&handlers.FDSockets != 0
	}
	cmd.Warn = func(err error) { fmt.Fprintf(out.messages, "k42trace: %v\n", err) }
	finish := func() {
		if count != nil {
			_, _ = count.WriteTo(out.main)
		}
		out.close()
		opts.tips.print(os.Stderr)
	}
	if cmd.Path == "" {
		cmd.Observer = observer
		attached := func() {}
		if opts.tracee != 0 {
			attached = tellAttached
		}
		return watchAttached(cmd, attached, finish)
	}
	cmd.Ignored, cmd.Blocked = inheritedSignals()
	keepIgnored(cmd.Ignored)
	signals, err := catchSignals(observer, opts.caution.withheld())
	if err != nil {
		return complain(err)
	}
	cmd.Observer = signals
	if err := cmd.Start(); err != nil {
		return complain(startError(opts, prog, err))
	}
	letGoOfStreams()
	signals.detach = cmd.Detach
	signals.relay(cmd.Process, cancel)
	err = cmd.Wait()
	finish()
	return endingOf(cmd, err)
}

// complain reports an error of our own.
func complain(err error) ending { return complainOf("k42trace", err) }

// complainOf is complain for the command that -h tells more of.
func complainOf(command string, err error) ending {
	fmt.Fprintf(os.Stderr, "k42trace: %v\n", err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(os.Stderr, "Try '%s -h' for more information.\n", command)
	}
	var status *statusError
	if errors.As(err, &status) {
		return ending{status: status.status}
	}
	return ending{status: statusOwnError}
}
