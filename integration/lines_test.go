package integration

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Programs whose processes have one thread each: by the direct route their traces
// have exactly the lines that the trap route prints.

// tracedLine is a line of a trace to a file: an id, and what its process did.
var tracedLine = regexp.MustCompile(`^(\d+) +(.*)$`)

// What differs between two runs of one program, whatever the route.
var changing = []struct {
	pattern *regexp.Regexp
	instead string
}{
	// Where libraries, stacks and programs are. (Those that are not position-independent
	// have their heap where setarch -R keeps it.)
	{regexp.MustCompile(`0x[57][0-9a-f]{11}\b`), "ADDRESS"},
	{regexp.MustCompile(`^(getppid\(\) += |getpgid\(0\) += |getpgrp\(\) += |getsid\(0\) += )\d+`), "${1}OTHER"},
	{regexp.MustCompile(`^(getrandom\()"[^"]*"(\.\.\.)?`), `${1}RANDOM`},
	{regexp.MustCompile(`\b(f_bfree|f_bavail|f_ffree|tv_sec|tv_nsec|st_[amc]time|st_[amc]time_nsec|si_utime|si_stime|tv_usec|ru_\w+)=-?\d+`), "$1=N"},
	{regexp.MustCompile(`^(getcpu\(\[)\d+`), "${1}N"},
	{regexp.MustCompile(`^(sysinfo\().*(\) += )`), "${1}...$2"},
	{regexp.MustCompile(`^(times\(\{).*(\}\) += ).*`), "${1}...${2}N"},
	{regexp.MustCompile(`/tmp/cc\w{6}|/\.git/t\w{6}\b|tmp_obj_\w{6}`), "NAME"},
	// The column in which results stand depends on all of these.
	{regexp.MustCompile(`\) += `), ") = "},
}

// masked returns the lines of each process, in the order in which they were made,
// without what changes from run to run.
func masked(lines []string) [][]string {
	perProcess := map[int][]string{}
	for _, line := range lines {
		m := tracedLine.FindStringSubmatch(line)
		if m == nil {
			perProcess[0] = append(perProcess[0], line) // of no process: never right
			continue
		}
		pid, _ := strconv.Atoi(m[1])
		perProcess[pid] = append(perProcess[pid], m[2])
	}
	var pids []int
	for pid := range perProcess {
		pids = append(pids, pid)
	}
	// In the order in which they were made: ids begin anew behind the highest.
	first := 0
	if m := tracedLine.FindStringSubmatch(lines[0]); m != nil {
		first, _ = strconv.Atoi(m[1])
	}
	slices.SortFunc(pids, func(a, b int) int {
		if (a < first) != (b < first) {
			return cmpBool(a < first)
		}
		return a - b
	})
	number := map[string]string{}
	for i, pid := range pids {
		number[strconv.Itoa(pid)] = fmt.Sprintf("PROCESS%d", i)
	}
	var all [][]string
	for _, pid := range pids {
		if len(pids) > 1 {
			perProcess[pid] = joined(perProcess[pid])
		}
		var own []string
		random, maps := false, false // it is reading /dev/urandom, or /proc/self/maps, where exec.so shows
		for _, line := range perProcess[pid] {
			if len(pids) > 1 && childEnded.MatchString(line) || bias.MatchString(line) {
				continue
			}
			for _, c := range changing {
				line = c.pattern.ReplaceAllString(line, c.instead)
			}
			switch {
			case strings.HasPrefix(line, "openat("):
				random = strings.Contains(line, `"/dev/urandom"`)
				maps = strings.Contains(line, `"/proc/self/maps"`)
			case maps && strings.HasPrefix(line, "read("):
				continue
			case random:
				line = quoted.ReplaceAllString(line, "RANDOM")
			}
			for _, place := range idPlaces {
				at := place.FindStringSubmatchIndex(line)
				if at == nil {
					continue
				}
				if name, ok := number[line[at[2]:at[3]]]; ok {
					line = line[:at[2]] + name + line[at[3]:]
				}
			}
			own = append(own, line)
		}
		all = append(all, own)
	}
	return all
}

