// Group-stops: the parent sees each once, all threads stop, nothing runs
// before SIGCONT, and what SIGCONT does besides.
#include "observe.h"
#include <poll.h>
#include <pthread.h>

struct state {
	volatile int tids[8], n, go, handled, cont_handled, progress[8];
	volatile int chld_n, chld_code[64], chld_status[64];
};
static struct state *st;

static void on_stop(int s, siginfo_t *i, void *u) { st->handled++; }
static void on_cont(int s, siginfo_t *i, void *u) { st->cont_handled++; }
static void on_chld(int s, siginfo_t *i, void *u) {
	int n = st->chld_n;
	if (n < 64)
		st->chld_code[n] = i->si_code, st->chld_status[n] = i->si_status;
	st->chld_n = n + 1;
}

static void *busy(void *arg) {
	long i = (long)arg;
	int fds[2];
	char c;
	must(pipe(fds));
	st->tids[i] = tid_self();
	__atomic_add_fetch(&st->n, 1, __ATOMIC_SEQ_CST);
	for (;;)
		switch (i) {
		case 0: st->progress[i]++; break;                       // computes
		case 1: syscall(SYS_getppid); st->progress[i]++; break; // calls
		case 2: read(fds[0], &c, 1); break;                     // blocks
		case 3: poll(NULL, 0, 1); st->progress[i]++; break;     // blocks and returns
		case 4: poll(NULL, 0, -1); break;
		case 5: {                                               // forks
			pid_t pid = fork();
			if (pid == 0)
				_exit(0);
			while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
				;
			st->progress[i]++;
			break;
		}
		}
}

#define BUSY 6
static pid_t start_busy(void) {
	memset((void *)st, 0, sizeof *st);
	pid_t pid = must(fork());
	if (pid == 0) {
		pthread_t t;
		setpgid(0, 0);
		for (long i = 0; i < BUSY; i++)
			check(pthread_create(&t, NULL, busy, (void *)i) == 0);
		for (;;)
			pause();
	}
	await(st->n == BUSY);
	return pid;
}

static int frozen(pid_t pid) {
	for (int i = 0; i < BUSY; i++)
		if (task_state(pid, st->tids[i]) != 'T')
			return 0;
	return task_state(pid, pid) == 'T';
}

static void stops(int sig) {
	pid_t pid = start_busy();
	int status;
	for (int round = 0; round < 8; round++) {
		must(kill(pid, sig));
		must(waitpid(pid, &status, WUNTRACED));
		check(WIFSTOPPED(status) && WSTOPSIG(status) == sig && status >> 16 == 0);
		// The report comes when all have stopped.
		check(frozen(pid));
		int before[BUSY];
		memcpy(before, (void *)st->progress, sizeof before);
		for (int i = 0; i < 20; i++)
			pause_briefly();
		check(memcmp(before, (void *)st->progress, sizeof before) == 0);
		check(frozen(pid));
		check(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG) == 0);
		// A second stop signal is nothing new; one handled by nobody waits.
		must(kill(pid, sig));
		check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
		must(kill(pid, SIGCONT));
		must(waitpid(pid, &status, WCONTINUED));
		check(WIFCONTINUED(status));
		for (int i = 0; i < BUSY; i++)
			if (i != 2 && i != 4)
				await(st->progress[i] != before[i]);
		check(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG) == 0);
	}
	must(kill(pid, sig));
	must(waitpid(pid, &status, WUNTRACED));
	// SIGTERM waits for SIGCONT, SIGKILL for nothing.
	must(kill(pid, SIGTERM));
	check(waitpid(pid, &status, WNOHANG) == 0 && frozen(pid));
	must(kill(pid, SIGCONT));
	say("%s, then SIGTERM and SIGCONT: %s", signame(sig), status_of(wait_for(pid)));
	pid = start_busy();
	must(kill(pid, sig));
	must(waitpid(pid, &status, WUNTRACED));
	must(kill(pid, SIGKILL));
	say("%s, then SIGKILL: %s", signame(sig), status_of(wait_for(pid)));
}

