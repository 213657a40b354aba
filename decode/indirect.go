package decode

import (
	"slices"
	"sync/atomic"

	"github.com/k42trace/k42trace/table"
)

// i386 has calls whose arguments lie in memory, behind a pointer: socketcall(2), and
// the first forms of mmap and select; and one, ipc(2), that is many. They are decoded, and shown, as the
// calls that they stand for, which x86-64 has under their own numbers.

// An indirect is a call that another one stands for.
type indirect struct {
	call string // the call as x86-64 has it
	name string // under which it is shown
	args int    // how many arguments lie in memory
	plan atomic.Pointer[plan]
}

// socketcalls are indexed by the first argument of socketcall (linux/net.h).
var socketcalls = [...]indirect{
	1:  {call: "socket", args: 3},
	2:  {call: "bind", args: 3},
	3:  {call: "connect", args: 3},
	4:  {call: "listen", args: 2},
	5:  {call: "accept", args: 3},
	6:  {call: "getsockname", args: 3},
	7:  {call: "getpeername", args: 3},
	8:  {call: "socketpair", args: 4},
	9:  {call: "sendto", name: "send", args: 4},
	10: {call: "recvfrom", name: "recv", args: 4},
	11: {call: "sendto", args: 6},
	12: {call: "recvfrom", args: 6},
	13: {call: "shutdown", args: 2},
	14: {call: "setsockopt", args: 5},
	15: {call: "getsockopt", args: 5},
	16: {call: "sendmsg", args: 3},
	17: {call: "recvmsg", args: 3},
	18: {call: "accept4", args: 4},
	19: {call: "recvmmsg", args: 5},
	20: {call: "sendmmsg", args: 4},
}

// ipcs are indexed by the lowest 16 bits of the first argument of ipc (linux/ipc.h).
// Their arguments are those of ipc, in another order: from says which.
var ipcs = [...]struct {
	indirect
	from []int
}{
	1:  {indirect{call: "semop", args: 3}, []int{1, 4, 2}},
	2:  {indirect{call: "semget", args: 3}, []int{1, 2, 3}},
	3:  {indirect{call: "semctl", args: 4}, []int{1, 2, 3, 4}},
	4:  {indirect{call: "semtimedop", args: 4}, []int{1, 4, 2, 5}},
	11: {indirect{call: "msgsnd", args: 4}, []int{1, 4, 2, 3}},
	12: {indirect{call: "msgrcv", args: 5}, []int{1, 4, 2, 5, 3}},
	13: {indirect{call: "msgget", args: 2}, []int{1, 2}},
	14: {indirect{call: "msgctl", args: 3}, []int{1, 2, 4}},
	21: {indirect{call: "shmat", args: 3}, []int{1, 4, 2}},
	22: {indirect{call: "shmdt", args: 1}, []int{4}},
	23: {indirect{call: "shmget", args: 3}, []int{1, 2, 3}},
	24: {indirect{call: "shmctl", args: 3}, []int{1, 2, 4}},
}

// followIPC replaces a call of ipc by the one that it stands for.
func (e *Event) followIPC() {
	const msgrcv, semctl, shmat = 12, 3, 21
	n := e.args[0] & 0xffff
	if n >= uint64(len(ipcs)) || ipcs[n].call == "" {
		return
	}
	in := &ipcs[n]
	p := in.narrow()
	if p == nil {
		return
	}
	var args [6]uint64
	for i, from := range in.from {
		args[i] = e.args[from]
	}
	if n == msgrcv && e.args[0]>>16 == 0 { // the pointer and the type are in memory
		args[4] = e.args[3]
		if b := e.readArgs(e.args[4], 8); b != nil {
			args[1], args[3] = uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
		} else {
			args[1], e.indirect = e.args[4], true
		}
	}
	if n == shmat {
		e.resultAt, e.indirect = e.args[3], true
	}
	if n == semctl {
		if b := e.readArgs(args[3], 4); b != nil {
			args[3], e.indirect = uint64(le.Uint32(b)), true
		}
	}
	e.plan, e.sig, e.name, e.args, e.raw = p, p.sig, p.name, args, args
}

func init() {
	// Calls of these that nobody knows are numbers.
	unknown := special{entry: func(e *Event) {
		if v := e.arg(0); v.Set == nil || v.Set.name(v.Num) == "" {
			v.Kind = Int
		}
	}}
	addSpecial(unknown, "socketcall")
	// ipc returns where shmat has put the memory through a pointer.
	addSpecial(special{exit: func(e *Event) {
		if e.indirect && e.good() {
			if b := e.readAll(e.resultAt, 4); b != nil {
				e.values[resultSlot].Num = uint64(le.Uint32(b))
			} else {
				e.values[resultSlot] = Value{Kind: Symbol, Symbol: "?"}
			}
		}
	}}, "shmat")
	addSpecial(special{entry: func(e *Event) {
		unknown.entry(e)
		e.arg(4).Kind = Hex
		if v := e.arg(0); v.Kind == Int && v.Num>>16 != 0 { // with a version
			e.into(0)
			outer := e.open(Value{Kind: Or, Bits: 32, Num: e.args[0]})
			inner := e.begin("", Shifted)
			e.num("", Uint, 32, e.args[0]>>16)
			e.num("", Uint, 32, 16)
			e.close(inner)
			e.num("", Uint, 32, e.args[0]&0xffff)
			e.close(outer)
		}
	}}, "ipc")
}

// narrow returns the call's plan for i386.
func (in *indirect) narrow() *plan {
	if p := in.plan.Load(); p != nil {
		return p
	}
	nr, ok := table.Number(table.AMD64, in.call)
	if !ok {
		return nil
	}
	sig := *table.SignatureOf(table.AMD64, nr)
	sig.Args = slices.Clone(sig.Args[:in.args])
	for i := range sig.Args {
		sig.Args[i].Bits = min(sig.Args[i].Bits, 32)
	}
	p := newPlan(table.I386, &sig)
	if in.name != "" {
		p.called(in.name)
	}
	in.plan.Store(p)
	return p
}

var (
	oldMmap   = indirect{call: "mmap", args: 6}
	oldSelect = indirect{call: "select", args: 5}
)

// follow replaces the call by the one that it stands for, if its arguments can
// be read.
func (e *Event) follow() {
	if e.name == "ipc" {
		e.followIPC()
		return
	}
	var in *indirect
	addr := e.args[0]
	switch {
	case e.name == "socketcall" && e.args[0] < uint64(len(socketcalls)):
		in, addr = &socketcalls[e.args[0]], e.args[1]
	case e.name == "mmap" && len(e.sig.Args) == 1:
		in = &oldMmap
	case e.name == "select" && len(e.sig.Args) == 1:
		in = &oldSelect
	}
	if in == nil || in.call == "" {
		return
	}
	p := in.narrow()
	if p == nil {
		return
	}
	b := e.readArgs(addr, 4*in.args)
	if b == nil {
		return
	}
	e.plan, e.sig, e.name = p, p.sig, p.name
	e.args = [6]uint64{}
	for i := range in.args {
		e.args[i] = uint64(le.Uint32(b[4*i:]))
	}
	e.raw = e.args
}

// readArgs reads arguments that lie in memory, which are shown also where structs are not.
func (e *Event) readArgs(addr uint64, n int) []byte {
	if b := e.readText(addr, n); len(b) == n {
		return b
	}
	return nil
}
