package decode

import (
	"fmt"
	"math"
)

// The btrfs file system (linux/btrfs.h, linux/btrfs_tree.h).

func init() { ioctlFamilies = append(ioctlFamilies, btrfsRequests) }

func btrfsRequests(t ioctlTable) {
	// Numbers alone.
	t[0x40049421] = ioctlArg{kind: ioctlOwn, entry: func(e *Event) {
		e.enum("", 32, e.args[2]&math.MaxUint32, SetByName("btrfs_balance_ctl"))
	}} // BALANCE_CTL
	count := scalarOf(8, func(e *Event, num uint64) { e.num("", Uint, 64, num) })
	t.in(count, 0x40089413, 0x40089416) // DEFAULT_SUBVOL, WAIT_SYNC
	t.out(count, 0x80089418)            // START_SYNC
	volume := flagged("flags", 8, "btrfs_subvolume")
	subvolume := &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) {
		e.flags(name, 64, r.u64(), SetByName("btrfs_subvolume"))
	}}
	t.in(subvolume, 0x4008941a)
	t.out(subvolume, 0x80089419)

	// Subvolumes and devices, by name.
	fd := func(name string) piece { return func(e *Event, r *reader) { e.emitFD(name, r.u64(), false) } }
	const nameSize = 4088 // BTRFS_PATH_NAME_MAX + 1
	t.in(layout(4096, fd("fd"), fixed("name", nameSize)), 0x50009401, 0x50009403, 0x50009404, 0x50009405, 0x5000940a, 0x5000940b,
		0x5000940e, 0x5000940f, 0x90009427)
	t.inOut(layout(4096, fd("fd"), from(16), volume, func(e *Event, r *reader) {
		const inherit = 4 // BTRFS_SUBVOL_QGROUP_INHERIT
		if flags := r.at(16).u64(); flags&inherit != 0 {
			e.num("size", Uint, 64, r.u64())
			e.emitStruct("qgroup_inherit", btrfsInherit, r.ptr())
		}
	}, from(56), fixed("name", 4040)), layout(4096, from(8), numbers(Uint, 8, "transid")), 0x50009417, 0x50009418) // SNAP_CREATE_V2, SUBVOL_CREATE_V2
	sources := func(e *Event, r *reader) {
		n := r.u64()
		e.num("clone_sources_count", Uint, 64, n)
		if addr := r.ptr(); e.opts.Verbose {
			e.emitArray("clone_sources", btrfsID, addr, n)
		} else {
			e.num("clone_sources", Addr, 64, addr)
		}
	}
	send := &structType{size: sizesPtr(72, 68), decode: structOf(fd("send_fd"), sources, btrfsObject("parent_root"), flagged("flags", 8, "btrfs_send"))}
	t.in(send, 0x40489426, 0x40449426)
	stamp := func(name string) piece { return func(e *Event, r *reader) { e.btrfsTime(name, r) } }
	id := func(name string) piece { return func(e *Event, r *reader) { e.uuid(name, r.bytes(16)) } }
	received := sizes64(200, 192)
	t.inOut(&structType{size: received, decode: structOf(id("uuid"), u64("stransid"), gap(8), stamp("stime"), skipTime, u64("flags"))},
		&structType{size: received, decode: structOf(from(24), u64("rtransid"), skipTime, stamp("rtime"))}, 0xc0c89425, 0xc0c09425)

	// Balancing, defragmentation, scrubbing.
	balance := func(state bool) *structType {
		return aStruct(1024, func(e *Event, r *reader) { e.btrfsBalance(r, state) })
	}
	t.inOut(balance(false), balance(true), 0xc4009420)
	t.out(balance(true), 0x84009422)
	t.in(layout(48, u64("start"), greatest("len"), flagged("flags", 8, "btrfs_defrag"), number("extent_thresh", Uint, 4),
		named("compress_type", 4, "btrfs_compression")), 0x40309410)
	device := number("devid", Dev, 8)
	progress := layout(1024, from(32), sub("progress", numbers(Uint, 8, "data_extents_scrubbed", "tree_extents_scrubbed", "data_bytes_scrubbed",
		"tree_bytes_scrubbed", "read_errors", "csum_errors", "verify_errors", "no_csum", "csum_discards", "super_errors", "malloc_errors",
		"uncorrectable_errors", "corrected_errors", "last_physical", "unverified_errors")))
	t.inOut(layout(1024, device, u64("start"), greatest("end"), flagged("flags", 8, "btrfs_scrub")), progress, 0xc400941b)
	t.inOut(layout(1024, device), progress, 0xc400941d)

	// Devices and the file system.
	deviceID := func(e *Event, r *reader) {
		if b := r.at(8).bytes(16); !allZero(b) {
			e.uuid("uuid", b)
		}
	}
	t.inOut(layout(4096, device, deviceID), layout(4096, deviceID, from(24), u64("bytes_used"), u64("total_bytes"), from(3072), fixed("path", 1024)), 0xd000941e)
	replace := sizes64(2600, 2596)
	t.inOut(&structType{size: replace, decode: structOf(func(e *Event, r *reader) {
		const start = 0 // BTRFS_IOCTL_DEV_REPLACE_CMD_START
		cmd := r.u64()
		e.enum("cmd", 64, cmd, SetByName("btrfs_replace_cmd"))
		if cmd == start {
			sub("start", from(16), number("srcdevid", Dev, 8), named("cont_reading_from_srcdev_mode", 8, "btrfs_replace_mode"),
				fixed("srcdev_name", 1025), fixed("tgtdev_name", 1025))(e, r)
		}
	})}, &structType{size: replace, decode: structOf(func(e *Event, r *reader) {
		const status = 1 // BTRFS_IOCTL_DEV_REPLACE_CMD_STATUS
		cmd := r.u64()
		e.enum("result", 64, r.u64(), SetByName("btrfs_replace_result"))
		if cmd == status {
			e.btrfsReplaced(r)
		}
	})}, 0xca289435, 0xca249435)
	features := sub("", flagged("compat_flags", 8, "btrfs_compat"), flagged("compat_ro_flags", 8, "btrfs_compat_ro"), flagged("incompat_flags", 8, "btrfs_incompat"))
	t.out(&structType{size: sizesAll(24), decode: func(e *Event, _ string, r *reader) { features(e, r) }}, 0x80189439)
	t.in(&structType{size: sizesAll(48), scalar: true, decode: func(e *Event, _ string, r *reader) { features(e, r); features(e, r) }}, 0x40309439)
	t.out(&structType{size: sizesAll(72), scalar: true, decode: func(e *Event, _ string, r *reader) {
		for _, what := range [...]string{"supported", "safe to set", "safe to clear"} {
			outer := e.open(Value{Kind: Noted, Whole: true})
			features(e, r)
			e.emit(Value{Kind: Symbol, Symbol: what})
			e.close(outer)
		}
	}}, 0x80489439)
	t.out(layout(1024, btrfsInfo), 0x8400941f) // FS_INFO
	stats := all(u64("nr_items"), flagged("flags", 8, "btrfs_dev_stats"))
	t.inOut(layout(1032, device, stats), layout(1032, gap(8), stats, btrfsStats), 0xc4089434)
	space := layout(16, from(8), func(e *Event, r *reader) {
		slots, n := r.at(0).u64(), r.at(8).u64()
		e.num("total_spaces", Uint, 64, n)
		if slots == 0 && n != 0 {
			return
		}
		verbose(func(e *Event, r *reader) { e.emitArray("spaces", btrfsSpace, r.addr+16, n) })(e, r)
	})
	t.inOut(layout(16, u64("space_slots")), space, 0xc0109414)

	// Where things are.
	tree, object := btrfsObject("treeid"), btrfsObject("objectid")
	t.inOut(layout(4096, func(e *Event, r *reader) {
		e.old = r.u64()
		r.at(0)
	}, tree, object), layout(4096, func(e *Event, r *reader) {
		if e.old == 0 { // the kernel has filled it in
			tree(e, r)
		}
	}, from(16), fixed("name", 4080)), 0xd0009412) // INO_LOOKUP
	t.inOut(layout(56, u64("inum"), u64("size"), from(48), number("fspath", Addr, 8)),
		layout(56, from(48), func(e *Event, r *reader) { e.emitStruct("fspath", btrfsPaths, r.u64()) }), 0xc0389423)
	t.inOut(layout(56, u64("logical"), u64("size"), spare("reserved", 3, 8), flagged("flags", 8, "btrfs_logical"), number("inodes", Addr, 8)),
		layout(56, from(48), func(e *Event, r *reader) { e.emitStruct("inodes", btrfsInodes, r.u64()) }), 0xc0389424)
	searched := func(key int, size bool) *structType {
		return aStruct(key, func(e *Event, r *reader) { e.btrfsSearch(r, uint64(key), size) })
	}
	t.inOut(searched(104, false), searched(104, false), 0xd0009411) // TREE_SEARCH
	t.inOut(searched(112, true), searched(112, true), 0xc0709411)   // TREE_SEARCH_V2

	// Quotas.
	t.in(layout(24, numbers(Uint, 8, "assign", "src", "dst")), 0x40189429)
	t.in(layout(16, numbers(Uint, 8, "create", "qgroupid")), 0x4010942a)
	t.out(layout(48, u64("qgroupid"), btrfsLimit), 0x8030942b)
	t.in(layout(16, named("cmd", 8, "btrfs_quota_cmd")), 0xc0109428)
	t.in(layout(64, u64("flags")), 0x4040942c)
	t.out(layout(64, u64("flags"), btrfsObject("progress")), 0x8040942d)
}

