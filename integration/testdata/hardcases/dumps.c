/* Deaths that dump core: the status that the parent sees, and a file with all threads. */
#include "cases.h"
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void allow(rlim_t size)
{
	struct rlimit r = {size, size};
	must("setrlimit", setrlimit(RLIMIT_CORE, &r));
}

static int is_core(const char *name) { return !strncmp(name, "core", 4); }

/* show_core tells of the core file in this directory, and removes it. */
static void show_core(void)
{
	DIR *d = opendir(".");
	int found = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (!is_core(e->d_name))
			continue;
		found = 1;
		int fd = must("open", open(e->d_name, O_RDONLY));
		struct stat st;
		fstat(fd, &st);
		char *p = mmap(0, st.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
		Elf64_Ehdr *h = (void *)p;
		if (st.st_size < (off_t)sizeof *h || memcmp(h->e_ident, ELFMAG, 4)) {
			say("core: no ELF file");
		} else {
			int threads = 0, signal = 0;
			Elf64_Phdr *ph = (void *)(p + h->e_phoff);
			for (int i = 0; i < h->e_phnum; i++)
				if (ph[i].p_type == PT_NOTE)
					for (char *n = p + ph[i].p_offset, *end = n + ph[i].p_filesz; n < end;) {
						Elf64_Nhdr *note = (void *)n;
						char *desc = n + sizeof *note + ((note->n_namesz + 3) & ~3);
						if (note->n_type == NT_PRSTATUS) {
							threads++;
							if (threads == 1)
								signal = *(int *)desc;
						}
						n = desc + ((note->n_descsz + 3) & ~3);
					}
			say("core: type %d, threads %d, signal %d", h->e_type, threads, signal);
		}
		munmap(p, st.st_size + 1);
		close(fd);
		unlink(e->d_name);
	}
	closedir(d);
	if (!found)
		say("no core file");
}

static void reap(const char *what, pid_t pid)
{
	siginfo_t si;
	int status;
	must("waitid", waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	must("waitpid", waitpid(pid, &status, 0));
	say("%s: signal %d core %d, si_code %d", what, WIFSIGNALED(status) ? WTERMSIG(status) : 0, !!WCOREDUMP(status), si.si_code);
	show_core();
}

static void *volatile nowhere;

static void die(int how)
{
	switch (how) {
	case 0: abort();
	case 1: *(volatile int *)nowhere = 1; break;
	case 2: kill(getpid(), SIGQUIT); pause(); break;
	case 3: raise(SIGSYS); break;
	case 4: raise(SIGTRAP); break;
	case 5: raise(SIGXCPU); break;
	case 6: __builtin_trap(); break;
	case 7: { char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("/proc/self/exe", O_RDONLY), 1 << 30); *(volatile char *)p = 1; } break;
	case 8: raise(SIGKILL); break; /* no core */
	case 9: raise(SIGTERM); break; /* no core */
	}
	_exit(0);
}

static void each(void)
{
	allow(RLIM_INFINITY);
	for (int how = 0; how < 10; how++) {
		pid_t pid = must("fork", fork());
		if (pid == 0)
			die(how);
		char what[16];
		snprintf(what, sizeof what, "way %d", how);
		reap(what, pid);
	}
}

static void without(void)
{
	allow(0);
	pid_t pid = must("fork", fork());
	if (pid == 0)
		abort();
	reap("limit 0", pid);
	pid = must("fork", fork());
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		abort();
	}
	reap("not dumpable", pid);
}

static pthread_barrier_t all_there;
static void *waits(void *arg) { pthread_barrier_wait(&all_there); pause(); return arg; }
static void *calls(void *arg) { pthread_barrier_wait(&all_there); for (;;) syscall(SYS_getppid); return arg; }

static void threads(void)
{
	allow(RLIM_INFINITY);
	for (int i = 0; i < 5; i++) {
		pid_t pid = must("fork", fork());
		if (pid == 0) {
			pthread_t t;
			pthread_barrier_init(&all_there, 0, 21);
			for (int n = 0; n < 20; n++)
				pthread_create(&t, 0, n & 1 ? waits : calls, 0);
			pthread_barrier_wait(&all_there);
			if (i & 1)
				abort();
			*(volatile int *)nowhere = 1;
		}
		reap("twenty and one", pid);
	}
}

/* One dumps while another process of the tree works: nobody waits on the dump. */
static void busy(void)
{
	allow(RLIM_INFINITY);
	size_t size = 16 << 20;
	char *big = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(big, 'b', size);
	pid_t pids[3];
	for (int i = 0; i < 3; i++) {
		char dir[8];
		snprintf(dir, sizeof dir, "d%d", i);
		must("mkdir", mkdir(dir, 0700));
		if ((pids[i] = must("fork", fork())) == 0) {
			must("chdir", chdir(dir));
			abort();
		}
	}
	long calls = 0;
	int status, left = 3, cores = 0;
	while (left > 0) {
		pid_t pid = must("waitpid", waitpid(-1, &status, WNOHANG));
		if (pid > 0) {
			left--;
			cores += !!WCOREDUMP(status);
		}
		if (syscall(SYS_getppid) > 0)
			calls++;
	}
	say("three ended, cores %d, calls meanwhile %d", cores, calls > 0);
	for (int i = 0; i < 3; i++) {
		char dir[8];
		snprintf(dir, sizeof dir, "d%d", i);
		must("chdir", chdir(dir));
		show_core();
		must("chdir", chdir(".."));
	}
}

/* Killed while it dumps. */
static void killed_dumping(void)
{
	allow(RLIM_INFINITY);
	size_t size = 64 << 20;
	char *big = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (big == MAP_FAILED)
		skip("64 MiB");
	for (int i = 0; i < 10; i++) {
		pid_t pid = must("fork", fork());
		if (pid == 0)
			abort();
		usleep(i * 1000);
		kill(pid, SIGKILL);
		int status;
		must("waitpid", waitpid(pid, &status, 0));
		if (!WIFSIGNALED(status) || (WTERMSIG(status) != SIGABRT && WTERMSIG(status) != SIGKILL))
			say("status %#x", status);
	}
	say("all ended");
	DIR *d = opendir(".");
	for (struct dirent *e; (e = readdir(d));)
		if (is_core(e->d_name))
			unlink(e->d_name);
}

static void self(void)
{
	allow(RLIM_INFINITY);
	say("aborting");
	abort();
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"each", each}, {"without", without}, {"threads", threads}, {"busy", busy}, {"killed_dumping", killed_dumping}, {"self", self},
	};
	return RUN_CASE(argc, argv, cases);
}
