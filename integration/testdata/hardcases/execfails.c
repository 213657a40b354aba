/* exec: every way to fail, scripts, and programs given as descriptors. */
#include "cases.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static void file(const char *name, const char *text, mode_t mode)
{
	int fd = must(name, open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	must("write", write(fd, text, strlen(text)));
	must("chmod", fchmod(fd, mode));
	close(fd);
}

static void try(const char *what, const char *path, char **argv)
{
	fflush(stdout);
	execve(path, argv, environ);
	outcome(what, -1);
}

/* in runs a case in a child, for what may succeed. */
static void in(void (*run)(void))
{
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		run();
		_exit(123);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		say("-> signal %d", WTERMSIG(status));
	else
		say("-> exit %d", WEXITSTATUS(status));
}

static char *argv0[] = {"x", "one", "two", 0};

static void fails(void)
{
	/* In the current directory, which the test made for this. */
	file("plain", "no program\n", 0600);
	file("text", "no header\n", 0700);
	file("empty", "", 0700);
	file("elf", "\177ELF and then nothing of use", 0700);
	file("elfheader", "\177ELF\2\1\1", 0700);
	file("nointerpreter", "#!/nonexistent/interpreter\n", 0700);
	file("interpreterplain", "#!./plain\n", 0700);
	file("noline", "#!", 0700);
	file("spaces", "#!   \n", 0700);
	file("loop1", "#!./loop2\n", 0700);
	file("loop2", "#!./loop1\n", 0700);
	char line[400] = "#!/";
	memset(line + 3, 'y', 390);
	line[393] = '\n';
	file("longline", line, 0700);
	(void)!symlink("sym2", "sym1");
	(void)!symlink("sym1", "sym2");
	mkdir("dir", 0700);
	must("mkfifo", mkfifo("fifo", 0700));

	try("ENOENT", "/nonexistent/program", argv0);
	try("empty name", "", argv0);
	try("not executable", "./plain", argv0);
	try("directory", "./dir", argv0);
	try("under a file", "./plain/x", argv0);
	try("fifo", "./fifo", argv0);
	try("device", "/dev/null", argv0);
	try("no format", "./text", argv0);
	try("empty", "./empty", argv0);
	try("broken ELF", "./elf", argv0);
	try("ELF magic alone", "./elfheader", argv0);
	try("no interpreter", "./nointerpreter", argv0);
	try("interpreter not executable", "./interpreterplain", argv0);
	try("#! alone", "./noline", argv0);
	try("#! and spaces", "./spaces", argv0);
	try("scripts in a circle", "./loop1", argv0);
	try("a line too long", "./longline", argv0);
	try("links in a circle", "./sym1", argv0);
	char *path = malloc(10000);
	memset(path, 'p', 9999);
	path[9999] = 0;
	try("path too long", path, argv0);
	path[4096] = 0;
	try("path of 4096", path, argv0);
	path[0] = '/', path[256] = 0;
	try("name of 255", path, argv0);
	path[256] = 'p', path[257] = 0;
	try("name of 256", path, argv0);
	int busy = must("open", open("busy", O_WRONLY | O_CREAT, 0700));
	(void)!write(busy, "#!/bin/sh\n", 10);
	try("open for writing", "./busy", argv0);
	close(busy);
	try("NULL path", 0, argv0);
	try("bad path", (char *)8, argv0);
	try("bad argv", "/bin/true", (char **)8);
	char *bad[] = {"x", (char *)8, 0};
	try("bad argument", "/bin/true", bad);
	outcome("still the same program", getpid() > 0);
}

static void toobig(void)
{
	/* One string longer than MAX_ARG_STRLEN. */
	size_t n = 131072;
	char *s = malloc(n + 1);
	memset(s, 'a', n);
	s[n] = 0;
	char *argv[] = {"true", s, 0};
	try("one argument of 128 KiB", "/bin/true", argv);
	/* Together more than a quarter of the stack's limit. */
	struct rlimit r = {1 << 20, 1 << 20};
	setrlimit(RLIMIT_STACK, &r);
	s[1000] = 0;
	static char *many[600];
	for (int i = 0; i < 599; i++)
		many[i] = s;
	try("600 KB of 1 MiB", "/bin/true", many);
	outcome("go on", 1);
	static char *edge[200];
	for (int i = 0; i < 100; i++)
		edge[i] = s;
	try("100 KB", "/bin/true", edge);
}

static void script(void) { try("script", "./script", argv0); }
static void script_of_script(void) { try("script of script", "./outer", argv0); }
static void no_argv(void) { try("no argv", "./script", (char *[]){0}); }
static void null_argv(void) { syscall(SYS_execve, "/bin/true", 0, 0); outcome("NULL argv", -1); }

static void scripts(void)
{
	file("script", "#!/bin/sh\necho \"$0 $# $*\"\nexit 3\n", 0700);
	file("option", "#!/bin/sh -e  \nfalse\necho not reached\n", 0700);
	file("outer", "#!./inner with an argument\n", 0700);
	file("inner", "#!/bin/sh\necho \"inner: $*\"\n", 0700);
	in(script);
	in(script_of_script);
	in(no_argv);
	in(null_argv);
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		try("option", "./option", argv0);
		_exit(122);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("option: %d", WEXITSTATUS(status));
}

static char *echo[] = {"echo", "by", "descriptor", 0};

static void by_fexecve(void) { fexecve(open("/bin/echo", O_RDONLY | O_CLOEXEC), echo, environ); outcome("fexecve", -1); }
static void by_path_fd(void) { fexecve(open("/bin/echo", O_PATH | O_CLOEXEC), echo, environ); outcome("O_PATH", -1); }
static void by_dir(void) { syscall(SYS_execveat, open("/bin", O_RDONLY), "echo", echo, environ, 0); outcome("dir", -1); }
static void script_fd(void) { syscall(SYS_execveat, open("script", O_RDONLY), "", argv0, environ, AT_EMPTY_PATH); outcome("script", -1); }
static void script_cloexec(void) { syscall(SYS_execveat, open("script", O_RDONLY | O_CLOEXEC), "", argv0, environ, AT_EMPTY_PATH); outcome("script, close-on-exec", -1); }

static void by_memfd(void)
{
	char buffer[65536];
	int in = must("open", open("/bin/echo", O_RDONLY)), out = must("memfd", memfd_create("program", MFD_CLOEXEC));
	for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
		must("write", write(out, buffer, n));
	fexecve(out, echo, environ);
	outcome("memfd", -1);
}

static void descriptors(void)
{
	/* An interpreter is given the name /dev/fd/N. */
	file("script", "#!/bin/sh\necho \"$# $*\"\nexit 3\n", 0700);
	in(by_fexecve);
	in(by_path_fd);
	in(by_dir);
	in(by_memfd);
	in(script_fd);
	in(script_cloexec);
	outcome("bad fd", syscall(SYS_execveat, 999, "", echo, environ, AT_EMPTY_PATH));
	outcome("bad flags", syscall(SYS_execveat, AT_FDCWD, "/bin/echo", echo, environ, 0x8));
	outcome("empty without flag", syscall(SYS_execveat, 0, "", echo, environ, 0));
	must("symlink", symlink("/bin/echo", "link"));
	outcome("no follow", syscall(SYS_execveat, AT_FDCWD, "link", echo, environ, AT_SYMLINK_NOFOLLOW));
	outcome("fd no follow", syscall(SYS_execveat, open("/bin", O_RDONLY), "nonexistent", echo, environ, AT_SYMLINK_NOFOLLOW));
}

/* A failed exec in one thread leaves its siblings as they are. */
static volatile int stop;
static volatile long turns;
static void *turn(void *arg)
{
	while (!stop)
		if (syscall(SYS_getppid) > 0)
			turns++;
	return arg;
}

static void siblings(void)
{
	pthread_t t[3];
	file("text", "no header\n", 0700);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, turn, 0);
	for (int i = 0; i < 200; i++) {
		if (execve("./text", argv0, environ) != -1 || errno != ENOEXEC)
			outcome("ENOEXEC", -1);
		if (execve("/nonexistent", argv0, environ) != -1 || errno != ENOENT)
			outcome("ENOENT", -1);
	}
	long before = turns;
	while (turns == before)
		usleep(100);
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	say("all three lived on");
}

/* The point of no return: an ELF file whose loader or segments cannot be mapped kills. */
static void no_return(void)
{
	/* A valid header with one PT_LOAD at an address that user space cannot have. */
	static const unsigned char elf[] = {
		0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0, 1, 0, 0, 0,
		0, 0, 0, 0, 0, 0x80, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0, 0, 0, 0, 0, 0, 0, 0, 120, 0, 0, 0, 0, 0, 0, 0, 120, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
	};
	int fd = must("open", open("broken", O_WRONLY | O_CREAT | O_TRUNC, 0700));
	must("write", write(fd, elf, sizeof elf));
	close(fd);
	try("broken", "./broken", argv0);
}

static void killed_by_exec(void) { in(no_return); }

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"fails", fails}, {"toobig", toobig}, {"scripts", scripts}, {"descriptors", descriptors}, {"siblings", siblings},
		{"killed_by_exec", killed_by_exec},
	};
	return RUN_CASE(argc, argv, cases);
}
