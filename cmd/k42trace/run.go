package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

const runHelp = `k42trace run runs a program that sees other files than the host's, without privileges.

Usage:
  k42trace run [flags] [--] CMD [ARGS]

  -b, --bind HOST:CHILD   show the host's file or directory HOST at the path CHILD,
                          which need not exist; HOST alone: at its own path, in a
                          new root. May be given more than once
  -r, --root DIR          show what is below DIR as the whole tree, as chroot(8)
                          would; binds are made in it
  -C, --cwd DIR           begin in the directory DIR, as the program sees it
  --read-only             no file can be changed, but:
  --writable DIR          what is below DIR, as the program sees it; may be given
                          more than once
  --loopback              no network but this machine's own
  --fake-root             the program is root, as far as it is told, and may give
                          files to anybody, as with fakeroot(1)
  --time TIME             it begins at TIME: 2038-01-19T03:14:07Z, or @SECONDS
  --time-rate N           N seconds pass in one; 0: time stands still
  --touched FILE          write to FILE which files and hosts were touched, by the
                          host's paths

  -E, --env VAR=VAL       put VAR into its environment; -E VAR takes it out

  -h, --help              show this

The exit status is the program's, and if a signal ended the program, the same
signal ends k42trace. Its own errors are 125; 126: the program could not be
executed; 127: it was not found.

Binds and roots translate paths and confine nothing; --read-only and --loopback do.

Examples:
  k42trace run --bind ./etc:/etc -- getent passwd
  k42trace run --root alpine --bind /proc --bind /dev -- /bin/sh
  k42trace run --fake-root -- tar xpf image.tar
  k42trace run --read-only --writable build --loopback -- make
`

// runOptions is what the command line of run says.
type runOptions struct {
	options
	binds []string
	root  string
	cwd   string

	readOnly bool
	writable []string
	loopback bool
	fakeRoot bool
	time     string
	timeRate string
	touched  string
}

// runProgram is the command run.
func runProgram(args []string) ending {
	o := &runOptions{}
	complain := func(err error) ending { return complainOf("k42trace run", err) }
	if done, err := o.parse(args); err != nil {
		return complain(err)
	} else if done {
		return ending{}
	}
	view, err := o.view()
	if err != nil {
		return complain(err)
	}
	var record *handlers.Touched
	if o.touched != "" {
		record = handlers.NewTouched()
	}
	cmd, cancel, err := o.cmd(view, record)
	if err != nil {
		return complain(err)
	}
	defer cancel()
	write, err := o.writer(record)
	if err != nil {
		return complain(err)
	}
	defer write()
	if err := procfs.Own(); err != nil {
		return complain(err)
	}
	signals, err := catchSignals(cmd.Observer, 0)
	if err != nil {
		return complain(err)
	}
	cmd.Observer = signals
	if err := cmd.Start(); err != nil {
		return complain(startError(&o.options, cmd.Path, err))
	}
	letGoOfStreams()
	signals.relay(cmd.Process, cancel)
	return endingOf(cmd, cmd.Wait())
}

