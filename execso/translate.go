package execso

// A Frame is the registers of a stopped thread that the entry code may have
// changed.
type Frame struct {
	IP, AX, BX, CX, DX, SI, DI, R8, R9, R10, R11, Flags uint64
}

// A Disposition says what a thread that was interrupted in the region would have
// been doing without it.
type Disposition uint8

const (
	// Elsewhere: the thread is not in the region's code, or has no business
	// there. Its registers are its own.
	Elsewhere Disposition = iota
	// NotEntered: about to make its call. No event tells of it.
	NotEntered
	// Entered: about to make its call, of which the last event, an Enter, tells:
	// TakeBack.
	Entered
	// Returned: behind its call, of which nothing remains to be told.
	Returned
	// ReturnedUnrecorded: behind its call; the supervisor must make the Exit, of
	// the result in AX. The memory has not been captured.
	ReturnedUnrecorded
	// ReturnedUnstored is Returned, but the supervisor must write to the program's memory what
	// Slot.Outputs says. Where that cannot be, the result is EFAULT.
	ReturnedUnstored
)

// A source says where the thread's own value of a register is.
type source uint8

const (
	kept  source = iota // in the register
	inR11               // the site: in R11
	saved               // in the area
)

// A stretch of the entry code in which the same is true. It begins at its label and
// ends where the next one begins.
type stretch struct {
	at    label
	state Disposition
	site  source // kept: in CX
	ax    source // the number before the call, the result behind it
	flags source // behind the call R11 is what the flags are
	dx    source
	args  source // the argument registers, DX too
	count counting
	// request: the call has been posted, or is about to be. It has returned if
	// it has been answered.
	request bool
	// unsaved: the result is in the area, but the kernel has not been there, so
	// the flags are what they are.
	unsaved bool
	// swapped: it has returned if the comparison says so.
	swapped bool
	// leaves: the entry of a descriptor says that it is about to mean something else.
	leaves bool
}

// counting says what is still to be counted of a call that has returned.
type counting uint8

const (
	countNothing counting = iota
	countCall
	countAll
)

var stretches = []stretch{
	{at: atTrap, state: NotEntered},
	{at: atPass, state: NotEntered},
	{at: atRecord, state: NotEntered},
	{at: atRecordMoved, state: NotEntered, site: inR11},
	{at: atRecordSaved, state: NotEntered, site: inR11, ax: saved},
	{at: atRecordPublished, state: Entered, site: inR11, ax: saved},
	{at: atTimed, state: NotEntered},
	{at: atTimedMoved, state: NotEntered, site: inR11},
	{at: atTimedSaved, state: NotEntered, site: inR11, ax: saved},
	{at: atTimedStamp, state: NotEntered, site: inR11, ax: saved, dx: saved},
	{at: atTimedPublished, state: Entered, site: inR11, ax: saved},
	{at: atChecked, state: NotEntered},
	{at: atCheckedMoved, state: NotEntered, site: inR11},
	{at: atCheckedSaved, state: NotEntered, site: inR11, ax: saved},
	{at: atCheckedTimed, state: NotEntered},
	{at: atCheckedTimedMoved, state: NotEntered, site: inR11},
	{at: atCheckedTimedSaved, state: NotEntered, site: inR11, ax: saved},
	{at: atCheck, state: NotEntered, site: inR11, ax: saved},
	{at: atCheckSaved, state: NotEntered, site: saved, ax: saved, flags: saved},
	{at: atCount, state: NotEntered},
	{at: atCountMoved, state: NotEntered, site: inR11},
	{at: atKnown, state: NotEntered},
	{at: atKnownMoved, state: NotEntered, site: inR11},
	{at: atKnownSaved, state: NotEntered, site: saved, ax: saved},
	{at: atUnknown, state: NotEntered, site: inR11},
	{at: atConstant, state: NotEntered},
	{at: atConstantMoved, state: NotEntered, site: inR11},
	{at: atRequest, state: NotEntered},
	{at: atRequestMoved, state: NotEntered, site: inR11},
	{at: atRequestSaved, state: NotEntered, site: saved, ax: saved, request: true},
	{at: atWaited, state: Returned, site: saved},
	{at: atAnswered, state: NotEntered, site: saved, ax: saved, request: true},
	{at: atAnsweredKept, state: Returned, site: saved, ax: saved, unsaved: true},
	{at: atFile, state: NotEntered},
	{at: atFileMoved, state: NotEntered, site: inR11},
	{at: atFileSaved, state: NotEntered, site: saved, ax: saved},
	{at: atFileFlags, state: NotEntered, site: saved, ax: saved, flags: saved},
	{at: atFileArgs, state: NotEntered, site: saved, ax: saved, flags: saved, args: saved},
	{at: atFileSwapped, state: Returned, site: saved, ax: saved, flags: saved, args: saved, unsaved: true, swapped: true},
	{at: atFileDone, state: Returned, site: saved, ax: saved, flags: saved, args: saved, unsaved: true},
	{at: atPoll, state: NotEntered},
	{at: atPollMoved, state: NotEntered, site: inR11},
	{at: atPollSaved, state: NotEntered, site: saved, ax: saved},
	{at: atPollArgs, state: NotEntered, site: saved, ax: saved, flags: saved, args: saved},
	{at: atPollStored, state: ReturnedUnstored, site: saved, ax: saved, flags: saved, args: saved, unsaved: true},
	{at: atPollDone, state: Returned, site: saved, ax: saved, flags: saved, args: saved, unsaved: true},
	{at: atLeaving, state: NotEntered},
	{at: atLeavingMoved, state: NotEntered, site: inR11},
	{at: atLeavingSaved, state: NotEntered, site: saved, ax: saved},
	{at: atLeavingFlags, state: NotEntered, site: saved, ax: saved, flags: saved},
	{at: atLeavingBegun, state: NotEntered, site: saved, ax: saved, flags: saved, leaves: true},
	{at: atExit, state: ReturnedUnrecorded},
	{at: atExitSaved, state: ReturnedUnrecorded, site: saved, ax: saved},
	{at: stepCounted, state: Returned, site: saved, ax: saved, count: countAll},
	{at: atCountedError, state: Returned, site: saved, ax: saved, count: countCall},
	{at: atCounted, state: Returned, site: saved, ax: saved},
	{at: stepLeft, state: Returned, site: saved, ax: saved, leaves: true},
	{at: atHasLeft, state: Returned, site: saved, ax: saved, flags: saved},
	{at: stepLeave, state: ReturnedUnrecorded, site: saved, ax: saved},
	{at: atLeaveStamp, state: ReturnedUnrecorded, site: saved, ax: saved, dx: saved},
	{at: atLeftTimed, state: Returned, site: saved, ax: saved},
	{at: atLeaveUntimed, state: ReturnedUnrecorded, site: saved, ax: saved},
	{at: atLeft, state: Returned, site: saved, ax: saved},
	{at: stepCapture, state: ReturnedUnrecorded, site: saved, ax: saved},
	{at: atCaptureSaved, state: ReturnedUnrecorded, site: saved, ax: saved, flags: saved, args: saved},
	{at: atDone, state: Returned, site: saved, ax: saved, flags: saved, args: saved},
	{at: atHelp, state: ReturnedUnrecorded, site: saved, ax: saved, flags: saved, args: saved},
}

