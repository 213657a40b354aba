package decode

// keyctl(2): what its arguments are, by operation (security/keys/keyctl.c).

var (
	setKeySerial   = SetByName("key_serial")
	setKeyRequests = SetByName("key_request_keyring")
	setKeyPerms    = SetByName("key_permission")
	setKeyMove     = SetByName("key_move")
	setKeySupports = SetByName("key_supports")
	setKeyCaps     = [...]*ConstSet{SetByName("key_caps0"), SetByName("key_caps1")}
)

var formKey = form{show: func(e *Event, i int, _ bool) { e.keySerial(i) }}

// keySerial shows argument i as a key: its number, or its name if it is one of
// those that each process has.
func (e *Event) keySerial(i int) {
	e.into(i)
	e.named("", e.args[i]&(1<<32-1), setKeySerial)
}

// named emits a decimal number, or its name.
func (e *Event) named(name string, num uint64, set *ConstSet) {
	v := Value{Name: name, Kind: Int, Bits: 32, Num: num}
	if symbol := set.name(num); symbol != "" {
		v.Kind, v.Symbol = Named, symbol
	}
	e.emit(v)
}

var formKeyRequests = form{show: func(e *Event, i int, _ bool) {
	e.into(i)
	if num := e.args[i] & (1<<32 - 1); setKeyRequests.name(num) != "" {
		e.named("", num, setKeyRequests)
		return
	}
	e.enumDecimal("", 32, e.args[i]&(1<<32-1), setKeyRequests)
	v := e.arg(i)
	if v.Kind == Noted {
		e.values[v.first].Kind = Int
	}
}}

// keyctls are indexed by operation.
var keyctls [33][]form

