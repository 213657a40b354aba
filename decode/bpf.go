package decode

import (
	"bytes"
	"fmt"
	"math"
)

// bpf(2): union bpf_attr has a struct for each command (linux/bpf.h). Programs of
// all ages give all lengths of it: what is not given is 0, and what is newer than
// the length is not shown.

// A bpfForm is the struct of a command.
type bpfForm struct {
	group string // the struct's name in the union, if it has one
	rows  []bpfField
	size  uint64 // what is behind it is none of the command's business
}

// A bpfField is a member at an offset.
type bpfField struct {
	off  uint64
	name string
	size int
	kind Kind
	set  *ConstSet
	// optional: left out unless the length reaches it, with all that follow. Those
	// that are not belong to the one in front.
	optional bool
}

// Kinds of members beside those of numbers.
const (
	bpfName    = Bytes  // 16 bytes of text
	bpfVersion = Macro  // of the kernel
	bpfText    = Symbol // address of a string
	bpfPath    = DirFD  // address of a path
	bpfIDs     = Array  // address of numbers, as many as the next member says
	bpfSized   = List   // address of bytes, of which another member tells how many
	bpfLog     = Count  // address of a string that has no more bytes than that
	bpfCode    = Or     // address of instructions, as many as another member says
	bpfNode    = Mask   // a NUMA node
	bpfChanged = Change // number that the call may change
)

var bpfForms map[uint64]*bpfForm

