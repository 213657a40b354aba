package integration

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Commands that people trace, under strace and under k42trace: their lines are the same.

// A tracedCommand is one of them. It runs in a new directory, always of the same name.
type tracedCommand struct {
	name  string
	needs []string // programs without which it is skipped
	files map[string]string
	setup string   // for sh, in the directory, not traced
	argv  []string // what is traced; SERVER in it stands for the address of an HTTP server
	// random is what the command draws by lot, or makes of the time: $1 and $2 are left.
	random []*regexp.Regexp
	// differs are lines that are not the same each time, and why; the command's own in
	// addition to differsAnywhere.
	differs []expected
}

// expected is a difference that is known.
type expected struct {
	pattern *regexp.Regexp
	why     string
}

var tracedCommands = []tracedCommand{
	{name: "ls", argv: []string{"ls", "-la", "/", "/etc", "/usr/lib", "/nonexistent"}},
	{name: "find", argv: []string{"find", "/usr/include/linux", "-name", "*.h", "-size", "+40k", "-newermt", "1970-01-01"}},
	{name: "git commit", needs: []string{"git"}, setup: "git init -q . && seq 1000 >file && git add file && git commit -qm one && seq 2000 >file",
		argv: []string{"git", "commit", "-qam", "two"}, random: []*regexp.Regexp{
			regexp.MustCompile(`(/tmp_obj_)\w{6}()`),
			regexp.MustCompile(`^(read\(\d+, )"` + inQuotes + `"(, 8\) = 8)$`),              // /dev/urandom
			regexp.MustCompile(`^(write\(\d+, )"(?:DIRC)?` + inQuotes + `"(\.*, 117|, 20)`), // times of files, a hash of them
		}},
	{name: "git log", needs: []string{"git"}, setup: "git init -q . && for i in 1 2 3 4 5; do echo $i >file; git add file; git commit -qm $i; done",
		argv: []string{"git", "log", "--stat", "-p"}},
	{name: "python3", needs: []string{"python3"}, files: map[string]string{"script.py": commandPython}, argv: []string{"PYTHON", "-S", "script.py"}},
	{name: "curl", needs: []string{"curl"}, argv: []string{"curl", "-sS", "-o", "got", "-H", "X-Some: header", "SERVER/some/page"},
		random: []*regexp.Regexp{regexp.MustCompile(`^(getsockname\(\d+, .*htons\()\d+()`)},
		differs: []expected{
			{regexp.MustCompile(`^rt_sigaction\(SIGPIPE|^(recvfrom|sendto|getsockopt|connect|fcntl)\(`), "as many rounds as the answer takes to arrive"},
		}},
	{name: "gcc", needs: []string{"gcc"}, files: map[string]string{"main.c": cProgram, "part.c": cPart}, argv: []string{"gcc", "-O1", "-o", "prog", "main.c", "part.c"}},
	{name: "sqlite3", needs: []string{"sqlite3"}, argv: []string{"sqlite3", "test.db", commandSQL},
		random: []*regexp.Regexp{
			regexp.MustCompile(`^(read\(\d+, )"` + inQuotes + `"(\.\.\., 44\) = 44)$`),                   // /dev/urandom
			regexp.MustCompile(`^(pwrite64\(\d+, )"` + inQuotes + `"(\.\.\., 512, 0|, 4, \d+)\) = \d+$`), // the journal's nonce, and sums with it
		}},
	{name: "pipeline", argv: []string{"sh", "-c", "ls -lR /usr/include/linux | sort -k 5 -rn | tail -n 500 | tr 0-9 a-j | (wc -l; echo done) >out; cat out; grep -rc define /usr/include/asm-generic | md5sum"}},
	{name: "tar", argv: []string{"sh", "-c", "tar -C /usr/include -cf t.tar asm-generic && tar -xf t.tar && rm -r asm-generic && cp t.tar copy && cmp t.tar copy"}},
}

const commandPython = `import hashlib, json, os, socket, subprocess, threading
open("file", "w").write("text\n" * 1000)
print(hashlib.sha256(open("file", "rb").read()).hexdigest())
print(json.dumps({n: os.stat(n).st_size for n in sorted(os.listdir("."))}))
print(subprocess.run(["echo", "from a child"], capture_output=True).stdout)
t = threading.Thread(target=lambda: os.getppid()); t.start(); t.join()
a, b = socket.socketpair(); a.send(b"x" * 100); print(len(b.recv(1000)))
try: open("/nonexistent")
except OSError as e: print(e)
`

const commandSQL = `create table t(a integer primary key, b text); begin; insert into t(b) values('one'),('two'),('three'); commit;
create index i on t(b); select count(*), max(b) from t; update t set b = b || '!' where a > 1; vacuum; select * from t order by b;`

