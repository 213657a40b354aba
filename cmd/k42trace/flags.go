package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// options is what the command line says.
type options struct {
	command []string
	attach  []int // -p
	stacks  stacks

	output   string // "": stderr
	append   bool
	follow   int  // -f; 2: a file for each thread
	alone    bool // --follow-forks=false
	separate bool

	calls      *table.Set
	signals    *handlers.SignalSet
	statuses   handlers.Statuses
	injections []handlers.Injection
	whole      *table.Set
	shallow    *table.Set
	raw        *table.Set
	reads      *handlers.FDSet
	writes     *handlers.FDSet
	filter     handlers.Filter
	remarks    []*handlers.Remark
	resolved   []string // messages about the paths of filter
	summary    bool     // -c
	alongside  bool     // -C
	columns    []handlers.Column
	sort       handlers.Column
	sorted     bool
	overhead   time.Duration
	route      supervisor.Routing

	strings    int
	hex        decode.HexMode
	color      string // --color=
	consts     decode.ConstStyle
	argNames   bool
	number     bool
	ip         bool
	fds        handlers.FDAspects
	fdsShort   bool // -y was given
	fdsLong    bool // --decode-fds= was
	column     int
	clock      stamp
	relative   bool
	sinceExact handlers.Precision
	duration   bool
	spentExact handlers.Precision
	quiet      handlers.Quiet
	quietBy    string // how it was given: -q or --quiet=

	comm    bool // -Y
	pidns   bool // --pidns-translation
	showPID bool
	argv0   string
	daemon  daemon
	tracee  int // the process that is to become the program, if this is -D's tracer
	caution caution
	tips    tips
	killed  bool // --kill-on-exit
	leave   handlers.Leave

	given map[string]bool // the flags that were given, by their long names

	env  []envChange
	user account
}

// A usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// A setter is a flag that calls a function.
type setter func(string) error

func (f setter) Set(s string) error { return f(s) }
func (f setter) String() string     { return "" }
func (f setter) Type() string       { return "" }

// parse reads the command line. done is true if there is nothing left to do:
// help or the version was wanted.
func (o *options) parse(args []string) (done bool, err error) {
	var failure error
	fail := func(err error) error {
		failure = err // pflag wraps it in words about its own syntax
		return err
	}
	all, err := table.ParseSet("all")
	if err != nil {
		return false, err
	}
	o.calls = all
	done = true
	cmd := &cobra.Command{
		Use:                   "k42trace [flags] [--] CMD [ARGS] | k42trace [flags] -p PID",
		DisableFlagsInUseLine: true,
		SilenceErrors:         true,
		SilenceUsage:          true,
		Args:                  cobra.ArbitraryArgs,
		CompletionOptions:     cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if v, _ := cmd.Flags().GetBool("version"); v {
				fmt.Fprintln(cmd.OutOrStdout(), version())
				return nil
			}
			done = false
			o.command = args
			o.noteGiven(cmd.Flags())
			return o.check()
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _, _ = io.WriteString(cmd.OutOrStdout(), help) })
	cmd.SetArgs(args)
	flags := cmd.Flags()
	flags.SetInterspersed(false) // CMD ends our flags
	flags.SortFlags = false
	o.define(flags, fail)
	allowPrefixes(flags)
	if err := cmd.Execute(); err != nil {
		if failure != nil {
			err = failure
		}
		if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) && failure == nil && invalid.GetFlag().Value.Type() == "bool" {
			err = fmt.Errorf("--%s: %q is neither true nor false", invalid.GetFlag().Name, invalid.GetValue())
		}
		if errors.As(err, new(*pflag.InvalidValueError)) && errors.Unwrap(err) != nil {
			err = errors.Unwrap(err)
		}
		return false, &usageError{err}
	}
	return done, nil
}

// mostColumns is the highest column that -a takes.
const mostColumns = 1 << 16

// allowPrefixes lets the names of long flags be cut as getopt_long(3) does, if what is
// left means one flag only.
func allowPrefixes(flags *pflag.FlagSet) {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		var found []string
		for _, n := range names {
			if n == name {
				return pflag.NormalizedName(n)
			}
			if strings.HasPrefix(n, name) {
				found = append(found, n)
			}
		}
		if len(found) == 1 {
			return pflag.NormalizedName(found[0])
		}
		return pflag.NormalizedName(name)
	})
}

