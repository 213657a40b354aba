package execso

import "unsafe"

// A label is a place in the entry code. The code begins with a jump to each of
// them, in this order.
type label int

const (
	atTrap label = iota
	atPass
	// Record. The numbers: moved, the site is in R11; saved, the number is in
	// the area; published, the ENTER is visible.
	atRecord
	atRecordMoved
	atRecordSaved
	atRecordPublished
	atTimed
	atTimedMoved
	atTimedSaved
	atTimedStamp
	atTimedPublished
	atChecked
	atCheckedMoved
	atCheckedSaved
	atCheckedTimed
	atCheckedTimedMoved
	atCheckedTimedSaved
	atCheck
	atCheckSaved // flags and site are in the area
	stepNull
	stepBits
	stepPositive
	stepCase
	stepRefuse
	stepEnter
	atCount
	atCountMoved
	atCountSaved
	atKnown
	atKnownMoved
	atKnownSaved
	atUnknown
	atConstant
	atConstantMoved
	atRequest
	atRequestMoved
	atRequestSaved
	atWaitReturn
	atWaited
	atAnswered
	atAnsweredKept
	// ByFile: number and site are in the area; so are the flags; so are the argument
	// registers; the position has been exchanged, if the comparison says so; it has.
	atFile
	atFileMoved
	atFileSaved
	atFileFlags
	atFileArgs
	atFileSwapped
	atFileDone
	atPoll
	atPollMoved
	atPollSaved
	atPollArgs
	atPollStored // the answer is in the area, and part of it is to be stored
	atPollDone   // all of it has been
	atLeaving    // Leave
	atLeavingMoved
	atLeavingSaved
	atLeavingFlags
	atLeavingBegun // the entry says so
	atExit
	atExitSaved
	stepCounted
	atCountedError
	atCounted
	stepLeft
	atHasLeft
	stepLeave
	atLeaveStamp
	atLeftTimed
	atLeaveUntimed
	atLeft
	stepCapture
	atCaptureSaved // argument registers are in the area
	stepGood
	stepSome
	stepFilled
	stepProven
	stepString
	stepBytes
	stepLength
	stepResult
	stepVector
	stepMessage
	stepName
	stepNamed
	stepStatted
	stepBare
	stepDone
	atDone
	atHelp
	atHelpCall
	atHelpReturn
	atEnd

	numLabels = iota
)

// labels are the places' offsets in the entry code, entry the code itself.
var labels, entry = readEntry()

// readEntry finds the labels by the jumps with which the code begins. They are
// jumps of the short or of the near form, as the assembler chose.
func readEntry() (offsets [numLabels]uint64, code []byte) {
	start := entryCode()
	if start == nil {
		return offsets, nil
	}
	at := uint64(0)
	for i := range offsets {
		at, offsets[i] = jump(start, at)
	}
	if offsets[0] != at {
		panic("execso: the entry code has other labels than are known")
	}
	size := offsets[atEnd]
	if size > codeRoom {
		panic("execso: the entry code is too long")
	}
	return offsets, unsafe.Slice((*byte)(start), size)
}

// jump reads the jump at an offset of some code: where it ends, and where it leads.
func jump(code unsafe.Pointer, off uint64) (end, target uint64) {
	const short, near = 0xeb, 0xe9
	insn := unsafe.Slice((*byte)(unsafe.Add(code, off)), 5)
	switch insn[0] {
	case short:
		end = off + 2
		return end, end + uint64(int64(int8(insn[1])))
	case near:
		end = off + 5
		return end, end + uint64(int64(int32(le.Uint32(insn[1:]))))
	}
	panic("execso: the code does not begin with its labels")
}

// address returns where a label is in the processes.
func (l label) address() uint64 { return Base + CodeOffset + labels[l] }