func (o *runOptions) parse(args []string) (done bool, err error) {
	var failure error
	done = true
	cmd := &cobra.Command{
		Use: "k42trace run", DisableFlagsInUseLine: true, SilenceErrors: true, SilenceUsage: true,
		Args:              cobra.ArbitraryArgs,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(_ *cobra.Command, args []string) error {
			done = false
			if o.command = args; len(args) == 0 {
				return errors.New("no program to run: k42trace run [flags] -- CMD [ARGS]")
			}
			return nil
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _, _ = io.WriteString(cmd.OutOrStdout(), runHelp) })
	cmd.SetArgs(args)
	flags := cmd.Flags()
	flags.SetInterspersed(false) // CMD ends our flags
	flags.BoolP("help", "h", false, "")
	flags.StringArrayVarP(&o.binds, "bind", "b", nil, "")
	flags.StringVarP(&o.root, "root", "r", "", "")
	flags.StringVarP(&o.cwd, "cwd", "C", "", "")
	flags.BoolVar(&o.readOnly, "read-only", false, "")
	flags.StringArrayVar(&o.writable, "writable", nil, "")
	flags.BoolVar(&o.loopback, "loopback", false, "")
	flags.BoolVar(&o.fakeRoot, "fake-root", false, "")
	flags.StringVar(&o.time, "time", "", "")
	flags.StringVar(&o.timeRate, "time-rate", "1", "")
	flags.StringVar(&o.touched, "touched", "", "")
	flags.VarP(setter(func(s string) error { failure = o.setEnv(s); return failure }), "env", "E", "")
	if err := cmd.Execute(); err != nil {
		if failure != nil {
			err = fmt.Errorf("-E/--env: %w", failure)
		}
		return false, &usageError{err}
	}
	return done, nil
}

// view returns what the program shall see.
func (o *runOptions) view() (*handlers.View, error) {
	v := handlers.NewView()
	if o.root != "" {
		if err := v.Root(o.root); err != nil {
			return nil, fmt.Errorf("-r/--root: %w", err)
		}
	}
	for _, b := range o.binds {
		host, at, found := strings.Cut(b, ":")
		if !found {
			at = host
		}
		if host == "" || at == "" {
			return nil, &usageError{fmt.Errorf("-b/--bind: %q is not HOST:CHILD", b)}
		}
		if !found {
			var err error
			if at, err = filepath.Abs(host); err != nil {
				return nil, fmt.Errorf("-b/--bind: %w", err)
			}
		}
		if err := v.Bind(host, at); err != nil {
			return nil, fmt.Errorf("-b/--bind: %w", err)
		}
	}
	return v, nil
}