var (
	quoted = regexp.MustCompile(`"([^"\\]|\\.)*"`)
	// A child's end comes before the wait or after it, and its handler goes back to
	// whatever that was.
	childEnded = regexp.MustCompile(`^(--- SIGCHLD|rt_sigreturn\()`)
	// mkstemp(3) tries until a number is below a bound.
	bias = regexp.MustCompile(`^getrandom\(.*, 8, GRND_NONBLOCK\)`)
	// idPlaces are where a number is that of a process.
	idPlaces = []*regexp.Regexp{
		regexp.MustCompile(`^(?:get\w*id|getpgrp|clone3?|v?fork|wait4|waitid|set_tid_address|setsid)\(.*\) = (\d+)$`),
		regexp.MustCompile(`^(?:\w*kill|wait4|waitid|\w*sigqueueinfo|process_\w+|pidfd_open|kcmp|sched_\w+|prlimit64|[gs]etpgid|\w+_pages)\((?:P_PID, )?(\d+)\b`),
		regexp.MustCompile(`^(?:tgkill|rt_tgsigqueueinfo|setpgid|kcmp)\(\w+, (\d+)\b`),
		regexp.MustCompile(`(?:si_pid=|tid=\[?|l_pid=|PGRP, \[)(\d+)\b`),
	}
)

// cmpBool is 1 for true and -1 for false.
func cmpBool(b bool) int {
	if b {
		return 1
	}
	return -1
}

var resumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)

// joined makes whole lines of those between whose halves came lines of other
// processes. A program of one process has no such lines.
func joined(lines []string) []string {
	var whole []string
	half := -1
	for _, line := range lines {
		if begin, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			half = len(whole)
			whole = append(whole, begin)
		} else if end := resumed.FindString(line); end != "" && half >= 0 {
			whole[half] += line[len(end):]
			half = -1
		} else {
			whole = append(whole, line)
		}
	}
	return whole
}

// compareLines compares what the routes print of a program. Where the program's own
// runs differ, what the direct route prints has to be something that the trap
// route prints in one of several runs.
func (p program) compareLines(t *testing.T) {
	t.Helper()
	if r := routes(); !slices.Contains(r, trap) || !slices.Contains(r, direct) {
		t.Skip("needs both routes")
	}
	direct.need(t)
	setarch := lookTool(t, "setarch")
	p.Warm = false // by the trap route too
	p.Args = append([]string{"-R", p.Path}, p.Args...)
	p.Path = setarch
	p.Dir = t.TempDir()
	run := func(r route) (outcome, [][]string) {
		t.Helper()
		empty(t, p.Dir)
		o, lines := p.trace(t, r)
		return o, masked(lines)
	}
	_, got := run(direct)
	if n := linesOf(got); n < 100 {
		t.Errorf("only %d lines", n)
	}
	var diff string
	const times = 5
	for range times {
		_, want := run(trap)
		d := cmp.Diff(want, got)
		if d == "" {
			return
		}
		if diff == "" || len(d) < len(diff) {
			diff = d
		}
	}
	t.Errorf("of %d runs by the trap route (-), this is the one most like that by the direct route (+):\n%s", times, diff)
}

func linesOf(processes [][]string) (n int) {
	for _, p := range processes {
		n += len(p)
	}
	return n
}

