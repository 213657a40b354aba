package decode

import "github.com/k42trace/k42trace/table"

// A statLayout says where the members of a struct stat are.
type statLayout struct {
	dev, ino, nlink, mode, uid, gid, rdev, size, blksize, blocks member
	times                                                        [3]member // access, modification, change; nanoseconds follow
}

// A member of a struct is a number of size bytes at off.
type member struct{ off, size uint8 }

// of returns the member's value, 0 where the struct has none.
func (m member) of(b []byte) uint64 {
	if int(m.off+m.size) > len(b) {
		return 0
	}
	b = b[m.off:]
	switch m.size {
	case 0:
		return 0
	case 2:
		return uint64(le.Uint16(b))
	case 4:
		return uint64(le.Uint32(b))
	}
	return le.Uint64(b)
}

// The layouts of asm/stat.h and, for arm64, asm-generic/stat.h.
var (
	statAMD64 = statLayout{
		dev: member{0, 8}, ino: member{8, 8}, nlink: member{16, 8}, mode: member{24, 4}, uid: member{28, 4}, gid: member{32, 4},
		rdev: member{40, 8}, size: member{48, 8}, blksize: member{56, 8}, blocks: member{64, 8},
		times: [3]member{{72, 8}, {88, 8}, {104, 8}},
	}
	statARM64 = statLayout{
		dev: member{0, 8}, ino: member{8, 8}, mode: member{16, 4}, nlink: member{20, 4}, uid: member{24, 4}, gid: member{28, 4},
		rdev: member{32, 8}, size: member{48, 8}, blksize: member{56, 4}, blocks: member{64, 8},
		times: [3]member{{72, 8}, {88, 8}, {104, 8}},
	}
	stat32 = statLayout{
		dev: member{0, 4}, ino: member{4, 4}, mode: member{8, 2}, nlink: member{10, 2}, uid: member{12, 2}, gid: member{14, 2},
		rdev: member{16, 4}, size: member{20, 4}, blksize: member{24, 4}, blocks: member{28, 4},
		times: [3]member{{32, 4}, {40, 4}, {48, 4}},
	}
	statOld = statLayout{ // struct __old_kernel_stat
		dev: member{0, 2}, ino: member{2, 2}, mode: member{4, 2}, nlink: member{6, 2}, uid: member{8, 2}, gid: member{10, 2},
		rdev: member{12, 2}, size: member{16, 4}, times: [3]member{{20, 4}, {24, 4}, {28, 4}},
	}
	stat64 = statLayout{ // another inode number, cut to 32 bits, is at 12
		dev: member{0, 8}, mode: member{16, 4}, nlink: member{20, 4}, uid: member{24, 4}, gid: member{28, 4}, rdev: member{32, 8},
		size: member{44, 8}, blksize: member{52, 4}, blocks: member{56, 8}, ino: member{88, 8},
		times: [3]member{{64, 4}, {72, 4}, {80, 4}},
	}
)

func init() {
	register("stat", [table.NumABI]int{table.AMD64: 144, table.X32: 144, table.ARM64: 128, table.I386: 64}, func(e *Event, name string, r *reader) {
		switch r.abi {
		case table.I386:
			e.stat(name, r.b, &stat32)
		case table.ARM64:
			e.stat(name, r.b, &statARM64)
		default:
			e.stat(name, r.b, &statAMD64)
		}
	})
	register("stat64", [table.NumABI]int{table.I386: 96}, func(e *Event, name string, r *reader) {
		e.stat(name, r.b, &stat64)
	})
	register("statx", sizesAll(256), decodeStatx)
	register("statfs", sizes64(120, 64), func(e *Event, name string, r *reader) {
		e.statfs(name, r, int(r.longBits()/8))
	})
	addSpecial(special{exit: func(e *Event) {
		if n := e.args[1]; n != 84 && n != 88 { // as some see it, with padding
			e.set(2, Value{Kind: Addr, Bits: 64, Num: e.args[2]})
		}
	}}, "statfs64", "fstatfs64")
	register("oldstat", [table.NumABI]int{table.I386: 32}, func(e *Event, name string, r *reader) {
		e.stat(name, r.b, &statOld)
	})
	register("statfs64", [table.NumABI]int{table.I386: 84}, func(e *Event, name string, r *reader) {
		e.statfs(name, r, 8)
	})
}

