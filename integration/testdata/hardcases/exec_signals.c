// Signals across exec: the mask and what is pending stay, handlers go, ignored
// ones stay ignored. Both exec of the leader and of another thread.
//   exec_signals          runs all
//   exec_signals state    prints what it was started with, and nothing else
//   exec_signals blocked COMMAND   executes it with signals blocked
#include "observe.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static void noop(int s, siginfo_t *i, void *u) { }

// print_set names the members of a set.
static void print_set(const char *what, const sigset_t *set) {
	char line[1024];
	int n = snprintf(line, sizeof line, "%s:", what);
	for (int s = 1; s < 65; s++)
		if (sigismember(set, s) == 1)
			n += snprintf(line + n, sizeof line - n, " %s", s < SIGRTMIN ? signame(s) : "");
	for (int s = SIGRTMIN; s < 65; s++)
		if (sigismember(set, s) == 1)
			n += snprintf(line + n, sizeof line - n, "RTMIN+%d ", s - SIGRTMIN);
	say("%s", line);
}

static void print_state(void) {
	sigset_t mask, pending, ignored, handled;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	sigemptyset(&ignored), sigemptyset(&handled);
	for (int s = 1; s < 65; s++) {
		struct sigaction a;
		if (sigaction(s, NULL, &a) != 0)
			continue;
		if (a.sa_handler == SIG_IGN)
			sigaddset(&ignored, s);
		else if (a.sa_handler != SIG_DFL)
			sigaddset(&handled, s);
	}
	print_set("mask", &mask);
	print_set("pending", &pending);
	print_set("ignored", &ignored);
	print_set("handled", &handled);
	stack_t stack;
	sigaltstack(NULL, &stack);
	say("alternate stack: %d", stack.ss_flags);
}

// print_beginnings shows the rest of what a program inherits.
static void print_beginnings(char **argv) {
	print_state();
	// The 64-bit view of the kernel, which libc does not filter.
	char status[8192], *line;
	slurp("/proc/self/status", status, sizeof status);
	for (line = strtok(status, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, "Sig", 3) || !strncmp(line, "Shd", 3) || !strncmp(line, "Cap", 3) || !strncmp(line, "Umask", 5) || !strncmp(line, "Groups", 6) || !strncmp(line, "Cpus_allowed", 12))
			if (strncmp(line, "SigQ", 4))
				say("%s", line);
	say("argv[0]: %s", argv[0]);
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1) {
			struct stat st;
			fstat(fd, &st);
			say("fd %d: type %o, flags %o, %o", fd, st.st_mode & S_IFMT, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
		}
	for (int r = 0; r < RLIM_NLIMITS; r++) {
		struct rlimit l;
		getrlimit(r, &l);
		say("limit %d: %llu %llu", r, (unsigned long long)l.rlim_cur, (unsigned long long)l.rlim_max);
	}
	say("session is ours: %d", getsid(0) == getpid());
	say("nice %d, scheduler %d, umask %o", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), umask(0));
	cpu_set_t cpus;
	sched_getaffinity(0, sizeof cpus, &cpus);
	say("CPUs: %d", CPU_COUNT(&cpus));
	int death = -1;
	prctl(PR_GET_PDEATHSIG, &death);
	say("parent-death signal %d, dumpable %d, subreaper %d, timer slack %d, keepcaps %d, securebits %#x", death, prctl(PR_GET_DUMPABLE),
		({ int r = -1; prctl(PR_GET_CHILD_SUBREAPER, &r); r; }), prctl(PR_GET_TIMERSLACK), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS));
	say("personality: %#lx", syscall(SYS_personality, 0xffffffff));
	char text[64] = "";
	slurp("/proc/self/oom_score_adj", text, sizeof text);
	say("oom_score_adj: %s", strtok(text, "\n"));
	slurp("/proc/self/coredump_filter", text, sizeof text);
	say("coredump_filter: %s", strtok(text, "\n"));
	say("threads: %d, tid is pid: %d", count_tasks(getpid()), tid_self() == getpid());
	struct itimerval t;
	getitimer(ITIMER_REAL, &t);
	say("itimer: %ld", (long)t.it_value.tv_sec);
	say("children: %s", outcome_of(waitpid(-1, NULL, WNOHANG | __WALL)));
	char cwd[256];
	say("cwd: %s", getcwd(cwd, sizeof cwd));
}