func init() {
	lockFlags, mapFlags := SetByName("bpf_elem_flags"), SetByName("bpf_map_flags")
	openFlags, attachTypes, attachFlags := SetByName("bpf_open_flags"), SetByName("bpf_attach_type"), SetByName("bpf_attach_flags")
	u32 := func(off uint64, name string) bpfField { return bpfField{off, name, 4, Uint, nil, false} }
	fd := func(off uint64, name string) bpfField { return bpfField{off, name, 4, FD, nil, false} }
	ptr := func(off uint64, name string) bpfField { return bpfField{off, name, 8, Addr, nil, false} }
	flags := func(off uint64, name string, set *ConstSet) bpfField {
		return bpfField{off, name, 4, Flags, set, false}
	}
	flags64 := func(off uint64, name string, set *ConstSet) bpfField {
		return bpfField{off, name, 8, Flags, set, false}
	}
	enum := func(off uint64, name string, set string) bpfField {
		return bpfField{off, name, 4, Enum, SetByName(set), false}
	}
	hex := func(off uint64, name string, size int) bpfField { return bpfField{off, name, size, Hex, nil, false} }
	opt := func(f bpfField) bpfField { f.optional = true; return f }
	form := func(size uint64, group string, rows ...bpfField) *bpfForm { return &bpfForm{group, rows, size} }

	elem := form(32, "", fd(0, "map_fd"), ptr(8, "key"), ptr(16, "value"), opt(flags64(24, "flags", lockFlags)))
	pin := form(16, "", bpfField{0, "pathname", 8, bpfPath, nil, false}, fd(8, "bpf_fd"), opt(flags(12, "file_flags", openFlags)))
	id := func(name string) *bpfForm {
		return form(12, "", u32(0, name), bpfField{4, "next_id", 4, bpfChanged, nil, false}, opt(flags(8, "open_flags", openFlags)))
	}
	lookups := form(56, "batch", ptr(0, "in_batch"), ptr(8, "out_batch"), ptr(16, "keys"), ptr(24, "values"), u32(32, "count"), fd(36, "map_fd"),
		flags64(40, "elem_flags", lockFlags), hex(48, "flags", 8))
	bpfForms = map[uint64]*bpfForm{
		0: form(72, "", enum(0, "map_type", "bpf_map_type"), u32(4, "key_size"), u32(8, "value_size"), u32(12, "max_entries"),
			opt(flags(16, "map_flags", mapFlags)), opt(fd(20, "inner_map_fd")), opt(bpfField{24, "numa_node", 4, bpfNode, nil, false}),
			opt(bpfField{28, "map_name", 16, bpfName, nil, false}), opt(bpfField{44, "map_ifindex", 4, Interface, nil, false}), opt(fd(48, "btf_fd")),
			u32(52, "btf_key_type_id"), u32(56, "btf_value_type_id"), opt(u32(60, "btf_vmlinux_value_type_id")),
			opt(bpfField{64, "map_extra", 8, Uint, nil, false})),
		1: elem, 21: elem,
		2: form(32, "", fd(0, "map_fd"), ptr(8, "key"), ptr(16, "value"), flags64(24, "flags", SetByName("bpf_update_flags"))),
		3: form(16, "", fd(0, "map_fd"), ptr(8, "key")),
		4: form(24, "", fd(0, "map_fd"), ptr(8, "key"), ptr(16, "next_key")),
		5: form(128, "", enum(0, "prog_type", "bpf_prog_type"), u32(4, "insn_cnt"), bpfField{8, "insns", 8, bpfCode, nil, false}, bpfField{16, "license", 8, bpfText, nil, false},
			opt(u32(24, "log_level")), u32(28, "log_size"), bpfField{32, "log_buf", 8, bpfLog, nil, false}, opt(bpfField{40, "kern_version", 4, bpfVersion, nil, false}),
			opt(flags(44, "prog_flags", SetByName("bpf_prog_flags"))), opt(bpfField{48, "prog_name", 16, bpfName, nil, false}), opt(bpfField{64, "prog_ifindex", 4, Interface, nil, false}),
			opt(bpfField{68, "expected_attach_type", 4, Enum, attachTypes, false}), opt(fd(72, "prog_btf_fd")), u32(76, "func_info_rec_size"),
			ptr(80, "func_info"), u32(88, "func_info_cnt"), u32(92, "line_info_rec_size"), ptr(96, "line_info"),
			u32(104, "line_info_cnt"), opt(u32(108, "attach_btf_id")), fd(112, "attach_prog_fd"), opt(ptr(120, "fd_array"))),
		6: pin, 7: pin,
		8: form(20, "", fd(0, "target_fd"), fd(4, "attach_bpf_fd"), bpfField{8, "attach_type", 4, Enum, attachTypes, false},
			flags(12, "attach_flags", attachFlags), opt(fd(16, "replace_bpf_fd"))),
		9: form(12, "", fd(0, "target_fd"), bpfField{8, "attach_type", 4, Enum, attachTypes, false}),
		10: form(72, "test", fd(0, "prog_fd"), u32(4, "retval"), u32(8, "data_size_in"), u32(12, "data_size_out"), ptr(16, "data_in"), ptr(24, "data_out"),
			u32(32, "repeat"), u32(36, "duration"), opt(u32(40, "ctx_size_in")), u32(44, "ctx_size_out"), ptr(48, "ctx_in"), ptr(56, "ctx_out"),
			opt(flags(64, "flags", SetByName("bpf_test_flags"))), u32(68, "cpu"), opt(u32(72, "batch_size"))),
		11: id("start_id"), 12: id("start_id"), 23: id("start_id"), 31: id("start_id"),
		13: id("prog_id"), 14: id("map_id"),
		16: form(28, "query", fd(0, "target_fd"), bpfField{4, "attach_type", 4, Enum, attachTypes, false}, flags(8, "query_flags", SetByName("bpf_query_flags")),
			flags(12, "attach_flags", attachFlags), bpfField{16, "prog_ids", 8, bpfIDs, nil, false}, u32(24, "prog_cnt")),
		17: form(12, "raw_tracepoint", bpfField{0, "name", 8, bpfText, nil, false}, fd(8, "prog_fd")),
		18: form(28, "", bpfField{0, "btf", 8, bpfSized, nil, false}, ptr(8, "btf_log_buf"), u32(16, "btf_size"), u32(20, "btf_log_size"), u32(24, "btf_log_level")),
		19: form(4, "", u32(0, "btf_id")),
		20: form(48, "task_fd_query", bpfField{0, "pid", 4, PID, nil, false}, fd(4, "fd"), u32(8, "flags"), u32(12, "buf_len"),
			bpfField{16, "buf", 8, bpfSized, nil, false}, u32(24, "prog_id"), enum(28, "fd_type", "bpf_fd_type"), hex(32, "probe_offset", 8), hex(40, "probe_addr", 8)),
		22: form(4, "", fd(0, "map_fd")),
		24: lookups, 25: lookups,
		26: form(56, "batch", ptr(16, "keys"), ptr(24, "values"), u32(32, "count"), fd(36, "map_fd"), flags64(40, "elem_flags", lockFlags), hex(48, "flags", 8)),
		27: form(56, "batch", ptr(16, "keys"), u32(32, "count"), fd(36, "map_fd"), flags64(40, "elem_flags", lockFlags), hex(48, "flags", 8)),
		28: form(16, "link_create", fd(0, "prog_fd"), fd(4, "target_fd"), bpfField{8, "attach_type", 4, Enum, attachTypes, false}, hex(12, "flags", 4)),
		29: form(16, "link_update", fd(0, "link_fd"), fd(4, "new_prog_fd"), flags(8, "flags", attachFlags), fd(12, "old_prog_fd")),
		30: form(4, "", u32(0, "link_id")),
		32: form(4, "enable_stats", enum(0, "type", "bpf_stats_type")),
		33: form(8, "iter_create", fd(0, "link_fd"), hex(4, "flags", 4)),
		34: form(4, "link_detach", fd(0, "link_fd")),
		36: form(8, "token_create", hex(0, "flags", 4), fd(4, "bpffs_fd")),
		37: form(20, "prog_stream_read", ptr(0, "stream_buf"), u32(8, "stream_buf_len"), u32(12, "stream_id"), fd(16, "prog_fd")),
		35: form(12, "prog_bind_map", fd(0, "prog_fd"), fd(4, "map_fd"), hex(8, "flags", 4)),
	}
	bpfForms[10].size = 76
	register("bpf_attr", sizesAll(1), func(e *Event, name string, r *reader) {}).variable = true
	late := func(cmd uint64) bool { return cmd == 16 || cmd == 20 || cmd == 10 }
	addSpecial(special{entry: func(e *Event) {
		switch {
		case late(e.args[0]):
			e.later(1)
		case e.args[0] == bpfInfo:
			e.later(1)
			e.keepInfo()
		case bpfNext[e.args[0]]:
			e.later(1)
			if b := e.readAll(e.args[1], 8); b != nil {
				e.old, e.hadOld = uint64(le.Uint32(b[4:])), true
			}
		default:
			e.bpfAttr()
		}
	}, exit: func(e *Event) {
		if late(e.args[0]) || e.args[0] == bpfInfo || bpfNext[e.args[0]] {
			e.bpfAttr()
		}
		if num := e.res.Raw(); e.good() && num >= 0 && num <= math.MaxInt32 && bpfMakes[e.args[0]] {
			e.slot = resultSlot
			e.emitFD("", uint64(num), false)
		}
	}}, "bpf")
}

