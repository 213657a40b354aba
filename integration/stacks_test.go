package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stacksOf returns what -k shows: for each call and signal whose line matches, the names
// of its stack's functions.
func stacksOf(lines []string, match string) (stacks [][]string) {
	pattern := regexp.MustCompile(match)
	function := regexp.MustCompile(`^ > (\S+?)\(([^+]*)(\+0x[0-9a-f]+)?\) \[0x[0-9a-f]+\]$`)
	in := false
	for _, line := range lines {
		f := function.FindStringSubmatch(line)
		switch {
		case f == nil:
			if in = pattern.MatchString(line); in {
				stacks = append(stacks, nil)
			}
		case in:
			last := &stacks[len(stacks)-1]
			name := f[2]
			if name == "" {
				name = filepath.Base(f[1])
			}
			*last = append(*last, name)
		}
	}
	return stacks
}

func TestStacks(t *testing.T) {
	for _, v := range []variant{dynamic64, static64, dynamic32,
		{name: "no PIE", flags: []string{"-no-pie"}}, {name: "static PIE", flags: []string{"-static-pie"}},
		{name: "frame pointers only", flags: []string{"-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			p := v.program(t, "stacks")
			p.TracerFlags = []string{"-k", "-e", "trace=getpgid,getppid,getsid,exit_group"}
			_, lines := p.trace(t, trap)
			for _, test := range []struct {
				line  string
				names string // in this order, among others
			}{
				{`getpgid\(0\)`, "getpgid deep deep deep deep main _start"},
				{`getppid\(`, "compare main _start"},
				{`--- SIGUSR1`, "main _start"},
				{`getpgid\(-1\)`, "handle main _start"},
				{`getsid\(0\)`, "[anon] main _start"},
				{`getpgid\(1\)`, "syscall main _start"},
				{`exited with 0`, "exit _start"},
			} {
				stacks := stacksOf(lines, test.line)
				if len(stacks) == 0 {
					t.Errorf("no line %s:\n%s", test.line, strings.Join(lines, "\n"))
					continue
				}
				for _, s := range stacks {
					rest := s
					for _, name := range strings.Fields(test.names) {
						i := slices.IndexFunc(rest, func(x string) bool {
							return strings.TrimLeft(x, "_") == strings.TrimLeft(name, "_") || strings.HasPrefix(x, name+".")
						})
						if i < 0 {
							t.Errorf("the stack of %s has no %s: %v", test.line, name, s)
							break
						}
						rest = rest[i+1:]
					}
				}
			}
		})
	}
}

// TestStacksAsStrace compares with strace, as far as it gets.
func TestStacksAsStrace(t *testing.T) {
	strace := lookTool(t, "strace")
	if out, _ := exec.Command(strace, "--version").Output(); !strings.Contains(string(out), "stack-trace=") {
		t.Skip("this strace shows no stacks")
	}
	p := dynamic64.program(t, "stacks")
	p.TracerFlags = []string{"-k"}
	_, ours := p.trace(t, trap)
	file := filepath.Join(t.TempDir(), "strace")
	if out, err := exec.Command(strace, "-f", "-k", "-o", file, p.Path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	// The call of the code made at run time: strace goes no further there.
	frames := func(lines []string) (kept []string) {
		made := false
		for _, line := range lines {
			if !strings.HasPrefix(line, " > ") {
				if made = strings.Contains(line, "getsid("); made {
					continue
				}
				_, line, _ = strings.Cut(line, " ") // the id in front
				line, _, _ = strings.Cut(strings.TrimSpace(line), "(")
				line, _, _ = strings.Cut(line, "{")
			}
			if !made {
				kept = append(kept, line)
			}
		}
		return kept
	}
	if diff := cmp.Diff(frames(theirs), frames(ours)); diff != "" {
		t.Errorf("strace's (-) and ours (+) differ:\n%s", diff)
	}
}
