package execso

// The region, as every process of a tree sees it that it is mapped into. Offsets
// are from Base. The part up to CodeSize can be read and executed by the program,
// and written by nobody but the supervisor; the slots are the program's to write.
// The assembly gets these constants from here, by go_asm.h.
const (
	// Base is below 2 GiB, so that 32-bit displacements reach it, and where
	// Linux puts nothing by itself.
	Base = 0x70000000

	TableOffset    = 0         // 8 bytes a number: the address of its service's entry
	CodeOffset     = 0x2000    // entry code
	plansOff       = 0x5000    // 8 bytes a number: the address of its first step
	constantsOff   = 0x7000    // 8 bytes a number: the answer of Constant, see answerBias
	classesOff     = 0x9000    // 1 byte an errno: its class, see proofs
	countersOff    = 0x9100    // 2 bytes a number: its counter
	stepsOff       = 0x9900    // steps of all plans
	SitesOffset    = 0x10000   // one record per rewritten site
	CodeSize       = 0x410000  // all of that
	SlotsOffset    = 0x1000000 // one slot per thread of the tree
	codeRoom       = plansOff - CodeOffset
	maxSteps       = (SitesOffset - stepsOff) / stepSize
	numClasses     = countersOff - classesOff
	lastLinuxErrno = 4095

	Numbers  = 1024 // numbers that the table has room for
	Counters = 1024 // counters that a slot has room for
	SiteSize = 64
	maxSites = (CodeSize - SitesOffset) / SiteSize

	SlotSize  = 0x20000
	maxSlots  = 512
	SlotsSize = maxSlots * SlotSize

	// What is known of descriptors, and where files are read: see files.go. A region
	// has them if AddFiles has been called.
	DescriptorsOffset = SlotsOffset + SlotsSize
	positionsOff      = 0 // 8 bytes a file: its position
	tablesOff         = positionsOff + maxFiles*8
	DescriptorsSize   = tablesOff + maxTables*tableSize
	FilesOffset       = 0x6000000 // one record per file
	contentsOff       = maxFiles * recordSize
	contentsRoom      = 16 << 20
	FilesSize         = contentsOff + contentsRoom

	// MaxDescriptors is of how many descriptors of a process anything can be known.
	MaxDescriptors = 1024
	tableSize      = MaxDescriptors * 8
	maxTables      = maxSlots
	maxFiles       = 2048
	recordSize     = 512
)

// A file's record, which programs cannot write.
const (
	recordEvents   = 0x00 // what poll(2) tells of it
	recordContents = 0x08 // their address, 0 if it is not to be read here
	recordLength   = 0x10 // of the contents
	recordStat     = 0x40 // struct stat
	statSize       = 144
	recordStatx    = 0x100 // struct statx
	statxSize      = 256

	// Its position is recordToPosition bits to the right of its record. The bits above
	// positionBits change when the record is another file's; the sign is set while
	// there is none, or it is to be asked for.
	recordToPosition = 6
	positionBits     = 40
)

// An entry of a table of descriptors: the file's record in the lower half, or entryReal
// for a descriptor that is not virtual; or 0 if nothing is known, and entryAsked if nobody is
// to ask only to poll it. In the upper half is how
// many threads are about to give the number another meaning, and above these leavingBits
// how often that has begun.
const (
	entryReal   = 1
	entryAsked  = 2
	leavingBits = 12
	leaving     = 1<<leavingBits - 1
	beginLeave  = 1<<leavingBits + 1
)

// MaxPolled is how many descriptors poll(2) and ppoll(2) are answered for.
const MaxPolled = 64

// setSize is the size of a set of MaxDescriptors, bytes; maskSize the kernel's sigset_t.
const (
	setSize  = MaxDescriptors / 8
	maskSize = 8 //lint:ignore U1000 the assembly reads it
)

// What select(2) takes for readable, writable and exceptional, of what poll(2) tells (fs/select.c, POLLIN_SET
// and so on).
const (
	// POLLIN, POLLRDNORM, POLLRDBAND, POLLERR, POLLHUP
	selectIn = 0x01 | 0x40 | 0x80 | 0x08 | 0x10 //lint:ignore U1000 the assembly reads it
	// POLLOUT, POLLWRNORM, POLLWRBAND, POLLERR
	selectOut = 0x04 | 0x100 | 0x200 | 0x08 //lint:ignore U1000 the assembly reads it
	// POLLPRI
	selectEx = 0x02 //lint:ignore U1000 the assembly reads it
)

