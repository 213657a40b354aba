// A library with system calls of its own, to be loaded and unloaded.
#define CALL(name, nr) \
	long name(void); \
	__asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\nmov $" #nr ", %eax\nsyscall\nret\n.cfi_endproc\n.size " #name ", . - " #name "\n");
CALL(library_getpid, 39)
CALL(library_getppid, 110)
CALL(library_waits, 24) // sched_yield
