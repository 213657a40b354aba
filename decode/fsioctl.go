package decode

// Structs of ioctl requests about files and file systems (linux/fs.h, linux/fiemap.h).

func init() {
	ioctlFamilies = append(ioctlFamilies, func(t ioctlTable) {
		t.inOut(structs["dedupe_range"], structs["deduped_range"], 0xc0189436) // FIDEDUPERANGE
	})
	xflags := SetByName("fs_xflags")
	register("fsxattr", sizesAll(28), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.flags("fsx_xflags", 32, r.u32(), xflags)
		e.num("fsx_extsize", Uint, 32, r.u32())
		if n := r.u32(); e.done { // the program does not set it
			e.num("fsx_nextents", Uint, 32, n)
		}
		e.num("fsx_projid", Hex, 32, r.u32())
		e.num("fsx_cowextsize", Uint, 32, r.u32())
		e.close(outer)
	})
	register("fs_label", sizesAll(256), func(e *Event, name string, r *reader) {
		e.fixedText(name, r.b)
	})
	register("fstrim_range", sizesAll(24), record(field{"start", Hex, 8, nil}, field{"len", Uint, 8, nil}, field{"minlen", Uint, 8, nil}))
	register("file_clone_range", sizesAll(32), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.emitFD("src_fd", r.u64(), false)
		e.num("src_offset", Uint, 64, r.u64())
		e.num("src_length", Uint, 64, r.u64())
		e.num("dest_offset", Uint, 64, r.u64())
		e.close(outer)
	})
	flags := SetByName("fiemap_flags")
	register("fiemap", sizesAll(fiemapSize), func(e *Event, name string, r *reader) {
		start, length, fl, mapped, count := r.u64(), r.u64(), r.u32(), r.u32(), r.u32()
		outer := e.begin(name, Struct)
		defer e.close(outer)
		if !e.done {
			e.num("fm_start", Uint, 64, start)
			e.num("fm_length", Uint, 64, length)
			e.flags("fm_flags", 32, fl, flags)
			e.num("fm_extent_count", Uint, 32, count)
			return
		}
		e.flags("fm_flags", 32, fl, flags)
		e.num("fm_mapped_extents", Uint, 32, mapped)
		if e.opts.Verbose {
			e.emitArray("fm_extents", fiemapExtent, r.addr+fiemapSize, mapped)
		} else {
			e.cut()
		}
	})
	register("dedupe_range", sizesAll(24), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		numbers(Uint, 8, "src_offset", "src_length")(e, r)
		n := r.u16()
		e.num("dest_count", Uint, 16, n)
		e.dedupeInfo(dedupeTarget, r.addr, n)
		e.close(outer)
	})
	register("deduped_range", sizesAll(24), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		if n := r.at(16).u16(); n > 0 {
			e.dedupeInfo(dedupeDone, r.addr, n)
		}
		e.close(outer)
	})
}

// What struct file_dedupe_range_info says of each file, before and after.
var (
	dedupeTarget = &structType{size: sizesAll(32), decode: structOf(func(e *Event, r *reader) { e.emitFD("dest_fd", r.u64(), false) }, number("dest_offset", Uint, 8))}
	dedupeDone   = &structType{size: sizesAll(32), decode: structOf(from(16), number("bytes_deduped", Uint, 8), number("status", Int, 4))}
)

// dedupeInfo emits what is behind a struct file_dedupe_range, of which strace shows little
// where it is not told to show more.
func (e *Event) dedupeInfo(t *structType, addr, n uint64) {
	const few, size = 2, 24
	if e.opts.Verbose || n <= few {
		e.emitArray("info", t, addr+size, n)
		return
	}
	e.emitArray("info", t, addr+size, few)
	if v := &e.values[e.latestChild()]; v.Kind == Array {
		v.Cut = true
	}
}

const fiemapSize = 32 // without the extents

var fiemapExtent = &structType{size: sizesAll(56), decode: record(
	field{"fe_logical", Uint, 8, nil}, field{"fe_physical", Uint, 8, nil}, field{"fe_length", Uint, 8, nil},
	field{size: 8}, field{size: 8}, field{"fe_flags", Flags, 4, SetByName("fiemap_extent")})}
