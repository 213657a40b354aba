package decode

// Structs of calls that are newer than Linux 6.0.

func init() {
	u32 := func(name string) field { return field{name, Uint, 4, nil} }
	u64 := func(name string) field { return field{name, Uint, 8, nil} }
	grows := func(name string, size int, rows ...field) {
		register(name, sizesAll(size), record(rows...)).variable = true
	}
	// file_getattr(2), file_setattr(2)
	grows("file_attr", 24, field{"fa_xflags", Flags, 8, SetByName("fs_xflags")}, u32("fa_extsize"), u32("fa_nextents"), u32("fa_projid"), u32("fa_cowextsize"))
	// setxattrat(2), getxattrat(2)
	grows("xattr_args", 16, field{"value", Addr, 8, nil}, u32("size"), field{"flags", Flags, 4, SetByName("xattr_flags")})
	// cachestat(2)
	register("cachestat_range", sizesAll(16), record(u64("off"), u64("len")))
	register("cachestat", sizesAll(40), record(u64("nr_cache"), u64("nr_dirty"), u64("nr_writeback"), u64("nr_evicted"), u64("nr_recently_evicted")))
	// listns(2)
	register("ns_id_req", sizesAll(32), record(u32("size"), field{size: 4}, field{"ns_id", Hex, 8, nil}, field{"ns_type", Flags, 4, SetByName("setns_types")}, field{size: 4}, field{"user_ns_id", Hex, 8, nil}))
	// statmount(2), listmount(2)
	register("mnt_id_req", sizesAll(mountRequest), decodeMountRequest)
	register("statmount", sizesAll(mountStatus), decodeMountStatus).variable = true
}

const mountRequest = 24 // MNT_ID_REQ_SIZE_VER0

func decodeMountRequest(e *Event, name string, r *reader) {
	size, spare, id, param := r.u32(), r.u32(), r.u64(), r.u64()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("size", Uint, 32, size)
	if spare != 0 {
		e.num("spare", Hex, 32, spare)
	}
	e.num("mnt_id", Hex, 64, id)
	if e.name == "statmount" {
		e.flags("param", 64, param, setStatmount)
	} else {
		e.num("param", Hex, 64, param)
	}
	if size >= mountRequest+8 {
		if b := e.readAll(r.addr+mountRequest, 8); b != nil {
			e.num("mnt_ns_id", Hex, 64, le.Uint64(b))
		}
	}
}

var (
	setStatmount = SetByName("statmount_mask")
	setMountAttr = SetByName("mount_attr")
)

// struct statmount has its strings behind it: members are offsets of them.
const (
	mountStatus  = 4096 // as much of it as is looked at
	mountStrings = 512
)

// decodeMountStatus shows what the mask says that there is.
func decodeMountStatus(e *Event, name string, r *reader) {
	const superblock, basic, propagate, root, point, fsType, namespace, options = 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80
	if len(r.b) < mountStrings {
		e.emitAddr(name, r.addr, true)
		return
	}
	outer := e.begin(name, Struct)
	defer e.close(outer)
	text := func(name string, at int) {
		if off := uint64(le.Uint32(r.b[at:])); off < uint64(len(r.b)-mountStrings) {
			s := upToNUL(r.b[mountStrings+off:])
			e.emit(Value{Name: name, Kind: Bytes, Text: s, Size: uint64(len(s))})
		}
	}
	mask := le.Uint64(r.b[8:])
	e.num("size", Uint, 32, uint64(le.Uint32(r.b)))
	e.flags("mask", 64, mask, setStatmount)
	if mask&superblock != 0 {
		e.fields(r.at(16), []field{{"sb_dev_major", Uint, 4, nil}, {"sb_dev_minor", Uint, 4, nil}, {"sb_magic", Enum, 8, setFSMagic}, {"sb_flags", Hex, 4, nil}})
	}
	if mask&fsType != 0 {
		text("fs_type", 36)
	}
	if mask&basic != 0 {
		e.fields(r.at(40), []field{
			{"mnt_id", Hex, 8, nil}, {"mnt_parent_id", Hex, 8, nil}, {"mnt_id_old", Uint, 4, nil}, {"mnt_parent_id_old", Uint, 4, nil},
			{"mnt_attr", Flags, 8, setMountAttr}, {"mnt_propagation", Enum, 8, setPropagation}, {"mnt_peer_group", Hex, 8, nil}, {"mnt_master", Hex, 8, nil},
		})
	}
	if mask&propagate != 0 {
		e.num("propagate_from", Hex, 64, r.at(96).u64())
	}
	if mask&root != 0 {
		text("mnt_root", 104)
	}
	if mask&point != 0 {
		text("mnt_point", 108)
	}
	if mask&namespace != 0 {
		e.num("mnt_ns_id", Hex, 64, r.at(112).u64())
	}
	if mask&options != 0 {
		text("mnt_opts", 4)
	}
}
