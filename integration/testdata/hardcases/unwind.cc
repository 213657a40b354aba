/* C++ over system calls: destructors run on cancellation, exceptions pass, threads join. */
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

static std::atomic<bool> reading;
static int pipe_fd[2];

struct tracker {
	std::string name;
	explicit tracker(std::string n) : name(std::move(n)) {}
	~tracker() { dprintf(1, "destroyed %s\n", name.c_str()); }
};

static void deep(int depth)
{
	tracker t("frame " + std::to_string(depth));
	if (depth > 0)
		deep(depth - 1);
	else {
		char c;
		reading = true;
		(void)!read(pipe_fd[0], &c, 1);
	}
}

static void *canceled(void *arg)
{
	tracker t("the thread's");
	try {
		deep(5);
	} catch (...) {
		dprintf(1, "unwinding seen\n");
		throw; /* as cancellation demands */
	}
	return arg;
}

static void throws(int fd)
{
	tracker t("before the throw");
	char c;
	if (read(fd, &c, 1) < 0)
		throw std::runtime_error("errno " + std::to_string(errno));
}

int main()
{
	if (pipe(pipe_fd))
		return 98;
	for (int i = 0; i < 3; i++) {
		pthread_t t;
		void *result;
		reading = false;
		pthread_create(&t, nullptr, canceled, nullptr);
		while (!reading)
			usleep(100); /* from here on the cancellation finds it in read, or on its way */
		pthread_cancel(t);
		pthread_join(t, &result);
		dprintf(1, "%s\n", result == PTHREAD_CANCELED ? "canceled" : "returned");
	}
	for (int i = 0; i < 3; i++)
		try {
			throws(-1);
		} catch (const std::runtime_error &e) {
			if (i == 2)
				dprintf(1, "caught %s\n", e.what());
		}
	std::vector<std::thread> threads;
	std::vector<long> sums(8);
	for (int n = 0; n < 8; n++)
		threads.emplace_back([n, &sums] {
			for (int i = 0; i < 500; i++)
				try {
					if (syscall(SYS_close, 999) < 0)
						throw n;
				} catch (int v) {
					sums[n] += v;
				}
		});
	for (auto &t : threads)
		t.join();
	for (int n = 0; n < 8; n++)
		dprintf(1, "%ld ", sums[n]);
	dprintf(1, "\n");
	return 0;
}
