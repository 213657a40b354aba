/* Changing who one is and what one sees: uids, capabilities, namespaces, roots. */
#include "cases.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void in(const char *what, void (*run)(void))
{
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		run();
		_exit(0);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("%s: status %#x", what, status);
}

static void who(const char *what)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	say("%s: uid %d %d %d gid %d %d %d secure %lu dumpable %d", what, r, e, s, rg, eg, sg, getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
}

/* identity is what the copies below are executed for. */
static void identity(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	syscall(SYS_capget, &h, d);
	who("executed");
	say("effective capabilities: %s, no_new_privs %d", d[0].effective ? "some" : "none", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	outcome("what root may read", open("secret", O_RDONLY) >= 0 ? 1 : -1);
	outcome("traced opens", open("/nonexistent/after", O_RDONLY));
}

static void copy(const char *to, mode_t mode)
{
	static char buffer[1 << 20];
	int in = must("open", open("/proc/self/exe", O_RDONLY)), out = must("create", open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700));
	for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
		must("write", write(out, buffer, n));
	must("fchmod", fchmod(out, mode));
	close(out);
	close(in);
}

static void become(uid_t id)
{
	must("setgroups", setgroups(0, 0));
	must("setresgid", setresgid(id, id, id));
	must("setresuid", setresuid(id, id, id));
}

static void root_only(void)
{
	if (geteuid() != 0) {
		errno = EPERM;
		skip("not root");
	}
	umask(022);
	must("chmod", chmod(".", 0755));
	close(must("create", open("secret", O_WRONLY | O_CREAT | O_TRUNC, 0600)));
}

