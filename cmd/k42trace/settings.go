package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
)

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
	o.quiet = 0
	for word := range strings.SplitSeq(s, ",") {
		switch word {
		case "attach":
			o.quiet |= handlers.QuietAttach
		case "personality":
			o.quiet |= handlers.QuietPersonality
		case "exit":
			o.quiet |= handlers.QuietExit
		case "thread-execve", "superseded":
			o.quiet |= handlers.QuietExec
		case "path-resolution":
			o.quiet |= handlers.QuietPath
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