// define declares the flags. fail notes an error in the words that the user is
// to read.
func (o *options) define(flags *pflag.FlagSet, fail func(error) error) {
	value := func(long, short string, set func(string) error) *pflag.Flag {
		return flags.VarPF(setter(func(s string) error {
			if err := set(s); err != nil {
				name := "--" + long
				if short != "" {
					name = "-" + short + "/" + name
				}
				return fail(fmt.Errorf("%s: %w", name, err))
			}
			return nil
		}), long, short, "")
	}
	optional := func(long, short string, set func(string) error) {
		value(long, short, set).NoOptDefVal = noArgument
	}

	flags.BoolP("help", "h", false, "")
	flags.BoolP("version", "V", false, "")
	flags.StringVarP(&o.output, "output", "o", "", "")
	flags.BoolVarP(&o.append, "output-append-mode", "A", false, "")
	optional("follow-forks", "f", o.setFollow)
	flags.BoolVar(&o.separate, "output-separately", false, "")
	flags.Bool("seccomp-bpf", true, "") // it is always in use

	value("expr", "e", o.setExpression)
	value("trace", "", o.setTrace)
	value("abbrev", "", o.setAbbrev)
	value("verbose", "", o.setVerbose)
	value("raw", "", o.setRaw)
	value("signal", "", o.setSignals)
	value("signals", "", o.setSignals)
	value("status", "", o.setStatus)
	value("read", "", o.setReads)
	value("write", "", o.setWrites)
	value("inject", "", o.addInjection)
	value("fault", "", o.addFault)
	only := func(s string) func(string) error {
		return func(string) error { return o.setStatus(s) }
	}
	bare := func(long, short string, set func(string) error) {
		value(long, short, set).NoOptDefVal = noArgument
	}
	bare("successful-only", "z", only("successful"))
	bare("failed-only", "Z", only("failed"))
	bare("failing-only", "", only("failed"))
	value("trace-path", "P", o.addPath)
	value("trace-fds", "", o.setTraceFDs)
	flags.BoolVarP(&o.summary, "summary-only", "c", false, "")
	flags.BoolVarP(&o.alongside, "summary", "C", false, "")
	flags.BoolP("summary-wall-clock", "w", true, "") // it always is
	value("summary-sort-by", "S", o.setSort)
	value("summary-columns", "U", o.setColumns)
	value("summary-syscall-overhead", "O", o.setOverhead)

	value("string-limit", "s", func(s string) error {
		n, err := number(s)
		if o.strings = n; n == 0 {
			o.strings = -1 // for package decode, 0 is the default
		}
		return err
	})
	value("columns", "a", func(s string) error {
		n, err := number(s)
		if o.column = n; err == nil && n > mostColumns { // each line would be as long
			err = fmt.Errorf("results can be put at column %d at most, not at %d", mostColumns, n)
		}
		return err
	})
	bare("non-ascii-in-hex", "x", o.addHex) // the long name is only there to have one
	optional("strings-in-hex", "", o.setHex)
	value("const-print-style", "X", o.setConsts)
	flags.BoolVarP(&o.number, "syscall-number", "n", false, "")
	flags.BoolVarP(&o.argNames, "arg-names", "N", false, "")
	flags.BoolVarP(&o.ip, "instruction-pointer", "i", false, "")
	bare("no-abbrev", "v", func(string) error { return o.setAbbrev("none") })
	optional("decode-fds", "y", o.setDecodeFDs)
	bare("time", "t", o.addClock)
	optional("absolute-timestamps", "", o.setClock)
	optional("timestamps", "", o.setClock)
	optional("relative-timestamps", "r", precision(&o.relative, &o.sinceExact))
	optional("syscall-times", "T", precision(&o.duration, &o.spentExact))
	optional("quiet", "q", o.setQuiet)
	optional("silent", "", o.setQuiet)
	optional("silence", "", o.setQuiet)

	value("attach", "p", o.setAttach)
	bare("stack", "k", o.stacks.add) // the long name is only there to have one
	optional("stack-trace", "", o.stacks.set)
	optional("stack-traces", "", o.stacks.set)
	value("stack-trace-frame-limit", "", o.stacks.setLimit)
	value("route", "", o.setRoute)
	value("env", "E", o.setEnv)
	flags.StringVar(&o.argv0, "argv0", "", "")
	value("syscall-limit", "", o.setLimit)
	value("detach-on", "b", o.setDetachOn)
	bare("daemon", "D", o.daemon.add)
	optional("daemonize", "", o.daemon.set)
	optional("daemonised", "", o.daemon.set)
	optional("daemonized", "", o.daemon.set)
	value("interruptible", "I", o.caution.set)
	flags.BoolVar(&o.killed, "kill-on-exit", false, "")
	flags.BoolVar(&o.showPID, "always-show-pid", false, "")
	value("decode-pids", "", o.setDecodePIDs)
	bare("command-names", "Y", func(string) error { return o.setDecodePIDs("comm") })
	bare("pidns-translation", "", func(string) error { return o.setDecodePIDs("pidns") })
	value("kvm", "", o.setKVM)
	optional("namespace", "", o.setNamespace)
	optional("secontext", "", o.setContexts)
	optional("tips", "", o.tips.set)
	value("color", "", o.setColor)
	flags.BoolP("debug", "d", false, "")         // there is nothing to tell
	flags.BoolP("follow-vforks", "F", false, "") // strace's old name for -f
	value("user", "u", o.user.set)
}