func u64(name string) piece { return number(name, Uint, 8) }

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// greatest is a number of which the greatest one has a name.
func greatest(name string) piece {
	return func(e *Event, r *reader) { e.meaning(name, 64, r.u64(), greatestOnly) }
}

var greatestOnly = &ConstSet{Consts: []Const{{Name: "UINT64_MAX", Value: math.MaxUint64}}}

// meaning emits a number in decimal, or its name if the set has one.
func (e *Event) meaning(name string, bits uint8, num uint64, set *ConstSet) {
	e.explained(name, Meaning, Uint, bits, num, set.name(num))
}

// btrfsObjects are the names of objects; the greatest are negative.
var btrfsObjects = func() *ConstSet {
	s := *SetByName("btrfs_objects")
	s.Consts = append(s.Consts[:len(s.Consts):len(s.Consts)],
		Const{Name: "BTRFS_LAST_FREE_OBJECTID", Value: math.MaxUint64 - 255}, Const{Name: "UINT64_MAX", Value: math.MaxUint64})
	return &s
}()

func btrfsObject(name string) piece {
	return func(e *Event, r *reader) { e.meaning(name, 64, r.u64(), btrfsObjects) }
}

var btrfsID = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) { e.meaning(name, 64, r.u64(), btrfsObjects) }}

