package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/handlers"
)

// numSignals is the number of the last signal, SIGRTMAX (signal(7)).
const numSignals = 64

// parseSignals reads a set of signals: names, with or without SIG, and numbers,
// all, none, a ! in front to invert.
func parseSignals(s string) (*handlers.SignalSet, error) {
	rest := strings.TrimLeft(s, "!")
	invert := (len(s)-len(rest))%2 == 1
	var set handlers.SignalSet
	if rest != "none" {
		for word := range strings.SplitSeq(rest, ",") {
			if word == "all" {
				set = ^handlers.SignalSet(0)
				continue
			}
			sig, err := signalNumber(word)
			if err != nil {
				return nil, err
			}
			set.Add(sig)
		}
	}
	if invert {
		set = ^set
	}
	return &set, nil
}

func signalNumber(word string) (unix.Signal, error) {
	if n, err := strconv.Atoi(word); err == nil {
		if n < 1 || n > numSignals {
			return 0, fmt.Errorf("signals have the numbers 1 to %d, not %d", numSignals, n)
		}
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(word)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	for n := 1; n <= numSignals; n++ {
		if decode.SignalName(n) == name {
			return unix.Signal(n), nil
		}
	}
	if sig := unix.SignalNum(name); sig != 0 { // other names, such as SIGPOLL
		return sig, nil
	}
	return 0, fmt.Errorf("unknown signal %q", word)
}
