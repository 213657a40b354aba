package decode

import "github.com/k42trace/k42trace/table"

// A status is a struct stat of any layout.
type status struct {
	dev, ino, nlink, mode, uid, gid, rdev, size, blksize, blocks uint64
	sec, nsec                                                    [3]uint64 // access, modification, change
	timeBits                                                     uint8
}

func init() {
	register("stat", [table.NumABI]int{table.AMD64: 144, table.X32: 144, table.ARM64: 128, table.I386: 64}, func(e *Event, name string, r *reader) {
		switch r.abi {
		case table.I386:
			e.stat(name, stat32(r))
		case table.ARM64:
			e.stat(name, statGeneric(r))
		default:
			e.stat(name, statAMD64(r))
		}
	})
	register("stat64", [table.NumABI]int{table.I386: 96}, func(e *Event, name string, r *reader) {
		e.stat(name, stat64(r))
	})
	register("statx", sizesAll(256), decodeStatx)
	register("statfs", sizes64(120, 64), func(e *Event, name string, r *reader) {
		e.statfs(name, r, int(r.longBits()/8))
	})
	register("statfs64", [table.NumABI]int{table.I386: 84}, func(e *Event, name string, r *reader) {
		e.statfs(name, r, 8)
	})
}

// statAMD64 reads struct stat of asm/stat.h, x86-64.
func statAMD64(r *reader) (s status) {
	s.timeBits = 64
	s.dev, s.ino, s.nlink = r.u64(), r.u64(), r.u64()
	s.mode, s.uid, s.gid = r.u32(), r.u32(), r.u32()
	r.skip(4)
	s.rdev, s.size, s.blksize, s.blocks = r.u64(), r.u64(), r.u64(), r.u64()
	s.times(r.u64)
	return s
}

// statGeneric reads struct stat of asm-generic/stat.h: arm64's.
func statGeneric(r *reader) (s status) {
	s.timeBits = 64
	s.dev, s.ino = r.u64(), r.u64()
	s.mode, s.nlink, s.uid, s.gid = r.u32(), r.u32(), r.u32(), r.u32()
	s.rdev = r.u64()
	r.skip(8)
	s.size, s.blksize = r.u64(), r.u32()
	r.skip(4)
	s.blocks = r.u64()
	s.times(r.u64)
	return s
}

// stat32 reads struct stat of asm/stat.h, i386.
func stat32(r *reader) (s status) {
	s.timeBits = 32
	s.dev, s.ino = r.u32(), r.u32()
	s.mode, s.nlink, s.uid, s.gid = r.u16(), r.u16(), r.u16(), r.u16()
	s.rdev, s.size, s.blksize, s.blocks = r.u32(), r.u32(), r.u32(), r.u32()
	s.times(r.u32)
	return s
}

// stat64 reads struct stat64 of asm/stat.h, i386.
func stat64(r *reader) (s status) {
	s.timeBits = 32
	s.dev = r.u64()
	r.skip(8) // padding and a truncated inode number
	s.mode, s.nlink, s.uid, s.gid = r.u32(), r.u32(), r.u32(), r.u32()
	s.rdev = r.u64()
	r.skip(4)
	s.size, s.blksize, s.blocks = r.u64(), r.u32(), r.u64()
	s.times(r.u32)
	s.ino = r.u64()
	return s
}

func (s *status) times(read func() uint64) {
	for i := range s.sec {
		s.sec[i], s.nsec[i] = read(), read()
	}
}

func (e *Event) stat(name string, s status) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	if e.opts.Verbose {
		e.num("st_dev", Dev, 64, s.dev)
		e.num("st_ino", Uint, 64, s.ino)
	}
	e.num("st_mode", Mode, 32, s.mode)
	if e.opts.Verbose {
		e.num("st_nlink", Uint, 64, s.nlink)
		e.num("st_uid", UID, 32, s.uid)
		e.num("st_gid", UID, 32, s.gid)
		e.num("st_blksize", Uint, 64, s.blksize)
		e.num("st_blocks", Uint, 64, s.blocks)
	}
	if isDevice(s.mode) {
		e.num("st_rdev", Dev, 64, s.rdev)
	} else {
		e.num("st_size", Int, 64, s.size)
	}
	if !e.opts.Verbose {
		e.cut()
		return
	}
	for i, n := range [...][2]string{{"st_atime", "st_atime_nsec"}, {"st_mtime", "st_mtime_nsec"}, {"st_ctime", "st_ctime_nsec"}} {
		e.emit(Value{Name: n[0], Kind: Time, Bits: s.timeBits, Num: s.sec[i], Size: s.nsec[i], Symbol: ".000000000"})
		e.num(n[1], Uint, s.timeBits, s.nsec[i])
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
	e.flags("stx_mask", 32, mask, setStatxMask)
	if e.opts.Verbose {
		e.num("stx_blksize", Uint, 32, blksize)
	}
	e.flags("stx_attributes", 64, attrs, setStatxAttrs)
	if e.opts.Verbose {
		e.num("stx_nlink", Uint, 32, nlink)
		e.num("stx_uid", UID, 32, uid)
		e.num("stx_gid", UID, 32, gid)
	}
	e.num("stx_mode", Mode, 16, mode)
	if e.opts.Verbose {
		e.num("stx_ino", Uint, 64, ino)
	}
	e.num("stx_size", Uint, 64, size)
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.num("stx_blocks", Uint, 64, blocks)
	e.flags("stx_attributes_mask", 64, attrsMask, setStatxAttrs)
	for _, n := range [...]string{"stx_atime", "stx_btime", "stx_ctime", "stx_mtime"} {
		sec, nsec := r.u64(), r.u32()
		r.skip(4)
		inner := e.begin(n, Struct)
		e.num("tv_sec", Int, 64, sec)
		e.num("tv_nsec", Uint, 32, nsec)
		e.close(inner)
	}
	for _, n := range [...]string{"stx_rdev_major", "stx_rdev_minor", "stx_dev_major", "stx_dev_minor"} {
		e.num(n, Uint, 32, r.u32())
	}
	e.num("stx_mnt_id", Hex, 64, r.u64())
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
	e.enum("f_type", 32, r.long()&(1<<32-1), setFSMagic)
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
	e.flags("f_flags", bits, r.long(), setStatfsFlags)
}