static void take_pending(void) {
	sigset_t set;
	sigpending(&set);
	siginfo_t i;
	struct timespec none = {0, 0};
	int s;
	while ((s = sigtimedwait(&set, &i, &none)) > 0)
		say("taken: %s%d, code %d, own pid %d, value %d", s >= SIGRTMIN ? "RTMIN+" : "", s >= SIGRTMIN ? s - SIGRTMIN : s, i.si_code, i.si_pid == getpid(), i.si_value.sival_int);
	say("then: %s", errname(errno));
}

static void prepare(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1), sigaddset(&set, SIGTSTP), sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	on_signal(SIGUSR1, noop, 0), on_signal(SIGUSR2, noop, SA_ONSTACK), on_signal(SIGRTMIN + 1, noop, 0), on_signal(SIGSEGV, noop, 0);
	signal(SIGHUP, SIG_IGN), signal(SIGCHLD, SIG_IGN), signal(SIGRTMIN + 7, SIG_IGN);
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
	sigaltstack(&stack, NULL);
}

static void send_to_self(void) {
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGTERM);
	raise(SIGTSTP);
	for (int i = 0; i < 5; i++) {
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i});
		pthread_sigqueue(pthread_self(), SIGRTMIN + 2, (union sigval){.sival_int = 20 + i});
	}
}

static char **self_argv;
static void *from_thread(void *unused) {
	send_to_self();
	// The leader has something pending of its own, which goes with it.
	union sigval v = {.sival_int = 77};
	siginfo_t i = {.si_signo = SIGRTMIN + 2, .si_code = SI_QUEUE};
	i.si_value = v;
	must(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN + 2, &i));
	execv("/proc/self/exe", self_argv);
	_exit(99);
}

int main(int argc, char **argv) {
	if (argc > 1 && !strcmp(argv[1], "state")) {
		print_beginnings(argv);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "blocked")) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1), sigaddset(&set, SIGTERM), sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGCHLD), sigaddset(&set, SIGTSTP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		execv(argv[2], argv + 2);
		return 99;
	}
	if (argc > 1 && !strcmp(argv[1], "after")) {
		print_state();
		struct itimerval t;
		getitimer(ITIMER_REAL, &t);
		say("itimer lives: %d", t.it_value.tv_sec > 1000);
		take_pending();
		say("tid is pid: %d", tid_self() == getpid());
		return 3;
	}
	char *after[] = {"exec_signals", "after", NULL};
	self_argv = after;
	for (int way = 0; way < 3; way++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			prepare();
			setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = 5000}, NULL);
			if (way == 0) {
				send_to_self();
				execv("/proc/self/exe", after);
			} else if (way == 1) {
				pthread_t t;
				pthread_create(&t, NULL, from_thread, NULL);
				for (;;)
					pause();
			} else {
				// A vfork child: what is pending is not inherited, the mask is.
				send_to_self();
				signal(SIGCHLD, SIG_DFL);
				pid_t child = vfork();
				if (child == 0) {
					execv("/proc/self/exe", after);
					_exit(99);
				}
				int status;
				say("vfork: %s", waitpid(child, &status, 0) == child ? status_of(status) : errname(errno));
				_exit(4);
			}
			_exit(99);
		}
		say("way %d: %s", way, status_of(wait_for(pid)));
	}
	// A pending SIGKILL or SIGTERM meets the exec: dead or executed, never stuck.
	for (int i = 0; i < 50; i++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(99);
		}
		kill(pid, i & 1 ? SIGTERM : SIGKILL);
		int status = wait_for(pid);
		check(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == (i & 1 ? SIGTERM : SIGKILL));
	}
	say("50 signals on execs");
	return 0;
}