func (e *Event) stat(name string, b []byte, l *statLayout) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	mode := l.mode.of(b)
	if e.opts.Verbose {
		e.num("st_dev", Dev, 64, l.dev.of(b))
		e.num("st_ino", Uint, 64, l.ino.of(b))
	}
	e.num("st_mode", Mode, 32, mode)
	if e.opts.Verbose {
		e.num("st_nlink", Uint, 64, l.nlink.of(b))
		e.num("st_uid", Uint, 32, l.uid.of(b))
		e.num("st_gid", Uint, 32, l.gid.of(b))
		e.num("st_blksize", Uint, 64, l.blksize.of(b))
		e.num("st_blocks", Uint, 64, l.blocks.of(b))
	}
	if isDevice(mode) {
		e.num("st_rdev", Dev, 64, l.rdev.of(b))
	} else {
		e.num("st_size", Uint, 64, l.size.of(b))
	}
	if !e.opts.Verbose {
		e.cut()
		return
	}
	for i, n := range [...][2]string{{"st_atime", "st_atime_nsec"}, {"st_mtime", "st_mtime_nsec"}, {"st_ctime", "st_ctime_nsec"}} {
		m := l.times[i]
		if l == &statOld {
			e.num(n[0], Time, 8*m.size, m.of(b))
			continue
		}
		sec, nsec := m.of(b), member{m.off + m.size, m.size}.of(b)
		kind := Time
		if nsec >= 1e9 {
			kind = Int
		}
		e.emit(Value{Name: n[0], Kind: kind, Bits: 8 * m.size, Num: sec, Size: nsec, Symbol: ".000000000"})
		e.num(n[1], Uint, 8*m.size, nsec)
	}
}

func isDevice(mode uint64) bool {
	return mode>>12&15 == 2 || mode>>12&15 == 6 // S_IFCHR, S_IFBLK
}

func decodeStatx(e *Event, name string, r *reader) {
	mask, blksize, attrs := r.u32(), r.u32(), r.u64()
	nlink, uid, gid, mode := r.u32(), r.u32(), r.u32(), r.u16()
	r.skip(2)
	ino, size, blocks, attrsMask := r.u64(), r.u64(), r.u64(), r.u64()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	// Only what the mask says is filled in (STATX_NLINK and so on).
	has := func(bit uint64, name string, kind Kind, bits uint8, num uint64) {
		if mask&bit != 0 {
			e.num(name, kind, bits, num)
		}
	}
	e.flags("stx_mask", 32, mask, setStatxMask)
	if e.opts.Verbose {
		e.num("stx_blksize", Uint, 32, blksize)
	}
	e.flags("stx_attributes", 64, attrs, setStatxAttrs)
	if e.opts.Verbose {
		has(0x4, "stx_nlink", Uint, 32, nlink)
		has(0x8, "stx_uid", UID, 32, uid)
		has(0x10, "stx_gid", UID, 32, gid)
	}
	if mask&statxMode != 0 {
		e.num("stx_mode", Mode, 16, mode)
	}
	if e.opts.Verbose {
		has(0x100, "stx_ino", Uint, 64, ino)
	}
	if mask&statxSize != 0 {
		e.num("stx_size", Uint, 64, size)
	}
	if !e.opts.Verbose {
		e.cut()
		return
	}
	has(0x400, "stx_blocks", Uint, 64, blocks)
	e.flags("stx_attributes_mask", 64, attrsMask, setStatxAttrs)
	for i, n := range [...]string{"stx_atime", "stx_btime", "stx_ctime", "stx_mtime"} {
		sec, nsec := r.u64(), r.u32()
		r.skip(4)
		if mask&[...]uint64{0x20, 0x800, 0x80, 0x40}[i] == 0 {
			continue
		}
		noted := e.begin(n, Noted)
		inner := e.begin("", Struct)
		e.num("tv_sec", Int, 64, sec)
		e.num("tv_nsec", Uint, 32, nsec)
		e.close(inner)
		e.dateNote(64, sec, nsec, nanoseconds)
		e.close(noted)
	}
	for _, n := range [...]string{"stx_rdev_major", "stx_rdev_minor", "stx_dev_major", "stx_dev_minor"} {
		e.num(n, Uint, 32, r.u32())
	}
	has(0x1000, "stx_mnt_id", Hex, 64, r.u64())
	has(0x2000, "stx_dio_mem_align", Uint, 32, r.u32())
	has(0x2000, "stx_dio_offset_align", Uint, 32, r.u32())
}

func (e *Event) statfs(name string, r *reader, word int) {
	bits := uint8(8 * word)
	long := func() uint64 {
		if word == 8 && r.abi == table.I386 {
			return r.u64()
		}
		return r.long()
	}
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.enum("f_type", bits, r.long(), setFSMagic)
	e.num("f_bsize", Uint, bits, r.long())
	for _, n := range [...]string{"f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree"} {
		e.num(n, Uint, bits, long())
	}
	id := e.begin("f_fsid", Struct)
	val := e.begin("val", Array)
	e.num("", Hex, 32, r.u32())
	e.num("", Hex, 32, r.u32())
	e.close(val)
	e.close(id)
	e.num("f_namelen", Uint, bits, r.long())
	e.num("f_frsize", Uint, bits, r.long())
	if flags := r.long(); flags&stValid != 0 {
		e.flags("f_flags", bits, flags, setStatfsFlags)
	}
}

// stValid says that f_flags is filled in at all (linux/statfs.h, ST_VALID).
const stValid = 0x20

// Bits of stx_mask (linux/stat.h): STATX_TYPE and STATX_MODE, STATX_SIZE.
const statxMode, statxSize = 3, 0x200