func TestLinesOfPrograms(t *testing.T) {
	for _, c := range []struct {
		name   string
		needs  []string
		script string // what dash is to do; it executes the last command itself
	}{
		{"ls", nil, `exec ls -laR /etc`},
		{"find", nil, `exec find /usr/include /etc -type f -size +1k`},
		{"cat", nil, `exec cat /etc/services /nonexistent /etc/passwd /usr/include/stdio.h /dev/null /usr/include/*.h`},
		{"cp and wc", nil, `cp -r /usr/include/linux copy; wc -c copy/*.h; mv copy moved; rm -r moved`},
		{"grep", nil, `exec grep -r define /usr/include/linux`},
		{"sort", nil, `exec sort --parallel=1 -S 64M /usr/include/linux/*.h`},
		{"tar", []string{"tar"}, `exec tar -cf all.tar -C /usr/include linux asm-generic`},
		{"python3", []string{"/usr/bin/python3"}, `exec /usr/bin/python3 -S -c 'import os
for i in range(300):
    os.stat("/etc"); os.path.exists("/nonexistent%d" % i)
    with open("/etc/passwd") as f: f.read()
    try: os.read(99, 10)
    except OSError: pass
    os.write(1, b"x%d" % i); os.getcwd(); os.listdir("."); os.access("/", os.W_OK)
print(sum(range(100)))'`},
		{"perl", []string{"perl"}, `exec perl -e 'for my $i (1..300) { stat "/etc"; open my $f, "<", "/etc/passwd"; my @l = <$f>; close $f; mkdir "d$i"; rename "d$i", "e$i"; rmdir "e$i"; symlink "a$i", "l$i"; readlink "l$i"; unlink "l$i" }'`},
		{"sqlite3", []string{"sqlite3"}, `exec sqlite3 db 'pragma journal_mode=off; create table t(a integer primary key, b text); with recursive c(x) as (select 1 union all select x+1 from c where x < 3000) insert into t select x, hex(x) from c; create index i on t(b); select count(*), sum(a) from t; delete from t where a % 3; vacuum; pragma integrity_check'`},
		{"git", []string{"git"}, `git init -q repo; cd repo; for i in 1 2 3 4 5 6 7 8; do echo $i >f$i; git hash-object -w f$i; done; exec git fsck --no-progress`},
		{"gcc -c", []string{"gcc"}, `printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { puts("x"); return 0; }\n' >main.c; exec gcc -O1 -c main.c`},
		{"dash", nil, `i=0; while test $i -lt 60; do i=$((i+1)); echo $i >file; read x <file; cd /tmp; cd "$OLDPWD"; test -r file; test -e none; done; umask 022; ulimit -n; x=$(echo sub); pwd`},
		{"forks of dash", nil, `i=0; while test $i -lt 20; do i=$((i+1)); (cd /; test -d etc); /bin/true; done`},
		{"bash", nil, `exec bash --norc -c 'for i in {1..60}; do echo $i >file; read x <file; cd /tmp; cd - >/dev/null; [[ -r file && ! -e none ]]; done; kill -l >/dev/null'`},
		{"awk", nil, `exec awk '{n += length} END {print n; while (("/etc/passwd") > 0 && (getline l < "/etc/passwd") > 0) n++; print n}' /usr/include/linux/*.h`},
		{"make", []string{"make"}, `i=0; while test $i -lt 30; do i=$((i+1)); echo "t$i: ; @true" >>Makefile; echo "all: t$i" >>Makefile; done; exec make -s -f Makefile -rR all`},
		{"dd", nil, `exec dd if=/dev/zero of=block bs=100 count=500 status=none`},
		{"openssl", []string{"openssl"}, `exec openssl dgst -sha256 /etc/services /etc/passwd`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, tool := range c.needs {
				lookTool(t, tool)
			}
			program{Path: lookTool(t, "dash"), Args: []string{"-c", c.script}, Env: []string{"LC_ALL=C"}}.compareLines(t)
		})
	}
}

// Calls with arguments of every kind, right ones and bad ones, and strings of any
// length shown of them.
func TestLinesOfCalls(t *testing.T) {
	for _, flags := range [][]string{nil, {"-s", "0"}, {"-s", "1000"}, {"-x"}, {"-xx"}} {
		t.Run(strings.Join(append([]string{"calls"}, flags...), " "), func(t *testing.T) {
			p := warm64.program(t, "calls")
			p.TracerFlags = flags
			p.compareLines(t)
		})
	}
	for _, c := range []string{"each", "strings"} {
		t.Run(c, func(t *testing.T) { warm64.program(t, "badpointers", c).compareLines(t) })
	}
}