// pollAlways are POLLERR and POLLHUP, which poll tells of whether asked or not.
//
//lint:ignore U1000 the assembly reads it
const pollAlways = 0x18

// lowestData is where memory of programs may begin, userBits how long its addresses are;
// of the last page, lastData, they have nothing. What lies elsewhere is the kernel's to refuse.
const (
	lowestData = 0x10000 //lint:ignore U1000 the assembly reads it
	lastData   = 0x1000  //lint:ignore U1000 the assembly reads it
	userBits   = 47      //lint:ignore U1000 the assembly reads it
)

// Numbers and flags that the entry code knows.
const (
	nrRead, nrClose, nrFstat, nrPoll, nrLseek, nrPread = 0, 3, 5, 7, 8, 17
	nrDup2, nrDup3, nrFstatAt, nrStatx                 = 33, 292, 262, 332
	nrReadv, nrPreadv, nrPreadv2                       = 19, 295, 327
	nrSelect, nrPselect, nrPpoll                       = 23, 270, 271
	atEmptyPath                                        = 0x1000
	// AT_SYMLINK_NOFOLLOW and AT_NO_AUTOMOUNT, of an empty path.
	atHarmless = 0x100 | 0x800 //lint:ignore U1000 the assembly reads it
	maxVector  = 1024          //lint:ignore U1000 the assembly reads it
)

// A slot: the thread's area, to which its gs base points, and behind it what the
// area has no room for.
const (
	// The supervisor's line: what it alone writes.
	areaCookie  = 0x00 // cookie if the thread may use the services
	areaLimit   = 0x08 // no event is begun when head is beyond
	areaServing = 0x10 // how often a thread may look for its request's answer; 0: it must not ask
	areaSelf    = 0x18 // its own address
	areaNames   = 0x20 // what is done about the names of new descriptors: a Naming
	areaFiles   = 0x28 // cookie if the thread may look descriptors up
	areaTable   = 0x30 // where
	// areaPatience is how often a thread looks for room in a full ring before it stops: the
	// supervisor is at it.
	areaPatience = 0x38
	// The thread's line.
	areaHead  = 0x40 // bytes ever written to the ring
	areaWaits = 0x48 // what is left of the patience
	// What a call needs to remember.
	areaNr     = 0x80 // its number; of Count, its counter
	areaSite   = 0x88 // its site's record
	areaPlan   = 0x90 // the step with which its exit begins
	areaResult = 0x98
	areaFlags  = 0xa0 // flags as the system call left them
	areaTimed  = 0xa8 // 1: its events get stamps
	areaLahf   = 0xb0 // flags before the checks: AH as LAHF makes it, AL 1 if OF
	areaEntry  = 0xb8 // the descriptor's entry that it is about to make mean something else
	areaArgs   = 0xc0 // argument registers: 6 x 8
	areaDone   = 0xf0 // bytes in the elements of a vector before the current one
	areaEnd    = 0xf8 // where its captured elements end, in the ring
	// Its request, all of it and the answer in one line: each that has been written on one side has to be
	// fetched on the other.
	areaState         = 0x100 // u16: see below
	areaRequest       = 0x102 // u16: the number
	areaRequestSite   = 0x104 // u32
	areaRequestArgs   = 0x108
	areaRequestSP     = 0x138
	areaRequestResult = areaRequestArgs // which have been taken before
	// What it takes to ask what a new descriptor is called.
	areaNaming      = 0x180 // 1: the call has returned, and the thread asks
	areaOpened      = 0x188 // its result
	areaOpenedFlags = 0x190 // flags as it left them
	areaNameAt      = 0x198 // where the name is captured, in the ring
	areaNameCount   = 0x1a0 // captures before it
	areaNumber      = 0x1a8 // the descriptor in digits, at the end of 8 bytes, and 8 bytes of zeros
	areaPrefix      = 0x1b8 // bytes of the link before the descriptor: the supervisor's
	areaLink        = 0x1c0 // the link that leads to the descriptor in /proc
	areaLinkEnd     = 0x200
	// What it takes to read into a vector, and to answer poll and select.
	areaLeft     = 0x200 // bytes to read
	areaMayZero  = 0x208 // 1: the answer may be that nothing is ready
	areaTimeAt   = 0x210 // where the time that is left goes; 0: nowhere
	areaTimeLeft = 0x218 // seconds, and a fraction
	areaSetsSize = 0x228 // bytes of each set that are stored
	areaEvents   = 0x230 // of the descriptor that is looked at
	areaSets     = 0x240 // three sets: what is ready
	areaSetsEnd  = areaSets + 3*setSize
	areaSize     = 0x1000

	callsOff  = 0x1000 // 8 bytes a counter: calls counted
	errorsOff = 0x3000 // 8 bytes a counter: errors among them
	knownOff  = 0x5000 // 8 bytes a number: the answer of Known, see answerBias

	// Events lie in the ring one behind the other. The last before its end may
	// reach over it, into the spill; the next one begins where the first bytes
	// of the ring would follow that.
	ringOff      = 0x8000
	ringSize     = 0x10000
	eventReserve = 0x2200 // more than the size of any event: the spill's size
)