// A child that stops itself, again and again; each stop and each continuation
// is reported once, by waitid and by SIGCHLD.
static void by_itself(void) {
	memset((void *)st, 0, sizeof *st);
	on_signal(SIGCHLD, on_chld, SA_RESTART);
	pid_t pid = must(fork());
	if (pid == 0) {
		signal(SIGCHLD, SIG_DFL);
		for (int i = 0; i < 10; i++) {
			raise(SIGSTOP);
			await(st->go > i);
		}
		_exit(3);
	}
	siginfo_t info;
	for (int i = 0; i < 10; i++) {
		must(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
		must(waitid(P_PID, pid, &info, WSTOPPED));
		check(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == pid);
		await(st->chld_n == 2 * i + 1);
		check(st->chld_code[2 * i] == CLD_STOPPED && st->chld_status[2 * i] == SIGSTOP);
		must(kill(pid, SIGCONT));
		await(st->chld_n == 2 * i + 2);
		check(st->chld_code[2 * i + 1] == CLD_CONTINUED && st->chld_status[2 * i + 1] == SIGCONT);
		must(waitid(P_PID, pid, &info, WCONTINUED));
		check(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT && info.si_pid == pid);
		st->go = i + 1;
	}
	say("stops itself: %s", status_of(wait_for(pid)));
	await(st->chld_n == 21);
	say("the last SIGCHLD: code %d status %d", st->chld_code[20], st->chld_status[20]);

	// 100 times, each end taken in turn.
	signal(SIGCHLD, SIG_DFL);
	pid = must(fork());
	if (pid == 0) {
		for (int i = 0; i < 100; i++)
			syscall(SYS_kill, getpid(), i & 1 ? SIGSTOP : SIGTSTP);
		_exit(4);
	}
	int status, stops = 0;
	for (;;) {
		must(waitpid(pid, &status, WUNTRACED));
		if (!WIFSTOPPED(status))
			break;
		check(WSTOPSIG(status) == (stops++ & 1 ? SIGSTOP : SIGTSTP));
		must(kill(pid, SIGCONT));
	}
	say("%d stops, then %s", stops, status_of(status));

	// With SA_NOCLDSTOP there is no SIGCHLD for a stop.
	st->chld_n = 0;
	on_signal(SIGCHLD, on_chld, SA_RESTART | SA_NOCLDSTOP);
	pid = must(fork());
	if (pid == 0) {
		signal(SIGCHLD, SIG_DFL);
		raise(SIGSTOP);
		_exit(5);
	}
	must(waitpid(pid, &status, WUNTRACED));
	must(kill(pid, SIGCONT));
	check(wait_for(pid) == 5 << 8);
	await(st->chld_n);
	say("SA_NOCLDSTOP: %d SIGCHLD, code %d", st->chld_n, st->chld_code[0]);
	signal(SIGCHLD, SIG_DFL);
}

static void handled_ignored_blocked(void) {
	memset((void *)st, 0, sizeof *st);
	int status;
	sigset_t tstp, old;
	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);

	on_signal(SIGTSTP, on_stop, 0);
	raise(SIGTSTP);
	say("SIGTSTP with a handler: %d", st->handled);
	signal(SIGTSTP, SIG_IGN);
	raise(SIGTSTP);
	say("SIGTSTP ignored: alive");
	signal(SIGTSTP, SIG_DFL);

	// Blocked: it stops at the unblocking.
	pid_t pid = must(fork());
	if (pid == 0) {
		sigprocmask(SIG_BLOCK, &tstp, &old);
		raise(SIGTSTP);
		st->progress[0] = 1;
		sigprocmask(SIG_SETMASK, &old, NULL);
		st->progress[0] = 2;
		_exit(6);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("SIGTSTP blocked: %s after step %d", status_of(status), st->progress[0]);
	kill(pid, SIGCONT);
	say("then: %s", status_of(wait_for(pid)));

	// SIGCONT takes a pending stop signal away; a stop signal a pending SIGCONT.
	sigprocmask(SIG_BLOCK, &tstp, &old);
	raise(SIGTSTP);
	sigset_t pending;
	sigpending(&pending);
	int before = sigismember(&pending, SIGTSTP);
	raise(SIGCONT);
	sigpending(&pending);
	say("a pending SIGTSTP, before and after SIGCONT: %d %d", before, sigismember(&pending, SIGTSTP));
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigset_t cont;
	sigemptyset(&cont);
	sigaddset(&cont, SIGCONT);
	sigaddset(&cont, SIGTSTP);
	on_signal(SIGCONT, on_cont, 0);
	sigprocmask(SIG_BLOCK, &cont, &old);
	raise(SIGCONT);
	sigpending(&pending);
	before = sigismember(&pending, SIGCONT);
	raise(SIGTSTP);
	sigpending(&pending);
	say("a pending SIGCONT, before and after SIGTSTP: %d %d", before, sigismember(&pending, SIGCONT));
	raise(SIGCONT);
	sigprocmask(SIG_SETMASK, &old, NULL);
	say("SIGCONT handled: %d", st->cont_handled);

	// A handler of SIGCONT runs when a stop ends, and continues even if blocked.
	st->cont_handled = 0;
	pid = must(fork());
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(st->cont_handled == 1 ? 7 : 8);
	}
	must(waitpid(pid, &status, WUNTRACED));
	kill(pid, SIGCONT);
	say("SIGCONT's handler after a stop: %s", status_of(wait_for(pid)));
	pid = must(fork());
	if (pid == 0) {
		sigprocmask(SIG_BLOCK, &cont, &old);
		raise(SIGSTOP);
		sigpending(&pending);
		_exit(sigismember(&pending, SIGCONT) ? 9 : 10);
	}
	must(waitpid(pid, &status, WUNTRACED));
	kill(pid, SIGCONT);
	say("SIGCONT blocked, still pending: %s", status_of(wait_for(pid)));
	signal(SIGCONT, SIG_DFL);

	// A process group without a parent in its session: SIGTSTP does nothing
	// there, SIGSTOP stops.
	pid = must(fork());
	if (pid == 0) {
		setsid();
		kill(getpid(), SIGTSTP);
		kill(getpid(), SIGTTIN);
		kill(getpid(), SIGTTOU);
		st->progress[1] = 77;
		kill(getpid(), SIGSTOP);
		_exit(11);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("an orphaned group: %s after step %d", status_of(status), st->progress[1]);
	kill(pid, SIGCONT);
	say("then: %s", status_of(wait_for(pid)));
}

// Stop and continue with no pause between them: at the end all must run. (Of
// the process alone: a child that is being forked meanwhile can keep the stop
// and miss the continuation when both go to the process group, natively too.)
static void hasty(void) {
	pid_t pid = start_busy();
	int status;
	for (int i = 0; i < 200; i++) {
		must(kill(pid, SIGSTOP));
		must(kill(pid, SIGCONT));
	}
	int before[BUSY];
	memcpy(before, (void *)st->progress, sizeof before);
	for (int i = 0; i < BUSY; i++)
		if (i != 2 && i != 4)
			await(st->progress[i] != before[i]);
	// One thread's tgkill stops them all as well.
	while (waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG) > 0)
		;
	must(syscall(SYS_tgkill, pid, st->tids[2], SIGSTOP));
	must(waitpid(pid, &status, WUNTRACED));
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP && frozen(pid));
	// A signal to a thread of the stopped group wakes nobody.
	must(syscall(SYS_tgkill, pid, st->tids[1], SIGUSR1));
	check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0 && frozen(pid));
	must(kill(pid, SIGCONT));
	say("in haste: %s", status_of(wait_for(pid)));
}

