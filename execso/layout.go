package execso

// The region, as every process of a tree sees it that it is mapped into. Offsets
// are from Base. The part up to SlotsOffset can be read and executed by the
// program, and written by nobody but the supervisor; the slots are the program's to
// write.
const (
	// Base is below 2 GiB, so that 32-bit displacements reach it, and where
	// Linux puts nothing by itself.
	Base = 0x70000000

	TableOffset    = 0         // 8 bytes a number: the address of its service's entry
	CodeOffset     = 0x2000    // entry code
	CapturesOffset = 0x4000    // 32 bytes a number: see Capture
	SitesOffset    = 0x10000   // one record per rewritten site
	CodeSize       = 0x410000  // all of that
	SlotsOffset    = 0x1000000 // one slot per thread of the tree

	Numbers     = 1024 // numbers that the table has room for
	captureSize = 32
	SiteSize    = 64
	maxSites    = (CodeSize - SitesOffset) / SiteSize

	SlotSize     = 0x20000
	maxSlots     = 512
	SlotsSize    = maxSlots * SlotSize
	countersOff  = 0x1000
	ringOff      = 0x10000
	ringSize     = 0x10000
	eventReserve = 0x2200 // more than the size of any event

	// RegionSize is the length of the file that backs the region.
	RegionSize = SlotsOffset + SlotsSize
)

// A site's record: two system-call instructions, for calls that are let pass and
// for those that are observed, and where to go on.
const (
	sitePass     = 0
	siteObserved = 8
	siteBack     = 24 // address of the near trampoline's tail
	siteCall     = 32 // address of the original system-call instruction
)

// syscallLen is the length of the system-call instruction: what a stopped thread's
// instruction pointer is behind it.
const syscallLen = 2
