package decode

func init() {
	addSpecial(special{exit: func(e *Event) {
		if !e.good() { // strace shows the time and the signals when the call is over
			e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
			e.set(4, Value{Kind: Addr, Bits: 64, Num: e.args[4]})
		}
	}}, "epoll_pwait2")
	addSpecial(special{exit: exitPoll(-1)}, "poll")
	addSpecial(special{exit: exitPoll(2)}, "ppoll", "ppoll_time64")
	addSpecial(special{need: 5, exit: exitSelect}, "select", "_newselect", "pselect6", "pselect6_time64")
	addSpecial(special{entry: func(e *Event) {
		const del = 2
		if e.args[1] == del { // the kernel does not look at the event
			e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
		}
	}}, "epoll_ctl")
}

// exitPoll notes what poll found, and what is left of the time at argument
// left.
func exitPoll(left int) func(e *Event) {
	return func(e *Event) {
		if !e.good() {
			return
		}
		if e.res.Value() == 0 {
			e.timeout()
			return
		}
		if e.opts.Shallow {
			return
		}
		outer := e.note()
		defer e.close(outer)
		e.revents()
		if left >= 0 && e.args[left] != 0 {
			e.emitStruct("left", e.plan.args[left].typ, e.args[left])
		}
	}
}

// revents emits the descriptors of a poll that are ready.
func (e *Event) revents() {
	const size = 8
	n := clamp(e.args[1], maxPoll)
	b := e.read(e.args[0], n*size)
	array := e.begin("", Array)
	defer e.close(array)
	shown := 0
	for ; len(b) >= size; b = b[size:] {
		got := uint64(le.Uint16(b[6:]))
		if got == 0 {
			continue
		}
		if shown == e.opts.arrayLimit() {
			e.cut()
			return
		}
		shown++
		outer := e.begin("", Struct)
		e.num("fd", Int, 32, uint64(le.Uint32(b))) // without names, as in strace
		e.flags("revents", 16, got, setPoll)
		e.close(outer)
	}
}

const maxPoll = 1 << 16 // entries that are looked at

func exitSelect(e *Event) {
	if !e.good() {
		return
	}
	if e.res.Value() == 0 {
		e.timeout()
		return
	}
	outer := e.note()
	defer e.close(outer)
	defer func() {
		if e.values[noteSlot].first == 0 {
			e.emit(Value{Kind: Symbol}) // as strace shows that nothing is in the sets
		}
	}()
	n := clamp(e.args[0], maxFDSet)
	for i, name := range [...]string{"in", "out", "except"} {
		if e.args[1+i] == 0 {
			continue
		}
		b := e.readArgs(e.args[1+i], (n+7)/8) // also where structs are not shown, as in strace
		if b != nil && anyBit(b, n) {
			e.noting = true
			e.fdSet(name, b, n)
			e.noting = false
		}
	}
	if e.args[4] != 0 {
		e.emitStruct("left", e.plan.args[4].typ, e.args[4])
	}
}

func anyBit(b []byte, n int) bool {
	for i := range n {
		if b[i/8]>>(i%8)&1 != 0 {
			return true
		}
	}
	return false
}