// Flags that the entry code changes: CF, PF, AF, ZF, SF, OF.
const (
	arithmeticFlags = 0x8d5
	overflowFlag    = 1 << 11
	zeroFlag        = 1 << 6
)

// Translate finds out what a thread of this slot that is stopped with these
// registers would have been doing if its call had not been rewritten, and puts
// them right: as the program will find them, or find them saved in a signal's frame.
// They are changed unless the disposition is Elsewhere.
//
// It is for stops in the region only; what is in a near trampoline, Window.Translate
// knows. At the stop that IsHelp tells of, it is ReturnedUnrecorded. A request is
// withdrawn, or if it has been answered, that is the result.
func (s *Slot) Translate(f *Frame) Disposition {
	if s.Naming() {
		if state := s.translateNaming(f); state != Elsewhere {
			return state
		}
	}
	if at, n := f.IP-(Base+SitesOffset), uint64(CodeSize-SitesOffset); at < n {
		return s.translateSite(f, f.IP-at%SiteSize, int(at%SiteSize))
	}
	off := f.IP - (Base + CodeOffset)
	if off < labels[atTrap] || off >= labels[atEnd] {
		return Elsewhere
	}
	i := 0
	for i+1 < len(stretches) && labels[stretches[i+1].at] <= off {
		i++
	}
	st := &stretches[i]
	site := f.CX
	switch st.site {
	case inR11:
		site = f.R11
	case saved:
		site = peek(s.mem, areaSite)
	}
	call := s.region.CallOf(site)
	if call == 0 {
		return Elsewhere
	}
	state, count, leaves := st.state, st.count, st.leaves
	switch {
	case state == ReturnedUnrecorded && s.counting():
		state, count = Returned, countAll
	case state == ReturnedUnrecorded && s.leaving():
		state, leaves = Returned, true
	case st.swapped && f.Flags&zeroFlag == 0:
		state = NotEntered
	case st.request && s.withdraw():
		state = Returned
	}
	if leaves {
		s.left()
	}
	returned := state != NotEntered && state != Entered
	if st.flags == saved {
		f.Flags = f.Flags&^arithmeticFlags | s.savedFlags(returned && !st.unsaved)&arithmeticFlags
	}
	switch {
	case st.request && returned:
		f.AX, f.R11 = peek(s.mem, areaRequestResult), f.Flags
	case st.unsaved && returned:
		f.AX, f.R11 = peek(s.mem, areaResult), f.Flags
	case st.ax == saved && returned:
		f.AX, f.R11 = peek(s.mem, areaResult), peek(s.mem, areaFlags)
	case st.ax == saved:
		f.AX = peek(s.mem, areaNr)
	}
	if st.args == saved {
		s.putArgs(f)
	} else if st.dx == saved {
		f.DX = peek(s.mem, areaArgs+16)
	}
	s.count(count, f.AX)
	return f.put(call, state)
}

