package main

import (
	"bufio"
	"cmp"
	"fmt"
	"log"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A set is one set of sets.txt.
type set struct {
	name, prefix string
	enum         bool
	unknown      string // prefix of the comment, if another than the names'
	members      []member
}

// A member is one word of a set: a name with or without its value, or a pattern.
type member struct {
	name    string
	literal bool // the values are given here
	value   uint64
	arm64   uint64
	mask    uint64 // not 0: member of a field
	pattern bool
	without bool   // what matches is taken out
	header  string // where the name is defined, if not in the usual ones
	newer   bool   // than strace 6.1
}

func compare(a, b string) int { return cmp.Compare(a, b) }

func readSets(file string) ([]*set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var sets []*set
	names := map[string]bool{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if line[0] != '\t' {
			if len(words) != 3 || words[0] != "flags" && words[0] != "enum" || names[words[1]] {
				return nil, fmt.Errorf("%s:%d: bad or double set", file, n)
			}
			names[words[1]] = true
			sets = append(sets, &set{name: words[1], prefix: strings.TrimSuffix(words[2], "-"), enum: words[0] == "enum"})
			continue
		}
		if len(sets) == 0 {
			return nil, fmt.Errorf("%s:%d: no set begun", file, n)
		}
		members, err := parseMembers(words)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		s := sets[len(sets)-1]
		s.members = append(s.members, members...)
	}
	return sets, lines.Err()
}

func parseMembers(words []string) ([]member, error) {
	var mask uint64
	if words[0] == "field" {
		var err error
		if mask, err = strconv.ParseUint(strings.TrimSuffix(words[1], ":"), 0, 64); err != nil {
			return nil, err
		}
		words = words[2:]
	}
	var members []member
	for _, w := range words {
		if header, ok := strings.CutPrefix(w, "header:"); ok {
			header, prefix, ok := strings.Cut(header, ":")
			find := ioctlsOf
			if ok {
				find = func(header string) ([]string, error) { return constantsOf(header, prefix) }
			}
			names, err := find(header)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				members = append(members, member{name: name, header: header})
			}
			continue
		}
		m := member{mask: mask}
		w, m.newer = strings.CutPrefix(w, "+")
		name, value, literal := strings.Cut(w, "=")
		m.literal = literal
		if literal {
			value, arm64, two := strings.Cut(value, "/arm64:")
			v, err := strconv.ParseInt(value, 0, 64)
			if err != nil {
				return nil, err
			}
			m.value, m.arm64 = uint64(v), uint64(v)
			if two {
				if m.arm64, err = strconv.ParseUint(arm64, 0, 64); err != nil {
					return nil, err
				}
			}
		}
		m.name, m.without = strings.CutPrefix(name, "-")
		m.pattern = strings.Contains(name, "*") || m.without
		members = append(members, m)
	}
	return members, nil
}

type namedValue struct {
	name        string
	value, mask uint64
	newer       bool
}

// constants returns the set's members with their values, in order.
func (s *set) constants(sys, headers map[string]uint64, abi string) []namedValue {
	var list []namedValue
	seen := map[string]bool{}
	add := func(name string, value, mask uint64, newer bool) {
		if int64(value) < 0 && int64(value) >= -1<<31 {
			value = uint64(uint32(value)) // ints are compared as they are in the register
		}
		if !seen[name] {
			seen[name] = true
			list = append(list, namedValue{strings.ReplaceAll(name, "_or_", " or "), value, mask, newer})
		}
	}
	for _, m := range s.members {
		switch {
		case m.without:
			list = slices.DeleteFunc(list, func(c namedValue) bool { return match(m.name, c.name) })
		case m.pattern:
			var found []namedValue
			for _, name := range slices.Sorted(maps.Keys(sys)) {
				if match(m.name, name) {
					found = append(found, namedValue{name, sys[name], m.mask, m.newer})
				}
			}
			if len(found) == 0 {
				log.Fatalf("%s: %s matches nothing", s.name, m.name)
			}
			slices.SortStableFunc(found, func(a, b namedValue) int { return cmp.Compare(a.value, b.value) })
			for _, c := range found {
				add(c.name, c.value, c.mask, c.newer)
			}
		case m.literal:
			v := m.value
			if abi == "arm64" {
				v = m.arm64
			}
			// 0 for a name that has a value elsewhere: not in this ABI.
			if v == 0 && m.value != m.arm64 {
				continue
			}
			add(m.name, v, m.mask, m.newer)
		default:
			v, ok := sys[m.name]
			if !ok {
				v, ok = headers[m.name]
			}
			if !ok && m.header != "" {
				continue // another architecture's
			}
			if !ok {
				log.Fatalf("%s: no value for %s", s.name, m.name)
			}
			add(m.name, v, m.mask, m.newer)
		}
	}
	if s.enum {
		slices.SortStableFunc(list, func(a, b namedValue) int { return cmp.Compare(a.value, b.value) })
		list = slices.CompactFunc(list, func(a, b namedValue) bool { return a.value == b.value })
	}
	return list
}

func match(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}

func (s *set) goSource(sys, headers map[string]uint64, abi string) string {
	var b strings.Builder
	list := s.constants(sys, headers, abi)
	fmt.Fprintf(&b, "{Name: %q, Prefix: %q, ", s.name, s.prefix)
	if newer := newerBits(list); newer != 0 {
		fmt.Fprintf(&b, "Newer: %#x, ", newer)
	}
	b.WriteString("Consts: []Const{\n")
	for _, c := range list {
		fmt.Fprintf(&b, "{Name: %q, Value: %#x", c.name, c.value)
		if c.mask != 0 {
			fmt.Fprintf(&b, ", Mask: %#x", c.mask)
		}
		if c.newer {
			b.WriteString(", New: true")
		}
		b.WriteString("},\n")
	}
	b.WriteString("}},\n")
	return b.String()
}

// newerBits returns the bits that only newer names explain.
func newerBits(list []namedValue) (bits uint64) {
	for _, c := range list {
		if c.newer {
			bits |= c.value
		}
	}
	return bits
}
