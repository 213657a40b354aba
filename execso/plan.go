package execso

import (
	"slices"
	"sync"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// A plan says how the calls of one number are recorded, as steps that the entry
// code takes: first, if not every call can be, those that look at its arguments;
// then, behind stepEnter, those that copy its memory when it has returned.
//
// Memory is copied at the exit only, where the kernel proves that it is there: by
// success, or by an error that it cannot come to without having read the
// arguments. A call without such a proof takes the way by the supervisor's help.
// The proof is not perfect: a write to /dev/null succeeds without reading, and
// another thread may unmap what the kernel has just read. Copying then faults; see
// InCode.
type plan []step

// A step is one step of a plan.
type step struct {
	do          label
	arg, length uint8 // indices of arguments
	unit, flags uint8
	limit       uint32
	mask        uint64 // of stepProven
	target      int    // of stepCase: an index in the plan
}

// limits is how much is captured of what has no fixed size.
type limits struct {
	text     int // bytes of strings and buffers
	elements int // elements of arrays
}

var defaultLimits = limits{text: 32, elements: 32}

const pathMax = 4096

// plans returns every number's plan in the default limits; nil for those that have
// none. It is made when it is first needed: not every program goes this way.
var plans = sync.OnceValue(func() *[Numbers]plan {
	var all [Numbers]plan
	for nr := range all {
		all[nr] = newPlan(nr, defaultLimits)
	}
	return &all
})

// checked reports whether the plan has steps before the call.
func (p plan) checked() bool {
	return slices.ContainsFunc(p, func(s step) bool { return s.do == stepEnter })
}

// newPlan returns the plan for a number of x86-64, nil if its calls cannot be
// recorded. For all limits it has the same steps, but for their limits.
func newPlan(nr int, lim limits) plan {
	sig := table.SignatureOf(table.AMD64, nr)
	if sig == nil || trapped[sig.Name] {
		return nil
	}
	r := rules[sig.Name]
	if r.never {
		return nil
	}
	if r.cases == nil {
		c, ok := captures(sig, &r, &r.contents, lim)
		if !ok {
			return nil
		}
		exit := c.exit(lim, &r.contents)
		if len(r.checks) == 0 {
			return exit
		}
		p := append(plan{}, r.checks...)
		p = append(p, step{do: stepEnter})
		return append(p, exit...)
	}
	// The value of one argument decides what the others are.
	p := append(plan{}, r.checks...)
	var targets []int // of the cases' steps
	for i, k := range r.cases {
		for _, v := range k.values {
			p = append(p, step{do: stepCase, arg: r.by, limit: v})
			targets = append(targets, i)
		}
	}
	// Where no case is taken, what follows is for all other values.
	starts := make([]int, len(r.cases))
	for i, k := range append([]selection{{never: r.refuse, contents: r.contents}}, r.cases...) {
		if i > 0 {
			starts[i-1] = len(p)
		}
		if k.never {
			p = append(p, step{do: stepRefuse})
			continue
		}
		c, ok := captures(sig, &r, &k.contents, lim)
		if !ok {
			return nil
		}
		p = append(p, step{do: stepEnter})
		p = append(p, c.exit(lim, &k.contents)...)
	}
	for i, k := range targets {
		p[len(r.checks)+i].target = starts[k]
	}
	return p
}

// A capture is what is copied of one argument's memory.
type capture struct {
	step
	out     bool // the kernel fills it
	elastic bool // limit is of the user's choice, and may be lowered
}

// A collection is all that is copied for a call.
type collection struct {
	list   []capture
	proofs uint64
	some   bool
}

// captures finds out what memory a call's arguments have. ok is false if some of it
// cannot be captured.
func captures(sig *table.Signature, r *rule, m *contents, lim limits) (c collection, ok bool) {
	c.some = m.some
	in, path := 0, false
	for i, a := range sig.Args {
		if i >= 6 || slices.Contains(m.skip, i) || r.isNull(i) {
			continue
		}
		if k := slices.IndexFunc(m.captures, func(k capture) bool { return int(k.arg) == i }); k >= 0 {
			k := m.captures[k]
			switch k.do {
			case stepLength, stepResult:
				k.flags |= lengthFlags(sig, k.length)
			}
			c.list = append(c.list, k)
			if !k.out {
				in++
			}
			continue
		}
		k := capture{out: a.Dir&table.InOut == table.Out}
		k.arg = uint8(i)
		k.unit = 1
		k.length = noLength
		if a.Len >= 0 {
			k.length = uint8(a.Len)
		}
		switch a.Kind {
		default:
			continue
		case table.Strings, table.Env:
			return c, false
		case table.Path:
			k.do, k.limit = stepString, pathMax
			path = path || !k.out
		case table.String:
			k.do, k.limit, k.elastic = stepString, uint32(lim.text)+1, true
		case table.Buffer:
			k.limit, k.elastic = uint32(max(lim.text, m.atLeast)), true
			if !k.counted(sig, &a) {
				return c, false
			}
			if m.partial {
				k.flags |= flagProof
			}
			if m.messages {
				k.flags |= flagMessages
			}
		case table.Struct:
			s, known := structs[a.Set]
			switch {
			case a.Set == "iovec" && a.Len >= 0:
				k.do = stepVector
				if !k.out {
					k.flags |= flagProof
				}
			case a.Set == "msghdr" && !k.out: // of which the pointers come next
				c.list = append(c.list, capture{step: step{do: stepBytes, arg: uint8(i), limit: msghdrSize, unit: 1}})
				k.do, k.flags = stepMessage, flagProof
				if m.messages {
					k.flags |= flagMessages
				}
			case !known:
				return c, false
			case s.variable: // as many bytes as the length says
				k.limit = s.size
				if !k.counted(sig, &a) {
					return c, false
				}
			case a.Count > 0:
				k.do, k.limit = stepBytes, s.size*uint32(a.Count)
			case a.Len >= 0 || a.Result:
				k.limit, k.unit, k.elastic = uint32(lim.elements), uint8(s.size), true
				if !k.counted(sig, &a) {
					return c, false
				}
			default:
				k.do, k.limit = stepBytes, s.size
			}
		}
		if a.Dir&table.InOut == table.InOut {
			return c, false
		}
		if !k.out {
			in++
		}
		c.list = append(c.list, k)
	}
	proofs := m.proofs
	if in == 1 && path {
		proofs = append(slices.Clone(proofs), pathErrors...)
	}
	for _, errno := range proofs {
		c.proofs |= 1 << classOf(errno)
	}
	return c, true
}

// counted makes k one whose length another argument or the result tells. ok is
// false if that argument is a pointer to the length.
func (k *capture) counted(sig *table.Signature, a *table.Arg) (ok bool) {
	k.do = stepLength
	if a.Result {
		k.do = stepResult
	}
	if a.Len < 0 {
		return a.Result
	}
	k.flags |= lengthFlags(sig, k.length)
	return sig.Args[a.Len].Kind != table.Struct
}

// lengthFlags says how wide argument i is, which is a length.
func lengthFlags(sig *table.Signature, i uint8) uint8 {
	if i == noLength || sig.Args[i].Bits != 32 {
		return 0
	}
	if sig.Args[i].Kind == table.Int {
		return flagInt
	}
	return flagUint
}

// exit returns the steps that make the EXIT event.
func (c *collection) exit(lim limits, m *contents) plan {
	var names plan
	switch {
	case m.descriptor:
		names = plan{{do: stepName}, {do: stepNamed}, {do: stepStatted}}
		if m.socket {
			names[0].flags = flagHelp
		}
	case m.renames:
		names = plan{{do: stepBare}}
	}
	if len(c.list)+len(names) == 0 {
		return plan{{do: stepLeave}}
	}
	c.fit(lim, m)
	p := plan{{do: stepCapture}}
	proven := false
	for _, k := range c.list {
		if !k.out {
			if !proven {
				p = append(p, step{do: stepProven, mask: c.proofs})
				proven = true
			}
			p = append(p, k.step)
		}
	}
	good := false
	for _, k := range c.list {
		if k.out {
			if !good {
				p = append(p, step{do: stepGood})
				switch {
				case k.do == stepVector:
					// Where the buffers are is shown even if nothing has
					// been read into them.
					p[len(p)-1].do = stepFilled
				case c.some:
					p[len(p)-1].do = stepSome
				}
				good = true
			}
			p = append(p, k.step)
		}
	}
	p = append(p, names...)
	return append(p, step{do: stepDone})
}

// fit lowers the limits so that an event has room for all captures. Where there is
// more, the supervisor must help.
func (c *collection) fit(lim limits, m *contents) {
	room, elastic := eventReserve-enterSize-exitSize, 0
	if m.descriptor {
		room -= captureHead + 8 + nameMax + captureHead + statSize
	}
	for i := range c.list {
		k := &c.list[i]
		room -= captureHead + 8
		if k.do == stepVector || k.do == stepMessage {
			// How much room there is left for a buffer is seen when all others
			// have been captured.
			const mostText, most = eventReserve, 200
			k.limit = uint32(min(lim.text, mostText)) | uint32(min(lim.elements, most))<<16
			if lim.text > mostText {
				k.flags |= flagHelp
			}
			if lim.elements > most {
				k.flags |= flagMany
			}
			continue
		}
		if k.elastic {
			elastic++
		} else {
			room -= int(k.limit)
		}
	}
	if room < 0 {
		panic("execso: captures of a fixed size do not fit into an event")
	}
	for i := range c.list {
		k := &c.list[i]
		if !k.elastic {
			continue
		}
		most := uint32(room / elastic)
		if k.do != stepString {
			most /= uint32(k.unit)
		}
		if k.limit > most {
			k.limit = most
			k.flags |= flagHelp
		}
	}
}

// proofs are the errors that can prove that the kernel has read a call's memory.
// Each is a class of its own, a bit in a mask; class 0 proves nothing.
var proofs = [...]unix.Errno{
	unix.EPERM, unix.ENOENT, unix.ENXIO, unix.EBADF, unix.EAGAIN, unix.EACCES, unix.EEXIST, unix.EXDEV, unix.ENOTDIR,
	unix.EISDIR, unix.EINVAL, unix.ETXTBSY, unix.EROFS, unix.ERANGE, unix.ENOTEMPTY, unix.ELOOP, unix.ENODATA,
	unix.EOPNOTSUPP, unix.EADDRINUSE, unix.EADDRNOTAVAIL, unix.ENETUNREACH, unix.EISCONN, unix.ETIMEDOUT,
	unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.EALREADY, unix.EINPROGRESS,
}

func classOf(errno unix.Errno) int { return 1 + slices.Index(proofs[:], errno) }
