package table

// An Answerer is a Handler that gives every call of a number the same result, which
// the direct route then gives in the program itself, without entering the kernel.
type Answerer interface {
	Handler
	// Answer returns the result. It does not change.
	Answer() Result
}

// A Rememberer is a Handler for calls whose result is a fact about the thread that
// only its own calls change: getpid(2), getuid(2) and their like. The direct route
// asks the kernel once and then answers in the program, until a call of the thread
// may have changed the fact.
type Rememberer interface {
	Handler
	// Remembers marks the handler.
	Remembers()
}

// A Stopper is a Handler whose calls shall stop the thread: the direct route must not
// ask it over shared memory. A trace needs that to be in order.
type Stopper interface {
	Handler
	// Stops marks the handler.
	Stops()
}

// A Resident is a Handler of calls about descriptors, some of which are virtual. Once the
// direct route has learnt what a descriptor is (Residence), it makes the calls on those that
// are not virtual without asking, and answers some calls on others in the program itself.
type Resident interface {
	Handler
	// Descriptor returns which argument is the descriptor, -1 if there are several.
	Descriptor() int
	// Identify finds out what a descriptor of the calling thread is, as Residence.Learn wants to
	// know.
	Identify(c *Call, fd int) (k Kept, open bool)
	// Others returns the handler of the calls on descriptors that are not virtual, Native if
	// the kernel is to answer them.
	Others() Handler
}

// A Residence is what the direct route has in a program for virtual descriptors. Its
// methods are for the handler of a call, and are about the thread that makes it.
type Residence interface {
	// Keep makes a file known there. It returns nil if there is room for no more.
	Keep(f KeptFile) Kept
	// Learn calls ask, which finds out what a descriptor is, and notes what it returns: what Keep has
	// returned for its file; or, with open, nil for one that is not virtual. Without open
	// nothing is known of it.
	Learn(fd int, ask func() (k Kept, open bool))
}

// A KeptFile is what is told of a file to Keep.
type KeptFile struct {
	// Contents are those of a file that never changes and is open for reading only, whose
	// calls are answered by them; nil for others. Nobody may write them any more.
	Contents []byte
	// Stat is the struct stat of such a file, in the format of the machine's own ABI.
	Stat []byte
	// Statx is its struct statx.
	Statx []byte
	// Events is what poll(2) tells of it: POLL... bits.
	Events uint16
}

// A Kept is a file that is known in the programs, with the position that its descriptors
// share. Its methods may be called on any goroutine, also after the programs have ended.
type Kept interface {
	// Take returns the position and takes it away from the programs, whose calls all ask until
	// Put gives it back.
	Take() int64
	Put(pos int64)
	// SetEvents says what poll(2) tells of it from now on.
	SetEvents(events uint16)
	// Close says that no descriptor of it is left.
	Close()
}

// Residence returns the thread's Residence, nil if it has none.
func (c *Call) Residence() Residence {
	if r, ok := c.engine.(interface{ Residence() Residence }); ok {
		return r.Residence()
	}
	return nil
}