// differsAnywhere are lines that differ from one run under strace to the next as well.
var differsAnywhere = []expected{
	{regexp.MustCompile(`^futex\(`), "threads meet, or do not"},
	{regexp.MustCompile(`^(sched_yield|restart_syscall)\(`), "threads meet, or do not"},
	{regexp.MustCompile(`^--- SIGCHLD |^rt_sigreturn\(`), "a child ends sooner or later"},
	{regexp.MustCompile(`^(read|write|pread64|poll|ppoll|select|pselect6|splice|copy_file_range)\(`), "pipes and sockets have as much in them as they happen to have"},
	{regexp.MustCompile(`^(wait4|waitid)\(`), "a child ends sooner or later"},
	{regexp.MustCompile(`^getrandom\(`), "drawn again, where the first name would not do"},
	{regexp.MustCompile(`^clock_nanosleep\(|^nanosleep\(`), "as often as it takes"},
}

// leastSame is the part of the lines that have to be the same, in percent.
const leastSame = 99

func TestCommandsAsStrace(t *testing.T) {
	strace := lookTool(t, "strace")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		fmt.Fprintf(w, "%s %s\n%s", r.Method, r.URL, strings.Repeat("x", 3000))
	}))
	defer server.Close()
	all, same := map[route]int{}, map[route]int{}
	for _, c := range tracedCommands {
		t.Run(c.name, func(t *testing.T) {
			for _, tool := range c.needs {
				lookTool(t, tool)
			}
			argv := c.command(t, server.URL)
			theirs := c.run(t, append([]string{strace, "-ff"}, "-o"), argv)
			onEachRoute(t, func(t *testing.T, r route) {
				var d difference
				// What differs from run to run may differ more than once in a while.
				for range 5 {
					if d = compareLines(theirs, c.run(t, append(r.command(t), "-ff", "-o"), argv)); c.judge(d) == "" {
						break
					}
					theirs = c.run(t, append([]string{strace, "-ff"}, "-o"), argv)
				}
				t.Logf("%d of %d lines are the same: %.2f %%", d.same, d.lines, d.percent())
				for _, line := range d.differing {
					t.Logf("%s   [%s]", line, c.why(line))
				}
				if complaint := c.judge(d); complaint != "" {
					t.Error(complaint)
				}
				all[r] += d.lines
				same[r] += d.same
			})
		})
	}
	for r := range all {
		t.Logf("of all commands by the %s route: %d of %d lines, %.2f %%", r, same[r], all[r], 100*float64(same[r])/float64(all[r]))
	}
}

// command is what is traced.
func (c *tracedCommand) command(t *testing.T, server string) (argv []string) {
	for _, arg := range c.argv {
		if arg == "PYTHON" { // not a script that finds one
			p := program{Path: lookTool(t, "python3"), Args: []string{"-c", "import sys; print(sys.executable)"}}
			arg = strings.TrimSpace(p.native(t).Stdout)
		}
		argv = append(argv, strings.Replace(arg, "SERVER", server, 1))
	}
	return argv
}

// run runs the command under a tracer that writes a file for each thread, and returns the
// lines of each, masked, in the order in which they were created.
func (c *tracedCommand) run(t *testing.T, tracer, argv []string) (threads [][]string) {
	t.Helper()
	dir := filepath.Join(workDir, "command")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range c.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(gitEnv, "LC_ALL=C", "TMPDIR="+dir, "GIT_PAGER=cat")
	if c.setup != "" {
		p := program{Path: "/bin/sh", Args: []string{"-ec", c.setup}, Dir: dir, Env: env}
		p.native(t).mustExit(t, 0)
	}
	traces := t.TempDir()
	whole := append([]string{lookTool(t, "setarch"), "-R"}, tracer...)
	whole = append(append(whole, filepath.Join(traces, "t"), "--"), argv...)
	o := program{Dir: dir, Env: env}.run(t, c.name, "", whole)
	if o.Status.Signaled() {
		t.Fatalf("%v: %s\n%s", whole, describe(o.Status), o.Stderr)
	}
	files, err := filepath.Glob(filepath.Join(traces, "t.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v\n%s", err, o.Stderr)
	}
	threads = inOrder(t, files)
	for _, lines := range threads {
		for i := range lines {
			for _, r := range c.random {
				lines[i] = r.ReplaceAllString(lines[i], "${1}RANDOM$2")
			}
		}
	}
	return threads
}

// inQuotes is what stands between quotation marks.
const inQuotes = `(?:[^"\\]|\\.)*`

var (
	creates = regexp.MustCompile(`^(?:clone|clone3|fork|vfork)\(.* = (\d+)$`)
	padding = regexp.MustCompile(`\) += `)
)

// linesOfThreads reads what -ff has written, by the threads' ids.
func linesOfThreads(t *testing.T, files []string) map[string][]string {
	t.Helper()
	lines := map[string][]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tid := strings.TrimPrefix(filepath.Ext(name), ".")
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			lines[tid] = append(lines[tid], padding.ReplaceAllString(s.Text(), ") = "))
		}
	}
	return lines
}

