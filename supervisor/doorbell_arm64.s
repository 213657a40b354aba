#include "textflag.h"

// func cloneDoorbell(flags uintptr, stack unsafe.Pointer, event, parent uintptr) int
TEXT ·cloneDoorbell(SB), NOSPLIT, $0-40
	MOVD	flags+0(FP), R0
	MOVD	stack+8(FP), R1
	MOVD	event+16(FP), R19
	MOVD	parent+24(FP), R20
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$220, R8	// clone
	SVC
	CBZ	R0, child
	MOVD	R0, ret+32(FP)
	RET

child:
	// On a stack of its own, in registers that clone has kept.
	MOVD	$1, R0	// PR_SET_PDEATHSIG
	MOVD	$9, R1	// SIGKILL
	MOVD	$167, R8	// prctl
	SVC
	MOVD	$173, R8	// getppid: the parent may have died before the prctl
	SVC
	CMP	R0, R20
	BNE	exit
again:
	MOVD	R19, R0
	MOVD	RSP, R1
	MOVD	$8, R2
	MOVD	$63, R8	// read
	SVC
	CMN	$4, R0	// EINTR, of a stop
	BEQ	again
exit:
	MOVD	$0, R0
	MOVD	$93, R8	// exit
	SVC
	BRK