// numberSize is the room for a descriptor in digits; those beyond maxNamed have more.
const (
	numberSize = 8
	maxNamed   = 10000000
)

// Numbers of the calls that the entry code makes for itself.
const (
	sysFstat    = 5  //lint:ignore U1000 the assembly reads it
	sysReadlink = 89 //lint:ignore U1000 the assembly reads it
)

// States of a request.
const (
	requestIdle     = 0
	requestPosted   = 1 // by the thread
	requestAnswered = 2 // by the supervisor
	requestTrap     = 3 // by the supervisor: make the call
)

// patience is some hundred microseconds: longer than the supervisor takes to make room for the
// next events, and shorter than a stop if it cannot.
const patience = 3000

// spins is how often a thread looks for its request's answer before it stops for
// the supervisor: some tens of microseconds.
const spins = 400

// cookie is in the area of every thread that may use the services. It fits into
// the displacement of an instruction.
const cookie = 0x4b34321d

// Answers of Known and Constant are kept less answerBias: zero means that there is
// none.
const answerBias = 0x2d5a4b43

// Events.
const (
	kindEnter = 1
	kindExit  = 2

	// kind u16, number u16, site u32, stamp u64, six arguments
	enterSize  = 64
	eventStamp = 8
	enterArgs  = 16
	// kind u16, number of captures u16, size u32, stamp u64, result u64
	exitSize   = 24
	exitResult = 16
	// unhelped in place of the number of captures says that there should have
	// been some.
	unhelped = 0xffff
	// argument u16, cut u16, length u32, address u64, data padded to 8
	captureHead = 16
	// nameArg in place of the argument says that it is the name of the descriptor that
	// is the result.
	nameArg = 6
	nameMax = 4096 // the kernel's names are shorter
	// statArg says that it is what fstat(2) says of that: statSize bytes.
	statArg = 7
)

// A step of a plan: the address of the code that does it, then operands.
const (
	stepSize   = 16
	stepArg    = 8  // u8: 8 x the argument's index
	stepLen    = 9  // u8: 8 x the index of the argument with the length
	stepUnit   = 10 // u8: bytes per element
	stepFlags  = 11 // u8
	stepTarget = 10 // u16: Case: where to go on, from the first of all steps
	stepLimit  = 12 // u32: most elements; Case: the value; Bits: the mask
	stepText   = 12 // u16: Vector: most bytes of an element
	stepMost   = 14 // u16: Vector: most elements
	stepMask   = 8  // u64: Proven: classes of errno

	flagHelp  = 1  // more than the limit: the supervisor must help
	flagMany  = 16 // the same for the elements of a vector
	flagInt   = 2  // the length is an int
	flagUint  = 4  // the length is an unsigned int
	flagProof = 8  // only as many bytes as the result says have been read
	// flagMessages: if the bytes begin as a message of netlink(7) does, the supervisor must
	// help: all of them are wanted, and what the descriptor is.
	flagMessages = 32
	udevPrefix   = 0x7562696c // "libudev" begins so
	noLength     = 0xff
)

// A site's record: two system-call instructions, for calls that are let pass and
// for those that are observed, and where to go on.
const (
	sitePass     = 0
	siteObserved = 8
	siteReturn   = 10 // behind the observed one: mov $site,%ecx; jmp exit
	siteBack     = 24 // address of the near trampoline's tail
	siteCall     = 32 // address of the original system-call instruction
)

// What is captured of an iovec and a msghdr (readv(2), sendmsg(2)), and where their
// fields are.
const (
	iovecSize     = 16
	iovecLen      = 8
	msghdrSize    = 56
	msgNamelen    = 8
	msgIov        = 16
	msgIovlen     = 24
	msgControl    = 32
	msgControllen = 40
	msgNameMax    = 128
	controlMax    = 4096
)

// syscallLen is the length of the system-call instruction: what a stopped thread's
// instruction pointer is behind it.
const syscallLen = 2
