package main

import (
	"strings"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/table"
)

// What is traced, and how much of it is shown: sets of calls, of signals, of statuses.

func (o *options) setTrace(s string) error { return setCalls(&o.calls, s) }

// setAbbrev is -e abbrev=: the calls that are not in the set are shown whole.
func (o *options) setAbbrev(s string) error { return setOthers(&o.whole, s) }

// setVerbose is -e verbose=: the structs of calls that are not in the set are not
// looked at.
func (o *options) setVerbose(s string) error { return setOthers(&o.shallow, s) }

func (o *options) setRaw(s string) error { return setCalls(&o.raw, s) }

func setCalls(set **table.Set, s string) (err error) {
	parsed, err := table.ParseSet(s)
	if err == nil {
		*set = parsed
	}
	return err
}

// setOthers sets the calls that are not in the set that s names.
func setOthers(set **table.Set, s string) error {
	if inverted, ok := strings.CutPrefix(s, "!"); ok || s == "" {
		return setCalls(set, inverted)
	}
	return setCalls(set, "!"+s)
}

func (o *options) setSignals(s string) error {
	set, err := handlers.ParseSignals(s)
	if err == nil {
		o.signals = set
	}
	return err
}

var statusNames = []namedBits[handlers.Statuses]{
	{"successful", handlers.StatusSuccessful},
	{"failed", handlers.StatusFailed},
	{"unfinished", handlers.StatusUnfinished},
	{"unavailable", handlers.StatusUnavailable},
	{"detached", handlers.StatusDetached},
}

func (o *options) setStatus(s string) error {
	set, err := parseNames(s, statusNames)
	o.statuses = set | handlers.StatusNothing // so that it is not the zero set
	return err
}

func (o *options) addInjection(s string) error {
	in, err := handlers.ParseInjection(s)
	if err == nil {
		o.injections = append(o.injections, in)
	}
	return err
}

func (o *options) addFault(s string) error {
	in, err := handlers.ParseFault(s)
	if err == nil {
		o.injections = append(o.injections, in)
	}
	return err
}
