package execso

import (
	"github.com/k42trace/k42trace/table"
)

// A Service is what is done about the calls of a number.
type Service uint8

const (
	// Trap makes the original call, which the filter reports.
	Trap Service = iota
	// Pass makes the call where the filter does not look at it.
	Pass
	// Record makes the call between two events in the thread's ring.
	Record
	// RecordTimed is Record with the time-stamp counter in the events.
	RecordTimed
	// Count makes the call, and counts it and its errors: Slot.Counts.
	Count
	// Known makes no call: the result is what Slot.SetKnown says, if anything.
	Known
	// Constant makes no call: the result is what Region.SetConstant says.
	Constant
	// Request asks the supervisor for the result: Slot.Requested.
	Request
	// ByFile looks up what the descriptor is that is the first argument: Descriptors.
	// For one that is not virtual it is Pass; a File is read, or told of, here;
	// where that cannot be, it is Request.
	ByFile
	// Poll answers poll(2), select(2) and their like if it can be told from Files alone. Else it
	// is Pass, or Trap if nothing is known of a descriptor.
	Poll
	// Leave makes the call, of which a descriptor may mean another file afterwards.
	Leave

	numServices = iota
)

var serviceNames = [numServices]string{"trap", "pass", "record", "record timed", "count", "known", "constant", "request", "by file", "poll", "leave"}

func (s Service) String() string {
	if int(s) < len(serviceNames) {
		return serviceNames[s]
	}
	return "unknown service"
}

// Servable reports whether s can serve the calls of an x86-64 number. Whatever the
// limits, and whatever a call's arguments: those that a service cannot do takes
// the trap route by itself.
func Servable(nr int, s Service) bool {
	if nr < 0 || nr >= Numbers || s >= numServices {
		return false
	}
	sig := table.SignatureOf(table.AMD64, nr)
	switch s {
	case Trap:
		return true
	case Record, RecordTimed:
		return plans()[nr] != nil
	case ByFile:
		return sig != nil && !trapped[sig.Name] && len(sig.Args) > 0 && (sig.Args[0].Kind == table.FD || sig.Args[0].Kind == table.DirFD)
	case Poll:
		return nr == nrPoll || nr == nrPpoll || nr == nrSelect || nr == nrPselect
	case Leave:
		return nr == nrClose || nr == nrDup2 || nr == nrDup3
	}
	return sig != nil && !trapped[sig.Name]
}

// entryOf returns where the calls of a number begin.
func entryOf(nr int, s Service) label {
	switch s {
	case Pass:
		return atPass
	case Record:
		if plans()[nr].checked() {
			return atChecked
		}
		return atRecord
	case RecordTimed:
		if plans()[nr].checked() {
			return atCheckedTimed
		}
		return atTimed
	case Count:
		return atCount
	case Known:
		return atKnown
	case Constant:
		return atConstant
	case Request:
		return atRequest
	case ByFile:
		return atFile
	case Poll:
		return atPoll
	case Leave:
		return atLeaving
	}
	return atTrap
}