var btrfsLimit = sub("lim", flagged("flags", 8, "btrfs_qgroup_limit"), numbers(Uint, 8, "max_rfer", "max_excl", "rsv_rfer", "rsv_excl"))

var btrfsInherit = layout(72, flagged("flags", 8, "btrfs_inherit"), func(e *Event, r *reader) {
	n := r.u64()
	e.num("num_qgroups", Uint, 64, n)
	numbers(Uint, 8, "num_ref_copies", "num_excl_copies")(e, r)
	btrfsLimit(e, r)
	verbose(func(e *Event, r *reader) { e.emitArray("qgroups", btrfsNumber, r.addr+72, n) })(e, r)
})

var btrfsNumber = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) { e.num(name, Uint, 64, r.u64()) }}

var btrfsSpace = layout(24, flagged("flags", 8, "btrfs_space"), u64("total_bytes"), u64("used_bytes"))

// skipTime leaves out a struct btrfs_ioctl_timespec, which has no padding at its end where
// numbers of 64 bits need none.
func skipTime(_ *Event, r *reader) { r.u64(); r.u32(); r.timeEnd() }

func (r *reader) timeEnd() {
	if r.longBits() == 64 {
		r.skip(4)
	}
}

func (e *Event) btrfsTime(name string, r *reader) {
	sec, nsec := r.u64(), r.u32()
	r.timeEnd()
	noted := e.begin(name, Noted)
	outer := e.begin("", Struct)
	e.num("sec", Uint, 64, sec)
	e.num("nsec", Uint, 32, nsec)
	e.close(outer)
	e.dateNote(64, sec, nsec, nanoseconds)
	e.close(noted)
}

// btrfsBalance emits what is to be balanced: kinds of data that the flags tell.
func (e *Event) btrfsBalance(r *reader, state bool) {
	const size = 136 // of struct btrfs_balance_args
	flags := r.u64()
	e.flags("flags", 64, flags, SetByName("btrfs_balance"))
	if s := r.u64(); state {
		e.flags("state", 64, s, SetByName("btrfs_balance_state"))
	}
	for i, kind := range [...]struct {
		flag uint64
		name string
	}{{1, "data"}, {4, "meta"}, {2, "sys"}} {
		if flags&kind.flag == 0 {
			continue
		}
		sub(kind.name, flagged("profiles", 8, "btrfs_profiles"), greatest("usage"), number("devid", Dev, 8), greatest("pstart"), greatest("pend"),
			greatest("vstart"), greatest("vend"), greatest("target"), flagged("flags", 8, "btrfs_balance_args"))(e, r.at(16+i*size))
	}
}

// btrfsReplaced emits how far the replacement of a device is.
func (e *Event) btrfsReplaced(r *reader) {
	defer e.close(e.begin("status", Struct))
	e.enum("replace_state", 64, r.u64(), SetByName("btrfs_replace_state"))
	done := ""
	n := r.u64()
	if n <= 1000 {
		done = fmt.Sprintf("%d.%d%%", n/10, n%10)
	}
	e.noted("progress_1000", Uint, 64, n, done)
	e.num("time_started", Time, 64, r.u64())
	e.num("time_stopped", Time, 64, r.u64())
	numbers(Uint, 8, "num_write_errors", "num_uncorrectable_read_errors")(e, r)
}

