package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// tips is --tips: a piece of advice at the end.
type tips struct {
	shown bool
	full  bool
	id    int // which, -1: any
}

// set reads [[id:]ID|random][,[format:]none|compact|full].
func (t *tips) set(s string) error {
	*t = tips{shown: true, id: -1}
	if s == noArgument {
		return nil
	}
	for word := range strings.SplitSeq(s, ",") {
		id, isID := strings.CutPrefix(word, "id:")
		switch format := strings.TrimPrefix(word, "format:"); {
		case format == "none" && !isID:
			t.shown = false
		case format == "compact" && !isID:
			t.full = false
		case format == "full" && !isID:
			t.full = true
		case id == "random":
			t.id = -1
		default:
			n, err := strconv.ParseUint(id, 10, 31)
			if err != nil {
				return fmt.Errorf("%q is neither an id (a number, random) nor a format (none, compact, full)", word)
			}
			t.id = int(n) % len(advice)
		}
	}
	return nil
}

// print writes the piece of advice, if one is wanted.
func (t *tips) print(w io.Writer) {
	if !t.shown {
		return
	}
	id := t.id
	if id < 0 {
		id = rand.IntN(len(advice))
	}
	if t.full {
		fmt.Fprintf(w, "Tip %d of %d:\n", id, len(advice))
	}
	fmt.Fprintln(w, advice[id])
}

var advice = []string{
	"-o FILE takes the trace away from the program's own stderr, and makes k42trace faster:\ncalls are recorded without a stop and written in large pieces.",
	"-e inject=openat:error=ENOSPC:when=3 lets a thread's third openat fail, and only that.\nSeveral -e inject= can be given for one call.",
	"-c counts calls and adds up their times; -C does so beside the trace.",
	"-P FILE shows only what is done to FILE, whatever descriptor it has got.",
	"-Z shows only calls that have failed, -z only those that have not.",
	"k42trace doctor tells which ways of tracing this machine has.",
	"-e '!/^(futex|madvise)$' leaves out what matches a regular expression.",
	"-ff -o FILE gives every thread a file of its own.",
	"-p PID watches a process that runs already, and lets it go as it was.",
	"--route=trap makes each traced call stop, --route=direct records them without stops.",
	"-X verbose shows the numbers behind the names of constants.",
	"-e inject=SET:delay_exit=100ms shows what becomes of a program on a slow disk.",
}
