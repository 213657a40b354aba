package handlers_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

func atTime(t *testing.T, opts handlers.ClockOptions, name string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := supervisor.Command(name, args...)
	cmd.Table = table.New()
	cmd.Observer = handlers.NewClock(opts).Use(cmd.Table, nil)
	cmd.Env, cmd.Stdout, cmd.Stderr = scriptEnv(), &out, &errs
	return shell(cmd, &out, &errs)
}

var moon = time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC)
var then = time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC)

func TestClockFrozen(t *testing.T) {
	got := atTime(t, handlers.ClockOptions{Start: then, Frozen: true}, "bash", "-c",
		`date +%s.%N; sleep 0.01; date -u +%FT%T; echo $EPOCHSECONDS; python3 -c "
import time,datetime
print(time.time(), time.time_ns(), time.clock_gettime(5), datetime.datetime.now(datetime.timezone.utc))
import threading, select
a=time.monotonic(); time.sleep(0.01); print(round(time.monotonic()-a,6), time.perf_counter()-time.perf_counter())
select.select([],[],[],0.005); select.poll().poll(10); print(round(time.monotonic()-a,6))
while time.monotonic()<a+0.05: threading.Event().wait(0.01)
print(round(time.monotonic()-a,6), time.time())"`)
	want := "1000000000.000000000\n2001-09-09T01:46:40\n1000000000\n1000000000.0 1000000000000000000 "
	if !strings.HasPrefix(got.out, want) || !strings.HasSuffix(got.out, "2001-09-09 01:46:40+00:00\n0.01 0.0\n0.025\n0.055 1000000000.0\n") {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// Before 1970 there was time too.
func TestClockStart(t *testing.T) {
	got := atTime(t, handlers.ClockOptions{Start: moon, Frozen: true}, "date", "-u", "+%F %T")
	if got.out != "1969-07-20 20:17:40\n" {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// All that tells the time agrees, also in a program that is linked statically, and all that waits
// waits for that time.
func TestClockAgrees(t *testing.T) {
	file := compile(t, `
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
static double now(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static double raw(clockid_t c) { struct timespec t; syscall(SYS_clock_gettime, c, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static struct timespec after(clockid_t c, double s) {
	double at = now(c) + s;
	return (struct timespec){(time_t)at, (long)((at - (time_t)at) * 1e9)};
}
static double real_start;
static void waited(const char *what, double began, double wanted) {
	double spent = now(CLOCK_MONOTONIC) - began;
	if (spent < wanted * 0.999 || spent > wanted + 300) printf("%s: %f, wanted %f\n", what, spent, wanted);
}
static void on(int s) {}
int main(void) {
	struct timeval tv;
	struct timespec ts, rem;
	uint64_t n;
	if (getauxval(AT_SYSINFO_EHDR)) printf("there is a vDSO\n");
	gettimeofday(&tv, 0);
	double d = tv.tv_sec + tv.tv_usec / 1e6;
	if (now(CLOCK_REALTIME) - d > 100 || now(CLOCK_REALTIME) < d || raw(CLOCK_REALTIME) - d > 100 || time(0) - d > 100) printf("they differ\n");
	if (raw(CLOCK_MONOTONIC) - now(CLOCK_MONOTONIC) > 100) printf("they differ\n");
	double b = now(CLOCK_MONOTONIC);
	usleep(900000); sleep(9); waited("sleep", b, 9.9);
	b = now(CLOCK_MONOTONIC); ts = after(CLOCK_REALTIME, 20);
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, 0); waited("clock_nanosleep", b, 20);
	b = now(CLOCK_MONOTONIC); ts = after(CLOCK_MONOTONIC, 20);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0); waited("clock_nanosleep monotonic", b, 20);
	b = now(CLOCK_MONOTONIC); poll(0, 0, 20000); waited("poll", b, 20);
	b = now(CLOCK_MONOTONIC); ts = (struct timespec){20, 0}; ppoll(0, 0, &ts, 0); waited("ppoll", b, 20);
	b = now(CLOCK_MONOTONIC); tv = (struct timeval){20, 0}; select(0, 0, 0, 0, &tv); waited("select", b, 20);
	sem_t sem; sem_init(&sem, 0, 0);
	b = now(CLOCK_MONOTONIC); ts = after(CLOCK_REALTIME, 20); sem_timedwait(&sem, &ts); waited("sem_timedwait", b, 20);
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	pthread_mutex_lock(&m);
	b = now(CLOCK_MONOTONIC); ts = after(CLOCK_REALTIME, 20); pthread_cond_timedwait(&c, &m, &ts); waited("pthread_cond_timedwait", b, 20);
	for (int abs = 0; abs < 2; abs++) {
		for (int i = 0; i < 2; i++) {
			clockid_t k = i ? CLOCK_REALTIME : CLOCK_MONOTONIC;
			int fd = timerfd_create(k, 0);
			b = now(CLOCK_MONOTONIC);
			struct itimerspec it = {{0, 0}, abs ? after(k, 20) : (struct timespec){20, 0}};
			timerfd_settime(fd, abs ? TFD_TIMER_ABSTIME : 0, &it, 0);
			timerfd_gettime(fd, &it);
			if (it.it_value.tv_sec > 20) printf("timerfd_gettime: %ld\n", (long)it.it_value.tv_sec);
			if (read(fd, &n, 8) != 8) printf("read\n");
			waited("timerfd", b, 20);
			timer_t t;
			struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
			sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR1); sigprocmask(SIG_BLOCK, &set, 0);
			timer_create(k, &ev, &t);
			b = now(CLOCK_MONOTONIC);
			it = (struct itimerspec){{0, 0}, abs ? after(k, 20) : (struct timespec){20, 0}};
			timer_settime(t, abs ? TIMER_ABSTIME : 0, &it, 0);
			int s; sigwait(&set, &s); waited("timer", b, 20);
		}
	}
	signal(SIGALRM, on);
	struct itimerval iv = {{0, 0}, {20, 0}};
	b = now(CLOCK_MONOTONIC); setitimer(ITIMER_REAL, &iv, 0);
	ts = (struct timespec){5000, 0};
	if (nanosleep(&ts, &rem) == 0 || errno != EINTR || rem.tv_sec < 4600 || rem.tv_sec > 4990) printf("rest: %ld\n", (long)rem.tv_sec);
	waited("setitimer", b, 20);
	b = now(CLOCK_MONOTONIC); alarm(200); pause(); waited("alarm", b, 200);
	printf("%d\n", (int)((now(CLOCK_REALTIME) - 1e9) / 100000));
	return 0;
}`, "-static")
	began := time.Now()
	got := atTime(t, handlers.ClockOptions{Start: then, Rate: 1000}, file)
	if got.out != "0\n" || got.status != 0 {
		t.Errorf("%s%s%d", got.out, got.err, got.status)
	}
	if spent := time.Since(began); spent > 60*time.Second {
		t.Errorf("waits took %v", spent) // they are 500 s at the program's time
	}
}

func TestClockOffset(t *testing.T) {
	got := atTime(t, handlers.ClockOptions{Offset: -50 * 365 * 24 * time.Hour}, "python3", "-c",
		"import time; print(time.time() < 1e9, time.clock_gettime(time.CLOCK_REALTIME) < 1e9); a=time.time(); time.sleep(0.01); print(0.01 <= time.time()-a < 60)")
	if got.out != "True True\nTrue\n" {
		t.Errorf("%s%s", got.out, got.err)
	}
	if got := atTime(t, handlers.ClockOptions{}, "date", "-s", "2000-01-01"); got.status == 0 {
		t.Error("the machine's clock was set")
	}
}

// Calls that tell how much of a time is left, and those that have it in structs of their own,
// agree too.
func TestClockTellsWhatIsLeft(t *testing.T) {
	file := compile(t, `
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
static double now(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void within(const char *what, double v, double least, double most) {
	if (v < least || v > most) printf("%s: %f, not of %f to %f\n", what, v, least, most);
}
int main(void) {
	int p[2], s[2];
	pipe(p); write(p[1], "x", 1); socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	fd_set set; FD_ZERO(&set); FD_SET(p[0], &set);
	struct timeval tv = {70000, 0};
	struct timespec ts = {70000, 0};
	if (syscall(SYS_select, p[0] + 1, &set, 0, 0, &tv) != 1) perror("select");
	within("select", tv.tv_sec + tv.tv_usec / 1e6, 60000, 69999.999);
	if (syscall(SYS_pselect6, p[0] + 1, &set, 0, 0, &ts, 0) != 1) perror("pselect6");
	within("pselect6", ts.tv_sec + ts.tv_nsec / 1e9, 60000, 69999.999);
	struct pollfd pfd = {p[0], POLLIN};
	ts = (struct timespec){70000, 0};
	if (syscall(SYS_ppoll, &pfd, 1, &ts, 0, 8) != 1) perror("ppoll");
	within("ppoll", ts.tv_sec + ts.tv_nsec / 1e9, 60000, 69999.999);
	tv = (struct timeval){20, 0};
	if (syscall(SYS_select, 0, 0, 0, 0, &tv) || tv.tv_sec || tv.tv_usec) printf("select: %ld left\n", tv.tv_sec);

	char b[2]; struct iovec v[2] = {{b, 1}, {b + 1, 1}};
	struct mmsghdr mm[2]; memset(mm, 0, sizeof mm);
	for (int i = 0; i < 2; i++) mm[i].msg_hdr.msg_iov = v + i, mm[i].msg_hdr.msg_iovlen = 1;
	write(s[1], "a", 1);
	ts = (struct timespec){70000, 0};
	int n = recvmmsg(s[0], mm, 2, MSG_WAITFORONE, &ts);
	if (n != 1) printf("recvmmsg: %d %d\n", n, errno);
	within("recvmmsg", ts.tv_sec + ts.tv_nsec / 1e9, 60000, 70000);

	double from = now(CLOCK_MONOTONIC);
	socklen_t size = sizeof tv;
	tv = (struct timeval){20, 0};
	if (setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)) perror("setsockopt");
	if (recv(s[0], b, 1, 0) != -1 || errno != EAGAIN) perror("recv");
	within("SO_RCVTIMEO", now(CLOCK_MONOTONIC) - from, 19.9, 300);
	getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &size);
	within("getsockopt", tv.tv_sec + tv.tv_usec / 1e6, 15, 25);

	struct timex tx = {0};
	if (adjtimex(&tx) < 0) perror("adjtimex");
	within("adjtimex", now(CLOCK_REALTIME) - tx.time.tv_sec, 0, 300);
	tx.modes = ADJ_FREQUENCY;
	if (adjtimex(&tx) != -1 || errno != EPERM) printf("the clock was set\n");
	struct sysinfo si; sysinfo(&si);
	within("sysinfo", now(CLOCK_BOOTTIME) - si.uptime, 0, 300);
	clock_t began = times(0); from = now(CLOCK_MONOTONIC);
	ts = (struct timespec){100, 0}; nanosleep(&ts, 0);
	within("times", (times(0) - began) / 100. - (now(CLOCK_MONOTONIC) - from), -200, 200);
	within("times", (times(0) - began) / 100., 85, 1000);
	alarm(1000); poll(0, 0, 100000);
	within("alarm", alarm(0), 500, 901);
	if (alarm(0)) printf("an alarm that was taken back\n");
	return 0;
}`)
	if got := atTime(t, handlers.ClockOptions{Start: then, Rate: 1000}, file); got != (outcome{}) {
		t.Errorf("%s%s%d", got.out, got.err, got.status)
	}
}
