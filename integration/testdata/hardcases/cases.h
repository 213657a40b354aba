/* A program with several cases: the first argument names the one to run. */
#ifndef CASES_H
#define CASES_H
#include "say.h"

struct one_case {
	const char *name;
	void (*run)(void);
};

#define RUN_CASE(argc, argv, cases) run_case(argc, argv, cases, sizeof cases / sizeof *cases)

static inline int run_case(int argc, char **argv, const struct one_case *cases, unsigned n)
{
	for (unsigned i = 0; argc > 1 && i < n; i++)
		if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			return 0;
		}
	return 96;
}
#endif