// Commands of which more is to be said.
const (
	bpfInfo       = 15
	bpfLinkCreate = 28
)

// bpfNext are the commands that fill in the id that is next.
var bpfNext = map[uint64]bool{11: true, 12: true, 23: true, 31: true}

// bpfMakes are the commands that return a descriptor.
var bpfMakes = map[uint64]bool{0: true, 5: true, 7: true, 13: true, 14: true, 17: true, 18: true, 19: true, 28: true, 30: true, 32: true, 33: true, 36: true}

// bpfAttr shows the union that is argument 1, of which there are as many bytes as
// argument 2 says.
func (e *Event) bpfAttr() {
	addr, n := e.args[1], e.args[2]
	f := bpfForms[e.args[0]]
	e.into(1)
	if f == nil && e.args[0] != bpfInfo || n == 0 {
		e.emitAddr("", addr, true)
		return
	}
	got := e.readAll(addr, clamp(n, pageSize))
	if got == nil || n > pageSize {
		e.emitAddr("", addr, true)
		return
	}
	b := e.alloc(160)
	if b == nil {
		return
	}
	clear(b)
	outer := e.open(Value{Kind: Struct, Num: addr})
	if e.args[0] == bpfInfo {
		copy(b, got[:min(len(got), bpfInfoSize)])
		e.bpfInfo(b)
		e.bpfRest(addr, bpfInfoSize, n)
		e.close(outer)
		return
	}
	copy(b, got[:min(len(got), int(f.size))])
	inner := e.parent
	if f.group != "" {
		inner = e.begin(f.group, Struct)
	}
	for i := range f.rows {
		row := &f.rows[i]
		if row.optional && n <= row.off {
			break
		}
		if unused := bpfUnused[row.name]; unused != nil && unused(b) {
			continue
		}
		e.bpfField(row, b, n)
	}
	known := f.size
	if e.args[0] == bpfLinkCreate {
		known = e.linkCreate(got)
	} else {
		known = e.bpfNewer(e.args[0], got, known)
	}
	if f.group != "" {
		e.close(inner)
	}
	e.bpfRest(addr, known, n)
	e.close(outer)
}

