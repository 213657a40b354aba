#include "textflag.h"
#include "go_asm.h"

// What maps the region into a process of one thread, whose registers are put back
// afterwards: see Region.Setup. It refers to nothing outside itself but by fixed addresses.

// func loaderCode() unsafe.Pointer
TEXT ·loaderCode(SB), NOSPLIT, $0-8
	LEAQ	loader<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func setupCode() unsafe.Pointer
TEXT ·setupCode(SB), NOSPLIT, $0-8
	LEAQ	setup<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

#define CALL(nr) \
	MOVL	$nr, AX; \
	SYSCALL

// The loader maps the region's code. It runs wherever it has been written. In SI the name
// of the code's file, in BX where to go on with its descriptor in R12, in BP what the upper half
// of its calls' fifth argument is to be; R13, R14 and R15 are left as they are. If it cannot, it
// makes the call with the number in R15, which has R12 negative if the file could not be opened.
TEXT loader<>(SB), NOSPLIT|NOFRAME, $0-0
	JMP	end	// tells setup.go the size

	MOVQ	$-100, DI	// AT_FDCWD
	MOVL	$0x80000, DX	// O_RDONLY|O_CLOEXEC
	XORL	R10, R10
	MOVQ	BP, R8
	CALL(257)	// openat
	MOVQ	AX, R12
	TESTQ	AX, AX
	JLT	failed
	MOVL	$const_Base, DI
	MOVL	$const_CodeSize, SI
	MOVL	$5, DX	// PROT_READ|PROT_EXEC
	MOVL	$0x100001, R10	// MAP_SHARED|MAP_FIXED_NOREPLACE
	MOVQ	R12, R8	// which is unsigned int to the kernel
	ORQ	BP, R8
	XORL	R9, R9
	CALL(9)	// mmap
	CMPQ	AX, $const_Base
	JNE	closeFile
	JMP	BX
closeFile:
	MOVQ	R12, DI
	CALL(3)	// close
failed:
	XORL	R8, R8	// or the filter would let it pass
	MOVQ	R15, AX
	SYSCALL
end:
	UNDEF

// The setup code maps the rest, seals it and keeps it out of core dumps. It runs in the place of
// the first sites' records, where the filter lets pass what exec.so may do, and goes
// by the list that setup.go has put behind it. In R12 the descriptor of the code's file, in
// R13 where to map memory for trampolines, 0: nowhere, R14 bytes, in R15 the number of the
// call with which it stops. It stops with the result in BX: 0 if all has been mapped and sealed; in
// R13 0 if the memory for trampolines has not.
TEXT setup<>(SB), NOSPLIT|NOFRAME, $0-0
	JMP	end	// tells setup.go the size

	XORL	BX, BX
	MOVL	$(const_Base+const_setupListOff), BP
next:
	CMPQ	setupMapping_addr(BP), $0
	JEQ	trampolines
	MOVQ	setupMapping_name(BP), SI
	TESTQ	SI, SI
	JEQ	mapped	// what we run in

	MOVQ	$-100, DI	// AT_FDCWD
	MOVQ	setupMapping_mode(BP), DX
	XORL	R10, R10
	CALL(257)	// openat
	MOVQ	AX, BX
	TESTQ	AX, AX
	JLT	closeCode
	MOVQ	AX, R8
	MOVQ	setupMapping_addr(BP), DI
	MOVQ	setupMapping_size(BP), SI
	MOVQ	setupMapping_prot(BP), DX
	MOVL	$0x100001, R10	// MAP_SHARED|MAP_FIXED_NOREPLACE
	XORL	R9, R9
	CALL(9)	// mmap
	MOVQ	AX, BX
	SUBQ	setupMapping_addr(BP), BX
	MOVQ	R8, DI
	CALL(3)	// close
	TESTQ	BX, BX
	JNE	closeCode

mapped:
	MOVQ	setupMapping_addr(BP), DI
	MOVQ	setupMapping_size(BP), SI
	MOVL	$16, DX	// MADV_DONTDUMP
	CALL(28)	// madvise
	MOVQ	setupMapping_addr(BP), DI
	MOVQ	setupMapping_size(BP), SI
	XORL	DX, DX
	CALL(462)	// mseal
	MOVQ	AX, BX
	TESTQ	BX, BX
	JNE	closeCode
	ADDQ	$setupMapping__size, BP
	JMP	next

trampolines:
	TESTQ	R13, R13
	JEQ	closeCode
	MOVQ	R13, DI
	MOVQ	R14, SI
	MOVL	$5, DX	// PROT_READ|PROT_EXEC
	MOVL	$0x100022, R10	// MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE
	MOVQ	$-1, R8
	XORL	R9, R9
	CALL(9)	// mmap
	CMPQ	AX, R13
	JNE	noMemory
	MOVQ	R13, DI
	MOVQ	R14, SI
	XORL	DX, DX
	CALL(462)	// mseal
	TESTQ	AX, AX
	JEQ	closeCode
noMemory:
	XORL	R13, R13

closeCode:
	MOVQ	R12, DI
	CALL(3)	// close
	MOVL	$(const_Base+const_setupStopOff), BP
	MOVQ	(BP), BP
	XORL	R8, R8
	MOVQ	R15, AX
	JMP	BP
end:
	UNDEF
