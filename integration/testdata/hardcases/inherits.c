/* What a program finds when it starts: everything that exec(2) passes on. */
#include "cases.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void signals(void)
{
	sigset_t mask, pending;
	sigprocmask(SIG_BLOCK, 0, &mask);
	sigpending(&pending);
	for (int s = 1; s <= 64; s++) {
		struct sigaction sa;
		if (syscall(SYS_rt_sigaction, s, 0, &sa, 8))
			say("signal %d: %s", s, strerror(errno));
		void *handler = *(void **)&sa; /* the kernel's layout starts with it */
		if (handler || (sigismember(&mask, s) == 1) || sigismember(&pending, s) == 1)
			say("signal %d: handler %ld blocked %d pending %d", s, (long)handler, sigismember(&mask, s),
			    sigismember(&pending, s));
	}
	stack_t ss;
	sigaltstack(0, &ss);
	say("alternate stack flags %d", ss.ss_flags);
}

static void limits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit r;
		if (getrlimit(i, &r))
			outcome("getrlimit", -1);
		say("limit %d: %llu %llu", i, (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	}
}

static void descriptors(void)
{
	char *names[1000];
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	int own = dirfd(d);
	for (struct dirent *e; n < 1000 && (e = readdir(d));)
		if (e->d_name[0] != '.' && atoi(e->d_name) != own)
			names[n++] = strdup(e->d_name);
	qsort(names, n, sizeof *names, by_name);
	for (int i = 0; i < n; i++) {
		int fd = atoi(names[i]);
		struct stat st;
		fstat(fd, &st);
		say("fd %d: type %o flags %#x fdflags %d", fd, st.st_mode & S_IFMT, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	}
}

static void identity(void)
{
	uid_t r, e, s;
	getresuid(&r, &e, &s);
	say("uid %d %d %d", r, e, s);
	getresgid(&r, &e, &s);
	say("gid %d %d %d", r, e, s);
	say("groups %d", getgroups(0, 0));
	mode_t mask = umask(0);
	say("umask %o", mask);
	say("nice %d", getpriority(PRIO_PROCESS, 0));
	say("scheduler %d", sched_getscheduler(0));
	cpu_set_t set;
	sched_getaffinity(0, sizeof set, &set);
	say("processors %d", CPU_COUNT(&set));
	say("personality %#x", personality(0xffffffff));
	say("leader of a session %d, in the parent's %d", getsid(0) == getpid(), getsid(0) == getsid(getppid()));
	say("dumpable %d", prctl(PR_GET_DUMPABLE));
	int sig = -1, reaper = -1;
	prctl(PR_GET_PDEATHSIG, &sig);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	say("parent-death signal %d, subreaper %d", sig, reaper);
	say("timer slack %d", prctl(PR_GET_TIMERSLACK));
	say("keepcaps %d securebits %#x", prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS));
	say("no thp %d", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	say("memory-failure policy %d", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	say("secure %lu", getauxval(AT_SECURE));
	char name[64];
	prctl(PR_GET_NAME, name);
	say("name %s", name);
	say("program %s", (char *)getauxval(AT_EXECFN));
	struct itimerval it;
	for (int i = 0; i < 3; i++) {
		getitimer(i, &it);
		say("timer %d: %ld", i, it.it_value.tv_sec + it.it_value.tv_usec);
	}
}

static void vectors(int argc, char **argv)
{
	extern char **environ;
	int n = 0;
	for (char **v = environ; *v; v++)
		n++;
	/* The test's own mark differs from run to run. */
	qsort(environ, n, sizeof *environ, by_name);
	for (char **v = environ; *v; v++)
		if (strncmp(*v, "K42TRACE_TEST_RUN=", 18))
			say("env %.*s: %zu bytes", (int)strcspn(*v, "="), *v, strlen(*v));
	for (int i = 0; i < argc; i++)
		say("arg %d %s", i, argv[i]);
	unsigned long *aux = (unsigned long *)(environ + n + 1);
	for (; *aux; aux += 2)
		if (*aux == AT_FLAGS || *aux == AT_UID || *aux == AT_SECURE || *aux == AT_PAGESZ || *aux == AT_PHNUM ||
		    *aux == AT_CLKTCK || *aux == AT_HWCAP || *aux == AT_HWCAP2)
			say("aux %lu: %#lx", aux[0], aux[1]);
		else
			say("aux %lu", aux[0]);
}

/* status prints the lines of /proc/self/status that a tracer must not change. */
static void status(void)
{
	static const char *const same[] = {
		"Name:", "Umask:", "State:", "Uid:", "Gid:", "FDSize:", "Groups:", "Threads:", "SigQ:", "SigPnd:", "ShdPnd:",
		"SigBlk:", "SigIgn:", "SigCgt:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "Cpus_allowed:",
		"Mems_allowed:", "CoreDumping:", "THP_enabled:",
	};
	FILE *f = fopen("/proc/self/status", "r");
	char line[1000];
	while (fgets(line, sizeof line, f))
		for (unsigned i = 0; i < sizeof same / sizeof *same; i++)
			if (!strncmp(line, same[i], strlen(same[i])) && strncmp(line, "SigQ", 4)) {
				line[strcspn(line, "\n")] = 0;
				say("%s", line);
			}
	fclose(f);
	f = fopen("/proc/self/oom_score_adj", "r");
	if (f && fgets(line, sizeof line, f))
		say("oom_score_adj %s", line);
	f = fopen("/proc/self/coredump_filter", "r");
	if (f && fgets(line, sizeof line, f))
		say("coredump_filter %s", line);
	f = fopen("/proc/self/cgroup", "r");
	while (f && fgets(line, sizeof line, f))
		say("cgroup %s", line);
	char dir[4096];
	say("cwd %s", getcwd(dir, sizeof dir));
	ssize_t n = readlink("/proc/self/root", dir, sizeof dir - 1);
	dir[n > 0 ? n : 0] = 0;
	say("root %s", dir);
}

/* traced prints the lines that a tracer does change; documented, not hidden. */
static void traced(void)
{
	static const char *const changed[] = {"TracerPid:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"};
	FILE *f = fopen("/proc/self/status", "r");
	char line[1000];
	while (fgets(line, sizeof line, f))
		for (unsigned i = 0; i < sizeof changed / sizeof *changed; i++)
			if (!strncmp(line, changed[i], strlen(changed[i]))) {
				char *value = line + strlen(changed[i]);
				int v = atoi(value);
				char task[64];
				snprintf(task, sizeof task, "/proc/%d/task/%d", getppid(), v);
				if (i == 0)
					say("TracerPid: %s", v == 0 ? "0" : access(task, F_OK) == 0 ? "a thread of the parent" : "somebody");
				else
					say("%s %d", changed[i], v);
			}
	outcome("PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
	outcome("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static int count;
static char **vector;
static void all_vectors(void) { vectors(count, vector); }

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"signals", signals}, {"limits", limits}, {"descriptors", descriptors}, {"identity", identity},
		{"vectors", all_vectors}, {"status", status}, {"traced", traced},
	};
	count = argc, vector = argv;
	return RUN_CASE(argc, argv, cases);
}
