package decode

import "github.com/k42trace/k42trace/table"

func init() {
	addSpecial(special{entry: entryClone, exit: exitClone}, "clone")
	addSpecial(special{entry: entryClone3, exit: exitClone3}, "clone3")
}

// clone's arguments are shown by name, and in another order than they have.
// The last two change places between the ABIs.

func cloneTLS(abi table.ABI) (tls, childTID int) {
	if abi == table.I386 || abi == table.ARM64 {
		return 3, 4
	}
	return 4, 3
}

func entryClone(e *Event) {
	flags := e.args[0]
	tls, childTID := cloneTLS(e.abi)
	e.arg(1).Name = "child_stack"
	e.arg(0).Name = "flags"
	e.showOnly(1, 0)

	// The lowest byte is a signal.
	e.into(0)
	outer := e.open(Value{Name: "flags", Kind: Or, Bits: 64, Num: flags, Set: setClone})
	if rest := flags &^ 0xff; rest != 0 {
		e.flags("", 64, rest, setClone)
	}
	if sig := flags & 0xff; sig != 0 || flags == 0 {
		e.num("", Signal, 32, sig)
	}
	e.close(outer)

	if flags&(cloneParentSetTID|clonePIDFD) != 0 {
		e.arg(2).Name = "parent_tid"
		e.show(2)
	}
	if flags&cloneSetTLS != 0 {
		if e.abi == table.I386 { // a segment, of which this is the descriptor
			e.into(tls)
			e.emitStruct("tls", structs["user_desc"], e.args[tls])
		} else {
			e.set(tls, Value{Name: "tls", Kind: Addr, Bits: 64, Num: e.args[tls]})
		}
		e.show(tls)
	}
	if flags&(cloneChildSetTID|cloneChildClearTID) != 0 {
		e.set(childTID, Value{Name: "child_tidptr", Kind: Addr, Bits: 64, Num: e.args[childTID]})
		e.show(childTID)
	}
	e.shown, e.lateComma = 2, true
}

func exitClone(e *Event) {
	switch {
	case e.args[0]&clonePIDFD != 0 && e.good():
		e.into(2)
		e.emitStruct("parent_tid", oneFD, e.args[2])
	case e.args[0]&(cloneParentSetTID|clonePIDFD) != 0:
		// Exit has decoded it by the signature.
		e.arg(2).Name = "parent_tid"
	}
	if tls, _ := cloneTLS(e.abi); e.args[0]&cloneSetTLS != 0 && !e.good() { // i386's struct too
		e.set(tls, Value{Name: "tls", Kind: Addr, Bits: 64, Num: e.args[tls]})
	}
}

// oneFD is where a call stores a descriptor.
var oneFD = &structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) {
	e.emitFD(name, r.u32(), false)
}}

func entryClone3(e *Event) {
	v := e.arg(0)
	if v.Kind != Struct || v.first == 0 {
		return
	}
	if flags := e.values[v.first].Num; flags&(clonePIDFD|cloneParentSetTID) == 0 && !e.cloneRest(v) {
		return // the kernel writes nothing back
	}
	e.into(0)
	outer := e.begin("", Change)
	e.emitVariable("", e.plan.args[0].typ, e.args[0], e.args[1])
	e.close(outer)
	e.later(0)
	e.partial = true
}

// cloneRest reports whether v, struct clone_args, ends with what is not known here.
func (e *Event) cloneRest(v *Value) bool {
	last := &e.values[v.last]
	return last.Name == "" && (last.Kind == Symbol || last.Kind == Bytes)
}

// exitClone3 decodes what the kernel wrote to the addresses in clone_args.
func exitClone3(e *Event) {
	v := e.arg(0)
	if v.Kind != Change || v.first == 0 || !e.good() {
		return
	}
	var pidfd, parentTID *Value
	before := &e.values[v.first]
	for f := range e.Children(before) {
		switch f.Name {
		case "pidfd":
			pidfd = f
		case "parent_tid":
			parentTID = f
		}
	}
	rest := e.cloneRest(before)
	var addrs [2]uint64
	if pidfd != nil {
		addrs[0] = pidfd.Num
	}
	if parentTID != nil {
		addrs[1] = parentTID.Num
	}
	set := [2]bool{pidfd != nil, parentTID != nil} // making values moves those pointed to
	outer := e.parent
	e.parent = argSlot
	inner := e.begin("", Struct)
	if set[0] {
		e.emitStruct("pidfd", oneFD, addrs[0])
	}
	if set[1] {
		e.emitStruct("parent_tid", structs["pid"], addrs[1])
	}
	if rest {
		e.unknownRest(e.args[0], cloneArgsSize, e.args[1])
	}
	e.close(inner)
	e.close(outer)
}
