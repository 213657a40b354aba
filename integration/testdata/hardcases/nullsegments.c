/* Null selectors are four, which the processor takes and keeps, but of which ptrace(2) writes only
 * 0 and 3. Calls go on with any of them. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	for (unsigned short selector = 0; selector < 4; selector++) {
		__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(selector));
		for (int i = 0; i < 200; i++)
			syscall(SYS_getppid);
		unsigned short ds, es;
		__asm__ volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
		printf("%d: %d %d\n", selector, ds, es);
		fflush(stdout);
	}
	return 0;
}
