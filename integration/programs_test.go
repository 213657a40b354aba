package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Real programs, natively and traced: output and status must be equal. Each runs
// in a directory of its own, the same path both times, filled anew by prepare.

// realProgram is one of them.
type realProgram struct {
	name   string
	needs  []string // tools without which it is skipped
	files  map[string]string
	script string // for bash, in the directory
	exit   int
	env    []string
	slow   bool // left out under -short
	// products are files that the run makes, compared byte for byte.
	products []string
}

var realPrograms = []realProgram{
	{name: "ls", script: `/bin/ls -la /etc /usr/bin /proc/sys/kernel; ls /nonexistent`, exit: 2},
	{name: "find and sort", script: `find /etc /usr/include -xdev -newermt 1970-01-01 2>/dev/null | sort | sha256sum; find /usr/lib -name '*.so*' -print0 | xargs -0 -n 50 -P 2 stat -c %s | awk '{s+=$1} END {print s}'`},
	{name: "tar and gzip", script: `tar -C /usr/include -cf - linux asm-generic | gzip -n -1 | tee all.tar.gz | gzip -dc | tar tf - | sort | sha256sum; tar xzf all.tar.gz; diff -r linux /usr/include/linux && echo same`},
	{name: "coreutils", script: `seq 1 20000 | shuf --random-source=/etc/services | sort -n | uniq | wc; head -c 1000000 /dev/zero | sha256sum; cp -r /usr/include/linux copy; du -s --apparent-size copy; mv copy moved; ln -s moved link; readlink -f link | wc -c; touch -d @1000000000 stamp; stat -c %Y stamp; dd if=/dev/zero of=block bs=64k count=16 2>/dev/null; cmp block /dev/zero 2>&1 | head -1; mkfifo p; cat p & echo through a fifo > p; wait; timeout 0.1 sleep 10; echo $?; nice -n 3 nice; env -i A=b env; printf '%s\n' *; rm -rf moved; kill -l 9; id -u; nproc; date -d @0 -u`},
	{name: "bash", files: map[string]string{"script": bashScript}, script: `bash ./script one "two words"`, exit: 7},
	{name: "dash", script: `exec dash -c 'trap "echo trapped" USR1; kill -USR1 $$; (exit 3) || echo $?; x=$(echo sub); echo $x; cat <<END
here $x
END
set -- a b; shift; echo $1; sh -c "kill -9 \$\$"; echo $?; exec false'`, exit: 1},
	{name: "gcc", needs: []string{"gcc"}, files: map[string]string{"main.c": cProgram, "part.c": cPart}, products: []string{"main.o", "prog"},
		script: `gcc -O2 -Wall -c main.c && gcc -O2 -flto -o prog main.c part.c && ./prog && gcc -E main.c | grep -c . ; gcc -c broken.c`, exit: 1},
	{name: "g++", needs: []string{"g++"}, files: map[string]string{"main.cc": cppProgram}, slow: true,
		script: `g++ -O0 -std=c++17 -o prog main.cc && ./prog`},
	{name: "make -j2", needs: []string{"make", "gcc"}, files: makeFiles(), products: []string{"prog"},
		script: `make -j2 --output-sync=none >log 2>&1; sort log; ./prog; make -j2 | tail -1; make fails; echo $?`},
	{name: "git", needs: []string{"git"}, env: gitEnv,
		script: `git init -q -b main repo && cd repo && for i in 1 2 3 4 5; do echo line $i >> file; mkdir -p dir$i; cp file dir$i/; git add -A; git commit -q -m "commit $i"; done; git log --stat --format='%H %an %ad %s'; git checkout -q -b side HEAD~2; echo side > other; git add other; git commit -q -m side; git merge -q main -m merged; git log --graph --oneline; git diff main side --stat; git gc -q; git fsck --no-progress; git clone -q . ../clone && git -C ../clone rev-parse HEAD; git status --short; git blame file; git rebase -q main nonexistent`, exit: 128},
	{name: "python3", needs: []string{"python3"}, files: map[string]string{"script.py": pythonScript}, script: `python3 script.py; echo $?; python3 -c 'import os; os.abort()' 2>/dev/null; echo $?; python3 -c 'raise SystemExit(5)'`, exit: 5},
	{name: "node", needs: []string{"node"}, files: map[string]string{"script.js": nodeScript}, script: `exec node script.js`, exit: 4},
	{name: "java", needs: []string{"java", "javac"}, files: map[string]string{"Main.java": javaProgram}, slow: true,
		script: `javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 Main.java && exec java -Xmx256m Main one two`, exit: 3},
	{name: "go build", needs: []string{"go"}, files: map[string]string{"go.mod": "module example\n\ngo 1.21\n", "main.go": goProgram}, slow: true, products: []string{"prog"},
		env: []string{"CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "GOPROXY=off"},
		// The standard library may come from the cache, the program must not: it
		// ends with a comment that makes it new.
		script: `echo "// $RANDOM$RANDOM$RANDOM" >>main.go; go vet . && go build -buildvcs=false -ldflags=-buildid= -o prog . && exec ./prog a b`, exit: 6},
	{name: "perl", needs: []string{"perl"}, files: map[string]string{"script.pl": perlScript}, script: `exec perl script.pl`, exit: 9},
	{name: "sqlite3", needs: []string{"sqlite3"}, script: sqliteScript},
	{name: "static musl binary", needs: []string{"musl-gcc"}, files: map[string]string{"main.c": cProgram, "part.c": cPart},
		script: `musl-gcc -static -o prog main.c part.c && exec ./prog`},
	{name: "awk, sed and bc", script: `awk 'BEGIN { for (i = 0; i < 50000; i++) s += i; print s; while (("ls / | sort" | getline l) > 0) n++; print n > 0; print "to sort" | "cat 1>&2" }'; seq 10 | sed -n '3,5p;$='; echo abc | tr a-c x-z; yes | head -100000 | md5sum; echo 'x y' | xargs -n1 echo got`},
	{name: "ssl and hashes", needs: []string{"openssl"}, script: `openssl dgst -sha256 /etc/services; openssl enc -aes-128-cbc -K 00112233445566778899aabbccddeeff -iv 00 -in /etc/services 2>/dev/null | sha1sum; openssl speed -seconds 1 nonexistent 2>&1 | head -1`},
	{name: "cmake-like shell", script: `cat > configure <<'END'
#!/bin/sh
for f in /usr/include/*.h; do test -r $f && echo "checking for $(basename $f)... yes"; done | sort | tail -3
for t in ls cat sed awk nonexistent; do if command -v $t >/dev/null; then echo "$t yes"; else echo "$t no"; fi; done
x=0; while [ $x -lt 200 ]; do x=$(expr $x + 1); done; echo $x
END
chmod +x configure; ./configure`},
}

var gitEnv = []string{
	"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org",
	"GIT_AUTHOR_DATE=2001-02-03T04:05:06Z", "GIT_COMMITTER_DATE=2001-02-03T04:05:06Z", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent",
}

// bash tells the id of a job that a signal has ended, with blanks before a short one.
var pidInMessage = regexp.MustCompile(`(line \d+: ) *\d+`)

func withoutPIDs(s string) string { return pidInMessage.ReplaceAllString(s, "${1}PID") }

const bashScript = `set -u
echo "$# $1 $2"
for i in {1..40}; do (exit $((i % 5))); printf '%s ' $?; done; echo
seq 1000 | while read n; do echo $((n * n)); done | tail -2
diff <(seq 5) <(seq 2 6)
coproc CAT { cat; }
echo to the coprocess >&${CAT[1]}; read -r line <&${CAT[0]}; echo "$line"; exec {CAT[1]}>&-; wait $CAT_PID
sleep 30 & p=$!; kill $p; wait $p; echo "killed $?"
set -m; sleep 30 & jobs -r | wc -l; kill -9 %1; wait %1; echo $?; set +m
trap 'echo got USR1' USR1; (kill -USR1 $$); wait; trap 'echo bye; exit 7' EXIT
f() { local x=$1; ((x == 0)) && return; f $((x - 1)); }; f 100
mapfile -t lines < <(printf 'a\nb\nc\n'); echo "${#lines[@]} ${lines[2]}"
exec 5<>file; echo content >&5; exec 5>&-; cat file; echo more >> file; wc -l < file
timeout -k 0.2 0.2 bash -c 'trap "echo term" TERM; while :; do sleep 0.05; done' 2>/dev/null; echo "timeout $?"
(ulimit -n 10; exec 20</dev/null) 2>/dev/null; echo "no fd $?"
read -t 0.05 nothing < <(sleep 0.3); echo "read $?"
sh -c 'kill -SEGV $$'; echo $?
wait -n 2>/dev/null; echo $?
echo "$(</etc/hostname)" | wc -l
cat <<<"here string"; { echo braces; } | cat; ! true; echo $?
exec 3>&1; echo up the pipe | tee >(cat >&3) >/dev/null; sleep 0.2
exit 0
`

const cProgram = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
int part(int);
int main(void)
{
	int sum = 0;
	for (int i = 0; i < 1000; i++)
		sum += part(i);
	char *s = malloc(100000);
	memset(s, 'x', 99999);
	s[99999] = 0;
	printf("%d %zu\n", sum, strlen(s));
	return 0;
}
`
const cPart = `int part(int x) { return x % 7; }
`
const cppProgram = `#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main()
{
	std::map<std::string, int> m;
	for (int i = 0; i < 1000; i++) m[std::to_string(i % 37)]++;
	auto f = std::async(std::launch::async, [&] { return m.size(); });
	std::cout << f.get() << ' ' << std::regex_match("abc123", std::regex("[a-z]+[0-9]+")) << std::endl;
	try { std::vector<int>().at(1); } catch (const std::out_of_range &e) { std::cout << "caught" << std::endl; }
}
`

func makeFiles() map[string]string {
	files := map[string]string{"main.c": "#include <stdio.h>\n"}
	var body, objects strings.Builder
	for i := range 12 {
		files[fmt.Sprintf("f%d.c", i)] = fmt.Sprintf("#include <stdio.h>\n#include <stdlib.h>\nint f%d(void) { return %d; }\n", i, i)
		fmt.Fprintf(&body, "int f%d(void);\n", i)
		fmt.Fprintf(&objects, " f%d.o", i)
	}
	body.WriteString("int main(void) { printf(\"%d\\n\", 0")
	for i := range 12 {
		fmt.Fprintf(&body, " + f%d()", i)
	}
	body.WriteString("); return 0; }\n")
	files["main.c"] += body.String()
	files["Makefile"] = "prog: main.o" + objects.String() + "\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\nfails:\n\t@echo about to fail; exit 3\n"
	return files
}

const pythonScript = `import asyncio, concurrent.futures, ctypes, hashlib, json, mmap, multiprocessing, os, select, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time, zlib

print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True))
print(subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE).communicate(b"x" * 200000)[0].__len__())
results = []
lock = threading.Lock()
def work(n):
    with lock:
        results.append(sum(range(n)))
