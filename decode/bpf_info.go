package decode

import (
	"sync"

	"golang.org/x/sys/unix"
)

// BPF_OBJ_GET_INFO_BY_FD of bpf(2): what kind of a struct the kernel fills depends on the
// descriptor. The program says in it how much room there is behind pointers, and the kernel
// how much there would be.

const (
	bpfInfoSize   = 16 // of the attribute
	bpfMapSize    = 88 // of struct bpf_map_info, as far as it is shown
	bpfProgSize   = 232
	bpfMostInfo   = pageSize
	bpfMapObject  = "anon_inode:bpf-map"
	bpfProgObject = "anon_inode:bpf-prog"
)

// keepInfo remembers what the struct has before the call.
func (e *Event) keepInfo() {
	e.infoBefore, e.infoLen, e.infoObject = nil, 0, ""
	b := e.readAll(e.args[1], bpfInfoSize)
	if b == nil || e.args[2] < bpfInfoSize {
		return
	}
	e.hadOld = true
	e.infoLen = le.Uint32(b[4:])
	if !e.opts.Verbose || e.opts.Object == nil {
		return
	}
	e.inquired = true
	e.infoObject, _ = e.opts.Object(e.thread, int(int32(le.Uint32(b))))
	if e.infoObject == bpfMapObject || e.infoObject == bpfProgObject {
		e.infoBefore = e.infoBytes(le.Uint64(b[8:]), e.infoLen)
	}
}

// infoBytes reads a struct of n bytes, which end with zeros if they are few.
func (e *Event) infoBytes(addr uint64, n uint32) []byte {
	if n == 0 || n > bpfMostInfo {
		return nil
	}
	got := e.readAll(addr, int(n))
	b := e.alloc(max(bpfProgSize, int(n)))
	if got == nil || b == nil {
		return nil
	}
	clear(b)
	copy(b, got)
	return b
}

// bpfInfo emits the attribute whose bytes are b.
func (e *Event) bpfInfo(b []byte) {
	defer e.close(e.begin("info", Struct))
	e.emitFD("bpf_fd", uint64(le.Uint32(b)), false)
	now, addr := le.Uint32(b[4:]), le.Uint64(b[8:])
	before := e.infoLen
	if !e.hadOld || !e.good() {
		before = now
	}
	e.countChanged("info_len", uint64(before), uint64(now))
	info := e.infoBefore
	if info != nil && e.good() {
		info = e.infoBytes(addr, now)
	}
	if info == nil {
		e.emitAddr("info", addr, addr != 0)
		return
	}
	outer := e.begin("info", Struct)
	if e.infoObject == bpfMapObject {
		e.mapInfo(info, uint64(now))
		e.bpfRest(addr, bpfMapSize, uint64(now))
	} else {
		e.progInfo(e.infoBefore, info, uint64(now))
		e.bpfRest(addr, bpfProgSize, uint64(now))
	}
	e.close(outer)
}

// countChanged emits a number that the call may have changed.
func (e *Event) countChanged(name string, before, now uint64) {
	if before == now {
		e.num(name, Uint, 32, now)
		return
	}
	outer := e.begin(name, Change)
	e.num("", Uint, 32, before)
	e.num("", Uint, 32, now)
	e.close(outer)
}

// mapInfo emits struct bpf_map_info, of n bytes.
func (e *Event) mapInfo(b []byte, n uint64) {
	r := e.reader(b, 0)
	e.fields(r, []field{
		{"type", Enum, 4, setBPFMaps}, {"id", Uint, 4, nil}, {"key_size", Uint, 4, nil}, {"value_size", Uint, 4, nil},
		{"max_entries", Uint, 4, nil}, {"map_flags", Flags, 4, setBPFMapFlags},
	})
	if n <= 24 {
		return
	}
	e.fixedText("name", b[24:40])
	if n <= 40 {
		return
	}
	e.fields(r.at(40), []field{{"ifindex", Interface, 4, nil}, {"btf_vmlinux_value_type_id", Uint, 4, nil}, {"netns_dev", Dev, 8, nil}, {"netns_ino", Uint, 8, nil}})
	if n <= 64 {
		return
	}
	e.fields(r, []field{{"btf_id", Uint, 4, nil}, {"btf_key_type_id", Uint, 4, nil}, {"btf_value_type_id", Uint, 4, nil}})
	// What is newer is shown if there is something in it.
	if id := r.u32(); id != 0 {
		e.num("btf_vmlinux_id", Uint, 32, id)
	}
	if extra := r.u64(); extra != 0 {
		e.num("map_extra", Uint, 64, extra)
	}
}

