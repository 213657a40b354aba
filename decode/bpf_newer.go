package decode

import "bytes"

// Members of attributes of bpf(2) that are newer than Linux 6.0. Programs of today give them
// all, and most are 0.

// bpfAdded are the members by command. The last ends what is known.
var bpfAdded = map[uint64][]bpfField{
	0: { // BPF_MAP_CREATE
		{72, "value_type_btf_obj_fd", 4, FD, nil, false}, {76, "map_token_fd", 4, FD, nil, false},
		{80, "excl_prog_hash", 8, Addr, nil, false}, {88, "excl_prog_hash_size", 4, Uint, nil, false},
	},
	5: { // BPF_PROG_LOAD
		{128, "core_relos", 8, Addr, nil, false}, {136, "core_relo_rec_size", 4, Uint, nil, false}, {140, "log_true_size", 4, Uint, nil, false},
		{144, "prog_token_fd", 4, FD, nil, false}, {148, "fd_array_cnt", 4, Uint, nil, false}, {152, "signature", 8, Addr, nil, false},
		{160, "signature_size", 4, Uint, nil, false}, {164, "keyring_id", 4, Int, nil, false},
	},
	6: {{16, "path_fd", 4, DirFD, nil, false}},                                                    // BPF_OBJ_PIN
	7: {{16, "path_fd", 4, DirFD, nil, false}},                                                    // BPF_OBJ_GET
	8: {{20, "relative_fd", 4, Uint, nil, false}, {24, "expected_revision", 8, Uint, nil, false}}, // BPF_PROG_ATTACH
	9: { // BPF_PROG_DETACH
		{12, "attach_flags", 4, Hex, nil, false}, {20, "relative_fd", 4, Uint, nil, false}, {24, "expected_revision", 8, Uint, nil, false},
	},
	16: { // BPF_PROG_QUERY
		{32, "prog_attach_flags", 8, Addr, nil, false}, {40, "link_ids", 8, Addr, nil, false}, {48, "link_attach_flags", 8, Addr, nil, false},
		{56, "revision", 8, Uint, nil, false},
	},
	17: {{16, "cookie", 8, Hex, nil, false}}, // BPF_RAW_TRACEPOINT_OPEN
	18: { // BPF_BTF_LOAD
		{28, "btf_log_true_size", 4, Uint, nil, false}, {32, "btf_flags", 4, Hex, nil, false}, {36, "btf_token_fd", 4, FD, nil, false},
	},
	19: {{12, "fd_by_id_token_fd", 4, FD, nil, false}}, // BPF_BTF_GET_FD_BY_ID
}

// bpfNewer emits those members of an attribute, whose bytes are b, that are not 0, if there
// is nothing behind them, and returns how many bytes are known then; else strace's view of
// it, which has none of them, is as good.
func (e *Event) bpfNewer(cmd uint64, b []byte, known uint64) uint64 {
	rows := bpfAdded[cmd]
	if rows == nil || uint64(len(b)) <= known {
		return known
	}
	last := &rows[len(rows)-1]
	end := last.off + uint64(last.size)
	if uint64(len(b)) > end && len(bytes.Trim(b[end:], "\x00")) > 0 {
		return known
	}
	var all [256]byte
	copy(all[known:end], b[known:])
	rest := all
	for i := range rows {
		clear(rest[rows[i].off : rows[i].off+uint64(rows[i].size)])
	}
	if len(bytes.Trim(rest[:], "\x00")) > 0 {
		return known // there is something between them, too
	}
	for i := range rows {
		f := &rows[i]
		switch at := all[f.off : f.off+uint64(f.size)]; {
		case len(bytes.Trim(at, "\x00")) == 0:
		case f.kind == DirFD:
			e.emitFD(f.name, uint64(le.Uint32(at)), true)
		default:
			e.bpfField(f, all[:], uint64(len(all)))
		}
	}
	return end
}
