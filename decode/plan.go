package decode

import (
	"sync/atomic"

	"github.com/k42trace/k42trace/table"
)

// A plan is a signature with all its names looked up.
type plan struct {
	sig     *table.Signature
	name    string
	head    string // what a line begins with: read(
	args    []argPlan
	show    []int // the arguments that are shown
	split   int   // how many of show are known before the call
	exits   []int // the arguments that only Exit decodes
	before  []int // those with memory to be read before the call,
	after   []int // and after it
	result  Kind
	special *special
}

type argPlan struct {
	table.Arg
	set    *ConstSet
	typ    *structType
	exit   bool   // Exit decodes it,
	change bool   // and what it was before
	scalar bool   // a number, of which nothing else need be known
	high   bool   // the next argument is its upper half
	kind   Kind   // of a number's value
	bits   uint8  // how many the kernel reads,
	mask   uint64 // and which
}

// A special completes what the signature alone cannot tell: arguments whose
// meaning depends on others, results that need an explanation. Either may be
// nil.
type special struct {
	entry func(e *Event)
	exit  func(e *Event)
	need  int // how many arguments there must be; i386 has calls that pass them in a struct
}

var noSpecial special

var plans [table.NumABI][1024]atomic.Pointer[plan]

func planOf(abi table.ABI, nr int, sig *table.Signature) *plan {
	if abi == table.X32 {
		nr &^= table.X32Bit
	}
	if nr < 0 || nr >= len(plans[0]) || abi >= table.NumABI {
		return newPlan(abi, sig)
	}
	slot := &plans[abi][nr]
	if p := slot.Load(); p != nil && p.sig == sig {
		return p
	}
	p := newPlan(abi, sig)
	slot.Store(p)
	return p
}

func newPlan(abi table.ABI, sig *table.Signature) *plan {
	p := &plan{sig: sig, split: -1, special: &noSpecial, result: resultKind(sig.Result)}
	p.called(sig.Name)
	switch sig.Name {
	case "getpgid", "getpgrp", "getsid":
		p.result = Group
	case "setsid", "set_tid_address", "wait4", "waitpid":
		p.result = Int // strace says no more of it
	}
	for i := range sig.Args[:min(len(sig.Args), 6)] {
		a := newArgPlan(abi, sig, i)
		if a.exit {
			p.exits = append(p.exits, i)
		}
		if a.followed() {
			if !a.exit || a.change {
				p.before = append(p.before, i)
			}
			if a.exit {
				p.after = append(p.after, i)
			}
		}
		if a.Kind != table.High && a.Kind != table.Unused {
			if a.exit && p.split < 0 {
				p.split = len(p.show)
			}
			p.show = append(p.show, i)
		}
		p.args = append(p.args, a)
	}
	if p.split < 0 {
		p.split = len(p.show)
	}
	if s, ok := specials[sig.Name]; ok && len(p.args) >= s.need {
		p.special = s
	}
	return p
}

func newArgPlan(abi table.ABI, sig *table.Signature, i int) argPlan {
	a := argPlan{Arg: sig.Args[i]}
	if a.Set != "" {
		a.set = SetFor(abi, a.Set)
	}
	if a.Kind == table.Struct {
		a.typ = structs[a.Set]
	}
	a.change = a.typ != nil && a.typ.change && a.Dir == table.InOut
	a.exit = a.Dir&table.InOut == table.Out || a.change || a.Dir == table.InOut && a.typ != nil && a.typ.late
	a.bits = a.Bits
	if a.bits == 0 || a.bits > 64 {
		a.bits = 64
	}
	a.mask = 1<<a.bits - 1
	if abi == table.I386 {
		a.mask &= 1<<32 - 1
	}
	a.high = a.bits == 32 && i+1 < len(sig.Args) && sig.Args[i+1].Kind == table.High
	if a.kind = scalarKind(&a.Arg); a.kind == SigSet || a.kind == Mode {
		a.set = nil
	}
	a.scalar = a.kind != Absent && a.kind != FD && a.kind != DirFD && !a.high
	return a
}

// called sets the name under which the call is shown.
func (p *plan) called(name string) { p.name, p.head = name, name+"(" }

// scalarKind returns the kind of an argument's value; Absent for none, and for
// addresses that are followed.
func scalarKind(a *table.Arg) Kind {
	switch a.Kind {
	case table.Int:
		return Int
	case table.Uint:
		return Uint
	case table.Hex:
		if a.Set == "sigmask" {
			return SigSet
		}
		return Hex
	case table.Octal:
		if a.Set == "file_mode" {
			return Mode
		}
		return Perm
	case table.FD:
		return FD
	case table.DirFD:
		return DirFD
	case table.PID:
		return PID
	case table.UID:
		return UID
	case table.Signal:
		return Signal
	case table.Dev:
		return Dev
	case table.Flags:
		return Flags
	case table.Enum:
		return Enum
	case table.Path, table.String, table.Buffer, table.Strings, table.Env, table.Struct, table.High, table.Unused:
		return Absent
	}
	return Addr
}

// followed says that a is the address of memory that is decoded.
func (a *argPlan) followed() bool {
	switch a.Kind {
	case table.Path, table.String, table.Buffer, table.Strings, table.Env, table.Struct:
		return true
	}
	return false
}

// cut cuts arguments to what the kernel reads of them.
func (p *plan) cut(args *[6]uint64) {
	for i := range p.args {
		args[i] &= p.args[i].mask
	}
}
