#include "textflag.h"
#include "go_asm.h"

// The entry code. It is never run here: New copies it into the region. So it
// refers to nothing outside itself but by the region's fixed addresses, and through
// GS to the thread's slot. Nothing but the site's record, in CX, and R11 may be
// changed on the way in, nor the flags: hence LEAQ, NOTQ, RORXQ and JCXZQ where
// arithmetic and jumps would do. A push would write into the red zone, and may
// overflow what the program has for a stack.
//
// What a thread would have been doing without us must be known at every
// instruction: translate.go has the table. Mind it when you change anything here.

// func entryCode() unsafe.Pointer
TEXT ·entryCode(SB), NOSPLIT, $0-8
	LEAQ	entry<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func Now() uint64
TEXT ·Now(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+0(FP)
	RET

#define GSAT(off, index) (off)(index)(GS*1)
#define RING(off, index) (const_ringOff+off)(index)(GS*1)
#define ARG(i) (const_areaArgs+8*i)(GS)

// With the site in CX, move it to R11 and see whether this thread has the use of
// something.
#define MAY(area, before, moved, ok) \
before: \
	MOVQ	CX, R11; \
moved: \
	MOVQ	area(GS), CX; \
	LEAQ	-const_cookie(CX), CX; \
	JCXZQ	ok

// Go to the original call if it has none of us.
#define MINE(before, moved, ok) \
	MAY(const_areaCookie, before, moved, ok); \
	JMP	const_siteCall(R11); \
ok:

// Whether the ring has room: CX is 0 if so. AX is lost.
#define FULL \
	MOVQ	const_areaHead(GS), CX; \
	NOTQ	CX; \
	MOVQ	const_areaLimit(GS), AX; \
	LEAQ	1(AX)(CX*1), CX; \
	RORXQ	$56, CX, CX; \
	MOVBLZX	CL, CX; \
	MOVQ	const_areaNr(GS), AX

// Keep the number, and go to the original call if the ring is full and stays so for as long
// as the supervisor wants us to wait.
#define ROOM(saved, ok, again, full) \
	MOVQ	AX, const_areaNr(GS); \
saved: \
	FULL; \
	JCXZQ	ok; \
	MOVQ	const_areaPatience(GS), CX; \
	MOVQ	CX, const_areaWaits(GS); \
again: \
	MOVQ	const_areaWaits(GS), CX; \
	JCXZQ	full; \
	LEAQ	-1(CX), CX; \
	MOVQ	CX, const_areaWaits(GS); \
	PAUSE; \
	FULL; \
	JCXZQ	ok; \
	JMP	again; \
full: \
	JMP	const_siteCall(R11); \
ok: \
	MOVL	AX, CX; \
	MOVL	(const_Base+const_plansOff)(CX*8), CX; \
	MOVQ	CX, const_areaPlan(GS)

// Get the line of the ring that is ahead bytes from the offset in CX, to be written: the
// supervisor had it last, and a store would have to wait for it. Offsets behind the ring do no
// harm. (prefetchw %gs:ringOff+ahead(%rcx))
#define AHEAD(ahead) \
	BYTE	$0x65; BYTE $0x0f; BYTE $0x0d; BYTE $0x89; LONG $(const_ringOff+ahead)

// An ENTER but for its stamp, at the offset in CX.
#define ENTER \
	MOVWLZX	const_areaHead(GS), CX; \
	AHEAD(256); \
	AHEAD(320); \
	MOVW	$const_kindEnter, RING(0, CX); \
	MOVW	AX, RING(2, CX); \
	MOVL	R11, RING(4, CX); \
	MOVQ	DI, RING(const_enterArgs, CX); \
	MOVQ	SI, RING(const_enterArgs+8, CX); \
	MOVQ	DX, RING(const_enterArgs+16, CX); \
	MOVQ	R10, RING(const_enterArgs+24, CX); \
	MOVQ	R8, RING(const_enterArgs+32, CX); \
	MOVQ	R9, RING(const_enterArgs+40, CX)

// Make it visible, and go into the kernel.
#define PUBLISH_ENTER(published) \
	MOVQ	const_areaHead(GS), CX; \
	LEAQ	const_enterSize(CX), CX; \
	MOVQ	CX, const_areaHead(GS); \
published: \
	LEAQ	const_siteObserved(R11), CX; \
	JMP	CX

#define NEXT_CHECK \
	ADDQ	$const_stepSize, R11; \
	JMP	(R11)

#define NEXT \
	ADDQ	$const_stepSize, R10; \
	JMP	(R10)

// Go on behind the call.
#define RETURN \
	MOVQ	const_areaFlags(GS), R11; \
	MOVQ	const_areaResult(GS), AX; \
	MOVQ	const_areaSite(GS), CX; \
	JMP	const_siteBack(CX)

// The same where the kernel has not been, which would leave the flags in R11.
#define ANSWER \
	LAHF; \
	SETOS	AL; \
	MOVBLZX	AH, CX; \
	MOVBLZX	AL, AX; \
	RORXL	$21, AX, AX; \
	LEAQ	0x200(CX)(AX*1), R11; \
	MOVQ	const_areaSite(GS), CX; \
	MOVQ	const_areaResult(GS), AX; \
	JMP	const_siteBack(CX)

// Flags as they were before the checks.
#define UNCHECK \
	MOVQ	const_areaLahf(GS), AX; \
	ADDB	$0x7f, AL; \
	SAHF; \
	MOVQ	const_areaSite(GS), R11; \
	MOVQ	const_areaNr(GS), AX

// Keep the argument registers, and have them back.
#define KEEP_ARGS \
	MOVQ	DI, ARG(0); \
	MOVQ	SI, ARG(1); \
	MOVQ	DX, ARG(2); \
	MOVQ	R10, ARG(3); \
	MOVQ	R8, ARG(4); \
	MOVQ	R9, ARG(5)

#define ARGS \
	MOVQ	ARG(0), DI; \
	MOVQ	ARG(1), SI; \
	MOVQ	ARG(2), DX; \
	MOVQ	ARG(3), R10; \
	MOVQ	ARG(4), R8; \
	MOVQ	ARG(5), R9

// Flags as the system call has left them.
#define UNFLAG \
	MOVQ	const_areaFlags(GS), R11; \
	MOVL	R11, CX; \
	MOVL	R11, AX; \
	SHRL	$11, AX; \
	ANDL	$1, AX; \
	MOVB	CL, AH; \
	ADDB	$0x7f, AL; \
	SAHF

// The argument registers as they were before the captures.
#define UNCAPTURE \
	ARGS; \
	UNFLAG

// Keep the number, the site, and the flags, which are free then.
#define KEEP_CALL(kept) \
	MOVQ	AX, const_areaNr(GS); \
	MOVQ	R11, const_areaSite(GS); \
kept: \
	LAHF; \
	SETOS	AL; \
	MOVQ	AX, const_areaLahf(GS)

// Go on behind a call of which the kernel knows nothing, with all registers but AX as
// they were.
#define FINISH \
	ARGS; \
	MOVQ	const_areaLahf(GS), AX; \
	ADDB	$0x7f, AL; \
	SAHF; \
	ANSWER

// The entry of descriptor AX; the upper half is in R11. (Not) known: what is.
#define ENTRY \
	MOVQ	const_areaTable(GS), R11; \
	MOVQ	(R11)(AX*8), AX; \
	MOVQ	AX, R11; \
	SHRQ	$32, R11

// What is ready of descriptor CX, in AX. (The record was still its file's if it is now.)
#define EVENTS \
	MOVL	CX, AX; \
	CMPL	AX, $const_MaxDescriptors; \
	JCC	pollPass; \
	ENTRY; \
	TESTL	$const_leaving, R11; \
	JNE	pollPass; \
	CMPL	AX, $const_entryAsked; \
	JLS	pollOther; \
	MOVL	AX, R11; \
	MOVL	const_recordEvents(R11), R11; \
	MOVQ	R11, const_areaEvents(GS); \
	MOVQ	const_areaTable(GS), R11; \
	CMPQ	AX, (R11)(CX*8); \
	JNE	pollPass; \
	MOVQ	const_areaEvents(GS), AX

// See whether an address may be memory of the program.
#define USER(addr, scratch, no) \
	MOVQ	addr, scratch; \
	SUBQ	$const_lowestData, scratch; \
	JCS	no; \
	SHRQ	$const_userBits, scratch; \
	JNE	no

// Copy the word at R8 of a set, if there is one, and add it to R9.
#define COPY_SET(set, copy, none) \
	XORL	AX, AX; \
	TESTQ	set, set; \
	JEQ	none; \
	USER(set, AX, pollPass); \
	MOVQ	(set)(R8*1), AX; \
	ANDQ	DI, AX; \
none: \
	MOVQ	AX, GSAT(copy, R8); \
	ORQ	AX, R9

// Store it.
#define STORE_SET(set, copy, none) \
	MOVQ	set, CX; \
	TESTQ	CX, CX; \
	JEQ	none; \
	MOVQ	GSAT(copy, R8), AX; \
	MOVQ	AX, (CX)(R8*1); \
none:

// Capture CX bytes at SI, of argument and cut in AX: those that make whole words.
#define COPY_WORDS(words, rest) \
	MOVL	AX, RING(0, R11); \
	MOVL	CX, RING(4, R11); \
	MOVQ	SI, RING(8, R11); \
	LEAQ	const_captureHead(R11), DI; \
	MOVL	CX, DX; \
	SHRL	$3, DX; \
	JEQ	rest; \
words: \
	MOVQ	(SI), AX; \
	MOVQ	AX, RING(0, DI); \
	ADDQ	$8, SI; \
	ADDQ	$8, DI; \
	SUBL	$1, DX; \
	JNE	words; \
rest:

// And the others.
#define COPY_BYTES(byte, done) \
	ANDL	$7, CX; \
	JEQ	done; \
byte: \
	MOVBLZX	(SI), AX; \
	MOVB	AX, RING(0, DI); \
	ADDQ	$1, SI; \
	ADDQ	$1, DI; \
	SUBL	$1, CX; \
	JNE	byte; \
	ADDQ	$7, DI; \
	ANDQ	$~7, DI; \
done:

#define COPIED \
	MOVQ	DI, R11; \
	ADDL	$1, R9

// Of a buffer of at least 16 bytes, R11: whether it begins as a message of netlink(7) does,
// with a length that one can have and flags that there are, or as udev's, which have none.
// Then the supervisor must help: what the descriptor is can be seen only while it is open.
#define MESSAGES(plain) \
	TESTB	$const_flagMessages, const_stepFlags(R10); \
	JEQ	plain; \
	CMPL	RING(4, R11), $16; \
	JCS	plain; \
	MOVL	RING(const_captureHead, R11), AX; \
	CMPL	AX, $const_udevPrefix; \
	JEQ	help; \
	SUBL	$16, AX; \
	CMPL	AX, $0xfff0; \
	JCC	plain; \
	TESTL	$0xf0c00000, RING((const_captureHead+4), R11); \
	JEQ	help; \
plain:

// Behind a call of our own: its result in CX, and the rest as it was before.
#define INQUIRED \
	MOVQ	R11, R10; \
	MOVQ	const_areaResult(GS), CX; \
	MOVQ	const_areaOpened(GS), AX; \
	MOVQ	AX, const_areaResult(GS); \
	MOVQ	const_areaOpenedFlags(GS), AX; \
	MOVQ	AX, const_areaFlags(GS); \
	MOVQ	const_areaNameAt(GS), R11; \
	MOVQ	const_areaNameCount(GS), R9; \
	MOVQ	$0, const_areaNaming(GS)

// The event has room for CX bytes more.
#define ROOMFOR \
	LEAQ	(const_captureHead+8)(R11)(CX*1), DX; \
	MOVWLZX	const_areaHead(GS), DI; \
	ADDL	$(const_eventReserve-const_enterSize), DI; \
	CMPQ	DX, DI; \
	JHI	help

TEXT entry<>(SB), NOSPLIT|NOFRAME, $0-0
	// Where everything is, for code.go: in the order of its labels.
	JMP	trap
	JMP	pass
	JMP	record
	JMP	record1
	JMP	record2
	JMP	record3
	JMP	timed
	JMP	timed1
	JMP	timed2
	JMP	timedStamp
	JMP	timed3
	JMP	checked
	JMP	checked1
	JMP	checked2
	JMP	checkedTimed
	JMP	checkedTimed1
	JMP	checkedTimed2
	JMP	check
	JMP	checkSaved
	JMP	stepNull
	JMP	stepBits
	JMP	stepPositive
	JMP	stepCase
	JMP	stepRefuse
	JMP	stepEnter
	JMP	count
	JMP	count1
	JMP	count2
	JMP	known
	JMP	known1
	JMP	known2
	JMP	unknown
	JMP	constant
	JMP	constant1
	JMP	request
	JMP	request1
	JMP	request2
	JMP	waitReturn
	JMP	waited
	JMP	answered
	JMP	answeredKept
	JMP	file
	JMP	file1
	JMP	file2
	JMP	file3
	JMP	file4
	JMP	fileSwapped
	JMP	fileMoved
	JMP	poll
	JMP	poll1
	JMP	poll2
	JMP	poll3
	JMP	pollStored
	JMP	pollDone
	JMP	leave1
	JMP	leave2
	JMP	leave3
	JMP	leave4
	JMP	leave5
	JMP	exit
	JMP	exitSaved
	JMP	stepCounted
	JMP	countedError
	JMP	counted
	JMP	stepLeft
	JMP	hasLeft
	JMP	stepLeave
	JMP	leaveStamp
	JMP	leftTimed
	JMP	leaveUntimed
	JMP	left
	JMP	stepCapture
	JMP	captureSaved
	JMP	stepGood
	JMP	stepSome
	JMP	stepFilled
	JMP	stepProven
	JMP	stepString
	JMP	stepBytes
	JMP	stepLength
	JMP	stepResult
	JMP	stepVector
	JMP	stepMessage
	JMP	stepName
	JMP	stepNamed
	JMP	stepStatted
	JMP	stepBare
	JMP	stepDone
	JMP	done
	JMP	help
	JMP	helpCall
	JMP	helpReturn
	JMP	end

trap:
	JMP	const_siteCall(CX)

pass:
	JMP	CX

	// Record: two events, without stamps.
	MINE(record, record1, recordMine)
	ROOM(record2, recordRoom, recordAgain, recordFull)
	MOVQ	$0, const_areaTimed(GS)
enter:
	ENTER
	MOVQ	$0, RING(const_eventStamp, CX)
	PUBLISH_ENTER(record3)

	// The same with stamps.
	MINE(timed, timed1, timedMine)
	ROOM(timed2, timedRoom, timedAgain, timedFull)
	MOVQ	$1, const_areaTimed(GS)
enterTimed:
	ENTER
	MOVQ	DX, ARG(2)
timedStamp:
	RDTSC
	MOVL	AX, RING(const_eventStamp, CX)
	MOVL	DX, RING(const_eventStamp+4, CX)
	MOVQ	ARG(2), DX
	MOVQ	const_areaNr(GS), AX
	PUBLISH_ENTER(timed3)

	// Numbers that can be recorded only if their arguments allow it: steps find
	// that out.
	MINE(checked, checked1, checkedMine)
	ROOM(checked2, checkedRoom, checkedAgain, checkedFull)
	MOVQ	$0, const_areaTimed(GS)
	JMP	check

	MINE(checkedTimed, checkedTimed1, checkedTimedMine)
	ROOM(checkedTimed2, checkedTimedRoom, checkedTimedAgain, checkedTimedFull)
	MOVQ	$1, const_areaTimed(GS)
check:
	MOVQ	R11, const_areaSite(GS)
	LAHF
	SETOS	AL
	MOVQ	AX, const_areaLahf(GS)
checkSaved:
	KEEP_ARGS
	MOVQ	const_areaPlan(GS), R11
	JMP	(R11)

stepNull:	// the argument is NULL
	MOVBLZX	const_stepArg(R11), AX
	CMPQ	GSAT(const_areaArgs, AX), $0
	JNE	refuse
	NEXT_CHECK

stepBits:	// none of these bits is in the argument
	MOVBLZX	const_stepArg(R11), AX
	MOVL	GSAT(const_areaArgs, AX), AX
	TESTL	AX, const_stepLimit(R11)
	JNE	refuse
	NEXT_CHECK

stepPositive:	// the argument, an int, is positive
	MOVBLZX	const_stepArg(R11), AX
	CMPL	GSAT(const_areaArgs, AX), $0
	JLE	refuse
	NEXT_CHECK

stepCase:	// the argument, an int, has this value: go on there
	MOVBLZX	const_stepArg(R11), AX
	MOVL	GSAT(const_areaArgs, AX), AX
	CMPL	AX, const_stepLimit(R11)
	JNE	notCase
	MOVWLZX	const_stepTarget(R11), R11
	SHLL	$4, R11
	ADDL	$(const_Base+const_stepsOff), R11
	JMP	(R11)
notCase:
	NEXT_CHECK

stepRefuse:
refuse:
	UNCHECK
	JMP	const_siteCall(R11)

stepEnter:	// all is well, the exit begins behind this
	ADDQ	$const_stepSize, R11
	MOVQ	R11, const_areaPlan(GS)
	UNCHECK
	MOVQ	const_areaTimed(GS), CX
	JCXZQ	toEnter
	JMP	enterTimed
toEnter:
	MOVL	$0, CX	// a label on a jump would be out of JCXZQ's reach
	JMP	enter

	// Count: no events. The plan is always the first step of all.
	MINE(count, count1, countMine)
	MOVL	AX, CX
	MOVWLZX	(const_Base+const_countersOff)(CX*2), CX
	MOVQ	CX, const_areaNr(GS)
	MOVQ	$(const_Base+const_stepsOff), CX
	MOVQ	CX, const_areaPlan(GS)
count2:
	LEAQ	const_siteObserved(R11), CX
	JMP	CX

	// Known: the answer is in the slot.
	MINE(known, known1, knownMine)
	MOVL	AX, CX
	LEAQ	(CX*8), CX
	MOVQ	GSAT(const_knownOff, CX), CX
	JCXZQ	unknown
answer:
	MOVQ	AX, const_areaNr(GS)
	MOVQ	R11, const_areaSite(GS)
known2:
	LEAQ	const_answerBias(CX), CX
	MOVQ	CX, const_areaResult(GS)
	ANSWER
unknown:
	JMP	const_siteCall(R11)

	// Constant: the answer is the same in all slots.
	MINE(constant, constant1, constantMine)
	MOVL	AX, CX
	MOVQ	(const_Base+const_constantsOff)(CX*8), CX
	JCXZQ	noConstant
	JMP	answer
noConstant:
	JMP	const_siteCall(R11)

	// Request: the supervisor answers, while we look on.
	MINE(request, request1, requestMine)
	MOVQ	const_areaServing(GS), CX
	JCXZQ	noRequest
	JMP	mayRequest
noRequest:
	JMP	const_siteCall(R11)
mayRequest:
	MOVQ	AX, const_areaNr(GS)
	MOVQ	R11, const_areaSite(GS)
	MOVQ	$const_requestIdle, const_areaState(GS)
request2:
	MOVW	AX, const_areaRequest(GS)
	MOVL	R11, const_areaRequestSite(GS)
	MOVQ	SP, const_areaRequestSP(GS)
	MOVQ	DI, (const_areaRequestArgs)(GS)
	MOVQ	SI, (const_areaRequestArgs+8)(GS)
	MOVQ	DX, (const_areaRequestArgs+16)(GS)
	MOVQ	R10, (const_areaRequestArgs+24)(GS)
	MOVQ	R8, (const_areaRequestArgs+32)(GS)
	MOVQ	R9, (const_areaRequestArgs+40)(GS)
	MOVQ	CX, AX
	MOVW	$const_requestPosted, const_areaState(GS)
look:
	PAUSE
	MOVWLZX	const_areaState(GS), CX
	LEAQ	-const_requestPosted(CX), CX
	JCXZQ	lookAgain
	LEAQ	(const_requestPosted-const_requestAnswered)(CX), CX
	JCXZQ	answered
	MOVQ	$const_requestIdle, const_areaState(GS)
	MOVQ	const_areaNr(GS), AX
	JMP	const_siteCall(R11)
lookAgain:
	LEAQ	-1(AX), AX
	MOVQ	AX, CX
	JCXZQ	wait
	JMP	look
wait:	// no longer: stop for the supervisor
	MOVQ	const_areaNr(GS), AX
	SYSCALL
waitReturn:	// if it did not care, this was the call
	MOVQ	$const_requestIdle, const_areaState(GS)
waited:
	MOVQ	const_areaSite(GS), CX
	JMP	const_siteBack(CX)
answered:
	MOVQ	const_areaRequestResult(GS), CX
	MOVQ	CX, const_areaResult(GS)
answeredKept:
	ANSWER

	// ByFile: what is known of the descriptor in the first argument decides. If it is
	// not virtual, the call is made; if nothing is known, or more is to be done than
	// here, the supervisor is asked.
	MAY(const_areaFiles, file, file1, fileMine)
	MOVQ	R11, CX
	JMP	request
fileMine:
	KEEP_CALL(file2)
file3:
	MOVQ	const_areaNr(GS), CX
	CMPL	CX, $const_nrFstatAt
	JEQ	fileNamed
	CMPL	CX, $const_nrStatx
	JEQ	fileNamedX
fileLook:
	MOVL	DI, AX
	CMPL	AX, $const_MaxDescriptors
	JCC	fileAsk
	ENTRY
	TESTL	$const_leaving, R11
	JNE	fileAsk
	CMPL	AX, $const_entryAsked
	JHI	fileKnown
	CMPL	AX, $const_entryReal
	JNE	fileAsk
filePass:
	UNCHECK
	JMP	R11
fileNamed:	// beneath the descriptor, of which that says nothing
	TESTL	$const_atEmptyPath, R10
	JEQ	filePass
	JMP	fileLook
fileNamedX:
	TESTL	$const_atEmptyPath, DX
	JEQ	filePass
	JMP	fileLook
fileAsk:
	UNCHECK
	MOVQ	R11, CX
	JMP	request

	// The entry in AX. From here on the argument registers are free: record in R8, where its
	// position is in R9, that in AX, the number in CX.
fileKnown:
	KEEP_ARGS
file4:
	MOVL	AX, R8
	LEAQ	-(const_Base+const_FilesOffset)(R8), R9
	SHRQ	$const_recordToPosition, R9
	ADDQ	$(const_Base+const_DescriptorsOffset+const_positionsOff), R9
	MOVQ	(R9), R11
	// The record was still this file's if the descriptor is.
	MOVL	DI, DI
	MOVQ	const_areaTable(GS), CX
	CMPQ	AX, (CX)(DI*8)
	JNE	fileRefuse
	MOVQ	R11, AX
	MOVQ	const_areaNr(GS), CX
	TESTQ	AX, AX
	JLT	fileRefuse
	CMPQ	const_recordContents(R8), $0
	JEQ	fileRefuse
	CMPL	CX, $const_nrRead
	JEQ	fileRead
	CMPL	CX, $const_nrPread
	JEQ	filePread
	CMPL	CX, $const_nrLseek
	JEQ	fileSeek
	CMPL	CX, $const_nrFstat
	JEQ	fileStat
	CMPL	CX, $const_nrFstatAt
	JEQ	fileStatAt
	CMPL	CX, $const_nrStatx
	JEQ	fileStatx
	CMPL	CX, $const_nrReadv
	JEQ	fileVector
	CMPL	CX, $const_nrPreadv
	JEQ	fileVector
	CMPL	CX, $const_nrPreadv2
	JEQ	fileVector
fileRefuse:
	ARGS
	JMP	fileAsk
fileAgain:	// another thread has moved the position
	ARGS
	MOVQ	const_areaNr(GS), CX
	JMP	fileLook

fileRead:
	MOVQ	AX, CX
	SHLQ	$(64-const_positionBits), CX
	SHRQ	$(64-const_positionBits), CX
	JMP	fileFrom
filePread:
	MOVQ	R10, CX
	SHRQ	$const_positionBits, R10
	JNE	fileRefuse
fileFrom:	// DX bytes from CX on, to SI, which all must be the program's
	MOVQ	DX, R11
	SHRQ	$const_userBits, R11
	JNE	fileRefuse
	MOVQ	SI, R11
	SHRQ	$const_userBits, R11
	JNE	fileRefuse
	LEAQ	const_lastData(SI)(DX*1), R11
	SHRQ	$const_userBits, R11
	JNE	fileRefuse
	MOVQ	const_recordLength(R8), R11
	SUBQ	CX, R11
	JGE	fileLength
	XORL	R11, R11
fileLength:
	CMPQ	R11, DX
	CMOVQHI	DX, R11
	MOVQ	SI, DI
	MOVQ	const_recordContents(R8), SI
	ADDQ	CX, SI
	MOVQ	R11, const_areaResult(GS)
	MOVQ	R11, CX
	ADDQ	AX, R11
	JMP	fileCopy

fileVector:	// DX elements at SI: all are looked at before any is filled
	LEAQ	-1(DX), CX
	CMPQ	CX, $const_maxVector
	JCC	fileRefuse
	USER(SI, CX, fileRefuse)
	SHLQ	$4, DX
	ADDQ	SI, DX
	MOVQ	SI, const_areaDone(GS)
	MOVQ	DX, const_areaEnd(GS)
	XORL	R11, R11	// bytes in all of them
fileMeasure:
	MOVQ	const_iovecLen(SI), CX
	MOVQ	(SI), R10
	MOVQ	R10, DI
	SHRQ	$const_userBits, DI
	JNE	fileRefuse
	TESTQ	CX, CX
	JLT	fileRefuse
	JEQ	fileMeasured	// its address may be NULL
	CMPQ	R10, $const_lowestData
	JCS	fileRefuse
	ADDQ	CX, R11
	LEAQ	const_lastData(R10)(CX*1), R10
	SHRQ	$const_userBits, R10
	JNE	fileRefuse
fileMeasured:
	ADDQ	$const_iovecSize, SI
	CMPQ	SI, DX
	JCS	fileMeasure
	MOVQ	AX, CX
	SHLQ	$(64-const_positionBits), CX
	SHRQ	$(64-const_positionBits), CX
	CMPL	const_areaNr(GS), $const_nrReadv
	JEQ	fileVectorFrom
	CMPL	const_areaNr(GS), $const_nrPreadv
	JEQ	fileVectorAt
	CMPL	ARG(5), $0	// RWF_ flags
	JNE	fileRefuse
fileVectorAt:
	MOVQ	ARG(3), CX
	MOVQ	CX, DX
	SHRQ	$const_positionBits, DX
	JNE	fileRefuse
fileVectorFrom:	// from CX on
	MOVQ	const_recordLength(R8), DX
	SUBQ	CX, DX
	JGE	fileVectorLength
	XORL	DX, DX
fileVectorLength:
	CMPQ	R11, DX
	CMOVQHI	DX, R11
	MOVQ	const_recordContents(R8), SI
	ADDQ	CX, SI
	MOVQ	R11, const_areaResult(GS)
	MOVQ	R11, const_areaLeft(GS)
	ADDQ	AX, R11
fileElement:	// the next of them
	MOVQ	const_areaLeft(GS), DX
	TESTQ	DX, DX
	JEQ	fileVectorFull
	MOVQ	const_areaDone(GS), DI
	CMPQ	DI, const_areaEnd(GS)
	JCC	fileRefuse	// they have become shorter
	LEAQ	const_iovecSize(DI), R10
	MOVQ	R10, const_areaDone(GS)
	MOVQ	const_iovecLen(DI), CX
	MOVQ	(DI), DI
	CMPQ	CX, DX
	CMOVQHI	DX, CX
	SUBQ	CX, DX
	MOVQ	DX, const_areaLeft(GS)
	TESTQ	CX, CX
	JEQ	fileElement
	JMP	fileCopy
fileVectorFull:
	CMPL	const_areaNr(GS), $const_nrReadv
	JEQ	fileSwap
	JMP	fileStill

fileStatx:
	TESTL	$~(const_atEmptyPath|const_atHarmless), DX
	JNE	fileRefuse
	TESTL	R10, R10	// STATX__RESERVED
	JLT	fileRefuse
	USER(SI, CX, fileRefuse)
	CMPB	(SI), $0
	JNE	fileRefuse
	MOVQ	ARG(4), DI
	LEAQ	const_recordStatx(R8), SI
	MOVQ	$0, const_areaResult(GS)
	MOVL	$const_statxSize, CX
	JMP	fileCopy

fileStatAt:
	CMPL	R10, $const_atEmptyPath
	JNE	fileRefuse
	USER(SI, CX, fileRefuse)
	CMPB	(SI), $0
	JNE	fileRefuse
	MOVQ	DX, SI
fileStat:
	MOVQ	SI, DI
	LEAQ	const_recordStat(R8), SI
	MOVQ	$0, const_areaResult(GS)
	MOVL	$const_statSize, CX

fileCopy:	// CX bytes from SI to DI, after which the position becomes R11
	USER(DI, R10, fileRefuse)
	SUBQ	$32, CX
	JCS	fileWords
file32:
	MOVQ	(SI), R10
	MOVQ	8(SI), DX
	MOVQ	R10, (DI)
	MOVQ	DX, 8(DI)
	MOVQ	16(SI), R10
	MOVQ	24(SI), DX
	MOVQ	R10, 16(DI)
	MOVQ	DX, 24(DI)
	ADDQ	$32, SI
	ADDQ	$32, DI
	SUBQ	$32, CX
	JCC	file32
fileWords:
	ADDQ	$(32-8), CX
	JMP	fileWord
file8:
	MOVQ	(SI), R10
	MOVQ	R10, (DI)
	ADDQ	$8, SI
	ADDQ	$8, DI
	SUBQ	$8, CX
fileWord:
	TESTQ	CX, CX
	JGE	file8
	ADDQ	$8, CX
	JEQ	fileCopied
fileByte:
	MOVBLZX	(SI), R10
	MOVB	R10, (DI)
	ADDQ	$1, SI
	ADDQ	$1, DI
	SUBL	$1, CX
	JNE	fileByte
fileCopied:
	MOVL	const_areaNr(GS), CX
	CMPL	CX, $const_nrRead
	JEQ	fileSwap
	CMPL	CX, $const_nrReadv
	JEQ	fileElement
	CMPL	CX, $const_nrPreadv
	JEQ	fileElement
	CMPL	CX, $const_nrPreadv2
	JEQ	fileElement
fileStill:
	// If the record has become another file's meanwhile, it was that.
	XORQ	(R9), AX
	SHRQ	$const_positionBits, AX
	JNE	fileRefuse
	FINISH

fileSeek:
	MOVQ	AX, CX
	SHLQ	$(64-const_positionBits), CX
	SHRQ	$(64-const_positionBits), CX
	CMPL	DX, $1
	JEQ	fileSeekFrom
	MOVQ	const_recordLength(R8), CX
	CMPL	DX, $2
	JEQ	fileSeekFrom
	TESTL	DX, DX
	JNE	fileRefuse
	XORL	CX, CX
fileSeekFrom:
	ADDQ	SI, CX
	MOVQ	CX, R11
	SHRQ	$const_positionBits, R11
	JNE	fileRefuse
	MOVQ	CX, const_areaResult(GS)
	MOVQ	AX, R11
	SHRQ	$const_positionBits, R11
	SHLQ	$const_positionBits, R11
	ORQ	CX, R11
fileSwap:
	LOCK
	CMPXCHGQ	R11, (R9)
fileSwapped:	// it has happened or not
	JNE	fileAgain
fileMoved:
	FINISH

	// Poll: if all is known to be virtual, and not to be waited for.
	MAY(const_areaFiles, poll, poll1, pollMine)
	JMP	R11
pollMine:
	KEEP_CALL(poll2)
	KEEP_ARGS
poll3:
	XORL	AX, AX
	MOVQ	AX, const_areaSetsSize(GS)
	MOVQ	AX, const_areaTimeAt(GS)
	MOVQ	AX, const_areaMayZero(GS)
	MOVQ	const_areaNr(GS), CX
	CMPL	CX, $const_nrPoll
	JNE	pollTimed
	TESTL	DX, DX
	JNE	pollList
	MOVQ	$1, const_areaMayZero(GS)
pollList:	// SI entries at DI
	MOVL	SI, R9
	LEAL	-1(R9), CX
	CMPL	CX, $const_MaxPolled
	JCC	pollPass
	USER(DI, CX, pollPass)
	XORL	R8, R8
pollNext:
	XORL	R10, R10
	MOVL	(DI), CX
	TESTL	CX, CX
	JLT	pollStore
	EVENTS
	MOVWLZX	4(DI), R10
	ORL	$const_pollAlways, R10
	ANDL	AX, R10
	JEQ	pollStore
	ADDL	$1, R8
pollStore:
	MOVW	R10, 6(DI)
	ADDQ	$8, DI
	SUBL	$1, R9
	JNE	pollNext
	MOVQ	R8, const_areaResult(GS)
pollFound:
	CMPQ	const_areaResult(GS), $0
	JNE	pollStored
	CMPQ	const_areaMayZero(GS), $0
	JEQ	pollPass
	JMP	pollStored
pollOther:
	TESTL	AX, AX
	JEQ	pollAsk
pollPass:
	ARGS
	UNCHECK
	JMP	R11
pollAsk:
	ARGS
	UNCHECK
	JMP	const_siteCall(R11)

pollTimed:	// the others have a time in memory, and two have a mask
	CMPL	CX, $const_nrPpoll
	JNE	pollSelects
	MOVQ	R8, AX
	MOVQ	R10, R9
	MOVQ	DX, R8
	JMP	pollMask
pollSelects:
	CMPL	CX, $const_nrSelect
	JNE	pollPselects
	XORL	R9, R9
	JMP	pollMask
pollPselects:
	TESTQ	R9, R9
	JEQ	pollMask
	USER(R9, CX, pollPass)
	MOVQ	8(R9), AX
	MOVQ	(R9), R9
pollMask:	// the mask at R9, of AX bytes, the time at R8
	TESTQ	R9, R9
	JEQ	pollTime
	CMPQ	AX, $const_maskSize
	JNE	pollPass
	USER(R9, CX, pollPass)
	MOVQ	(R9), AX	// if that can be read
pollTime:
	TESTQ	R8, R8
	JEQ	pollWhat
	USER(R8, CX, pollPass)
	MOVQ	(R8), AX
	MOVQ	8(R8), CX
	MOVQ	AX, R11
	ORQ	CX, R11
	JEQ	pollAtOnce
	MOVQ	AX, R11
	SHRQ	$32, R11
	JNE	pollPass
	MOVL	$1000000, R11	// its fractions of a second
	CMPL	const_areaNr(GS), $const_nrSelect
	JEQ	pollFraction
	MOVL	$1000000000, R11
pollFraction:
	CMPQ	CX, R11
	JCC	pollPass
	// Nothing can take less than one of them.
	SUBQ	$1, CX
	JCC	pollLeft
	LEAQ	-1(R11), CX
	SUBQ	$1, AX
pollLeft:
	MOVQ	AX, const_areaTimeLeft(GS)
	MOVQ	CX, (const_areaTimeLeft+8)(GS)
	MOVQ	R8, const_areaTimeAt(GS)
	JMP	pollWhat
pollAtOnce:
	TESTQ	R9, R9	// a signal that the mask lets in would be the answer
	JNE	pollWhat
	MOVQ	$1, const_areaMayZero(GS)
pollWhat:
	CMPL	const_areaNr(GS), $const_nrPpoll
	JEQ	pollList

	// Sets of DI descriptors at SI, DX and R10. They are copied, from the last word
	// to the first, and what is not ready is taken from the copies.
	LEAL	-1(DI), R8
	CMPL	R8, $const_MaxDescriptors
	JCC	pollPass
	MOVL	DI, CX
	NEGL	CX
	MOVQ	$-1, DI
	SHRQ	CX, DI	// what counts of the word
	SHRL	$6, R8
	SHLL	$3, R8
setsWord:
	XORL	R9, R9
	COPY_SET(SI, const_areaSets, setIn)
	COPY_SET(DX, (const_areaSets+const_setSize), setOut)
	COPY_SET(R10, (const_areaSets+2*const_setSize), setEx)
	MOVQ	$-1, DI
	TESTQ	R9, R9
	JEQ	setsNext
	CMPQ	const_areaSetsSize(GS), $0
	JNE	setsBit
	LEAQ	8(R8), AX
	MOVQ	AX, const_areaSetsSize(GS)
setsBit:
	BSFQ	R9, CX
	LEAQ	-1(R9), AX
	ANDQ	AX, R9
	LEAL	(CX)(R8*8), CX
	EVENTS
	TESTL	$const_selectIn, AX
	JNE	setsIn
	BTRQ	CX, const_areaSets(GS)
setsIn:
	TESTL	$const_selectOut, AX
	JNE	setsOut
	BTRQ	CX, (const_areaSets+const_setSize)(GS)
setsOut:
	TESTL	$const_selectEx, AX
	JNE	setsEx
	BTRQ	CX, (const_areaSets+2*const_setSize)(GS)
setsEx:
	TESTQ	R9, R9
	JNE	setsBit
setsNext:
	SUBQ	$8, R8
	JCC	setsWord
	XORL	CX, CX
	MOVQ	const_areaSetsSize(GS), R8
	TESTQ	R8, R8
	JEQ	pollPass
setsCount:
	SUBQ	$8, R8
	POPCNTQ	GSAT(const_areaSets, R8), AX
	ADDL	AX, CX
	POPCNTQ	GSAT(const_areaSets+const_setSize, R8), AX
	ADDL	AX, CX
	POPCNTQ	GSAT(const_areaSets+2*const_setSize, R8), AX
	ADDL	AX, CX
	TESTQ	R8, R8
	JNE	setsCount
	MOVQ	CX, const_areaResult(GS)
	JMP	pollFound

pollStored:	// that is the answer, which remains to be stored
	MOVQ	const_areaSetsSize(GS), R8
	JMP	setsStored
setsStore:
	SUBQ	$8, R8
	STORE_SET(ARG(1), const_areaSets, storeOut)
	STORE_SET(ARG(2), (const_areaSets+const_setSize), storeEx)
	STORE_SET(ARG(3), (const_areaSets+2*const_setSize), setsStored)
	TESTQ	R8, R8
	JNE	setsStore
	MOVQ	const_areaTimeAt(GS), R8
	TESTQ	R8, R8
	JEQ	pollDone
	MOVQ	const_areaTimeLeft(GS), AX
	MOVQ	AX, (R8)
	MOVQ	(const_areaTimeLeft+8)(GS), AX
	MOVQ	AX, 8(R8)
pollDone:
	FINISH

	// Leave: a descriptor is about to mean something else, or nothing.
	MAY(const_areaFiles, leave1, leave2, leaveMine)
	JMP	const_siteCall(R11)
leaveMine:
	KEEP_CALL(leave3)
leave4:
	MOVL	DI, AX
	CMPL	const_areaNr(GS), $const_nrClose
	JEQ	leaveFD
	MOVL	SI, AX
leaveFD:
	CMPL	AX, $const_MaxDescriptors
	JCS	leaveEntry
	UNCHECK
	JMP	R11
leaveEntry:
	MOVQ	const_areaTable(GS), CX
	LEAQ	(CX)(AX*8), CX
	MOVQ	CX, const_areaEntry(GS)
	LOCK
	ADDL	$const_beginLeave, 4(CX)
leave5:
	MOVQ	$(const_Base+const_stepsOff+const_leaveStep*const_stepSize), CX
	MOVQ	CX, const_areaPlan(GS)
	UNCHECK
	LEAQ	const_siteObserved(R11), CX
	JMP	CX

	// The way out, from a site's second system call: site in CX, flags in R11.
exit:
	MOVQ	AX, const_areaResult(GS)
	MOVQ	R11, const_areaFlags(GS)
	MOVQ	CX, const_areaSite(GS)
exitSaved:
	MOVQ	const_areaPlan(GS), R11
	JMP	(R11)

stepCounted:
	MOVL	const_areaNr(GS), R11
	LEAQ	(R11*8), R11
	LEAQ	(const_lastLinuxErrno+1)(AX), CX
	MOVL	$12, AX
	SHRXQ	AX, CX, CX
	JCXZQ	countError
	JMP	countedError
countError:
	MOVQ	GSAT(const_errorsOff, R11), CX
	LEAQ	1(CX), CX
	MOVQ	CX, GSAT(const_errorsOff, R11)
countedError:
	MOVQ	GSAT(const_callsOff, R11), CX
	LEAQ	1(CX), CX
	MOVQ	CX, GSAT(const_callsOff, R11)
counted:
	RETURN

stepLeft:	// the end of Leave
	MOVQ	const_areaEntry(GS), CX
	MOVL	$0, (CX)
	LOCK
	SUBL	$1, 4(CX)
hasLeft:
	UNFLAG
	RETURN

stepLeave:	// an EXIT without captures
	MOVWLZX	const_areaHead(GS), R11
	MOVL	$const_kindExit, RING(0, R11)
leave:
	MOVL	$const_exitSize, RING(4, R11)
	MOVQ	AX, RING(const_exitResult, R11)
	MOVQ	const_areaTimed(GS), CX
	JCXZQ	leaveUntimed
	MOVQ	DX, ARG(2)
leaveStamp:
	RDTSC
	MOVL	AX, RING(const_eventStamp, R11)
	MOVL	DX, RING(const_eventStamp+4, R11)
	MOVQ	ARG(2), DX
	MOVQ	const_areaHead(GS), R11
	LEAQ	const_exitSize(R11), R11
	MOVQ	R11, const_areaHead(GS)
leftTimed:
	RETURN
leaveUntimed:
	MOVQ	CX, RING(const_eventStamp, R11)
	MOVQ	const_areaHead(GS), R11
	LEAQ	const_exitSize(R11), R11
	MOVQ	R11, const_areaHead(GS)
left:
	RETURN

	// An EXIT with captures. From here on flags and argument registers are free:
	// step in R10, offset in the ring in R11, number of captures in R9.
stepCapture:
	KEEP_ARGS
captureSaved:
	MOVQ	R11, R10
	MOVWLZX	const_areaHead(GS), R11
	ADDL	$const_exitSize, R11
	XORL	R9, R9
	MOVQ	const_areaFlags(GS), AX
	BTL	$18, AX	// AC: unaligned accesses fault
	JCS	help
	NEXT

stepGood:	// what follows is there only if the call has succeeded
	CMPQ	const_areaResult(GS), $-const_lastLinuxErrno
	JCC	stepDone
	NEXT

stepSome:	// ... with a result other than 0
	MOVQ	const_areaResult(GS), AX
	SUBQ	$1, AX
	CMPQ	AX, $-(const_lastLinuxErrno+1)
	JCC	stepDone
	NEXT

stepFilled:	// ... the same, else the supervisor must help
	MOVQ	const_areaResult(GS), AX
	SUBQ	$1, AX
	CMPQ	AX, $-(const_lastLinuxErrno+1)
	JCC	help
	NEXT

stepProven:	// success, or one of these errors: the kernel has read the arguments
	MOVQ	const_areaResult(GS), AX
	NEGQ	AX
	CMPQ	AX, $const_lastLinuxErrno
	JHI	proven
	CMPQ	AX, $const_numClasses
	JCC	help
	TESTQ	AX, AX
	JEQ	proven
	MOVBLZX	(const_Base+const_classesOff)(AX*1), AX
	MOVQ	const_stepMask(R10), CX
	BTQ	AX, CX
	JCC	help
proven:
	NEXT

stepString:	// up to a NUL
	MOVBLZX	const_stepArg(R10), AX
	MOVQ	GSAT(const_areaArgs, AX), SI
	TESTQ	SI, SI
	JEQ	skip
	SHRL	$3, AX
	MOVL	AX, RING(0, R11)
	MOVQ	SI, RING(8, R11)
	LEAQ	const_captureHead(R11), DI
	MOVL	const_stepLimit(R10), CX
	MOVQ	$0x0101010101010101, R8
stringWords:
	CMPL	CX, $8
	JCS	stringByte
	MOVL	SI, AX
	ANDL	$0xfff, AX
	CMPL	AX, $0xff8	// the next page may be none of the string's business
	JHI	stringByte
	MOVQ	(SI), AX
	MOVQ	AX, RING(0, DI)
	MOVQ	AX, DX
	NOTQ	DX
	SUBQ	R8, AX
	ANDQ	DX, AX
	MOVQ	$0x8080808080808080, DX
	ANDQ	DX, AX
	JNE	stringEnd
	ADDQ	$8, SI
	ADDQ	$8, DI
	SUBL	$8, CX
	JMP	stringWords
stringByte:
	TESTL	CX, CX
	JEQ	stringCut
	MOVBLZX	(SI), AX
	MOVB	AX, RING(0, DI)
	ADDQ	$1, SI
	ADDQ	$1, DI
	SUBL	$1, CX
	TESTL	AX, AX
	JNE	stringWords
	JMP	stringDone
stringEnd:
	BSFQ	AX, AX
	SHRQ	$3, AX
	LEAQ	1(DI)(AX*1), DI
stringDone:
	MOVL	DI, AX
	SUBL	R11, AX
	SUBL	$const_captureHead, AX
	MOVL	AX, RING(4, R11)
	ADDQ	$7, DI
	ANDQ	$~7, DI
	MOVQ	DI, R11
	ADDL	$1, R9
skip:
	NEXT
stringCut:
	TESTB	$const_flagHelp, const_stepFlags(R10)
	JNE	help
	MOVW	$1, RING(2, R11)
	JMP	stringDone

stepBytes:	// a fixed number
	MOVL	const_stepLimit(R10), CX
	JMP	bytes

stepLength:	// as many as another argument says
	MOVBLZX	const_stepLen(R10), AX
	MOVQ	GSAT(const_areaArgs, AX), CX
	MOVBLZX	const_stepFlags(R10), AX
	TESTL	$(const_flagInt|const_flagUint), AX
	JEQ	bytes
	MOVL	CX, CX
	TESTL	$const_flagInt, AX
	JEQ	bytes
	TESTL	CX, CX
	JLT	skip
	JMP	bytes

stepResult:	// as many as the result says, but no more than there was room for
	MOVQ	const_areaResult(GS), CX
	MOVBLZX	const_stepLen(R10), AX
	CMPL	AX, $const_noLength
	JEQ	bytes
	MOVQ	GSAT(const_areaArgs, AX), DX
	MOVBLZX	const_stepFlags(R10), AX
	TESTL	$(const_flagInt|const_flagUint), AX
	JEQ	resultLess
	MOVL	DX, DX
	TESTL	$const_flagInt, AX
	JEQ	resultLess
	TESTL	DX, DX
	JLT	skip
resultLess:
	CMPQ	CX, DX
	CMOVQHI	DX, CX

bytes:	// CX elements
	MOVBLZX	const_stepArg(R10), AX
	MOVQ	GSAT(const_areaArgs, AX), SI
	TESTQ	SI, SI
	JEQ	skip
	SHRL	$3, AX	// the header's argument; cut is 0
	MOVL	const_stepLimit(R10), DX
	CMPQ	CX, DX
	JLS	bytesFit
	TESTB	$const_flagHelp, const_stepFlags(R10)
	JNE	help
	MOVL	DX, CX
	ORL	$0x10000, AX
bytesFit:
	MOVBLZX	const_stepUnit(R10), DX
	IMULQ	DX, CX
	TESTQ	CX, CX
	JEQ	skip
	TESTB	$const_flagProof, const_stepFlags(R10)
	JEQ	bytesProven
	CMPQ	CX, const_areaResult(GS)
	JGT	help
bytesProven:
	COPY_WORDS(bytesWords, bytesRest)
	COPY_BYTES(bytesByte, bytesDone)
	MESSAGES(bytesPlain)
	COPIED
	NEXT

stepVector:	// an iovec, and the buffers in it
	MOVBLZX	const_stepLen(R10), AX
	MOVQ	GSAT(const_areaArgs, AX), CX
	MOVBLZX	const_stepArg(R10), AX
	MOVQ	GSAT(const_areaArgs, AX), SI
	SHRL	$3, AX
vector:	// CX elements at SI
	TESTQ	SI, SI
	JEQ	skip
	MOVWLZX	const_stepMost(R10), DX
	CMPQ	CX, DX
	JLS	vectorFits
	TESTB	$const_flagMany, const_stepFlags(R10)
	JNE	help
	MOVL	DX, CX
	ORL	$0x10000, AX
vectorFits:
	TESTL	CX, CX
	JEQ	skip
	SHLL	$4, CX
	LEAQ	const_captureHead(R11), R8
	LEAQ	(R8)(CX*1), DX
	MOVQ	DX, const_areaEnd(GS)
	MOVQ	$0, const_areaDone(GS)
	COPY_WORDS(vectorWords, vectorRest)
	COPIED
element:
	CMPQ	R8, const_areaEnd(GS)
	JCC	vectorNext
	MOVQ	RING(const_iovecLen, R8), CX
	TESTB	$const_flagProof, const_stepFlags(R10)
	JNE	elementLen
	MOVQ	const_areaResult(GS), DX	// so much has been filled
	SUBQ	const_areaDone(GS), DX
	CMPQ	CX, DX
	CMOVQHI	DX, CX
elementLen:
	MOVQ	const_areaDone(GS), SI
	LEAQ	(SI)(CX*1), AX
	MOVQ	AX, const_areaDone(GS)
	XORL	AX, AX
	MOVWLZX	const_stepText(R10), DX
	CMPQ	CX, DX
	JLS	elementFits
	TESTB	$const_flagHelp, const_stepFlags(R10)
	JNE	help
	MOVL	DX, CX
	MOVL	$0x10000, AX
elementFits:
	ADDQ	CX, SI
	CMPQ	SI, const_areaResult(GS)
	JHI	help	// so much has not been read
	MOVQ	RING(0, R8), SI
	TESTQ	SI, SI
	JEQ	elementNext
	TESTL	CX, CX
	JEQ	elementNext
	ROOMFOR
	MOVBLZX	const_stepArg(R10), DX
	SHRL	$3, DX
	ORL	DX, AX
	COPY_WORDS(elementWords, elementRest)
	COPY_BYTES(elementByte, elementDone)
	MESSAGES(elementPlain)
	COPIED
elementNext:
	ADDQ	$const_iovecSize, R8
	JMP	element
vectorNext:
	NEXT

stepMessage:	// what the msghdr leads to that has been captured just now
	MOVBLZX	const_stepArg(R10), AX
	CMPQ	GSAT(const_areaArgs, AX), $0
	JEQ	skip
	MOVL	RING((const_msgNamelen-const_msghdrSize), R11), CX
	MOVQ	RING((0-const_msghdrSize), R11), SI
	LEAQ	-const_msghdrSize(R11), R8
	MOVL	$const_msgNameMax, DX
	CMPL	CX, DX
	CMOVLHI	DX, CX
	TESTQ	SI, SI
	JEQ	messageControl
	TESTL	CX, CX
	JEQ	messageControl
	MOVBLZX	const_stepArg(R10), AX
	SHRL	$3, AX
	COPY_WORDS(nameWords, nameRest)
	COPY_BYTES(nameByte, nameDone)
	COPIED
messageControl:
	MOVQ	RING(const_msgControllen, R8), CX
	MOVQ	RING(const_msgControl, R8), SI
	MOVL	$const_controlMax, DX
	CMPQ	CX, DX
	CMOVQHI	DX, CX
	TESTQ	SI, SI
	JEQ	messageIov
	TESTL	CX, CX
	JEQ	messageIov
	MOVBLZX	const_stepArg(R10), AX
	SHRL	$3, AX
	COPY_WORDS(controlWords, controlRest)
	COPY_BYTES(controlByte, controlDone)
	COPIED
messageIov:
	MOVQ	RING(const_msgIovlen, R8), CX
	MOVQ	RING(const_msgIov, R8), SI
	MOVBLZX	const_stepArg(R10), AX
	SHRL	$3, AX
	JMP	vector

stepName:	// ask what the descriptor is called that is the result, if that is wanted
	MOVQ	const_areaNames(GS), CX
	TESTQ	CX, CX
	JEQ	noName
	MOVQ	const_areaResult(GS), AX
	CMPQ	AX, $-const_lastLinuxErrno
	JCC	noName
	CMPQ	CX, $const_namesRead
	JCS	help
	JEQ	nameOnly
	TESTB	$const_flagHelp, const_stepFlags(R10)
	JNE	help
nameOnly:
	CMPQ	AX, $const_maxNamed
	JCC	help
	MOVQ	AX, const_areaOpened(GS)
	MOVQ	const_areaFlags(GS), CX
	MOVQ	CX, const_areaOpenedFlags(GS)
	MOVL	$const_numberSize, DI
	MOVL	$0xcccccccd, R8
digit:
	MOVL	AX, CX
	IMULQ	R8, CX
	SHRQ	$35, CX	// a tenth
	LEAL	(CX)(CX*4), SI
	ADDL	SI, SI
	SUBL	SI, AX
	ADDL	$'0', AX
	SUBL	$1, DI
	MOVB	AX, GSAT(const_areaNumber, DI)
	MOVL	CX, AX
	TESTL	AX, AX
	JNE	digit
	MOVQ	GSAT(const_areaNumber, DI), AX
	MOVQ	const_areaPrefix(GS), CX
	MOVQ	AX, GSAT(const_areaLink, CX)
	MOVQ	R11, const_areaNameAt(GS)
	MOVQ	R9, const_areaNameCount(GS)
	LEAQ	const_stepSize(R10), AX
	MOVQ	AX, const_areaPlan(GS)
	MOVQ	$1, const_areaNaming(GS)
	MOVQ	const_areaSelf(GS), AX
	LEAQ	const_areaLink(AX), DI
	MOVL	$const_nameMax, DX
	MOVL	$const_sysReadlink, CX
inquire:	// a second call from the same site, CX, which comes back to the next step
	LEAQ	(const_ringOff+const_captureHead)(AX)(R11*1), SI
	MOVL	CX, AX
	MOVQ	const_areaSite(GS), CX
	LEAQ	const_siteObserved(CX), CX
	JMP	CX
noName:
	ADDQ	$(3*const_stepSize), R10
	JMP	(R10)

stepNamed:	// that has returned
	INQUIRED
	LEAQ	-1(CX), AX
	CMPQ	AX, $(const_nameMax-1)
	JCC	help
	MOVL	$const_nameArg, RING(0, R11)
	MOVL	CX, RING(4, R11)
	MOVQ	$0, RING(8, R11)
	LEAQ	(const_captureHead+7)(R11)(CX*1), R11
	ANDQ	$~7, R11
	ADDL	$1, R9
	CMPQ	const_areaNames(GS), $const_namesRead
	JEQ	noStat
	MOVQ	R11, const_areaNameAt(GS)
	MOVQ	R9, const_areaNameCount(GS)
	LEAQ	const_stepSize(R10), AX
	MOVQ	AX, const_areaPlan(GS)
	MOVQ	$1, const_areaNaming(GS)
	MOVQ	const_areaSelf(GS), AX
	MOVQ	const_areaOpened(GS), DI
	MOVL	$const_sysFstat, CX
	JMP	inquire
noStat:
	ADDQ	$(2*const_stepSize), R10
	JMP	(R10)

stepStatted:	// the same, asked what it is
	INQUIRED
	TESTQ	CX, CX
	JNE	help
	MOVL	$const_statArg, RING(0, R11)
	MOVL	$const_statSize, RING(4, R11)
	MOVQ	CX, RING(8, R11)
	ADDQ	$(const_captureHead+const_statSize), R11
	ADDL	$1, R9
	NEXT

stepBare:	// if names are wanted and have been changed: the paths have no slashes
	CMPQ	const_areaNames(GS), $0
	JEQ	bare
	CMPQ	const_areaResult(GS), $-const_lastLinuxErrno
	JCC	bare
	MOVWLZX	const_areaHead(GS), DI
	ADDL	$const_exitSize, DI
barePath:
	CMPQ	DI, R11
	JCC	bare
	MOVL	RING(4, DI), CX
	ADDQ	$const_captureHead, DI
	LEAQ	(DI)(CX*1), DX
bareByte:
	CMPB	RING(0, DI), $'/'
	JEQ	help
	ADDQ	$1, DI
	CMPQ	DI, DX
	JCS	bareByte
	ADDQ	$7, DI
	ANDQ	$~7, DI
	JMP	barePath
bare:
	NEXT

stepDone:	// the EXIT is complete
	MOVWLZX	const_areaHead(GS), DI
	SHLL	$16, R9
	ORL	$const_kindExit, R9
	MOVL	R9, RING(0, DI)
	SUBL	DI, R11
	MOVL	R11, RING(4, DI)
	MOVQ	const_areaResult(GS), AX
	MOVQ	AX, RING(const_exitResult, DI)
	XORL	AX, AX
	XORL	DX, DX
	CMPQ	const_areaTimed(GS), $0
	JEQ	doneUntimed
	RDTSC
doneUntimed:
	MOVL	AX, RING(const_eventStamp, DI)
	MOVL	DX, RING(const_eventStamp+4, DI)
	ADDQ	const_areaHead(GS), R11
	MOVQ	R11, const_areaHead(GS)
done:
	UNCAPTURE
	MOVQ	const_areaResult(GS), AX
	MOVQ	const_areaSite(GS), CX
	JMP	const_siteBack(CX)

	// The supervisor must capture. It sees the number from an address that the
	// filter does not exempt, and sends the thread on to where the call returns.
help:
	UNCAPTURE
	MOVQ	const_areaNr(GS), AX
helpCall:
	SYSCALL
helpReturn:
	// It has not: the number is not traced. At least say so.
	MOVQ	const_areaResult(GS), AX
	MOVWLZX	const_areaHead(GS), R11
	MOVL	$((const_unhelped<<16)|const_kindExit), RING(0, R11)
	JMP	leave
end:
	UNDEF
