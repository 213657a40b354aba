package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/table"
)

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