static void *awaits_stop(void *unused) {
	int status;
	await(st->go);
	must(waitpid(st->go, &status, WUNTRACED));
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	st->handled = 1;
	return NULL;
}

// Stopped over an exec, and threads made while a stop is on its way.
static void around_exec(void) {
	int status;
	for (int i = 0; i < 20; i++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", "exit 12", NULL);
			_exit(99);
		}
		must(kill(pid, SIGSTOP));
		must(waitpid(pid, &status, WUNTRACED));
		if (WIFSTOPPED(status)) {
			must(kill(pid, SIGCONT));
			status = wait_for(pid);
		}
		check(status == 12 << 8);
	}
	say("stopped around an exec, 20 times");
	pid_t pid = must(fork());
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "kill -STOP $$; exit 13", NULL);
		_exit(99);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("a shell stops itself: %s", status_of(status));
	kill(pid, SIGCONT);
	say("then: %s", status_of(wait_for(pid)));
	// A vfork child may stop too; another thread of its parent learns of it.
	memset((void *)st, 0, sizeof *st);
	pid = must(fork());
	if (pid == 0) {
		pthread_t t;
		pthread_create(&t, NULL, awaits_stop, NULL);
		pid_t child = vfork();
		if (child == 0) {
			st->go = syscall(SYS_getpid);
			syscall(SYS_kill, st->go, SIGSTOP);
			_exit(14);
		}
		pthread_join(t, NULL);
		_exit(WEXITSTATUS(wait_for(child)));
	}
	await(st->handled);
	pid_t child = st->go;
	// SIGSTOP to the parent waits for the end of the vfork.
	kill(pid, SIGSTOP);
	check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	kill(child, SIGCONT);
	must(waitpid(pid, &status, WUNTRACED));
	say("the parent of a vfork: %s", status_of(status));
	kill(pid, SIGCONT);
	say("then: %s", status_of(wait_for(pid)));
}

int main(void) {
	st = shared(sizeof *st);
	stops(SIGSTOP);
	stops(SIGTSTP);
	stops(SIGTTIN);
	stops(SIGTTOU);
	by_itself();
	handled_ignored_blocked();
	hasty();
	around_exec();
	return 0;
}