threads = [threading.Thread(target=work, args=(i * 100,)) for i in range(30)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(results))
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda x: x * x, range(500))))
with multiprocessing.get_context("fork").Pool(3) as pool:
    print(pool.map(abs, range(-20, 0)))
caught = []
signal.signal(signal.SIGUSR1, lambda s, f: caught.append(s))
for i in range(50): os.kill(os.getpid(), signal.SIGUSR1)
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.signal(signal.SIGALRM, lambda s, f: caught.append(s))
t = time.monotonic(); time.sleep(0.05); print(time.monotonic() - t >= 0.05, signal.SIGALRM in caught, signal.SIGUSR1 in caught)
async def serve():
    async def echo(r, w):
        w.write((await r.readline()).upper()); await w.drain(); w.close()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async def ask(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(b"line %d\n" % i); line = await r.readline(); w.close(); return line
    print(await asyncio.gather(*(ask(i) for i in range(20))))
    p = await asyncio.create_subprocess_exec("echo", "from a child", stdout=asyncio.subprocess.PIPE)
    print((await p.communicate())[0], p.returncode)
asyncio.run(serve())
a, b = socket.socketpair()
socket.send_fds(a, [b"fds"], [0, 1]); msg, fds, _, _ = socket.recv_fds(b, 10, 5); print(msg, len(fds))
db = sqlite3.connect("test.db"); db.execute("create table t(x)"); db.executemany("insert into t values(?)", [(i,) for i in range(1000)]); db.commit()
print(db.execute("select sum(x) from t").fetchone())
with open("mapped", "wb+") as f:
    f.truncate(8192); m = mmap.mmap(f.fileno(), 8192); m[0:5] = b"hello"; m.flush(); m.close(); f.seek(0); print(f.read(5))
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r); os.write(w, b"child"); os._exit(11)
os.close(w); print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(os.posix_spawn("/bin/true", ["true"], {}) > 0, os.wait()[1])
print(ctypes.CDLL(None, use_errno=True).close(999), ctypes.get_errno())
p = select.epoll(); p.register(b.fileno(), select.EPOLLIN); a.send(b"x"); print(len(p.poll(1)))
print(hashlib.sha256(zlib.compress(b"y" * 100000)).hexdigest(), len(os.listdir("/usr/include")) > 10)
print(json.dumps(sorted(os.listdir("."))))
try: open("/nonexistent")
except OSError as e: print(e)
sys.exit(12)
`

const nodeScript = `const fs = require('fs'), cp = require('child_process'), net = require('net'), path = require('path'), { Worker } = require('worker_threads');
(async () => {
  console.log(cp.execSync('echo from a child').toString().trim());
  console.log(cp.spawnSync('sh', ['-c', 'echo e >&2; exit 5']).status);
  fs.writeFileSync('file', 'x'.repeat(100000)); console.log((await fs.promises.readFile('file')).length);
  await Promise.all([...Array(50).keys()].map(i => fs.promises.writeFile('f' + i, String(i))));
  console.log(fs.readdirSync('.').length);
  const server = net.createServer(s => s.on('data', d => s.end(d.toString().toUpperCase())));
  await new Promise(r => server.listen(0, '127.0.0.1', r));
  const ask = i => new Promise(r => { const c = net.connect(server.address().port, '127.0.0.1', () => c.write('line ' + i)); c.on('data', d => r(d.toString())); });
  console.log((await Promise.all([...Array(10).keys()].map(ask))).join()); server.close();
  const sum = await new Promise(r => new Worker('require("worker_threads").parentPort.postMessage([...Array(1e5).keys()].reduce((a,b)=>a+b))', { eval: true }).on('message', r)); console.log(sum);
  const p = cp.spawn('cat'); let got = ''; p.stdout.on('data', d => got += d); p.stdin.end('y'.repeat(300000)); await new Promise(r => p.on('close', r)); console.log(got.length);
  process.once('SIGUSR2', () => console.log('signal')); process.kill(process.pid, 'SIGUSR2'); await new Promise(r => setTimeout(r, 50));
  console.log(require('crypto').createHash('sha256').update('z').digest('hex'), require('zlib').gzipSync('a'.repeat(1000)).length);
  try { fs.openSync('/nonexistent'); } catch (e) { console.log(e.code); }
  process.exit(4);
})();
`

const javaProgram = `import java.io.*; import java.net.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*; import java.util.stream.*;
public class Main {
  static int depth; static void recurse() { depth++; recurse(); }
  public static void main(String[] args) throws Exception {
    System.out.println(String.join(",", args));
    ExecutorService pool = Executors.newFixedThreadPool(8);
    List<Future<Integer>> fs = new ArrayList<>();
    for (int i = 0; i < 200; i++) { int n = i; fs.add(pool.submit(() -> IntStream.range(0, n).sum())); }
    long sum = 0; for (Future<Integer> f : fs) sum += f.get(); pool.shutdown(); System.out.println(sum);
    Process p = new ProcessBuilder("sh", "-c", "cat; exit 6").redirectErrorStream(true).start();
    try (OutputStream o = p.getOutputStream()) { o.write("to cat".getBytes()); }
    System.out.println(new String(p.getInputStream().readAllBytes()) + " " + p.waitFor());
    ServerSocket s = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    Thread t = new Thread(() -> { try (Socket c = s.accept()) { c.getOutputStream().write("served".getBytes()); } catch (IOException e) { } }); t.start();
    try (Socket c = new Socket(InetAddress.getLoopbackAddress(), s.getLocalPort())) { System.out.println(new String(c.getInputStream().readAllBytes())); } t.join();
    Files.write(Path.of("file"), new byte[100000]); System.out.println(Files.size(Path.of("file")));
    try { Object o = null; o.toString(); } catch (NullPointerException e) { System.out.println("NPE"); }
    try { recurse(); } catch (StackOverflowError e) { System.out.println("overflow " + (depth > 1000)); }
    for (int i = 0; i < 50; i++) { byte[] b = new byte[1 << 20]; b[i] = 1; } System.gc();
    try { new FileInputStream("/nonexistent"); } catch (FileNotFoundException e) { System.out.println(e.getMessage()); }
    System.exit(3);
  }
}
`

const goProgram = `package main