// bpfSizes are the offsets of the lengths of what members point to.
var bpfSizes = map[string]uint64{"log_buf": 28, "btf": 16, "buf": 12, "insns": 4}

// bpfUnused tells of members that count with a flag only that the flag is not set.
var bpfUnused = map[string]func(b []byte) bool{
	"numa_node":   func(b []byte) bool { return le.Uint32(b[16:])&4 == 0 }, // BPF_F_NUMA_NODE
	"old_prog_fd": func(b []byte) bool { return le.Uint32(b[8:])&4 == 0 },  // BPF_F_REPLACE
}

// bpfField emits a member of an attribute of n bytes, of which b has what is known.
func (e *Event) bpfField(f *bpfField, b []byte, n uint64) {
	r := e.reader(b[f.off:], 0)
	switch f.kind {
	case bpfName:
		text := b[f.off:min(f.off+16, n)]
		e.fixedText(f.name, append(e.alloc(len(text))[:0], text...))
	case bpfLog:
		e.emitEndedShort(f.name, r.u64(), uint64(le.Uint32(b[bpfSizes[f.name]:])))
	case bpfCode:
		e.bpfProgram(f.name, r.u64(), uint64(le.Uint32(b[bpfSizes[f.name]:])))
	case bpfNode:
		if node := r.u32(); node == 1<<32-1 {
			outer := e.begin(f.name, Noted)
			e.num("", Uint, 32, node)
			e.emit(Value{Kind: Symbol, Symbol: "NUMA_NO_NODE"})
			e.close(outer)
		} else {
			e.num(f.name, Uint, 32, node)
		}
	case bpfVersion:
		v := r.u32()
		outer := e.open(Value{Name: f.name, Kind: Macro, Symbol: "KERNEL_VERSION", Bits: 32, Num: v})
		e.num("", Uint, 32, v>>16)
		e.num("", Uint, 8, v>>8&0xff)
		e.num("", Uint, 8, v&0xff)
		e.close(outer)
	case bpfText:
		e.emitString(f.name, r.u64())
	case bpfSized:
		e.emitBuffer(f.name, r.u64(), uint64(le.Uint32(b[bpfSizes[f.name]:])))
	case bpfPath:
		e.emitPath(f.name, r.u64())
	case bpfIDs:
		addr, n := r.u64(), uint64(le.Uint32(b[f.off+8:]))
		if n == 0 && addr != 0 {
			e.emit(Value{Name: f.name, Kind: Array, Num: addr})
		} else if n == 0 || !e.good() {
			e.emitAddr(f.name, addr, true)
		} else {
			e.emitArray(f.name, structs["uint"], addr, n)
		}
	case bpfChanged:
		now := r.u32()
		if before := e.old; e.hadOld && e.good() {
			e.countChanged(f.name, before, now)
		} else {
			e.num(f.name, Uint, 32, now)
		}
	case FD:
		e.emitFD(f.name, r.u32(), false)
	default:
		v := e.next()
		v.Kind, v.Name, v.Bits, v.Set = f.kind, f.name, uint8(8*f.size), f.set
		v.Num = r.u(f.size)
	}
}

// bpfRest says that there is something behind a command's struct.
func (e *Event) bpfRest(addr, known, n uint64) {
	if n = min(n, pageSize); n <= known {
		return
	}
	b := e.read(addr+known, int(n-known))
	switch {
	case uint64(len(b)) < n-known:
		e.cut()
	case len(bytes.Trim(b, "\x00")) == 0:
	case e.opts.Verbose:
		outer := e.begin("extra_data", Noted)
		e.emit(Value{Kind: Bytes, Raw: true, Text: b, Size: n - known})
		e.emit(Value{Kind: Symbol, Symbol: fmt.Sprintf("bytes %d..%d", known, n-1)})
		e.close(outer)
	default:
		e.cut()
	}
}

// emitEndedShort emits a string that has n bytes at most, the NUL among them.
func (e *Event) emitEndedShort(name string, addr, n uint64) {
	want := e.span(n, e.opts.StringLimit)
	b := e.readText(addr, want)
	if addr == 0 || len(b) < want {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	text := upToNUL(b)
	cut := len(text) == len(b) && n > 0
	if shown := min(len(text), e.opts.StringLimit); cut {
		text = text[:shown]
	}
	e.bytes(name, addr, text, uint64(len(text)), cut)
}
