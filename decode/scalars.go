package decode

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Scalars behind pointers are shown in brackets, as arrays of one; an array
// of them has its own.

func scalar(name string, size [table.NumABI]int, kind Kind, read func(r *reader) uint64) {
	t := register(name, size, func(e *Event, name string, r *reader) {
		e.num(name, kind, uint8(8*len(r.b)), read(r))
	})
	t.scalar = true
}

var sizesLong = sizes64(8, 4)

func init() {
	scalar("int", sizesAll(4), Int, (*reader).u32)
	scalar("uint", sizesAll(4), Uint, (*reader).u32)
	scalar("pid", sizesAll(4), PID, (*reader).u32)
	scalar("uid", sizesAll(4), UID, (*reader).u32)
	scalar("uid16", sizesAll(2), UID, (*reader).u16)
	scalar("off", sizesLong, Uint, (*reader).long)
	scalar("uloff", sizesAll(8), Uint, (*reader).u64)
	status := register("page_status", sizesAll(4), func(e *Event, name string, r *reader) {
		num := r.u32()
		if name := ErrnoName(unix.Errno(-int32(num))); int32(num) < 0 && name != "" {
			e.emit(Value{Kind: Named, Bits: 32, Num: num, Symbol: "-" + name})
		} else {
			e.num(name, Int, 32, num)
		}
	})
	status.scalar = true
	scalar("loff", sizesAll(8), Int, (*reader).u64)
	scalar("size", sizesPtr(8, 4), Uint, (*reader).ptr)
	scalar("addr", sizesPtr(8, 4), Addr, (*reader).ptr)
	scalar("time_t", sizesLong, Time, (*reader).long)
	scalar("aio_context", sizesPtr(8, 4), Addr, (*reader).ptr)
	scalar("u64", sizesAll(8), Hex, (*reader).u64)
	scalar("socklen", sizesAll(4), Int, (*reader).u32)
	structs["socklen"].change = true
	scalar("wstatus", sizesAll(4), Status, (*reader).u32)
	fd := register("fd", sizesAll(4), func(e *Event, name string, r *reader) { e.emitFD(name, r.u32(), false) })
	fd.scalar = true
}
