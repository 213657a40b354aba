package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
func TestStacksAsStrace(t *testing.T) { stacksAsStrace(t, dynamic64.program(t, "stacks")) }

// The functions of C++ programs have the names that strace gives them.
func TestNamesAsStrace(t *testing.T) {
	stacksAsStrace(t, variant{flags: []string{"g++", "-std=c++17"}}.program(t, "mangled"))
}

// Functions without names, of files that have lost them.
func TestStacksOfStripped(t *testing.T) {
	stacksAsStrace(t, variant{flags: []string{"-s"}}.program(t, "stacks"))
	stacksAsStrace(t, program{Path: lookTool(t, "git"), Args: []string{"--version"}})
}

func stacksAsStrace(t *testing.T, p program) {
	t.Helper()
	strace := lookTool(t, "strace")
	if out, _ := exec.Command(strace, "--version").Output(); !strings.Contains(string(out), "stack-trace=") {
		t.Skip("this strace shows no stacks")
	}
	p.TracerFlags = []string{"-k"}
	_, ours := p.trace(t, trap)
	file := filepath.Join(t.TempDir(), "strace")
	if out, err := exec.Command(strace, append([]string{"-f", "-k", "-o", file, p.Path}, p.Args...)...).CombinedOutput(); err != nil {
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

// -kk shows the lines of the source from where calls are made, --stack-trace-frame-limit=
// less of them.
func TestSourcesOfStacks(t *testing.T) {
	p := dynamic64.program(t, "stacks")
	source, err := sourceOf("stacks")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	written := strings.Split(string(text), "\n")
	p.TracerFlags = []string{"-kk", "--stack-trace-frame-limit=3", "-e", "trace=getpgid"}
	_, lines := p.trace(t, trap)
	place := regexp.MustCompile(`\((\w+)\+0x[0-9a-f]+\) \[0x[0-9a-f]+\] \S*/stacks\.c:(\d+)$`)
	frames, found, cut := 0, 0, 0
	for _, line := range lines {
		switch m := place.FindStringSubmatch(line); {
		case strings.HasPrefix(line, " > too many stack frames"):
			if cut++; frames != 3 {
				t.Errorf("%d frames", frames)
			}
		case !strings.HasPrefix(line, " > "):
			frames = 0
			continue
		case m != nil && m[1] == "deep":
			n, _ := strconv.Atoi(m[2])
			if found++; n > len(written) || !strings.Contains(written[n-1], "deep(") && !strings.Contains(written[n-1], "getpgid(") {
				t.Errorf("line %d calls nothing: %s", n, line)
			}
			fallthrough
		default:
			frames++
		}
	}
	if found == 0 || cut == 0 {
		t.Errorf("%d lines of the source, %d stacks cut:\n%s", found, cut, strings.Join(lines, "\n"))
	}
}