// noArgument is the argument of a flag that was given without one.
const noArgument = " "

// check looks at what the flags say together, and fills in what follows.
func (o *options) check() error {
	if o.follow > 1 {
		o.separate = true
	}
	if o.output != "" && o.quietBy == "" && len(o.command) > 0 {
		o.quiet = quietLevels[1] // as in strace: who reads a file wants the calls
	}
	if err := o.checkDaemon(); err != nil {
		return err
	}
	switch {
	case len(o.command) == 0 && len(o.attach) == 0:
		return errors.New("no program to run: k42trace [flags] -- CMD [ARGS], or -p PID")
	case o.summary && o.alongside:
		return errors.New("-c/--summary-only and -C/--summary cannot be used together")
	case (o.summary || o.alongside) && o.separate:
		return errors.New("-c/--summary-only and -C/--summary and -ff/--output-separately cannot be used together")
	case o.killed && len(o.attach) > 0:
		return errors.New("--kill-on-exit cannot be used with -p/--attach: those go on")
	case isPipe(o.output) && o.separate:
		return errors.New("-ff/--output-separately cannot be used with a command to pipe to")
	case (o.columns != nil || o.given["summary-wall-clock"]) && !o.summary && !o.alongside:
		return errors.New("-U/--summary-columns and -w/--summary-wall-clock say how the table of -c or -C looks; neither is given")
	case o.given["non-ascii-in-hex"] && o.given["strings-in-hex"]:
		return errors.New("-x and --strings-in-hex cannot be used together")
	case o.given["time"] && (o.given["absolute-timestamps"] || o.given["timestamps"]):
		return errors.New("-t and --absolute-timestamps cannot be used together")
	}
	return nil
}

// trace returns the options of the trace itself.
func (o *options) trace(out *outputs, launch *handlers.Launch) handlers.TraceOptions {
	painted := o.painted(out.main)
	t := handlers.TraceOptions{
		Out:      painted,
		Messages: out.messages,
		Decode:   decode.Options{StringLimit: o.strings, Netlink: new(handlers.Netlink).Family, Object: handlers.FDPath},
		Text:     decode.Text{Hex: o.hex, Consts: o.consts, ArgNames: o.argNames},
		Column:   o.column,
		Clock:    o.clock.format,
		Relative: o.relative,
		Duration: o.duration,

		ClockPrecision:    o.clock.exact,
		RelativePrecision: o.sinceExact,
		DurationPrecision: o.spentExact,

		Quiet:    o.quiet,
		Signals:  o.signals,
		Number:   o.number,
		IP:       o.ip,
		Statuses: o.statuses,
		Whole:    o.whole,
		Shallow:  o.shallow,
		Raw:      o.raw,
		Reads:    o.reads,
		Remarks:  o.remarks,
		Writes:   o.writes,
	}
	if o.comm {
		t.Text.Comm = handlers.Comm
	}
	if out.messages == out.main {
		t.Messages = painted // so that they are known to be the same
	}
	t.Text.Translate, t.Text.Translated = handlers.PIDHere, o.pidns
	t.PID = o.pids()
	if o.fds != 0 {
		t.Decode.FDName, t.Decode.OtherFD = handlers.FDNames(o.fds), handlers.OtherFDNames(o.fds)
		t.Decode.ProcessFD = handlers.ProcessFDNames(o.fds)
	}
	if o.output != "" && o.separate {
		t.PerThread = out.thread
	}
	t.Stacks = o.stacks.unwinder()
	if o.showsLaunch(launch.Path) {
		t.Launch = launch
	}
	return t
}

// pids returns which lines tell their thread, and how. In a file all do where the user
// counts on several threads, by -f or by more than one -p or -p and a command; else, as on stderr, those that
// are written while there are several.
func (o *options) pids() handlers.PIDPrefix {
	switch several := o.follow > 0 || o.separate || len(o.attach) > 1 || len(o.attach) == 1 && len(o.command) > 0 && o.tracee == 0; {
	case o.output != "" && several:
		return handlers.PIDAlways
	case o.showPID:
		return handlers.PIDBracketed
	}
	return handlers.PIDShared
}

// messagesOnly returns the options of a trace that writes no calls, no signals
// and no ends.
func (o *options) messagesOnly(out *outputs) handlers.TraceOptions {
	return handlers.TraceOptions{
		Out:      out.main,
		Messages: out.messages,
		Quiet:    o.quiet | quietAll&^handlers.QuietAttach,
		Signals:  new(handlers.SignalSet),
	}
}

// showsLaunch reports whether the execve that starts the program is wanted.
func (o *options) showsLaunch(path string) bool {
	abi := table.AMD64
	if runtime.GOARCH == "arm64" {
		abi = table.ARM64
	}
	nr, ok := table.Number(abi, "execve")
	return ok && o.calls.Has(abi, nr) && (!o.filters() || o.filter.HasPath(path))
}

func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return "k42trace " + v + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