import (
	"fmt"
	"net"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	fmt.Println(os.Args[1:])
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			time.Sleep(time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			sum += i
		}(i)
	}
	wg.Wait()
	fmt.Println(sum)
	out, err := exec.Command("sh", "-c", "echo child; exit 2").CombinedOutput()
	fmt.Printf("%q %v\n", out, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	for i := 0; i < 20; i++ {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(c, "hello %d", i)
		c.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(c)
		fmt.Println(string(b))
	}
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-ch)
	defer func() { fmt.Println(recover()); os.Exit(6) }()
	var p *int
	*p = 1
}
`

const perlScript = `use strict; use IO::Socket::UNIX; use POSIX ":sys_wait_h"; use Time::HiRes qw(sleep);
$| = 1;
print "perl\n"; print ` + "`echo backticks; exit 3`" + `; print $? >> 8, "\n";
my @p; for my $i (1 .. 10) { my $pid = fork; if (!$pid) { exit $i } push @p, $pid } my $s = 0; for (@p) { waitpid $_, 0; $s += $? >> 8 } print "$s\n";
my $n = 0; $SIG{USR1} = sub { $n++ }; kill 'USR1', $$ for 1 .. 20; print "$n\n"; $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; Time::HiRes::ualarm(20000); sleep 5; }; print $@; alarm 0;
open my $f, '>', 'file' or die; print $f "line $_\n" for 1 .. 1000; close $f; open $f, '<', 'file'; my @l = <$f>; print scalar(@l), "\n"; print -s 'file', "\n";
my $l = IO::Socket::UNIX->new(Local => 'sock', Listen => 1); if (!fork) { my $c = IO::Socket::UNIX->new(Peer => 'sock'); print $c "by socket\n"; exit } my $c = $l->accept; print <$c>; wait;
open my $h, '-|', 'sort', 'file' or die; my $c1 = () = <$h>; close $h; print "$c1\n"; opendir my $d, '.'; print join(',', sort grep { !/^\./ } readdir $d), "\n"; open(my $x, '<', '/nonexistent') or print "$!\n"; exit 9;
`

const sqliteScript = `sqlite3 db <<'END'
pragma journal_mode=wal;
create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x < 20000) insert into t select x, hex(x) from c;
create index i on t(b);
select count(*), sum(a), max(b) from t;
begin; delete from t where a % 2; rollback;
update t set b = b || 'x' where a < 100;
pragma integrity_check;
vacuum;
END
for i in 1 2 3; do sqlite3 -cmd '.timeout 20000' db "insert into t(b) values('p$i')" & done; wait; sqlite3 db 'select count(*) from t; select * from nonexistent' ; sqlite3 db "delete from t where b like 'p%'"; sqlite3 db .dump | sha256sum; ls`

func TestRealPrograms(t *testing.T) {
	for _, real := range realPrograms {
		t.Run(real.name, func(t *testing.T) {
			if real.slow && testing.Short() {
				t.Skip("takes seconds")
			}
			bash := lookTool(t, "bash")
			for _, tool := range real.needs {
				lookTool(t, tool)
			}
			dir := filepath.Join(t.TempDir(), "work")
			p := program{Path: bash, Args: []string{"-c", real.script}, Dir: dir, Normalize: withoutPIDs, Deadline: 3 * time.Minute,
				Env: append([]string{"LC_ALL=C", "TZ=UTC"}, real.env...)}
			once := func(t *testing.T, run func(testing.TB) outcome) (outcome, map[string]string) {
				t.Helper()
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				for name, text := range real.files {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				o := run(t)
				products := map[string]string{}
				for _, name := range real.products {
					text, err := os.ReadFile(filepath.Join(dir, name))
					if err != nil {
						t.Error(err)
					}
					products[name] = string(text)
				}
				return o, products
			}
			native, made := once(t, p.native)
			native.mustExit(t, real.exit)
			onEachRoute(t, func(t *testing.T, r route) {
				traced, tracedMade := once(t, func(t testing.TB) outcome { return p.traced(t, r) })
				if diff := p.diff(native, traced); diff != "" {
					t.Errorf("native (-) and traced (+) differ:\n%s", diff)
				}
				for name := range made {
					if made[name] != tracedMade[name] {
						t.Errorf("%s differs: %d bytes natively, %d traced", name, len(made[name]), len(tracedMade[name]))
					}
				}
			})
		})
	}
}

// A redis server, traced, under a client that is not, and the other way round.
func TestRedis(t *testing.T) {
	server, client, bench := lookTool(t, "redis-server"), lookTool(t, "redis-cli"), lookTool(t, "redis-benchmark")
	script := `set -e