static void run_copy(void) { execl("./copy", "copy", "identity", (char *)0); outcome("exec", -1); }
static void as_user(void) { become(12345); run_copy(); }
static void as_user_nnp(void) { must("nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); as_user(); }

static void set_uid(void)
{
	root_only();
	copy("copy", 0755);
	in("plain", as_user);
	copy("copy", 04755);
	in("setuid root", as_user);
	in("setuid root, no_new_privs", as_user_nnp);
	copy("copy", 02755);
	in("setgid root", as_user);
	must("chown", chown("copy", 777, 777));
	must("chmod", chmod("copy", 06755));
	in("setuid another", as_user);
	in("setuid another, by root", run_copy);
}

static void not_readable(void)
{
	root_only();
	copy("copy", 0711); /* a user may execute it, not read it: not dumpable */
	in("execute only", as_user);
}

static void drop(void)
{
	root_only();
	copy("copy", 0755);
	become(54321);
	who("dropped");
	outcome("secret", open("secret", O_RDONLY));
	outcome("setuid back", setuid(0));
	outcome("own kill", kill(getpid(), 0));
	outcome("kill of init", kill(1, 0));
	pid_t pid = must("fork", fork());
	if (pid == 0)
		run_copy();
	must("waitpid", waitpid(pid, 0, 0));
	outcome("setpriority", setpriority(PRIO_PROCESS, 0, -5));
	outcome("chroot", chroot("/"));
}

static void user_namespace(void)
{
	uid_t uid = geteuid();
	if (unshare(CLONE_NEWUSER))
		skip("unshare(CLONE_NEWUSER)");
	who("before the map");
	int fd = must("setgroups", open("/proc/self/setgroups", O_WRONLY));
	must("deny", write(fd, "deny", 4));
	close(fd);
	char map[64];
	fd = must("uid_map", open("/proc/self/uid_map", O_WRONLY));
	int n = snprintf(map, sizeof map, "0 %d 1", uid);
	must("map", write(fd, map, n));
	close(fd);
	who("after the map");
	outcome("setuid 5", setuid(5));
	must("unshare", unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
	outcome("sethostname", sethostname("inside", 6));
	struct utsname u;
	uname(&u);
	say("host %s", u.nodename);
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		execl("/bin/echo", "echo", "inside", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	outcome("opens", open("/nonexistent/inside", O_RDONLY));
}

static void mounts(void)
{
	if (unshare(CLONE_NEWNS))
		skip("unshare(CLONE_NEWNS)");
	must("private", mount(0, "/", 0, MS_REC | MS_PRIVATE, 0));
	must("mkdir", mkdir("mnt", 0700));
	outcome("tmpfs", mount("tmpfs", "mnt", "tmpfs", 0, "size=1m"));
	outcome("create", close(creat("mnt/file", 0600)));
	outcome("bind", mount("mnt", "mnt", 0, MS_BIND, 0));
	outcome("umount", umount("mnt"));
	outcome("umount", umount("mnt"));
	outcome("umount", umount("mnt"));
	outcome("proc hidden", mount("tmpfs", "/proc", "tmpfs", 0, 0));
	/* A tracer that needs the tracee's /proc must use its own. */
	outcome("open", open("/proc/self/status", O_RDONLY));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		execl("/bin/echo", "echo", "without proc", (char *)0);
		_exit(97);
	}
	must("waitpid", waitpid(pid, 0, 0));
	outcome("umount", umount("/proc"));
}

static void change_root(void)
{
	root_only();
	must("mkdir", mkdir("jail", 0755));
	must("mkdir", mkdir("jail/dir", 0755));
	copy("jail/copy", 0755); /* static: the test sees to that */
	if (chroot("jail"))
		skip("chroot");
	outcome("cwd is outside", access("secret", F_OK));
	must("chdir", chdir("/"));
	outcome("etc", access("/etc", F_OK));
	outcome("dir", access("/dir/../../../dir", F_OK));
	outcome("exec of what is not there", execl("/bin/echo", "echo", (char *)0));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		execl("/copy", "copy", "identity", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("status %#x", status);
}

static void pivot(void)
{
	root_only();
	if (unshare(CLONE_NEWNS | CLONE_NEWPID))
		skip("unshare(CLONE_NEWNS | CLONE_NEWPID)");
	must("private", mount(0, "/", 0, MS_REC | MS_PRIVATE, 0));
	must("mkdir", mkdir("root", 0755));
	must("tmpfs", mount("tmpfs", "root", "tmpfs", 0, 0));
	must("mkdir", mkdir("root/old", 0755));
	copy("root/copy", 0755);
	/* The first child is init of the new pid namespace. */
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		say("pid %d, parent %d", getpid(), getppid());
		must("pivot_root", syscall(SYS_pivot_root, "root", "root/old"));
		must("chdir", chdir("/"));
		outcome("umount old", umount2("/old", MNT_DETACH));
		outcome("etc", access("/etc", F_OK));
		pid_t orphan = must("fork", fork());
		if (orphan == 0) {
			say("pid %d, parent %d", getpid(), getppid());
			if (must("fork", fork()) == 0) {
				while (getppid() != 1)
					usleep(1000);
				say("orphan: pid %d, parent %d", getpid(), getppid());
				execl("/copy", "copy", "identity", (char *)0);
				_exit(97);
			}
			_exit(6);
		}
		int status;
		while ((pid = wait(&status)) > 0)
			say("init of the namespace: %d ended with %#x", pid, status);
		say("signal to init from inside: %d", kill(1, SIGTERM)); /* ignored, without a handler */
		/* Its end kills all that is left in the namespace. */
		if (must("fork", fork()) == 0)
			for (;;)
				pause();
		_exit(8);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("status %#x", status);
}

/* CLONE_NEWPID by clone and clone3: ids differ inside and outside. */
static void pid_namespace(void)
{
	pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		skip("CLONE_NEWPID");
	if (pid == 0) {
		say("inside: pid %ld tid %ld parent %ld", syscall(SYS_getpid), syscall(SYS_gettid), syscall(SYS_getppid));
		pid_t child = must("fork", fork());
		if (child == 0) {
			say("inside: pid %d", getpid());
			raise(SIGSTOP);
			_exit(9);
		}
		int status;
		must("waitpid", waitpid(child, &status, WUNTRACED));
		say("child %d stopped %d", child, WIFSTOPPED(status));
		must("kill", kill(child, SIGCONT));
		must("waitpid", waitpid(child, &status, 0));
		say("child ended %d", WEXITSTATUS(status));
		siginfo_t si;
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, 0);
		child = must("fork", fork());
		if (child == 0) {
			kill(1, SIGUSR1);
			_exit(0);
		}
		must("sigwaitinfo", sigwaitinfo(&set, &si));
		say("signal from pid %d", si.si_pid);
		must("waitpid", waitpid(child, &status, 0));
		_exit(10);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("status %#x", status);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"identity", identity}, {"set_uid", set_uid}, {"not_readable", not_readable}, {"drop", drop}, {"user_namespace", user_namespace},
		{"mounts", mounts}, {"change_root", change_root}, {"pivot", pivot}, {"pid_namespace", pid_namespace},
	};
	return RUN_CASE(argc, argv, cases);
}
