#include "textflag.h"

// func cloneDoorbell(flags uintptr, stack unsafe.Pointer, event, parent uintptr) int
TEXT ·cloneDoorbell(SB), NOSPLIT, $0-40
	MOVQ	flags+0(FP), DI
	MOVQ	stack+8(FP), SI
	MOVQ	event+16(FP), R12
	MOVQ	parent+24(FP), R13
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVL	$56, AX	// clone
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, ret+32(FP)
	RET

child:
	// On a stack of its own, in registers that clone has kept.
	MOVL	$1, DI	// PR_SET_PDEATHSIG
	MOVL	$9, SI	// SIGKILL
	MOVL	$157, AX	// prctl
	SYSCALL
	MOVL	$110, AX	// getppid: the parent may have died before the prctl
	SYSCALL
	CMPQ	AX, R13
	JNE	exit
again:
	MOVQ	R12, DI
	MOVQ	SP, SI
	MOVL	$8, DX
	XORL	AX, AX	// read
	SYSCALL
	CMPQ	AX, $-4	// EINTR, of a stop
	JEQ	again
exit:
	XORL	DI, DI
	MOVL	$60, AX	// exit
	SYSCALL
	INT	$3
