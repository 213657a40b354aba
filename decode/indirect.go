package decode

import (
	"sync/atomic"

	"github.com/k42trace/k42trace/table"
)

// i386 has calls whose arguments lie in memory, behind a pointer: socketcall(2),
// and the first forms of mmap and select. They are decoded, and shown, as the
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

var (
	oldMmap   = indirect{call: "mmap", args: 6}
	oldSelect = indirect{call: "select", args: 5}
)

// follow replaces the call by the one that it stands for, if its arguments can
// be read.
func (e *Event) follow() {
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
	p := in.plan.Load()
	if p == nil {
		nr, ok := table.Number(table.AMD64, in.call)
		if !ok {
			return
		}
		sig := *table.SignatureOf(table.AMD64, nr)
		sig.Args = sig.Args[:in.args]
		p = newPlan(table.I386, &sig)
		if in.name != "" {
			p.called(in.name)
		}
		in.plan.Store(p)
	}
	b := e.readAll(addr, 4*in.args)
	if b == nil {
		return
	}
	e.plan, e.sig, e.name = p, p.sig, p.name
	e.args = [6]uint64{}
	for i := range in.args {
		e.args[i] = uint64(le.Uint32(b[4*i:]))
	}
}
