/* A program at a terminal, under a shell with job control. */
#include "cases.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static void size(const char *what)
{
	struct winsize w;
	must("TIOCGWINSZ", ioctl(0, TIOCGWINSZ, &w));
	say("%s %d x %d", what, w.ws_row, w.ws_col);
}

/* What the program is to its terminal. */
static void looks(void)
{
	say("terminals %d %d %d", isatty(0), isatty(1), isatty(2));
	say("in the foreground %d", tcgetpgrp(0) == getpgrp());
	say("same session %d", tcgetsid(0) == getsid(0));
	say("ttyname %d", ttyname(0) != 0);
	int fd = open("/dev/tty", O_RDWR);
	say("/dev/tty %d", fd >= 0);
	size("size");
}

static void on_continue(int s) { (void)s; say("again"); }

static void rests(void)
{
	signal(SIGCONT, on_continue);
	say("up");
	for (;;)
		pause();
}

/* Signals from the keyboard, the window and the shell, one by one. */
static void catches(void)
{
	sigset_t set;
	sigemptyset(&set);
	static const int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT, SIGHUP, SIGTERM};
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, 0);
	say("up");
	for (;;) {
		siginfo_t si;
		int s = sigwaitinfo(&set, &si);
		if (s == SIGWINCH)
			size("window");
		else
			say("signal %d from %s", s, si.si_code == SI_KERNEL ? "the kernel" : "a process");
		if (s == SIGTERM || s == SIGQUIT)
			_exit(10 + s);
	}
}

static void reads(void)
{
	char line[256];
	say("up");
	for (;;) {
		ssize_t n = read(0, line, sizeof line - 1);
		if (n <= 0) {
			outcome("read", n);
			_exit(20);
		}
		line[n] = 0;
		line[strcspn(line, "\n")] = 0;
		say("got <%s>", line);
	}
}

static void stops(void)
{
	say("stopping");
	raise(SIGSTOP);
	say("continued");
	kill(getpid(), SIGTSTP);
	say("continued again");
	_exit(5);
}

static void raw(void)
{
	struct termios old, t;
	must("tcgetattr", tcgetattr(0, &old));
	t = old;
	cfmakeraw(&t);
	must("tcsetattr", tcsetattr(0, TCSANOW, &t));
	write(1, "up\r\n", 4);
	unsigned char c[4];
	for (int i = 0; i < 4; i++)
		must("read", read(0, &c[i], 1));
	must("tcsetattr", tcsetattr(0, TCSANOW, &old));
	say("bytes %d %d %d %d", c[0], c[1], c[2], c[3]);
	_exit(6);
}

/* A shell of its own: a child in a group and the foreground of its own. */
static void shell(void)
{
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpgrp());
		signal(SIGTTOU, SIG_DFL);
		say("child up");
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	int status;
	for (;;) {
		must("waitpid", waitpid(pid, &status, WUNTRACED | WCONTINUED));
		tcsetpgrp(0, getpgrp());
		if (WIFSTOPPED(status)) {
			say("child stopped by %d", WSTOPSIG(status));
			tcsetpgrp(0, pid);
			kill(-pid, SIGCONT);
		} else if (WIFCONTINUED(status)) {
			tcsetpgrp(0, pid);
			say("child continued");
		} else
			break;
	}
	say("child ended by %d", WTERMSIG(status));
	_exit(7);
}

/* A group of processes gets what the terminal sends, each once. */
static volatile sig_atomic_t interrupts;
static void on_int(int s) { (void)s; interrupts++; }
static void group(void)
{
	int ready[2], done[2];
	must("pipe", pipe(ready));
	must("pipe", pipe(done));
	struct sigaction sa = {.sa_handler = on_int};
	sigaction(SIGINT, &sa, 0);
	sigset_t block, old;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old);
	for (int i = 0; i < 5; i++)
		if (must("fork", fork()) == 0) {
			must("write", write(ready[1], "x", 1));
			while (!interrupts)
				sigsuspend(&old);
			must("write", write(done[1], "x", 1));
			/* A second one would be counted before this end of file. */
			close(done[1]);
			char c;
			close(ready[1]);
			sigprocmask(SIG_SETMASK, &old, 0);
			while (read(ready[0], &c, 1) > 0)
				;
			_exit(interrupts);
		}
	char c;
	for (int i = 0; i < 5; i++)
		must("read", read(ready[0], &c, 1));
	say("up");
	while (!interrupts)
		sigsuspend(&old);
	for (int i = 0; i < 5; i++)
		must("read", read(done[0], &c, 1));
	close(ready[1]);
	int status, sum = 0;
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	say("interrupts: own %d, children's %d", interrupts, sum);
	_exit(8);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"looks", looks}, {"rests", rests}, {"catches", catches}, {"reads", reads}, {"stops", stops}, {"raw", raw},
		{"shell", shell}, {"group", group},
	};
	return RUN_CASE(argc, argv, cases);
}