// inOrder returns the lines of the files of threads, masked, parents before children.
func inOrder(t *testing.T, files []string) (threads [][]string) {
	t.Helper()
	lines := linesOfThreads(t, files)
	isChild := map[string]bool{}
	for _, of := range lines {
		for _, line := range of {
			if m := creates.FindStringSubmatch(line); m != nil {
				isChild[m[1]] = true
			}
		}
	}
	var order []string
	var visit func(tid string)
	visit = func(tid string) {
		order = append(order, tid)
		for _, line := range lines[tid] {
			if m := creates.FindStringSubmatch(line); m != nil && lines[m[1]] != nil {
				visit(m[1])
			}
		}
	}
	for tid := range lines {
		if !isChild[tid] {
			visit(tid)
		}
	}
	if len(order) != len(files) {
		t.Fatalf("%d threads, of which %d have been created by one of them", len(files), len(order)-1)
	}
	return maskedThreads(lines, order)
}

// threadsByID returns the lines of threads, masked, in the order in which they were created,
// unless ids have begun anew.
func threadsByID(lines map[string][]string) [][]string {
	return maskedThreads(lines, slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	}))
}

// maskedThreads returns the lines of threads in that order.
func maskedThreads(lines map[string][]string, order []string) (threads [][]string) {
	number := map[string]string{}
	for i, tid := range order {
		number[tid] = fmt.Sprintf("THREAD%d", i)
	}
	for _, tid := range order {
		var all []string
		for _, line := range lines[tid] {
			all = append(all, mask(line, number))
		}
		threads = append(threads, all)
	}
	return threads
}

// What is another one each time: masks have to leave everything else.
var masks = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`0x[0-9a-f]{7,}`), "ADDRESS"},
	{regexp.MustCompile(`(tv_sec|tv_nsec|tv_usec|tms_[cu]?[us]time)=-?\d+`), "$1=N"},
	{regexp.MustCompile(`(st_[amc]time|stx_[amcb]time)=[^,}]*`), "$1=T"},
	{regexp.MustCompile(`(getrandom\()"` + inQuotes + `"`), "${1}RANDOM"},
	{regexp.MustCompile(`(si_[us]time)=\d+( /\* [0-9.]+ s \*/)?`), "$1=N"},
	{regexp.MustCompile(`(getppid\(\)|times\(.*\)|getpgrp\(\)|getsid\(.*\)|getpgid\(.*\)) = \d+`), "$1 = N"},
	{regexp.MustCompile(`(f_b(?:locks|free|avail)|f_f(?:iles|free)|freeram|loads|uptime|sharedram|bufferram|freeswap|procs)=(\[[^]]*\]|\d+)`), "$1=N"},
	{regexp.MustCompile(`\d{8}\.\d{8}`), "MARK"}, // program.run's
	{regexp.MustCompile(`/cc[A-Za-z0-9]{6}\b`), "/ccRANDOM"},
}

var decimal = regexp.MustCompile(`\b\d+\b`)

func mask(line string, numbers map[string]string) string {
	for _, m := range masks {
		line = m.pattern.ReplaceAllString(line, m.instead)
	}
	return decimal.ReplaceAllStringFunc(line, func(n string) string {
		if name := numbers[n]; name != "" {
			return name
		}
		return n
	})
}

// difference is what compareLines has found.
type difference struct {
	lines, same int
	differing   []string // with a - or + in front
}

func (d difference) percent() float64 { return 100 * float64(d.same) / float64(max(d.lines, 1)) }

// judge says what is wrong, "" if nothing is.
func (c *tracedCommand) judge(d difference) string {
	if d.lines < 50 {
		return fmt.Sprintf("only %d lines", d.lines)
	}
	if d.percent() < leastSame {
		return fmt.Sprintf("%.2f %% of the lines are the same, less than %d %%", d.percent(), leastSame)
	}
	unexplained := 0
	for _, line := range d.differing {
		if c.why(line) == "?" {
			unexplained++
		}
	}
	if unexplained > 0 {
		return strconv.Itoa(unexplained) + " lines differ without a known reason"
	}
	return ""
}

// why says why a line differs, "?" if nobody knows.
func (c *tracedCommand) why(line string) string {
	for _, e := range append(c.differs, differsAnywhere...) {
		if e.pattern.MatchString(line[1:]) {
			return e.why
		}
	}
	return "?"
}

// compareLines compares thread by thread.
func compareLines(theirs, ours [][]string) (d difference) {
	for i := range max(len(theirs), len(ours)) {
		var a, b []string
		if i < len(theirs) {
			a = theirs[i]
		}
		if i < len(ours) {
			b = ours[i]
		}
		same, differing := diffLines(a, b)
		d.same += same
		d.lines += max(len(a), len(b))
		d.differing = append(d.differing, differing...)
	}
	return d
}

// diffLines finds the longest common subsequence, row by row of the usual table.
func diffLines(a, b []string) (same int, differing []string) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b, same = a[1:], b[1:], same+1
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b, same = a[:len(a)-1], b[:len(b)-1], same+1
	}
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j, same = i+1, j+1, same+1
		case j == len(b) || i < len(a) && table[i+1][j] >= table[i][j+1]:
			differing = append(differing, "-"+a[i])
			i++
		default:
			differing = append(differing, "+"+b[j])
			j++
		}
	}
	return same, differing
}
