package handlers

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// An Injection is what is done to some of the calls in Calls. Each part may be
// absent: its zero value is.
type Injection struct {
	Calls *table.Set
	When  When

	Answers bool // Result is the call's result, and the kernel does not run it
	Result  table.Result
	Signal  unix.Signal // reaches the thread as the call is entered

	DelayEnter, DelayExit time.Duration
	PokeEnter, PokeExit   []Poke // what is written to memory before and after
}

// When says which calls of one number a thread makes are meant, counted from 1:
// First, and each Step-th behind it up to Last. The zero When means all.
type When struct{ First, Last, Step int }

// Has reports whether the n-th call is meant.
func (w When) Has(n int) bool {
	return w.First == 0 || n >= w.First && n <= w.Last && (n-w.First)%w.Step == 0
}

// A Poke is data that is written to where argument Arg (from 0) points.
type Poke struct {
	Arg  int
	Data []byte
}

// Limits of the numbers in when=, strace's.
const (
	maxWhen     = 65535
	maxWhenLast = maxWhen - 1
)

// ParseInjection reads an injection in the language of strace's -e inject=:
//
//	SET[:error=ERRNO|:retval=VALUE][:signal=SIG][:syscall=CALL]
//	   [:delay_enter=DELAY][:delay_exit=DELAY]
//	   [:poke_enter=@argN=HEX,…][:poke_exit=@argN=HEX,…]
//	   [:when=FIRST[..LAST][+[STEP]]]
//
// SET is a pattern of table.ParseSet that contains no colon.
func ParseInjection(s string) (Injection, error) {
	in, err := parseInjection(s, "")
	return in, invalidArgument("inject", s, err)
}

// invalidArgument begins what is wrong as strace says it, for those who look for that.
func invalidArgument(kind, s string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("invalid %s argument '%s': %w", kind, s, err)
}

// ParseFault reads an injection in the language of strace's -e fault=, which is
// SET[:error=ERRNO][:when=WHEN]; the error is ENOSYS if none is given.
func ParseFault(s string) (Injection, error) {
	in, err := parseInjection(s, "ENOSYS")
	return in, invalidArgument("fault", s, err)
}

// parseInjection is ParseFault with a default errno, ParseInjection without.
func parseInjection(s, errno string) (Injection, error) {
	var in Injection
	pattern, rest, _ := strings.Cut(s, ":")
	set, err := table.ParseSet(pattern)
	if err != nil {
		return in, err
	}
	in.Calls = set
	given := map[string]bool{}
	for part := range strings.SplitSeq(rest, ":") {
		if rest == "" {
			break
		}
		key, value, found := strings.Cut(part, "=")
		parse, known := injectionParts[key]
		switch {
		case !known || errno != "" && key != "error" && key != "syscall" && key != "when":
			return in, fmt.Errorf("%q is none of %s", part, partNames(errno != ""))
		case !found:
			return in, fmt.Errorf("%s needs a value: %s=%s", key, key, parse.value)
		case given[key] && key != "when":
			return in, fmt.Errorf("%s= is given twice", key)
		}
		given[key] = true
		if err := parse.set(&in, value); err != nil {
			return in, fmt.Errorf("%s=: %w", key, err)
		}
	}
	if errno != "" && !in.Answers {
		return in, setError(&in, errno)
	}
	switch {
	case given["error"] && given["retval"]:
		return in, errors.New("error= and retval= cannot be used together")
	case !in.Answers && in.Signal == 0 && !given["delay_enter"] && !given["delay_exit"] && in.PokeEnter == nil && in.PokeExit == nil:
		return in, fmt.Errorf("%q does not say what to inject: one or more of %s", s, partNames(false))
	}
	return in, nil
}

// partNames names the parts of an injection.
func partNames(fault bool) string {
	if fault {
		return "error=, syscall=, when="
	}
	return "error=, retval=, signal=, syscall=, delay_enter=, delay_exit=, poke_enter=, poke_exit=, when="
}

type injectionPart struct {
	value string // what it looks like
	set   func(in *Injection, value string) error
}

var injectionParts = map[string]injectionPart{
	"error":       {"ERRNO", setError},
	"retval":      {"VALUE", setRetval},
	"signal":      {"SIG", setSignal},
	"syscall":     {"CALL", checkHarmless},
	"delay_enter": {"DELAY", func(in *Injection, s string) (err error) { in.DelayEnter, err = ParseDelay(s); return }},
	"delay_exit":  {"DELAY", func(in *Injection, s string) (err error) { in.DelayExit, err = ParseDelay(s); return }},
	"poke_enter":  {"@argN=HEX", func(in *Injection, s string) (err error) { in.PokeEnter, err = parsePokes(s); return }},
	"poke_exit":   {"@argN=HEX", func(in *Injection, s string) (err error) { in.PokeExit, err = parsePokes(s); return }},
	"when":        {"FIRST[..LAST][+[STEP]]", func(in *Injection, s string) (err error) { in.When, err = parseWhen(s); return }},
}