// btrfsInfo is struct btrfs_ioctl_fs_info_args.
func btrfsInfo(e *Event, r *reader) {
	const checksums, generation, metadata = 1, 2, 4 // BTRFS_FS_INFO_FLAG_...
	numbers(Uint, 8, "max_id", "num_devices")(e, r)
	e.uuid("fsid", r.bytes(16))
	numbers(Uint, 4, "nodesize", "sectorsize", "clone_alignment")(e, r)
	typ, size, flags := r.u16(), r.u16(), r.u64()
	if flags&checksums != 0 {
		e.enum("csum_type", 16, typ, SetByName("btrfs_checksum"))
		e.num("csum_size", Uint, 16, size)
	}
	e.flags("flags", 64, flags, SetByName("btrfs_info"))
	nr := r.u64()
	if flags&generation != 0 {
		e.num("generation", Uint, 64, nr)
	}
	if flags&metadata != 0 {
		e.uuid("metadata_uuid", r.bytes(16))
	}
}

// btrfsStats emits the values of counters, by name.
func btrfsStats(e *Event, r *reader) {
	const most = 5 // BTRFS_DEV_STAT_VALUES_MAX
	n := r.at(8).u64()
	r.at(24)
	defer e.close(e.begin("", Array))
	for i := range min(n, most) {
		outer := e.begin("", Indexed)
		e.meaning("", 64, i, SetByName("btrfs_dev_stat"))
		e.num("", Uint, 64, r.u64())
		e.close(outer)
	}
	if n > most {
		e.cut()
	}
}

// btrfsContainer is a struct btrfs_data_container with values.
func btrfsContainer(values func(e *Event, r *reader, n uint64)) *structType {
	return layout(16, func(e *Event, r *reader) {
		numbers(Uint, 4, "bytes_left", "bytes_missing", "elem_cnt", "elem_missed")(e, r)
		n := r.at(8).u32()
		verbose(func(e *Event, r *reader) { values(e, r, n) })(e, r)
	})
}

var btrfsInodes = btrfsContainer(func(e *Event, r *reader, n uint64) {
	e.emitArray("val", layout(24, numbers(Uint, 8, "inum", "offset", "root")), r.addr+16, n/3)
})

var btrfsPaths = btrfsContainer(func(e *Event, r *reader, n uint64) {
	base := r.addr + 16
	e.emitArray("val", &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) { e.emitPath(name, base+r.u64()) }}, base, n)
})

// btrfsSearch emits what is searched for, or what has been found behind the struct of key
// bytes. sized says that it tells how large the buffer there is.
func (e *Event) btrfsSearch(r *reader, key uint64, sized bool) {
	const v1 = 4096
	room := v1 - key
	if sized {
		room = r.at(104).u64()
	}
	n := r.at(64).u32()
	r.at(0)
	outer := e.begin("key", Struct)
	if e.done {
		e.num("nr_items", Uint, 32, n)
	} else {
		const first, last = 256, math.MaxUint64 - 255 // BTRFS_FIRST_FREE_OBJECTID, BTRFS_LAST_FREE_OBJECTID
		btrfsObject("tree_id")(e, r)
		low, high := r.u64(), r.u64()
		if low != first || e.opts.Verbose {
			e.meaning("min_objectid", 64, low, btrfsObjects)
		}
		if high != last || e.opts.Verbose {
			e.meaning("max_objectid", 64, high, btrfsObjects)
		}
		all(greatest("min_offset"), greatest("max_offset"), greatest("min_transid"), greatest("max_transid"))(e, r)
		e.meaning("min_type", 32, r.u32(), SetByName("btrfs_key"))
		e.meaning("max_type", 32, r.u32(), SetByName("btrfs_key"))
		e.num("nr_items", Uint, 32, n)
	}
	e.close(outer)
	if sized {
		e.num("buf_size", Uint, 64, room)
	}
	if e.done {
		verbose(func(e *Event, r *reader) { e.btrfsFound(r.addr+key, room, n) })(e, r)
	}
}

// btrfsFound emits the headers of n items that were found.
func (e *Event) btrfsFound(addr, room, n uint64) {
	const size = 32 // of struct btrfs_ioctl_search_header
	defer e.close(e.begin("buf", Array))
	for i, off := uint64(0), uint64(0); i < n; i++ {
		if off > room || room-off < size || addr+off < addr || i > uint64(e.opts.StringLimit) {
			e.cut()
			return
		}
		b := e.readAll(addr+off, size)
		if b == nil {
			e.emitLost(addr + off)
			return
		}
		r := e.reader(b, addr+off)
		outer := e.begin("", Struct)
		e.num("transid", Uint, 64, r.u64())
		btrfsObject("objectid")(e, r)
		e.num("offset", Uint, 64, r.u64())
		e.meaning("type", 32, r.u32(), SetByName("btrfs_key"))
		length := r.u32()
		e.num("len", Uint, 32, length)
		e.close(outer)
		off += size + length
	}
}
