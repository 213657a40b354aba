#include "textflag.h"

// Calls as C libraries make them: the number is set just before the instruction.

// func callGetppid(args *[4]uintptr)
TEXT ·callGetppid(SB), NOSPLIT, $0-8
	MOVL $110, AX
	SYSCALL
	RET

// func callRead(args *[4]uintptr)
TEXT ·callRead(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	XORL AX, AX
	SYSCALL
	RET

// func callPread(args *[4]uintptr)
TEXT ·callPread(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVQ 24(BX), R10
	MOVL $17, AX
	SYSCALL
	RET

// func callStat(args *[4]uintptr)
TEXT ·callStat(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVQ 24(BX), R10
	MOVL $262, AX
	SYSCALL
	RET

// func callOpenClose(args *[4]uintptr)
TEXT ·callOpenClose(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVQ 24(BX), R10
	MOVL $257, AX
	SYSCALL
	MOVL AX, DI
	MOVL $3, AX
	SYSCALL
	RET

// func callNanosleep(args *[4]uintptr)
TEXT ·callNanosleep(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVL $35, AX
	SYSCALL
	RET

// func callPoll(args *[4]uintptr)
TEXT ·callPoll(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVL $7, AX
	SYSCALL
	RET

// func callSelect(args *[4]uintptr)
TEXT ·callSelect(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 24(BX), DX
	MOVQ DX, (SI)
	XORL DX, DX
	XORL R10, R10
	MOVQ 16(BX), R8
	MOVL $23, AX
	SYSCALL
	RET

// func callReadv(args *[4]uintptr)
TEXT ·callReadv(SB), NOSPLIT, $0-8
	MOVQ args+0(FP), BX
	MOVQ 0(BX), DI
	MOVQ 8(BX), SI
	MOVQ 16(BX), DX
	MOVL $19, AX
	SYSCALL
	RET