// cmd prepares the program.
func (o *runOptions) cmd(v *handlers.View, record *handlers.Touched) (*supervisor.Cmd, context.CancelFunc, error) {
	name := o.command[0]
	found := name
	var err error
	if strings.Contains(name, "/") {
		found, err = o.seen(name)
	}
	if err == nil {
		found, err = v.LookPath(found)
	}
	var file string
	var argv []string
	if err == nil {
		file, argv, err = v.Launch(found, o.command)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, &statusError{statusNotFound, fmt.Errorf("%s: not found", name)}
	case err != nil:
		return nil, nil, &statusError{statusCannotExec, fmt.Errorf("%s: %w", name, cause(err))}
	}
	dir, err := o.begin()
	if err == nil && dir != "" {
		dir, err = v.Dir(dir)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("-C/--cwd: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := supervisor.CommandContext(ctx, file)
	cmd.Path, cmd.Args, cmd.Err, cmd.Dir = file, argv, nil, dir
	cmd.Env = o.environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Table = table.New()
	cmd.Enforce = true // what goes through io_uring nobody translates, or forbids
	if cmd.Observer, err = o.layers(cmd.Table, v, record); err != nil {
		cancel()
		return nil, nil, err
	}
	// Clocks are answered in shared memory; of files nearly all has to be asked of the kernel.
	if clock, _ := o.clock(); !o.ownTime(clock) {
		cmd.Route = supervisor.RouteTrap
	}
	if record != nil {
		cmd.Observer = record.Observe(cmd.Observer)
	}
	cmd.Warn = func(err error) { fmt.Fprintf(os.Stderr, "k42trace: %v\n", err) }
	cmd.Ignored, cmd.Blocked = inheritedSignals()
	keepIgnored(cmd.Ignored)
	return cmd, cancel, nil
}

// layers puts the handlers into tbl, those that are to see what the program did last. It
// returns the Observer that the Cmd needs.
func (o *runOptions) layers(tbl *table.Table, v *handlers.View, record *handlers.Touched) (table.Observer, error) {
	if o.loopback {
		handlers.Loopback().Use(tbl)
	}
	if o.readOnly {
		writable := make([]string, len(o.writable))
		for i, dir := range o.writable {
			dir, err := o.seen(dir)
			if err == nil {
				writable[i], err = v.Host(dir)
			}
			if err != nil {
				return nil, fmt.Errorf("--writable: %w", err)
			}
		}
		handlers.ReadOnly(writable...).Use(tbl)
	} else if len(o.writable) > 0 {
		return nil, &usageError{errors.New("--writable says something only with --read-only")}
	}
	if record != nil {
		record.Use(tbl) // of paths of the host, and not yet those that policies lead calls by
	}
	identity := handlers.IdentityOptions{}
	if o.root != "" || len(o.binds) > 0 {
		v.Use(tbl)
		identity.View = v
	}
	if o.fakeRoot {
		handlers.NewIdentity(identity).Use(tbl)
	}
	clock, err := o.clock()
	if err != nil {
		return nil, err
	}
	if !o.ownTime(clock) {
		return table.NopObserver{}, nil
	}
	return handlers.NewClock(clock).Use(tbl, nil), nil
}

// begin returns the directory in which the program begins, as it sees it, "" for ours.
func (o *runOptions) begin() (string, error) {
	switch {
	case o.root != "":
		return path.Join("/", o.cwd), nil
	case o.cwd != "":
		return filepath.Abs(o.cwd)
	}
	return "", nil
}

// seen returns a path of the command line that the program shall see.
func (o *runOptions) seen(name string) (string, error) {
	if path.IsAbs(name) {
		return name, nil
	}
	dir, err := o.begin()
	if err != nil || dir == "" {
		return name, err
	}
	return path.Join(dir, name), nil
}

// ownTime reports whether the program's time is another than ours.
func (o *runOptions) ownTime(clock handlers.ClockOptions) bool {
	return clock != (handlers.ClockOptions{Rate: 1})
}

// clock returns what time it shall be.
func (o *runOptions) clock() (clock handlers.ClockOptions, err error) {
	clock.Rate, err = strconv.ParseFloat(o.timeRate, 64)
	switch {
	case err != nil || math.IsNaN(clock.Rate) || math.IsInf(clock.Rate, 0):
		return clock, &usageError{fmt.Errorf("--time-rate: %q is no number of seconds", o.timeRate)}
	case clock.Rate < 0:
		return clock, &usageError{errors.New("--time-rate: time does not run backwards")}
	}
	clock.Frozen = clock.Rate == 0
	if o.time != "" {
		if clock.Start, err = parseTime(o.time); err != nil {
			return clock, &usageError{fmt.Errorf("--time: %w", err)}
		}
	}
	return clock, nil
}

// parseTime reads a time as --time has it.
func parseTime(s string) (time.Time, error) {
	if seconds, ok := strings.CutPrefix(s, "@"); ok {
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not a number of seconds", s)
		}
		return ourTime(s, time.Unix(n, 0))
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return ourTime(s, t)
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2038-01-19T03:14:07Z", s)
}

// ourTime refuses times that do not fit where they are counted in nanoseconds.
func ourTime(s string, t time.Time) (time.Time, error) {
	first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	if t.Before(first) || t.After(last) {
		return t, fmt.Errorf("%q is not between the years %d and %d", s, first.UTC().Year(), last.UTC().Year())
	}
	return t, nil
}

// writer opens the file for the record of what is touched, if that is wanted. What it returns
// writes the record.
func (o *runOptions) writer(record *handlers.Touched) (func(), error) {
	if record == nil {
		return func() {}, nil
	}
	f, err := os.Create(o.touched)
	if err != nil {
		return nil, fmt.Errorf("--touched: %w", err)
	}
	return func() {
		_, err := record.WriteTo(f)
		if err2 := f.Close(); err == nil {
			err = err2
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "k42trace: --touched: %v\n", err)
		}
	}, nil
}
