package decode

import (
	"sync/atomic"

	"github.com/k42trace/k42trace/table"
)

// A plan is a signature with all its names looked up.
type plan struct {
	sig     *table.Signature
	args    []argPlan
	show    []int // the arguments that are shown
	split   int   // how many of show are known before the call
	hasExit bool  // there are arguments that only Exit decodes
	special *special
}

type argPlan struct {
	table.Arg
	set  *ConstSet
	typ  *structType
	exit bool // Exit decodes it
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
	p := &plan{sig: sig, split: -1, special: &noSpecial}
	for i, a := range sig.Args {
		if i >= 6 {
			break
		}
		ap := argPlan{Arg: a}
		if a.Set != "" {
			ap.set = SetFor(abi, a.Set)
		}
		if a.Kind == table.Struct {
			ap.typ = structs[a.Set]
		}
		change := ap.typ != nil && ap.typ.change
		ap.exit = a.Dir&table.InOut == table.Out || a.Dir == table.InOut && change
		p.hasExit = p.hasExit || ap.exit
		if a.Kind != table.High && a.Kind != table.Unused {
			if ap.exit && p.split < 0 {
				p.split = len(p.show)
			}
			p.show = append(p.show, i)
		}
		p.args = append(p.args, ap)
	}
	if p.split < 0 {
		p.split = len(p.show)
	}
	if s, ok := specials[sig.Name]; ok && len(p.args) >= s.need {
		p.special = s
	}
	return p
}
