/* What the programs here share: one line for a call's outcome, and giving up. */
#ifndef SAY_H
#define SAY_H
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* say writes one line in one write, so that lines of several processes stay whole. */
static inline void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char line[4096];
	va_list list;
	va_start(list, format);
	int n = vsnprintf(line, sizeof line - 1, format, list);
	va_end(list);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	if (write(1, line, n) != n)
		_exit(99);
}

/* outcome writes what a call returned, or its errno as text. */
static inline void outcome(const char *what, long result)
{
	if (result == -1)
		say("%s: %s", what, strerror(errno));
	else
		say("%s: %ld", what, result);
}

/* must ends the program where it cannot go on; natively it never does. */
static inline long must(const char *what, long result)
{
	if (result == -1) {
		say("cannot go on: %s: %s", what, strerror(errno));
		_exit(98);
	}
	return result;
}

/* skip ends a program that this machine cannot run, with the reason. */
static inline void __attribute__((noreturn)) skip(const char *why)
{
	say("SKIP %s: %s", why, strerror(errno));
	_exit(77);
}
#endif
