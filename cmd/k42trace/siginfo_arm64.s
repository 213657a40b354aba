#include "textflag.h"

// The signal handler: write(siginfoPipe, info, 128). It runs on whatever thread
// the kernel chose, and touches nothing of Go.
TEXT siginfoHandler<>(SB), NOSPLIT|NOFRAME, $0
	MOVD	$·siginfoPipe(SB), R9
	MOVW	(R9), R0
	MOVD	$128, R2
	MOVD	$64, R8	// write
	SVC
	RET

TEXT siginfoRestorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVD	$139, R8	// rt_sigreturn
	SVC
	BRK

// func siginfoHandlerPC() uintptr
TEXT ·siginfoHandlerPC(SB), NOSPLIT, $0-8
	MOVD	$siginfoHandler<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// func siginfoRestorerPC() uintptr
TEXT ·siginfoRestorerPC(SB), NOSPLIT, $0-8
	MOVD	$siginfoRestorer<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET
