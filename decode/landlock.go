package decode

// Landlock's structs grow: a program gives the size of the one it knows.

var setLandlockFS = SetByName("landlock_access_fs")

// landlockRuleset has the members in the order in which they came to be.
var landlockRuleset = []field{
	{"handled_access_fs", Flags, 8, setLandlockFS},
	{"handled_access_net", Flags, 8, SetByName("landlock_access_net")},
	{"scoped", Flags, 8, SetByName("landlock_scope")},
}

func init() {
	t := register("landlock_ruleset_attr", sizesAll(8*len(landlockRuleset)), func(e *Event, name string, r *reader) {
		n := len(r.b) / 8
		if n == 0 {
			e.emitAddr(name, r.addr, true)
			return
		}
		outer := e.begin(name, Struct)
		e.fields(r, landlockRuleset[:n])
		if e.args[1] > uint64(8*n) {
			e.cut()
		}
		e.close(outer)
	})
	t.variable = true
	// A size larger than what there is: the first member is all that every kernel knows.
	addSpecial(special{entry: func(e *Event) {
		if e.arg(0).Kind != Addr || e.args[1] <= 8 {
			return
		}
		if b := e.readAll(e.args[0], 8); b != nil {
			e.into(0)
			t.decode(e, "", e.reader(b, e.args[0]))
		}
	}, exit: func(e *Event) {
		const version = 1
		if e.good() && e.args[2]&version != 0 { // and no descriptor
			e.values[resultSlot] = Value{Kind: Int, Bits: 64, Num: uint64(e.res.Value())}
		}
	}}, "landlock_create_ruleset")
	// What a rule is depends on its type; the first is packed.
	rules := map[uint64]*structType{
		1: {size: sizesAll(12), decode: func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			e.flags("allowed_access", 64, r.u64(), setLandlockFS)
			e.emitFD("parent_fd", r.u32(), false)
			e.close(outer)
		}},
		2: {size: sizesAll(16), decode: record(
			field{"allowed_access", Flags, 8, SetByName("landlock_access_net")}, field{"port", Uint, 8, nil})},
	}
	addSpecial(special{entry: func(e *Event) {
		if t := rules[e.args[1]]; t != nil {
			e.pointer(2, t, true)
		}
	}}, "landlock_add_rule")
}
