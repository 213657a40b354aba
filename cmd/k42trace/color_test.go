package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

var escapes = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// coloured shows colours by the names of what they are for.
func coloured(p palette, s string) string {
	return escapes.ReplaceAllStringFunc(s, func(e string) string {
		for kind, codes := range p {
			if codes != "" && e == "\x1b["+codes+"m" {
				return "<" + paintNames[kind] + ":"
			}
		}
		return ">"
	})
}

func TestColors(t *testing.T) {
	p := palette{}
	p.parse("syscall=1:argname=2:argval=3:call=4:const=5:comment=6:punct=0:retval=8:error=9;1:nonsense=3:syscall=x")
	for _, test := range []struct{ line, want string }{
		{"close(3) = 0\n", "<syscall:close>(<argval:3>) = <retval:0>\n"},
		{`openat(AT_FDCWD, "/a\"b", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)` + "\n",
			`<syscall:openat>(<const:AT_FDCWD>, <argval:"/a\"b">, <const:O_RDONLY>|<const:O_CLOEXEC>)` +
				" = <error:-1 ENOENT (No such file or directory)>\n"},
		{"[pid     7] 12:00:01 fstat(3</etc/x>, {st_dev=makedev(0x1, 0x2), ...}) = 0 <0.1>\n",
			"[pid     7] 12:00:01 <syscall:fstat>(<argval:3><argval:</etc/x>>, {<argname:st_dev>=<call:makedev>(<argval:0x1>, <argval:0x2>), ...}) = <retval:0> <0.1>\n"},
		{"execve(\"/x\", [\"x\"], 0x7f /* 3 vars */) = 0\n", "<syscall:execve>(<argval:\"/x\">, [<argval:\"x\">], <argval:0x7f> <comment:/* 3 vars */>) = <retval:0>\n"},
		{"<... read resumed>\"a\", 3) = 1\n", "<... <syscall:read> resumed><argval:\"a\">, <argval:3>) = <retval:1>\n"},
		{"--- SIGCHLD {si_signo=SIGCHLD} ---\n+++ exited with 0 +++\n", "--- SIGCHLD {si_signo=SIGCHLD} ---\n+++ exited with 0 +++\n"},
	} {
		var out bytes.Buffer
		w := &painter{out: &out, palette: p}
		_, _ = w.Write([]byte(test.line))
		if got := coloured(p, out.String()); strings.ReplaceAll(got, "<argval:>", "") != test.want {
			t.Errorf("%q:\n%q, want\n%q", test.line, got, test.want)
		}
	}
}

// Nothing but colours is added to whatever is written, in whatever pieces.
func FuzzColors(f *testing.F) {
	f.Add("openat(AT_FDCWD, \"/a\", 0x3 /* x", " */) = -1 ENOENT (No)\nread(3, \"a\\")
	f.Add("[pid 3] <... x resumed>) = ", "3<a>\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "\x1b") {
			return
		}
		var out bytes.Buffer
		w := &painter{out: &out, palette: defaultPalette}
		_, _ = w.Write([]byte(a))
		_, _ = w.Write([]byte(b))
		if got := escapes.ReplaceAllString(out.String(), ""); got != a+b {
			t.Errorf("%q became %q", a+b, got)
		}
	})
}
