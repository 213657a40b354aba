package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// laterFlags are strace's flags that this version does not have: to say so is
// better than "unknown flag". Those with a third field take an argument.
var laterFlags = [][3]string{
	{"", "kvm", "x"},
	{"", "namespace"},
	{"", "secontext"},
}

// laterExpressions are the same for -e NAME=.
var laterExpressions = []string{
	"kvm", "namespace",
}

// errLater is the error for a flag that comes later.
func errLater(what string) error {
	return fmt.Errorf("%s is not in this version of k42trace yet", what)
}

// isLater reports whether -e name= comes later.
func isLater(name string) bool { return slices.Contains(laterExpressions, name) }

func addLaterFlags(flags *pflag.FlagSet) {
	for _, f := range laterFlags {
		short, long := f[0], f[1]
		name := "--" + long
		if short != "" {
			name = "-" + short + "/" + name
		}
		flag := flags.VarPF(setter(func(string) error { return errLater(name) }), long, short, "")
		if f[2] == "" {
			flag.NoOptDefVal = " "
		}
		flag.Hidden = true
	}
}
