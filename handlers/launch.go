package handlers

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Launch is the exec with which the supervisor started a program. The child
// is first seen when it is over; a trace shows it all the same.
type Launch struct {
	Path string
	Args []string
	Env  []string
}

// call returns the execve as a Call: t as it was when it made the call.
func (l *Launch) call(t table.Thread) *table.Call {
	env := stackStart(t.TID()) + uint64(len(l.Args)+2)*8
	m := image{base: env}
	// The arrays first: so the environment is at the address where the program
	// finds it.
	strings := env + uint64(len(l.Env)+1+len(l.Args)+1)*8
	var text []byte
	put := func(s string) {
		m.bytes = binary.LittleEndian.AppendUint64(m.bytes, strings+uint64(len(text)))
		text = append(append(text, s...), 0)
	}
	for _, s := range l.Env {
		put(s)
	}
	m.bytes = append(m.bytes, make([]byte, 8)...)
	args := env + uint64(len(m.bytes))
	for _, s := range l.Args {
		put(s)
	}
	m.bytes = append(m.bytes, make([]byte, 8)...)
	path := strings + uint64(len(text))
	m.bytes = append(append(append(m.bytes, text...), l.Path...), 0)

	c := new(table.Call)
	nr, _ := table.Number(hostABI, "execve")
	c.Reset(&launching{Thread: t, image: m}, hostABI, nr, [6]uint64{path, args, env}, 0, 0)
	return c
}

// stackStart returns where a new program's stack begins, with argc (proc(5),
// startstack). If it cannot be told, it returns another address.
func stackStart(tid int) uint64 {
	const field, unknown = 28, 0x7ffc00000000
	stat, err := os.ReadFile(procfs.Path(tid, "stat"))
	if err != nil {
		return unknown
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= field-3 {
		return unknown
	}
	addr, err := strconv.ParseUint(string(fields[field-3]), 10, 64)
	if err != nil || addr < 1<<16 {
		return unknown
	}
	return addr
}

// launching is the thread of the exec, with the memory that it had.
type launching struct {
	table.Thread
	image
}

func (l *launching) ReadMemory(addr uint64, p []byte) (int, error) {
	return l.image.ReadMemory(addr, p)
}
func (l *launching) ReadRanges(r []table.Range)                     { l.image.ReadRanges(r) }
func (l *launching) WriteMemory(addr uint64, p []byte) (int, error) { return 0, unix.EFAULT }

func (l *launching) Route() table.Route                            { return table.RouteTrap }
func (l *launching) Native(*table.Call) table.Result               { return table.Errno(unix.ENOSYS) }
func (l *launching) Pin(*table.Call, []byte) (uint64, error)       { return 0, unix.ENOSYS }
func (l *launching) Park(*table.Call, func(context.Context)) error { return unix.ENOSYS }
func (l *launching) Inject(*table.Call, int, [6]uint64) table.Result {
	return table.Errno(unix.ENOSYS)
}

// An image is a piece of memory.
type image struct {
	base  uint64
	bytes []byte
}

func (m *image) ReadMemory(addr uint64, p []byte) (int, error) {
	if addr < m.base || addr-m.base >= uint64(len(m.bytes)) {
		return 0, unix.EFAULT
	}
	return copy(p, m.bytes[addr-m.base:]), nil
}

func (m *image) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = m.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}
