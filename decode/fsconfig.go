package decode

// fsconfig(2): what its third to fifth argument are depends on the second.

const fsconfigText = 256 // of a key or a value the kernel takes no more

func init() {
	text := form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitShort("", e.args[i], fsconfigText) }}
	bytes := form{show: func(e *Event, i int, _ bool) {
		const most = 1 << 20
		if e.into(i); e.args[4] > most {
			e.emitAddr("", e.args[i], true)
		} else {
			e.rawBuffer("", e.args[i], e.args[4])
		}
	}}
	fd := form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitFD("", e.args[i], false) }}
	dir := form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitFD("", e.args[i], true) }}
	forms := [...][]form{
		0: {text, formAddr, formInt}, // FSCONFIG_SET_FLAG
		1: {text, text, formInt},     // FSCONFIG_SET_STRING
		2: {text, bytes, formInt},    // FSCONFIG_SET_BINARY
		3: {text, formPath, dir},     // FSCONFIG_SET_PATH
		4: {text, formPath, dir},     // FSCONFIG_SET_PATH_EMPTY
		5: {text, formAddr, fd},      // FSCONFIG_SET_FD
	}
	others := []form{formAddr, formAddr, formInt}
	addSpecial(special{entry: func(e *Event) {
		if cmd := e.args[1]; cmd < uint64(len(forms)) {
			e.enterCommand(2, forms[cmd])
		} else {
			e.enterCommand(2, others)
		}
	}}, "fsconfig")
}
