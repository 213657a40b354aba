package decode

// Clocks that run on (rtc(4), linux/rtc.h), and infrared remote controls (linux/lirc.h).

func init() { ioctlFamilies = append(ioctlFamilies, rtcRequests, lircRequests) }

func rtcRequests(t ioctlTable) {
	number := structs["off"]
	t.out(number, 0x8008700b, 0x8008700d, 0x8004700b, 0x8004700d) // RTC_IRQP_READ, RTC_EPOCH_READ
	t.add(ioctlArg{kind: ioctlLong}, 0x4008700c, 0x4008700e)      // RTC_IRQP_SET, RTC_EPOCH_SET
	alarm := aStruct(40, func(e *Event, r *reader) {
		e.num("enabled", Uint, 8, r.u8())
		e.num("pending", Uint, 8, r.u8())
		e.emitBytesAs("time", structs["rtc_time"], r.at(4).bytes(36))
	})
	t.in(alarm, 0x4028700f)
	t.out(alarm, 0x80287010)
	pll := &structType{size: sizes64(32, 28), decode: record(field{"pll_ctrl", Int, 4, nil}, field{"pll_value", Int, 4, nil}, field{"pll_max", Int, 4, nil},
		field{"pll_min", Int, 4, nil}, field{"pll_posmult", Int, 4, nil}, field{"pll_negmult", Int, 4, nil}, field{"pll_clock", Int, long, nil})}
	t.out(pll, 0x80207011, 0x801c7011)
	t.in(pll, 0x40207012, 0x401c7012)
	t.out(&structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) {
		e.flags(name, 32, r.u32(), SetByName("rtc_voltage"))
	}}, 0x80047013)

	const size = 24
	padding := func(e *Event, r *reader) { e.reserved("__pad", r.at(20), 1, 4) }
	param := func(e *Event, r *reader) (param uint64) {
		param = r.u64()
		e.enum("param", 64, param, SetByName("rtc_param"))
		return param
	}
	t.add(ioctlArg{kind: ioctlInOut, always: true, typ: aStruct(size, func(e *Event, r *reader) {
		param(e, r)
		e.num("index", Uint, 32, r.at(16).u32())
		padding(e, r)
	}), after: aStruct(size, func(e *Event, r *reader) {
		e.rtcParam(r.u64(), r.u64())
		padding(e, r)
	})}, 0x40187013) // RTC_PARAM_GET
	t.in(aStruct(size, func(e *Event, r *reader) {
		e.rtcParam(param(e, r), r.u64())
		e.num("index", Uint, 32, r.u32())
		padding(e, r)
	}), 0x40187014) // RTC_PARAM_SET
}

// rtcParam emits the value of a parameter.
func (e *Event) rtcParam(param, value uint64) {
	const features, correction, backupSwitch = 0, 1, 2
	switch param {
	case features:
		e.flags("uvalue", 64, value, setRTCFeatures)
	case correction:
		e.num("svalue", Int, 64, value)
	case backupSwitch:
		e.enum("uvalue", 64, value, SetByName("rtc_backup_switch"))
	default:
		e.num("uvalue", Hex, 64, value)
	}
}

// setRTCFeatures is what the names of bit numbers stand for.
var setRTCFeatures = bitSet("1<<RTC_FEATURE_", "RTC_FEATURE_ALARM", "RTC_FEATURE_ALARM_RES_MINUTE", "RTC_FEATURE_NEED_WEEK_DAY", "RTC_FEATURE_ALARM_RES_2S",
	"RTC_FEATURE_UPDATE_INTERRUPT", "RTC_FEATURE_CORRECTION", "RTC_FEATURE_BACKUP_SWITCH_MODE", "RTC_FEATURE_ALARM_WAKEUP_ONLY")

// bitSet returns the set of flags whose bits, from the lowest on, are numbered by names;
// "" is no name.
func bitSet(prefix string, names ...string) *ConstSet {
	s := &ConstSet{Name: prefix, Prefix: prefix}
	for i, n := range names {
		if n != "" {
			s.Consts = append(s.Consts, Const{Name: "1<<" + n, Value: 1 << i})
		}
	}
	return s
}

func lircRequests(t ioctlTable) {
	number := structs["uint"]
	t.out(number, 0x80046907, 0x80046908, 0x80046909, 0x8004690f, 0x80046924)
	t.in(number, 0x40046913, 0x40046914, 0x40046915, 0x40046918, 0x40046919, 0x4004691d, 0x4004691f, 0x40046923)
	of := func(show func(e *Event, num uint64)) *structType {
		return &structType{size: sizesAll(4), scalar: true, decode: func(e *Event, _ string, r *reader) { show(e, r.u32()) }}
	}
	mode := of(func(e *Event, num uint64) { e.enum("", 32, num, SetByName("lirc_mode")) })
	t.out(mode, 0x80046901, 0x80046902)
	t.in(mode, 0x40046911, 0x40046912)
	t.out(of(func(e *Event, num uint64) { e.flags("", 32, num, SetByName("lirc_features")) }), 0x80046900)
	t.in(of(func(e *Event, num uint64) { e.num("", Hex, 32, num) }), 0x40046917)
}