dir=$(mktemp -d); cd "$dir"
$SERVER ` + server + ` --port 0 --unixsocket "$dir/s" --daemonize no --save '' --appendonly yes --appendfsync always --dir "$dir" --loglevel warning >log 2>&1 & pid=$!
n=0; until ` + client + ` -s "$dir/s" ping 2>/dev/null | grep -q PONG; do n=$((n+1)); test $n -lt 300; sleep 0.05; done
$CLIENT ` + bench + ` -s "$dir/s" -n 2000 -c 20 -P 4 -q -t set,get,incr,lpush,lrange_100,mset | tr '\r' '\n' | grep -c 'requests per second' >bench
$CLIENT ` + client + ` -s "$dir/s" eval 'for i=1,1000 do redis.call("set","k"..i,i) end return redis.call("dbsize") > 1000' 0
$CLIENT ` + client + ` -s "$dir/s" get k77
$CLIENT ` + client + ` -s "$dir/s" bgsave
$CLIENT ` + client + ` -s "$dir/s" nonsense || true
sleep 0.3
` + client + ` -s "$dir/s" shutdown nosave || true
wait $pid; echo "server $?"; test "$(cat bench)" -ge 6; ls "$dir" | grep -v '^log$'
cd /; rm -rf "$dir"`
	run := func(server, client string) outcome {
		return program{Path: lookTool(t, "bash"), Args: []string{"-c", script}, Deadline: 2 * time.Minute,
			Env: []string{"SERVER=" + server, "CLIENT=" + client}}.native(t)
	}
	native := run("", "")
	native.mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		tracer := r.prefix(t)
		for _, c := range []struct{ name, server, client string }{{"server", tracer, ""}, {"client", "", tracer}, {"both", tracer, tracer}} {
			t.Run(c.name, func(t *testing.T) {
				if diff := cmp.Diff(native, run(c.server, c.client)); diff != "" {
					t.Errorf("native (-) and traced (+) differ:\n%s", diff)
				}
			})
		}
	})
}

// PostgreSQL from initdb to shutdown, as its own user.
func TestPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(bins) == 0 {
		t.Skip("no PostgreSQL in /usr/lib/postgresql")
	}
	bin := filepath.Dir(bins[len(bins)-1])
	if os.Getuid() != 0 {
		t.Skip("not root: cannot become the user postgres")
	}
	if err := exec.Command("id", "postgres").Run(); err != nil {
		t.Skip("no user postgres")
	}
	runuser := lookTool(t, "runuser")
	script := `set -e
