package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
)

// setFollow is -f, which may be given twice, and --follow-forks=; the last one counts.
func (o *options) setFollow(s string) error {
	switch s {
	case noArgument, "true":
		o.follow++
		o.alone = false
	case "false":
		o.follow, o.alone = 0, true
	default:
		return fmt.Errorf("%q is neither true nor false", s)
	}
	return nil
}

// addHex is -x, which may be given twice.
func (o *options) addHex(string) error {
	if o.hex == decode.HexNonASCII {
		o.hex = decode.HexAlways
	} else if o.hex != decode.HexAlways {
		o.hex = decode.HexNonASCII
	}
	return nil
}

func (o *options) setHex(s string) error {
	switch s {
	case noArgument, "all":
		o.hex = decode.HexAlways
	case "non-ascii":
		o.hex = decode.HexNonASCII
	case "non-ascii-chars":
		o.hex = decode.HexEscapes
	case "none":
		o.hex = decode.HexNever
	default:
		return fmt.Errorf("%q is none of all, non-ascii, non-ascii-chars, none", s)
	}
	return nil
}

// fdAspects are what --decode-fds= names.
var fdAspects = []namedBits[handlers.FDAspects]{
	{"path", handlers.FDPaths},
	{"socket", handlers.FDSockets},
	{"dev", handlers.FDDevices},
	{"pidfd", handlers.FDPidfds},
	{"eventfd", handlers.FDEvents},
	{"signalfd", handlers.FDSignals},
}

// fdEverything is -yy. What strace has shown of eventfds and signalfds since 6.3 and 6.10
// has to be asked for by name.
const fdEverything = handlers.FDPaths | handlers.FDSockets | handlers.FDDevices | handlers.FDPidfds

// setDecodeFDs is -y and --decode-fds=.
func (o *options) setDecodeFDs(s string) (err error) {
	if s == noArgument {
		o.fdsShort = true
		if o.fds != 0 {
			o.fds = fdEverything
		} else {
			o.fds = handlers.FDPaths
		}
	} else {
		o.fdsLong = true
		if o.fds, err = parseNames(s, fdAspects); s == "all" || strings.HasPrefix(s, "!") {
			o.fds &= fdEverything
		}
	}
	if err == nil && o.fdsShort && o.fdsLong {
		return errors.New("-y and --decode-fds=SET cannot be used together")
	}
	return err
}

// A stamp is a time with which lines begin.
type stamp struct {
	format handlers.ClockFormat
	exact  handlers.Precision
	given  int // how often -t was
}

// addClock is -t, which may be given three times.
func (o *options) addClock(string) error {
	o.clock.given++
	switch o.clock.format = handlers.ClockTime; o.clock.given {
	case 1:
		o.clock.exact = handlers.Seconds
	case 2:
		o.clock.exact = handlers.Micros
	default:
		o.clock.format, o.clock.exact = handlers.ClockEpoch, handlers.Micros
	}
	return nil
}

// setClock is --absolute-timestamps=.
func (o *options) setClock(s string) error {
	clock := o.clock
	if clock.format == handlers.ClockNone {
		clock = stamp{format: handlers.ClockTime, exact: handlers.Seconds}
	}
	for word := range strings.SplitSeq(s, ",") {
		if s == noArgument {
			break
		}
		format, isFormat := map[string]handlers.ClockFormat{
			"none": handlers.ClockNone, "time": handlers.ClockTime, "unix": handlers.ClockEpoch,
		}[strings.TrimPrefix(word, "format:")]
		exact, isPrecision := precisions[strings.TrimPrefix(word, "precision:")]
		switch {
		case isFormat && !strings.HasPrefix(word, "precision:"):
			clock.format = format
		case isPrecision && !strings.HasPrefix(word, "format:"):
			clock.exact = exact
		default:
			return fmt.Errorf("%q is neither a format (none, time, unix) nor a precision (s, ms, us, ns)", word)
		}
	}
	o.clock = clock
	return nil
}

var precisions = map[string]handlers.Precision{
	"s": handlers.Seconds, "ms": handlers.Millis, "us": handlers.Micros, "ns": handlers.Nanos,
}

// precision returns the setting of a flag that shows times.
func precision(on *bool, exact *handlers.Precision) func(string) error {
	return func(s string) error {
		*on = true
		if s == noArgument {
			*exact = handlers.Micros
			return nil
		}
		p, ok := precisions[s]
		if !ok {
			return fmt.Errorf("%q is none of s, ms, us, ns", s)
		}
		*exact = p
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

const quietAll = handlers.QuietAttach | handlers.QuietPersonality | handlers.QuietExit | handlers.QuietExec | handlers.QuietPath

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
	var err error
	o.quiet, err = parseNames(s, quietNames)
	return err
}

// quietNames are what --quiet= names.
var quietNames = []namedBits[handlers.Quiet]{
	{"attach", handlers.QuietAttach},
	{"exit", handlers.QuietExit},
	{"exits", handlers.QuietExit},
	{"path-resolution", handlers.QuietPath},
	{"personality", handlers.QuietPersonality},
	{"thread-execve", handlers.QuietExec},
	{"superseded", handlers.QuietExec},
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of 0 or more", s)
	}
	return n, nil
}

func (o *options) setConsts(s string) error {
	style, ok := map[string]decode.ConstStyle{
		"raw": decode.ConstRaw, "abbrev": decode.ConstNames, "verbose": decode.ConstBoth,
	}[s]
	if !ok {
		return fmt.Errorf("%q is none of raw, abbrev, verbose", s)
	}
	o.consts = style
	return nil
}

// setDecodePIDs is --decode-pids=, and -Y.
func (o *options) setDecodePIDs(s string) error {
	set, err := parseNames(s, pidAspects)
	o.comm, o.pidns = set&pidNames != 0, set&pidTranslated != 0
	return err
}

// What --decode-pids= names, bits.
const (
	pidNames uint8 = 1 << iota
	pidTranslated
)

var pidAspects = []namedBits[uint8]{{"comm", pidNames}, {"pidns", pidTranslated}}

// caution is -I: which signals to us are passed on to the program.
type caution int

// Levels of caution, strace's numbers.
const (
	cautionNever    caution = 3 // fatal signals are not
	cautionNeverTSP caution = 4 // and SIGTSTP is not
)

// withheld returns the signals that are not passed on.
func (c caution) withheld() (m mask) {
	if c >= cautionNever {
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM} {
			m |= 1 << (sig - 1)
		}
	}
	if c >= cautionNeverTSP {
		m |= 1 << (unix.SIGTSTP - 1)
	}
	return m
}

func (c *caution) set(s string) error {
	for i, name := range []string{"anywhere", "waiting", "never", "never_tstp"} {
		if s == name || s == strconv.Itoa(i+1) {
			*c = caution(i + 1)
			return nil
		}
	}
	if s == "always" { // strace's other name for anywhere
		*c = 1
		return nil
	}
	return fmt.Errorf("%q is none of 1 (anywhere), 2 (waiting), 3 (never), 4 (never_tstp)", s)
}
