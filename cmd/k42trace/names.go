package main

import (
	"fmt"
	"strings"
)

// A namedBits is a bit, or several, with the name that a flag's argument has for it.
type namedBits[B ~uint8] struct {
	name string
	bits B
}

// parseNames reads a set: names with commas between them, or all, or none; a ! in front
// means all others.
func parseNames[B ~uint8](s string, names []namedBits[B]) (set B, err error) {
	var all B
	for _, n := range names {
		all |= n.bits
	}
	rest := strings.TrimLeft(s, "!")
	switch rest {
	case "all":
		set = all
	case "none":
	default:
		for word := range strings.SplitSeq(rest, ",") {
			bits, err := bitsOf(word, names)
			if err != nil {
				return 0, err
			}
			set |= bits
		}
	}
	if (len(s)-len(rest))%2 == 1 {
		set = all &^ set
	}
	return set, nil
}

func bitsOf[B ~uint8](word string, names []namedBits[B]) (B, error) {
	var known []string
	for _, n := range names {
		if n.name == word {
			return n.bits, nil
		}
		known = append(known, n.name)
	}
	return 0, fmt.Errorf("%q is none of %s; or all, or none", word, strings.Join(known, ", "))
}
