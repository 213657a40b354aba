package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/table"
)

// options is what the command line says.
type options struct {
	command []string

	output   string // "": stderr
	append   bool
	follow   int // -f; 2: a file for each thread
	separate bool

	calls   *table.Set
	signals *handlers.SignalSet
	summary bool

	strings  int
	hex      int
	verbose  bool
	fdPaths  bool
	column   int
	clock    handlers.ClockFormat
	relative bool
	duration bool
	quiet    handlers.Quiet
	quietBy  string // how it was given: -q or --quiet=

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
		Use:                   "k42trace [flags] [--] CMD [ARGS]",
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
			return o.check()
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _, _ = io.WriteString(cmd.OutOrStdout(), help) })
	cmd.SetArgs(args)
	flags := cmd.Flags()
	flags.SetInterspersed(false) // CMD ends our flags
	flags.SortFlags = false
	o.define(flags, fail)
	addLaterFlags(flags)
	if err := cmd.Execute(); err != nil {
		if failure != nil {
			err = failure
		}
		if errors.As(err, new(*pflag.InvalidValueError)) && errors.Unwrap(err) != nil {
			err = errors.Unwrap(err)
		}
		return false, &usageError{err}
	}
	return done, nil
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
	flags.CountVarP(&o.follow, "follow-forks", "f", "")
	flags.BoolVar(&o.separate, "output-separately", false, "")
	flags.Bool("seccomp-bpf", true, "") // it is always in use

	value("expr", "e", o.setExpression)
	value("trace", "", o.setTrace)
	value("signal", "", o.setSignals)
	flags.BoolVarP(&o.summary, "summary-only", "c", false, "")
	flags.BoolP("summary-wall-clock", "w", true, "") // it always is

	value("string-limit", "s", func(s string) error {
		n, err := number(s)
		o.strings = n
		return err
	})
	value("columns", "a", func(s string) error {
		n, err := number(s)
		o.column = n
		return err
	})
	optional("strings-in-hex", "x", o.setHex)
	flags.BoolVarP(&o.verbose, "no-abbrev", "v", false, "")
	optional("decode-fds", "y", o.setDecodeFDs)
	optional("absolute-timestamps", "t", o.setClock)
	optional("timestamps", "", o.setClock)
	optional("relative-timestamps", "r", precision(&o.relative))
	optional("syscall-times", "T", precision(&o.duration))
	optional("quiet", "q", o.setQuiet)
	optional("silent", "", o.setQuiet)
	optional("silence", "", o.setQuiet)

	value("env", "E", o.setEnv)
	value("user", "u", o.user.set)
}

// noArgument is the argument of a flag that was given without one.
const noArgument = " "

// check looks at what the flags say together, and fills in what follows.
func (o *options) check() error {
	if o.follow > 1 {
		o.separate = true
	}
	if o.output != "" && o.quietBy == "" {
		o.quiet = quietLevels[1] // as in strace: who reads a file wants the calls
	}
	switch {
	case len(o.command) == 0:
		return errors.New("no program to run: k42trace [flags] -- CMD [ARGS]")
	case o.summary && o.separate:
		return errors.New("-c/--summary-only and -ff/--output-separately cannot be used together")
	case strings.HasPrefix(o.output, "|"), strings.HasPrefix(o.output, "!"):
		return errLater("-o with a command to pipe to")
	}
	return nil
}

func (o *options) setExpression(s string) error {
	name, arg, found := strings.Cut(s, "=")
	if !found {
		return o.setTrace(s)
	}
	switch name {
	case "trace", "t":
		return o.setTrace(arg)
	case "signal", "signals", "s":
		return o.setSignals(arg)
	case "quiet", "silent", "silence", "q":
		return o.setQuiet(arg)
	case "decode-fds", "decode-fd":
		return o.setDecodeFDs(arg)
	}
	if isLater(name) {
		return errLater("-e " + name + "=")
	}
	if strings.ContainsAny(name, "/!%,") {
		return o.setTrace(s) // a regular expression with a = in it
	}
	return fmt.Errorf("unknown expression %q: there are trace=, signal=, quiet=, decode-fds=", name+"=")
}

func (o *options) setTrace(s string) error {
	set, err := table.ParseSet(s)
	if err != nil {
		return err
	}
	o.calls = set
	return nil
}

func (o *options) setSignals(s string) error {
	set, err := parseSignals(s)
	if err != nil {
		return err
	}
	o.signals = set
	return nil
}