func setError(in *Injection, s string) error {
	errno, err := parseErrno(s)
	in.Answers, in.Result = true, table.Errno(errno)
	return err
}

// maxErrno is the largest errno (linux/err.h, MAX_ERRNO).
const maxErrno = 4095

func parseErrno(s string) (unix.Errno, error) {
	if n, err := strconv.ParseInt(s, 0, 32); err == nil {
		if n < 1 || n > maxErrno {
			return 0, fmt.Errorf("errnos have the numbers 1 to %d, not %d", maxErrno, n)
		}
		return unix.Errno(n), nil
	}
	if errno, ok := decode.ErrnoNamed(strings.ToUpper(s)); ok {
		return errno, nil
	}
	return 0, fmt.Errorf("%q is neither an errno, such as ENOENT, nor a number from 1 to %d", s, maxErrno)
}

func setRetval(in *Injection, s string) error {
	v, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		u, e := strconv.ParseUint(s, 0, 64)
		if e != nil {
			return fmt.Errorf("%q is not a number of at most 64 bits", s)
		}
		v = int64(u)
	}
	in.Answers, in.Result = true, table.FromRaw(v).AsValue()
	return nil
}

func setSignal(in *Injection, s string) (err error) {
	in.Signal, err = ParseSignal(s)
	return err
}

// checkHarmless looks at the call that is to be made in the place of one that is
// answered. Nobody can tell whether it has been made, so it is not.
func checkHarmless(_ *Injection, s string) error {
	for abi := range table.NumABI {
		if nr, ok := table.Number(abi, s); ok && table.SignatureOf(abi, nr).Class&table.ClassPure != 0 {
			return nil
		}
	}
	return fmt.Errorf("%q is not a call of %%pure, such as getpid", s)
}

// ParseDelay reads a time as strace's options have it: a number, which may have a
// point and an exponent, and s, ms, us or ns; microseconds if there is none of these.
func ParseDelay(s string) (time.Duration, error) {
	unit := time.Microsecond
	digits := s
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond}, {"s", time.Second}} {
		if before, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = before, u.unit
			break
		}
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || f < 0 || math.IsNaN(f) || f*float64(unit) >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a time: a number of 0 or more with s, ms, us or ns behind it", s)
	}
	return time.Duration(math.Round(f * float64(unit))), nil
}

// maxArgs is how many arguments a call has.
const maxArgs = 6

func parsePokes(s string) ([]Poke, error) {
	var pokes []Poke
	var seen [maxArgs]bool
	for word := range strings.SplitSeq(s, ",") {
		name, digits, _ := strings.Cut(word, "=")
		number, ok := strings.CutPrefix(name, "@arg")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 1 || n > maxArgs || number != strconv.Itoa(n) {
			return nil, fmt.Errorf("%q does not begin with one of @arg1= to @arg%d=", word, maxArgs)
		}
		data, err := hex.DecodeString(digits)
		if err != nil || len(data) == 0 {
			return nil, fmt.Errorf("%q is not bytes of two hexadecimal digits each", digits)
		}
		if seen[n-1] {
			return nil, fmt.Errorf("@arg%d= is given twice", n)
		}
		seen[n-1] = true
		pokes = append(pokes, Poke{n - 1, data})
	}
	return pokes, nil
}

func parseWhen(s string) (When, error) {
	bad := func(what string) (When, error) {
		return When{}, fmt.Errorf("%q: %s; it is FIRST[..LAST][+[STEP]]", s, what)
	}
	number := func(s string, most int) (int, bool) {
		n, err := strconv.ParseUint(s, 10, 32)
		return int(n), err == nil && n >= 1 && n <= uint64(most)
	}
	span, step, stepped := strings.Cut(s, "+")
	first, last, ranged := strings.Cut(span, "..")
	w := When{Step: 1}
	var ok bool
	if w.First, ok = number(first, maxWhen); !ok {
		return bad(fmt.Sprintf("FIRST is a number from 1 to %d", maxWhen))
	}
	switch {
	case ranged:
		if w.Last, ok = number(last, maxWhenLast); !ok {
			return bad(fmt.Sprintf("LAST is a number from 1 to %d", maxWhenLast))
		}
		if w.Last < w.First {
			return bad("LAST is before FIRST")
		}
	case stepped:
		w.Last = math.MaxInt
	default:
		w.Last = w.First
	}
	if step != "" {
		if w.Step, ok = number(step, maxWhen); !ok {
			return bad(fmt.Sprintf("STEP is a number from 1 to %d", maxWhen))
		}
	}
	return w, nil
}
