package table

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// An UnknownNameError is ParseSet's error for what names no system call.
type UnknownNameError struct {
	Name    string // as it was given
	Nearest string // a name that may have been meant, "" if none is near
}

// Error names the nearest name too, or says what there is.
func (e *UnknownNameError) Error() string {
	what, want := "system call", "a name, such as openat, a number, a class, such as %file, or a /regular expression"
	if strings.HasPrefix(e.Name, "%") {
		what, want = "class of system calls", "%"+strings.Join(namesOfClasses(), ", %")
	}
	if e.Nearest == "" {
		return fmt.Sprintf("unknown %s %q, want %s", what, e.Name, want)
	}
	return fmt.Sprintf("unknown %s %q, did you mean %q?", what, e.Name, e.Nearest)
}

// ParseSet reads a set of calls in the language of strace's -e trace=: items
// separated by commas, with "!" in front to mean all calls but those. An item is
//
//	openat          a name, in every ABI that has it
//	257             a number, in every ABI that has it
//	%file           a class (bare for the oldest of them: file)
//	/^open          a regular expression for names, a second / at its end is
//	                optional; it cannot contain a comma
//	all             every call, also those that have no name; none: no call
//
// and may have "?" in front, to be skipped if it names nothing, and @64, @32 or
// @x32 behind it, for the 64-bit ABIs, i386, or x32 alone.
//
// A name means also what i386's socketcall(2) and ipc(2) stand for: see Set.HasCall.
//
// Names and classes contain no unknown numbers; "all" and "!" do.
//
// The error for what names nothing is an *UnknownNameError.
func ParseSet(s string) (*Set, error) {
	rest := strings.TrimLeft(s, "!")
	invert := (len(s)-len(rest))%2 == 1
	set := &Set{}
	if rest != "none" {
		items := 0
		for item := range strings.SplitSeq(rest, ",") {
			if item == "" {
				continue
			}
			items++
			if err := addItem(set, item); err != nil {
				return nil, err
			}
		}
		if items == 0 {
			return nil, fmt.Errorf("no system call in %q", s)
		}
	}
	if invert {
		return set.complement(), nil
	}
	return set, nil
}

// complement returns the set of all calls that are not in s.
func (s *Set) complement() *Set {
	c := &Set{}
	for abi := range NumABI {
		for nr, sig := range byNumber[abi] {
			if sig != nil && !s.Has(abi, nr) {
				c.Add(abi, nr)
			}
		}
		c.other[abi] = !s.other[abi]
	}
	var all Set
	all.addFolded(func(string, Class) bool { return true })
	c.folded = all.folded &^ s.folded
	return c
}

// addItem adds what one item of a pattern names.
func addItem(set *Set, item string) error {
	name, optional := strings.CutPrefix(item, "?")
	only, name, err := cutABI(strings.TrimLeft(name, "?"))
	if err != nil {
		return err
	}
	found, err := addNamed(set, name, only)
	if err != nil || found || optional {
		return err
	}
	return &UnknownNameError{Name: item, Nearest: nearest(name)}
}

// allABIs is what an item without @ stands for.
const allABIs = 1<<NumABI - 1

// cutABI takes the @suffix off an item and returns the ABIs that it allows, as
// bits.
func cutABI(item string) (only uint, name string, err error) {
	name, suffix, found := strings.Cut(item, "@")
	if !found {
		return allABIs, item, nil
	}
	switch suffix {
	case "64":
		return 1<<AMD64 | 1<<ARM64, name, nil
	case "32":
		return 1 << I386, name, nil
	case "x32":
		return 1 << X32, name, nil
	}
	return 0, "", fmt.Errorf("unknown ABI %q in %q, want 64, 32 or x32", suffix, item)
}

// addNamed adds the calls that an item without ? and @ names, in the ABIs of
// only, and reports whether there are any.
func addNamed(set *Set, name string, only uint) (found bool, err error) {
	if name == "all" {
		for abi := range NumABI {
			if only&(1<<abi) != 0 {
				set.AddUnknown(abi)
			}
		}
		return addWhere(set, only, func(int, string, Class) bool { return true }), nil
	}
	if expr, ok := strings.CutPrefix(name, "/"); ok {
		re, err := compile(strings.TrimSuffix(expr, "/"))
		if err != nil {
			return false, err
		}
		return addWhere(set, only, func(_ int, name string, _ Class) bool { return re.MatchString(name) }), nil
	}
	class, ok := bareClass(name)
	if after, percent := strings.CutPrefix(name, "%"); percent {
		class, ok = classNamed(after)
	}
	if ok {
		return addWhere(set, only, func(_ int, _ string, of Class) bool { return of&class != 0 }), nil
	}
	if nr, err := strconv.ParseUint(name, 10, 31); err == nil {
		return addWhere(set, only, func(n int, _ string, _ Class) bool { return n == int(nr) }), nil
	}
	for abi := range NumABI {
		if nr := number(abi, name); nr >= 0 && only&(1<<abi) != 0 {
			set.Add(abi, nr)
			found = true
		}
	}
	if only&(1<<I386) != 0 && set.addFolded(func(n string, _ Class) bool { return n == name }) {
		found = true
	}
	return found, nil
}

// addWhere adds the known calls of the ABIs in only for which match is true; the number is -1 of
// those that i386's socketcall and ipc stand for.
func addWhere(set *Set, only uint, match func(nr int, name string, class Class) bool) (found bool) {
	for abi := range NumABI {
		if only&(1<<abi) == 0 {
			continue
		}
		for nr, sig := range byNumber[abi] {
			if sig != nil && match(nr, sig.Name, sig.Class) {
				set.Add(abi, nr)
				found = true
			}
		}
	}
	if only&(1<<I386) != 0 && set.addFolded(func(name string, class Class) bool { return match(-1, name, class) }) {
		found = true
	}
	return found
}

// compile is regexp.Compile with an error of one line that does not repeat
// Go's vocabulary.
func compile(expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		var s *syntax.Error
		if errors.As(err, &s) {
			return nil, fmt.Errorf("bad regular expression %q: %s: %q", expr, s.Code, s.Expr)
		}
		return nil, fmt.Errorf("bad regular expression %q: %w", expr, err)
	}
	return re, nil
}
