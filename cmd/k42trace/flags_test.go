package main

import (
	"slices"
	"strings"
	"testing"
)

// Whatever stands on the command line, it is understood or refused with one line.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{
		"-f -o x -e trace=open,%file -s 5 -xx -tt -T true", "-e inject=open:error=EIO:when=2+ -z true",
		"--absolute-timestamps=format:unix,precision:ns -r -X raw -a 3 true", "-c -S name -U calls,name -O 3us true",
		"-e read=1,2 -e write=!3 -P / --trace-fds=all -e fd=3 true", "--status=!failed -Z -q -q --quiet=all true",
		"-I always true", "-I never --tips=3,full -Y --kill-on-exit --syscall-limit=9 -b execve true", "-p 1,2 -k --route=direct",
		"-e signal=!usr1,9 -e raw=!all -e abbrev=none -e verbose=/^a true", "-ff -o|cat -A true", "--env=A=b -E A --argv0=x true",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Fields(s)
		for _, a := range args {
			// Those write, or ask other programs.
			if strings.HasPrefix(a, "-") && strings.ContainsAny(a, "hVu") {
				return
			}
		}
		var o options
		done, err := o.parse(slices.Clone(args))
		switch {
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("%q: an error of several lines: %v", args, err)
		case err == nil && !done && len(o.command) == 0 && len(o.attach) == 0:
			t.Errorf("%q: nothing to do, and no error", args)
		case err == nil && !done && o.calls == nil:
			t.Errorf("%q: no calls", args)
		}
	})
}