// counting reports whether the call at hand is counted, and not recorded.
func (s *Slot) counting() bool { return peek(s.mem, areaPlan) == stepAddress(countStep) }

// translateSite is Translate for a thread that stands off bytes into a site.
func (s *Slot) translateSite(f *Frame, site uint64, off int) Disposition {
	call := s.region.CallOf(site)
	if call == 0 {
		return Elsewhere
	}
	switch off {
	case sitePass:
		return f.put(call, NotEntered)
	case sitePass + syscallLen:
		return f.put(call, Returned)
	case siteObserved:
		if s.leaving() {
			s.left()
			return f.put(call, NotEntered)
		}
		if s.counting() {
			return f.put(call, NotEntered)
		}
		return f.put(call, Entered)
	case siteReturn, siteReturn + 5: // its mov, its jmp
		if s.leaving() {
			s.left()
			return f.put(call, Returned)
		}
		if s.counting() {
			s.count(countAll, f.AX)
			return f.put(call, Returned)
		}
		return f.put(call, ReturnedUnrecorded)
	}
	return Elsewhere
}

// translateNaming is Translate for a thread that asks what a descriptor is called, and
// will not any more.
func (s *Slot) translateNaming(f *Frame) Disposition {
	site := peek(s.mem, areaSite)
	call := s.region.CallOf(site)
	if at := f.IP - site; call == 0 || !InCode(f.IP) && (at < siteObserved || at >= siteBack) {
		return Elsewhere
	}
	poke(s.mem, areaNaming, 0)
	flags := peek(s.mem, areaOpenedFlags)
	f.AX, f.R11 = peek(s.mem, areaOpened), flags
	f.Flags = f.Flags&^arithmeticFlags | flags&arithmeticFlags
	s.putArgs(f)
	return f.put(call, ReturnedUnrecorded)
}

// putArgs gives the argument registers back that are in the area.
func (s *Slot) putArgs(f *Frame) {
	f.DI, f.SI, f.DX = peek(s.mem, areaArgs), peek(s.mem, areaArgs+8), peek(s.mem, areaArgs+16)
	f.R10, f.R8, f.R9 = peek(s.mem, areaArgs+24), peek(s.mem, areaArgs+32), peek(s.mem, areaArgs+40)
}

// put makes the thread stand at its call, or behind it.
func (f *Frame) put(call uint64, state Disposition) Disposition {
	f.IP = call
	if state != NotEntered && state != Entered {
		f.IP += syscallLen
		f.CX = f.IP // as the system call leaves it
	}
	return state
}

// savedFlags returns the flags that the area has.
func (s *Slot) savedFlags(returned bool) uint64 {
	if returned {
		return peek(s.mem, areaFlags)
	}
	ax := peek(s.mem, areaLahf)
	flags := ax >> 8 & 0xff
	if ax&0xff != 0 {
		flags |= overflowFlag
	}
	return flags
}

// count completes the service Count.
func (s *Slot) count(c counting, result uint64) {
	counter := peek(s.mem, areaNr)
	if c == countNothing || s.index == 0 || counter >= Counters {
		return
	}
	off := 8 * int(counter)
	if c == countAll && -result-1 < lastLinuxErrno {
		poke(s.mem, errorsOff+off, peek(s.mem, errorsOff+off)+1)
	}
	poke(s.mem, callsOff+off, peek(s.mem, callsOff+off)+1)
}

// IsHelp reports whether a thread that the filter reports at ip asks for help: it
// has made its call, whose memory must be captured, and now makes the same call
// again to be stopped. The call must not be made.
func IsHelp(ip uint64) bool { return labels[atHelpReturn] != 0 && ip == atHelpReturn.address() }

// Touches reports whether a fault at ip may be that of memory which the program has named
// in a call: SIGSEGV and SIGBUS there mean that the kernel has to look at it. Translate, and
// drop the signal.
func Touches(ip uint64) bool {
	off := ip - (Base + CodeOffset)
	return off >= labels[atFileArgs] && off < labels[atFileSwapped] || off >= labels[atPollArgs] && off < labels[atLeaving]
}

// InCode reports whether ip is in the entry code. A thread that gets SIGSEGV or
// SIGBUS there for what it has done itself (si_code > 0) must not: the program's
// memory was not what the kernel had proved it to be, or its gs base is not its
// area's. Translate, and drop the signal.
func InCode(ip uint64) bool {
	off := ip - (Base + CodeOffset)
	return off >= labels[atTrap] && off < labels[atEnd]
}
