// Signals to one's own process group: each arrives once, as from oneself. The
// tracer is in that group too, and passes signals on.
#include "observe.h"

static volatile int n, wrong;
static void count(int s, siginfo_t *i, void *u) {
	n++;
	wrong += i->si_pid != getpid() || i->si_code != SI_USER;
}

int main(int argc, char **argv) {
	if (argc > 1) { // the group dies
		kill(0, atoi(argv[1]));
		for (;;)
			pause();
	}
	const int sigs[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT, SIGALRM, SIGPIPE, SIGCHLD, SIGURG, SIGABRT};
	for (unsigned k = 0; k < sizeof sigs / sizeof *sigs; k++) {
		on_signal(sigs[k], count, 0);
		for (int i = 0; i < 20; i++) {
			n = wrong = 0;
			must(kill(0, sigs[k]));
			// It came before kill returned; a second one would come any moment.
			for (int j = 0; j < 10; j++)
				pause_briefly();
			if (n != 1 || wrong)
				break;
		}
		say("%s: %d, wrong sender %d", signame(sigs[k]), n, wrong);
	}
	return 0;
}