export PATH=` + bin + `:$PATH PGHOST=$PWD/pg PGDATA=$PWD/pg/data PGDATABASE=postgres LC_ALL=C TZ=UTC
mkdir pg
initdb -N -E UTF8 --locale=C -A trust >/dev/null
pg_ctl -w -t 60 -l pg/log -o "-c listen_addresses='' -c unix_socket_directories=$PWD/pg -c fsync=off -c shared_buffers=16MB" start >/dev/null
psql -Atqc "create table t as select g, md5(g::text) m from generate_series(1, 20000) g; create index on t(m); analyze t; select count(*), min(m), max(m) from t"
psql -Atqc "select pg_sleep(0.05); select sum(length(m)) from t where g % 3 = 0; select 1/0" || echo "psql $?"
pgbench -i -q -s 1 >/dev/null 2>&1
pgbench -n -c 4 -j 2 -t 100 2>/dev/null | grep 'actually processed'
psql -Atqc "select count(*) from pgbench_history"
pg_dump -t t | grep -v restrict | sha256sum # of newer versions, with a random key
pg_ctl -w -m fast restart >/dev/null && psql -Atqc "select count(*) from t"
pg_ctl -w -m fast stop >/dev/null
grep -c 'PANIC\|crash' pg/log || true
rm -rf pg`
	run := func(tracer string) outcome {
		dir, err := os.MkdirTemp("", "pg") // its socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		// The tracer is root and stays it, the program becomes postgres.
		line := "cd " + dir + " && exec " + tracer + runuser + ` -u postgres -- bash -c "$SCRIPT"`
		return program{Path: lookTool(t, "bash"), Args: []string{"-c", line}, Env: []string{"SCRIPT=" + script}, Deadline: 3 * time.Minute}.native(t)
	}
	native := run("")
	native.mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		if diff := cmp.Diff(native, run(r.prefix(t))); diff != "" {
			t.Errorf("native (-) and traced (+) differ:\n%s", diff)
		}
	})
}