func (o *options) setHex(s string) error {
	switch s {
	case noArgument:
		o.hex = min(o.hex+1, int(decode.HexAlways))
	case "all":
		o.hex = int(decode.HexAlways)
	case "non-ascii":
		o.hex = int(decode.HexNonASCII)
	case "non-ascii-chars":
		return errLater("non-ascii-chars")
	default:
		return fmt.Errorf("%q is neither all nor non-ascii", s)
	}
	return nil
}

func (o *options) setDecodeFDs(s string) error {
	switch s {
	case noArgument:
		if o.fdPaths {
			return errLater("-yy")
		}
		o.fdPaths = true
	case "path":
		o.fdPaths = true
	case "none":
		o.fdPaths = false
	default:
		return errLater(strconv.Quote(s))
	}
	return nil
}

func (o *options) setClock(s string) error {
	if s == noArgument {
		o.clock = min(o.clock+1, handlers.ClockEpoch)
		return nil
	}
	format, places := "time", "s"
	for word := range strings.SplitSeq(s, ",") {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "format:"), "precision:")
		switch word {
		case "none", "time", "unix":
			format = word
		case "s", "us":
			places = word
		case "ms", "ns":
			return errLater(strconv.Quote(word))
		default:
			return fmt.Errorf("%q is no format of time: none, time, unix, with s or us", word)
		}
	}
	switch {
	case format == "none":
		o.clock = handlers.ClockNone
	case format == "time" && places == "s":
		o.clock = handlers.ClockSeconds
	case format == "time":
		o.clock = handlers.ClockMicros
	case places == "us":
		o.clock = handlers.ClockEpoch
	default:
		return errLater("unix,s")
	}
	return nil
}

// precision returns the setting of a flag that shows times in microseconds.
func precision(on *bool) func(string) error {
	return func(s string) error {
		if s != noArgument && s != "us" {
			return errLater("a precision other than us")
		}
		*on = true
		return nil
	}
}

// quietLevels are what -q, -qq and -qqq leave out.
var quietLevels = []handlers.Quiet{
	0,
	handlers.QuietAttach | handlers.QuietPersonality,
	handlers.QuietAttach | handlers.QuietPersonality | handlers.QuietExit,
	quietAll,
}

const quietAll = handlers.QuietAttach | handlers.QuietPersonality | handlers.QuietExit | handlers.QuietExec

func (o *options) setQuiet(s string) error {
	by := "--quiet="
	if s == noArgument {
		by = "-q"
	}
	if o.quietBy != "" && o.quietBy != by {
		return errors.New("-q and --quiet=SET cannot be used together")
	}
	o.quietBy = by
	if s == noArgument {
		for _, level := range quietLevels {
			if level&^o.quiet != 0 {
				o.quiet |= level
				break
			}
		}
		return nil
	}
	o.quiet = 0
	for word := range strings.SplitSeq(s, ",") {
		switch word {
		case "attach":
			o.quiet |= handlers.QuietAttach
		case "personality":
			o.quiet |= handlers.QuietPersonality
		case "exit":
			o.quiet |= handlers.QuietExit
		case "thread-execve":
			o.quiet |= handlers.QuietExec
		case "path-resolution": // there are no such messages
		case "all":
			o.quiet = quietAll
		case "none":
			o.quiet = 0
		default:
			return fmt.Errorf("%q is none of attach, exit, path-resolution, personality, thread-execve, all, none", word)
		}
	}
	return nil
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of 0 or more", s)
	}
	return n, nil
}

// trace returns the options of the trace itself.
func (o *options) trace(out *outputs, launch *handlers.Launch) handlers.TraceOptions {
	t := handlers.TraceOptions{
		Out:      out.main,
		Messages: out.messages,
		Decode:   decode.Options{StringLimit: o.strings, Verbose: o.verbose},
		Text:     decode.Text{Hex: decode.HexMode(o.hex)},
		Column:   o.column,
		Clock:    o.clock,
		Relative: o.relative,
		Duration: o.duration,
		Quiet:    o.quiet,
		Signals:  o.signals,
	}
	if o.fdPaths {
		t.Decode.FDPath = handlers.FDPath
	}
	if o.output != "" {
		t.PID = handlers.PIDAlways
		if o.separate {
			t.PerThread = out.thread
		}
	}
	if o.showsLaunch() {
		t.Launch = launch
	}
	return t
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
func (o *options) showsLaunch() bool {
	abi := table.AMD64
	if runtime.GOARCH == "arm64" {
		abi = table.ARM64
	}
	nr, ok := table.Number(abi, "execve")
	return ok && o.calls.Has(abi, nr)
}

func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return "k42trace " + v + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
