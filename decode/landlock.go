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
