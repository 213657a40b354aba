package handlers

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
)

// A SignalSet is a set of signals. A nil set has them all.
type SignalSet uint64

// Add puts sig into the set.
func (s *SignalSet) Add(sig unix.Signal) { *s |= 1 << (uint(sig) - 1) }

// Has reports whether sig is in the set.
func (s *SignalSet) Has(sig unix.Signal) bool {
	return s == nil || *s&(1<<(uint(sig)-1)) != 0
}

// numSignals is the number of the last signal, SIGRTMAX (signal(7)).
const numSignals = 64

// ParseSignals reads a set of signals as strace's -e signal= has it: names, with or
// without SIG, and numbers, all, none, a ! in front to invert.
func ParseSignals(s string) (*SignalSet, error) {
	rest := strings.TrimLeft(s, "!")
	invert := (len(s)-len(rest))%2 == 1
	var set SignalSet
	if rest != "none" {
		for word := range strings.SplitSeq(rest, ",") {
			if word == "all" {
				set = ^SignalSet(0)
				continue
			}
			sig, err := ParseSignal(word)
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

// ParseSignal reads a signal: its name, with or without SIG, or its number.
func ParseSignal(word string) (unix.Signal, error) {
	if n, err := strconv.Atoi(word); err == nil {
		if n < 1 || n > numSignals {
			return 0, fmt.Errorf("invalid signal: signals have the numbers 1 to %d, not %d", numSignals, n)
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
	return 0, fmt.Errorf("invalid signal %q: a name such as SIGTERM, or a number from 1 to %d", word, numSignals)
}