// progInfo emits struct bpf_prog_info, of n bytes, and what of it has changed.
func (e *Event) progInfo(old, b []byte, n uint64) {
	count := func(name string, at int) uint64 {
		now := le.Uint32(b[at:])
		e.countChanged(name, uint64(le.Uint32(old[at:])), uint64(now))
		return uint64(now)
	}
	ptr := func(at int) uint64 { return le.Uint64(b[at:]) }
	addr := func(name string, at int) { e.emitAddr(name, ptr(at), false) }
	room := func(at int) uint64 { return uint64(min(le.Uint32(old[at:]), le.Uint32(b[at:]))) }
	r := e.reader(b, 0)
	e.fields(r, []field{{"type", Enum, 4, setBPFPrograms}, {"id", Uint, 4, nil}})
	e.emit(Value{Name: "tag", Kind: Bytes, Raw: true, Text: b[8:16], Size: 8})
	e.rawBuffer("jited_prog_insns", ptr(24), count("jited_prog_len", 16))
	count("xlated_prog_len", 20)
	e.bpfProgram("xlated_prog_insns", ptr(32), room(20)/8)
	if n <= 40 {
		return
	}
	loaded := e.begin("load_time", Noted)
	e.num("", Uint, 64, ptr(40))
	if at := ptr(40); at != 0 {
		at += bootTime()
		e.emit(Value{Kind: Date, Bits: 64, Num: at / 1e9})
	}
	e.close(loaded)
	e.fields(r.at(48), []field{{"created_by_uid", UID, 4, nil}})
	count("nr_map_ids", 52)
	e.emitArray("map_ids", structs["uint"], ptr(56), room(52))
	e.fixedText("name", b[64:80])
	if n <= 80 {
		return
	}
	e.fields(r.at(80), []field{{"ifindex", Interface, 4, nil}})
	e.num("gpl_compatible", Uint, 32, r.u32()&1)
	e.fields(r, []field{{"netns_dev", Dev, 8, nil}, {"netns_ino", Uint, 8, nil}})
	if n <= 104 {
		return
	}
	count("nr_jited_ksyms", 104)
	count("nr_jited_func_lens", 108)
	addr("jited_ksyms", 112)
	addr("jited_func_lens", 120)
	if n <= 128 {
		return
	}
	e.fields(r.at(128), []field{{"btf_id", Uint, 4, nil}})
	count("func_info_rec_size", 132)
	addr("func_info", 136)
	count("nr_func_info", 144)
	count("nr_line_info", 148)
	addr("line_info", 152)
	addr("jited_line_info", 160)
	count("nr_jited_line_info", 168)
	count("line_info_rec_size", 172)
	count("jited_line_info_rec_size", 176)
	count("nr_prog_tags", 180)
	addr("prog_tags", 184)
	if n <= 192 {
		return
	}
	e.fields(r.at(192), []field{{"run_time_ns", Uint, 8, nil}, {"run_cnt", Uint, 8, nil}})
	if n <= 208 {
		return
	}
	e.fields(r, []field{{"recursion_misses", Uint, 8, nil}})
	if n <= 216 {
		return
	}
	e.fields(r, []field{{"verified_insns", Uint, 4, nil}})
	for _, name := range [...]string{"attach_btf_obj_id", "attach_btf_id"} { // newer, as above
		if id := r.u32(); id != 0 {
			e.num(name, Uint, 32, id)
		}
	}
}

var (
	setBPFMaps     = SetByName("bpf_map_type")
	setBPFMapFlags = SetByName("bpf_map_flags")
	setBPFPrograms = SetByName("bpf_prog_type")
)

// bootTime returns when CLOCK_BOOTTIME was 0, in nanoseconds since 1970.
var bootTime = sync.OnceValue(func() uint64 {
	var now, up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &now) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return 0
	}
	return uint64(now.Nano() - up.Nano())
})
