package decode

// Some calls are many in one: an argument says which, and with it what the others
// are. What they are is a row of forms for each.

// A form is how one argument of such a call is shown.
type form struct {
	// show makes the value of argument i. good says that the call has succeeded,
	// or that it has not been made yet.
	show func(e *Event, i int, good bool)
	late bool // the call fills what it points to
}

// enterCommand shows arguments from first on by their forms, as far as they are
// known before the call, and no more arguments than there are forms.
func (e *Event) enterCommand(first int, forms []form) {
	n := min(first+len(forms), len(e.plan.args))
	e.order = e.own[:n]
	for i := range n {
		e.own[i] = i
	}
	e.shown = n
	for i := first; i < n; i++ {
		if f := &forms[i-first]; f.late {
			e.shown = min(e.shown, i)
		} else {
			f.show(e, i, true)
		}
	}
}

// exitCommand shows what enterCommand could not.
func (e *Event) exitCommand(first int, forms []form) {
	for i := first; i < len(e.order); i++ {
		if f := &forms[i-first]; f.late {
			f.show(e, i, e.good())
		}
	}
}

// scalarForm is a number.
func scalarForm(kind Kind, bits uint8, set *ConstSet) form {
	return form{show: func(e *Event, i int, _ bool) {
		num := e.args[i]
		if bits < 64 {
			num &= 1<<bits - 1
		}
		e.set(i, Value{Kind: kind, Bits: bits, Num: num, Set: set})
	}}
}

var (
	formInt    = scalarForm(Int, 32, nil)
	formUint   = scalarForm(Uint, 32, nil)
	formUlong  = scalarForm(Uint, 64, nil)
	formHex    = scalarForm(Hex, 64, nil)
	formAddr   = scalarForm(Addr, 64, nil)
	formPID    = scalarForm(PID, 32, nil)
	formUID    = scalarForm(UID, 32, nil)
	formSignal = scalarForm(Signal, 32, nil)
	formErrno  = scalarForm(Errno, 32, nil)

	formString = form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitString("", e.args[i]) }}
	formPath   = form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitPath("", e.args[i]) }}
)

func formFlags(set *ConstSet) form { return scalarForm(Flags, 32, set) }
func formEnum(set *ConstSet) form  { return scalarForm(Enum, 32, set) }

// formIn and formOut are structs that the kernel reads and fills.
func formIn(t *structType) form {
	return form{show: func(e *Event, i int, _ bool) { e.pointer(i, t, true) }}
}

func formOut(t *structType) form {
	return form{late: true, show: func(e *Event, i int, good bool) { e.pointer(i, t, good) }}
}

// formBuffer is bytes of which argument n tells how many there are.
func formBuffer(n int) form {
	return form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitBuffer("", e.args[i], e.args[n]) }}
}

// formFilled is a buffer that the call fills, and the result tells how much of it.
// With ended, a NUL at its end counts and is not shown.
func formFilled(n int, ended bool) form {
	return form{late: true, show: func(e *Event, i int, good bool) {
		e.into(i)
		size := min(uint64(max(e.res.Value(), 0)), e.args[n])
		if !good {
			e.emitAddr("", e.args[i], true)
			return
		}
		if ended {
			e.emitEnded("", e.args[i], size)
			return
		}
		e.emitBuffer("", e.args[i], size)
	}}
}

// emitEnded emits n bytes at addr of which a NUL at the end is not shown.
func (e *Event) emitEnded(name string, addr, n uint64) {
	e.emitBuffer(name, addr, n)
	noteEnded(&e.values[e.latest])
}

// noteEnded leaves out a NUL at the end of what v shows.
func noteEnded(v *Value) {
	if k := len(v.Text); v.Kind == Bytes && k > 0 && v.Text[k-1] == 0 {
		v.Text, v.Cut = v.Text[:k-1], false
	}
}
