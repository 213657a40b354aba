#include "textflag.h"

// The signal handler: write(siginfoPipe, info, 128). It runs on whatever thread
// the kernel chose, and touches nothing of Go.
TEXT siginfoHandler<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	·siginfoPipe(SB), DI
	MOVL	$128, DX
	MOVL	$1, AX	// write
	SYSCALL
	RET

TEXT siginfoRestorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	$15, AX	// rt_sigreturn
	SYSCALL
	INT	$3

// func siginfoHandlerPC() uintptr
TEXT ·siginfoHandlerPC(SB), NOSPLIT, $0-8
	LEAQ	siginfoHandler<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func siginfoRestorerPC() uintptr
TEXT ·siginfoRestorerPC(SB), NOSPLIT, $0-8
	LEAQ	siginfoRestorer<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
