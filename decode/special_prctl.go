package decode

import "golang.org/x/sys/unix"

func init() {
	addSpecial(special{entry: entryPrctl, exit: exitPrctl}, "prctl")
}

// A prctlArg is what the arguments behind an option of prctl are.
type prctlArg uint8

const (
	prctlHex    prctlArg = iota // four numbers
	prctlNone                   // no arguments
	prctlUint                   // one number
	prctlUint4                  // four numbers, decimal
	prctlSignal                 // a signal
	prctlCap                    // a capability
	prctlName                   // a thread's name
	prctlDump                   // a core dump setting
	prctlGetInt                 // the address of an int that is filled
	prctlGetSignal
	prctlGetName
	prctlGetAddr
)

var prctlArgs = map[uint64]prctlArg{
	unix.PR_GET_DUMPABLE: prctlNone, unix.PR_GET_KEEPCAPS: prctlNone, unix.PR_GET_SECCOMP: prctlNone,
	unix.PR_GET_TIMERSLACK: prctlNone, unix.PR_GET_TIMING: prctlNone, unix.PR_GET_SECUREBITS: prctlNone,
	unix.PR_SET_KEEPCAPS: prctlUint, unix.PR_SET_CHILD_SUBREAPER: prctlUint, unix.PR_SET_TIMERSLACK: prctlUint,
	unix.PR_SET_NO_NEW_PRIVS: prctlUint4, unix.PR_GET_NO_NEW_PRIVS: prctlUint4,
	unix.PR_SET_THP_DISABLE: prctlUint4, unix.PR_GET_THP_DISABLE: prctlUint4,
	unix.PR_SET_PDEATHSIG: prctlSignal, unix.PR_GET_PDEATHSIG: prctlGetSignal,
	unix.PR_CAPBSET_READ: prctlCap, unix.PR_CAPBSET_DROP: prctlCap,
	unix.PR_SET_NAME: prctlName, unix.PR_GET_NAME: prctlGetName,
	unix.PR_SET_DUMPABLE: prctlDump, unix.PR_GET_CHILD_SUBREAPER: prctlGetInt, unix.PR_GET_TSC: prctlGetInt,
	unix.PR_GET_TID_ADDRESS: prctlGetAddr,
}

const taskComm = 16 // TASK_COMM_LEN

func entryPrctl(e *Event) {
	v, num := e.arg(1), e.args[1]
	kind := prctlArgs[e.args[0]]
	switch kind {
	case prctlHex:
		if e.args[0] == unix.PR_SET_VMA {
			e.entrySetVMA()
		}
		return
	case prctlNone:
		e.drop(1)
		return
	case prctlUint4:
		for i := 1; i < 5; i++ {
			e.arg(i).Kind = Uint
		}
		return
	}
	e.drop(2)
	switch kind {
	case prctlUint:
		v.Kind = Uint
	case prctlSignal:
		v.Kind = Signal
	case prctlCap:
		v.Kind, v.Set = Enum, setCapabilities
	case prctlDump:
		v.Kind, v.Set = Enum, setDumpable
	case prctlName:
		e.into(1)
		e.emitText("", num, taskComm-1, taskComm)
	default:
		e.later(1)
	}
}

func exitPrctl(e *Event) {
	switch prctlArgs[e.args[0]] {
	case prctlGetInt:
		e.pointer(1, structs["uint"], e.good())
	case prctlGetAddr:
		e.pointer(1, structs["addr"], e.good())
	case prctlGetSignal:
		e.into(1)
		b := []byte(nil)
		if e.good() {
			b = e.readAll(e.args[1], 4)
		}
		if b == nil {
			e.emitAddr("", e.args[1], true)
			return
		}
		outer := e.open(Value{Kind: Array, Num: e.args[1]})
		e.num("", Signal, 32, uint64(le.Uint32(b)))
		e.close(outer)
	case prctlGetName:
		e.into(1)
		if !e.good() {
			e.emitAddr("", e.args[1], true)
			return
		}
		e.emitText("", e.args[1], taskComm-1, taskComm)
	}
	if e.args[0] == unix.PR_GET_DUMPABLE && e.good() {
		outer := e.note()
		e.enum("", 32, uint64(e.res.Value()), setDumpable)
		e.close(outer)
	}
}

// entrySetVMA shows the name that PR_SET_VMA gives a mapping.
func (e *Event) entrySetVMA() {
	e.arg(1).Kind, e.arg(1).Set = Enum, setPrctlVMA
	e.arg(2).Kind, e.arg(3).Kind = Addr, Uint
	e.into(4)
	e.emitText("", e.args[4], vmaNameMax, vmaNameMax)
}

const vmaNameMax = 79 // ANON_VMA_NAME_MAX_LEN without the NUL
