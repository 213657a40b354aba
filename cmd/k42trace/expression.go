package main

import (
	"fmt"
	"slices"
	"strings"
)

// A qualifier is what -e NAME=VALUE may set; most have a long flag of their own.
type qualifier struct {
	names []string // the first is the one to show
	set   func(o *options, value string) error
}

// qualifiers are strace's.
var qualifiers = []qualifier{
	{[]string{"trace", "t"}, (*options).setTrace},
	{[]string{"trace-fds", "trace-fd", "fds", "fd"}, (*options).setTraceFDs},
	{[]string{"abbrev", "a"}, (*options).setAbbrev},
	{[]string{"verbose", "v"}, (*options).setVerbose},
	{[]string{"raw", "x"}, (*options).setRaw},
	{[]string{"signal", "signals", "s"}, (*options).setSignals},
	{[]string{"status"}, (*options).setStatus},
	{[]string{"read", "reads", "r"}, (*options).setReads},
	{[]string{"write", "writes", "w"}, (*options).setWrites},
	{[]string{"fault"}, (*options).addFault},
	{[]string{"inject"}, (*options).addInjection},
	{[]string{"quiet", "silent", "silence", "q"}, (*options).setQuiet},
	{[]string{"decode-fds", "decode-fd"}, (*options).setDecodeFDs},
	{[]string{"decode-pids", "decode-pid"}, (*options).setDecodePIDs},
	{[]string{"kvm"}, (*options).setKVM},
	{[]string{"namespace"}, (*options).setNamespace},
	{[]string{"secontext"}, (*options).setContexts},
}

// setExpression is -e.
func (o *options) setExpression(s string) error {
	name, value, found := strings.Cut(s, "=")
	if !found {
		return o.setTrace(s)
	}
	for _, q := range qualifiers {
		if slices.Contains(q.names, name) {
			return q.set(o, value)
		}
	}
	if strings.ContainsAny(name, "/!%,") {
		return o.setTrace(s) // a regular expression with a = in it
	}
	var all []string
	for _, q := range qualifiers {
		all = append(all, q.names[0]+"=")
	}
	return fmt.Errorf("unknown expression %q: there are %s", name+"=", strings.Join(all, ", "))
}