func init() {
	iov := form{show: func(e *Event, i int, _ bool) { e.into(i); e.emitArray("", structs["iovec"], e.args[i], e.args[3]) }}
	dh := aStruct(12, func(e *Event, r *reader) {
		for _, name := range [...]string{"private", "prime", "base"} {
			e.named(name, r.u32(), setKeySerial)
		}
	})
	kdf := &structType{size: sizesPtr(56, 44), decode: decodeKDF}
	params := func(last string) form {
		t := &structType{size: sizesAll(40), decode: func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			e.named("key_id", r.u32(), setKeySerial)
			e.fields(r, []field{{"in_len", Uint, 4, nil}, {last, Uint, 4, nil}})
			e.reserved("__spare", r, 7, 4)
			e.close(outer)
		}}
		return formIn(t)
	}
	query := &structType{size: sizesAll(56), decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, []field{
			{"supported_ops", Flags, 4, setKeySupports}, {"key_size", Uint, 4, nil}, {"max_data_size", Uint, 2, nil},
			{"max_sig_size", Uint, 2, nil}, {"max_enc_size", Uint, 2, nil}, {"max_dec_size", Uint, 2, nil},
		})
		e.reserved("__spare", r, 10, 4)
		e.close(outer)
	}}
	// The buffers of these have lengths in the struct in front.
	sized := func(at uint64) form {
		return form{show: func(e *Event, i int, _ bool) {
			e.into(i)
			if b := e.readAll(e.args[1]+at, 4); b != nil && e.readAll(e.args[1], 40) != nil {
				e.emitBuffer("", e.args[i], uint64(le.Uint32(b)))
			} else {
				e.emitAddr("", e.args[i], true)
			}
		}}
	}
	sizedOut := func(at uint64) form {
		f := sized(at)
		return form{late: true, show: func(e *Event, i int, good bool) {
			if good {
				f.show(e, i, good)
			} else {
				e.set(i, Value{Kind: Addr, Bits: 64, Num: e.args[i]})
			}
		}}
	}
	caps := form{late: true, show: func(e *Event, i int, good bool) {
		e.into(i)
		n := min(uint64(max(e.res.Value(), 0)), e.args[i+1])
		if !good {
			e.emitAddr("", e.args[i], true)
			return
		}
		e.emitArray("", keyCaps, e.args[i], n)
	}}
	crypt := []form{params("out_len"), formString, sized(4), sizedOut(8)}
	keyctls = [33][]form{
		0:  {formKey, formInt},                                         // KEYCTL_GET_KEYRING_ID
		1:  {formString},                                               // KEYCTL_JOIN_SESSION_KEYRING
		2:  {formKey, formBuffer(3), formUlong},                        // KEYCTL_UPDATE
		3:  {formKey},                                                  // KEYCTL_REVOKE
		4:  {formKey, formUID, formUID},                                // KEYCTL_CHOWN
		5:  {formKey, formFlags(setKeyPerms)},                          // KEYCTL_SETPERM
		6:  {formKey, formFilled(3, true), formUlong},                  // KEYCTL_DESCRIBE
		7:  {formKey},                                                  // KEYCTL_CLEAR
		8:  {formKey, formKey},                                         // KEYCTL_LINK
		9:  {formKey, formKey},                                         // KEYCTL_UNLINK
		10: {formKey, formString, formString, formKey},                 // KEYCTL_SEARCH
		11: {formKey, formFilled(3, false), formUlong},                 // KEYCTL_READ
		12: {formKey, formBuffer(3), formUlong, formKey},               // KEYCTL_INSTANTIATE
		13: {formKey, formUint, formKey},                               // KEYCTL_NEGATE
		14: {formKeyRequests},                                          // KEYCTL_SET_REQKEY_KEYRING
		15: {formKey, formUint},                                        // KEYCTL_SET_TIMEOUT
		16: {formKey},                                                  // KEYCTL_ASSUME_AUTHORITY
		17: {formKey, formFilled(3, true), formUlong},                  // KEYCTL_GET_SECURITY
		18: {},                                                         // KEYCTL_SESSION_TO_PARENT
		19: {formKey, formUint, formErrno, formKey},                    // KEYCTL_REJECT
		20: {formKey, iov, formUlong, formKey},                         // KEYCTL_INSTANTIATE_IOV
		21: {formKey},                                                  // KEYCTL_INVALIDATE
		22: {formUID, formKey},                                         // KEYCTL_GET_PERSISTENT
		23: {formIn(dh), formFilled(3, false), formUlong, formIn(kdf)}, // KEYCTL_DH_COMPUTE
		24: {formKey, formHex, formString, formOut(query)},             // KEYCTL_PKEY_QUERY
		25: crypt,                                                      // KEYCTL_PKEY_ENCRYPT
		26: crypt,                                                      // KEYCTL_PKEY_DECRYPT
		27: crypt,                                                      // KEYCTL_PKEY_SIGN
		28: {params("in2_len"), formString, sized(4), sized(8)},        // KEYCTL_PKEY_VERIFY
		29: {formKey, formString, formString},                          // KEYCTL_RESTRICT_KEYRING
		30: {formKey, formKey, formKey, formFlags(setKeyMove)},         // KEYCTL_MOVE
		31: {caps, formUlong},                                          // KEYCTL_CAPABILITIES
	}
	forms := func(e *Event) []form {
		if op := e.args[0]; op < uint64(len(keyctls)) {
			return keyctls[op]
		}
		return nil
	}
	addSpecial(special{entry: func(e *Event) {
		if f := forms(e); f != nil {
			e.enterCommand(1, f)
		}
	}, exit: func(e *Event) {
		if f := forms(e); f != nil {
			e.exitCommand(1, f)
		}
	}}, "keyctl")
	addSpecial(special{entry: func(e *Event) { e.keySerial(4) }}, "add_key")
	addSpecial(special{entry: func(e *Event) { e.keySerial(3) }}, "request_key")
}

// keyCaps are bytes of KEYCTL_CAPABILITIES, each with names of its own.
var keyCaps = &structType{size: sizesAll(1), decode: func(e *Event, name string, r *reader) {
	if i := r.addr - e.args[1]; i < uint64(len(setKeyCaps)) {
		e.flags(name, 8, r.u8(), setKeyCaps[i])
	} else {
		e.num(name, Hex, 8, r.u8())
	}
}}

// decodeKDF decodes struct keyctl_kdf_params.
func decodeKDF(e *Event, name string, r *reader) {
	hash, other, n := r.ptr(), r.ptr(), r.u32()
	outer := e.begin(name, Struct)
	e.emitString("hashname", hash)
	if n == 0 {
		e.emitAddr("otherinfo", other, true)
	} else {
		e.emitBuffer("otherinfo", other, n)
	}
	e.num("otherinfolen", Uint, 32, n)
	e.reserved("__spare", r, 8, 4)
	e.close(outer)
}
