package execso

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Where a virtual file of a stepped process is, and what it is.
const (
	virtualFD = 950
	silentFD  = 951 // never ready, and not to be read
	realFD    = 952 // not virtual, and not open
	leavingFD = 953
	askedFD   = 954 // nothing is known of it, and poll is not to ask
	fileText  = "The contents of a virtual file, of more than sixty-four bytes and a few."
)

// keep gives a stepped process its files.
func (p *stepped) keep() (file *File, d *Descriptors) {
	stat := bytes.Repeat([]byte{7}, statSize)
	file = p.NewFile(table.KeptFile{Contents: []byte(fileText), Stat: stat, Events: unix.POLLIN | unix.POLLOUT})
	file.Load()
	silent := p.NewFile(table.KeptFile{})
	d = p.NewDescriptors()
	p.slot.Use(d)
	know := func(fd int, f *File) {
		g, ok := d.Look(fd)
		if !ok {
			p.t.Fatal("a descriptor is being left")
		}
		g.Note(f)
	}
	know(virtualFD, file)
	know(silentFD, silent)
	know(realFD, nil)
	know(leavingFD, file)
	d.Leave(leavingFD)
	g, _ := d.Look(askedFD)
	g.NoteAsked()
	return file, d
}

// fileWalks are calls on descriptors.
func (p *stepped) fileWalks() (walks []walk) {
	file, d := p.keep()
	const buf, polls, path = dataAt + 0x1000, dataAt + 0x900, dataAt + 0xa00
	const ebadf, efault, einval = -int64(unix.EBADF), -int64(unix.EFAULT), -int64(unix.EINVAL)
	at := func(pos int64) func(*stepped) {
		return func(p *stepped) {
			p.write(buf, make([]byte, 256))
			file.Take()
			file.Put(pos)
		}
	}
	// What is in the buffer, and the position, at the end.
	then := func(text string, pos int64) func(*stepped) {
		return func(p *stepped) {
			got := make([]byte, len(text)+1)
			if _, err := p.mem.ReadAt(got, buf); err != nil || string(got) != text+"\x00" {
				p.t.Errorf("%q has been read, want %q", got, text)
			}
			if got := file.position(); got != pos {
				p.t.Errorf("the position is %d, want %d", got, pos)
			}
		}
	}
	const far = positionMask + 1
	add := func(name string, nr int, args [6]uint64, w walk) {
		w.name, w.nr, w.args = name, nr, args
		if w.service == Trap {
			w.service = ByFile
		}
		walks = append(walks, w)
	}
	read, pread := unix.SYS_READ, unix.SYS_PREAD64
	for _, n := range []int{0, 1, 8, 13, 32, 64, len(fileText), 200} {
		part := fileText[:min(n, len(fileText))]
		add("read", read, [6]uint64{virtualFD, buf, uint64(n)}, walk{result: int64(len(part)), before: at(0), after: then(part, int64(len(part)))})
		add("pread", pread, [6]uint64{virtualFD, buf, uint64(n)}, walk{result: int64(len(part)), before: at(5), after: then(part, 5)})
	}
	add("read the end", read, [6]uint64{virtualFD, buf, 10}, walk{result: 4, before: at(int64(len(fileText) - 4)), after: then(fileText[len(fileText)-4:], int64(len(fileText)))})
	add("read behind the end", read, [6]uint64{virtualFD, buf, 10}, walk{before: at(1000), after: then("", 1000)})
	add("pread behind the end", pread, [6]uint64{virtualFD, buf, 10, 1 << 62}, walk{before: at(1), after: then("", 1)})
	add("read another's", read, [6]uint64{virtualFD, buf, 10}, walk{result: 6, before: at(0), after: then(fileText[len(fileText)-6:]+"", int64(len(fileText))),
		meddle: func(p *stepped, ip uint64) {
			// The first time it comes to the exchange.
			if ip == atFileSwapped.address()-5 && file.position() == 0 {
				file.Put(int64(len(fileText) - 6))
			}
		}})
	walks[len(walks)-1].after = then(fileText[len(fileText)-6:]+fileText[6:10], int64(len(fileText)))
	// What the supervisor has to be asked for.
	for _, q := range []struct {
		name string
		nr   int
		args [6]uint64
	}{
		{"an unknown descriptor", read, [6]uint64{960, buf, 10}},
		{"a descriptor that was asked for", read, [6]uint64{askedFD, buf, 10}},
		{"a large descriptor", read, [6]uint64{1 << 31, buf, 10}},
		{"a descriptor that is being left", read, [6]uint64{leavingFD, buf, 10}},
		{"a file without contents", read, [6]uint64{silentFD, buf, 10}},
		{"another call", unix.SYS_FSYNC, [6]uint64{virtualFD}},
	} {
		add(q.name, q.nr, q.args, walk{result: ebadf, before: at(0)})
	}
	add("a negative length", read, [6]uint64{virtualFD, buf, 1 << 63}, walk{result: ebadf, before: at(0)})
	add("a negative position", pread, [6]uint64{virtualFD, buf, 1, 1 << 63}, walk{result: einval, before: at(0)})
	add("to nowhere", read, [6]uint64{virtualFD, 8, 1}, walk{result: ebadf, before: at(0)})
	add("to the kernel", read, [6]uint64{virtualFD, 1 << 63, 1}, walk{result: ebadf, before: at(0)})
	add("a position far away", read, [6]uint64{virtualFD, buf, 1}, walk{result: ebadf, before: at(far), after: then("", far)})
	add("not virtual", read, [6]uint64{realFD, buf, 1}, walk{result: ebadf, before: at(0)})
	add("no files", read, [6]uint64{virtualFD, buf, 1}, walk{result: ebadf,
		before: func(p *stepped) { poke(p.slot.mem, areaFiles, 0) }, after: func(p *stepped) { p.slot.Use(d) }})
	add("closed and opened anew", pread, [6]uint64{virtualFD, buf, 1, 0}, walk{result: ebadf, before: at(0), meddle: func(p *stepped, ip uint64) {
		if ip == atFileSwapped.address() {
			p.t.Error("it has been exchanged")
		}
		word := peek(p.files.tables.mem, positionsOff+8*file.index)
		if ip > atFileArgs.address()+40 && ip < atFileSwapped.address() && word>>positionBits == 1 {
			poke(p.files.tables.mem, positionsOff+8*file.index, word+2<<positionBits)
		}
	}, after: func(p *stepped) {
		word := peek(p.files.tables.mem, positionsOff+8*file.index)
		poke(p.files.tables.mem, positionsOff+8*file.index, word&positionMask|1<<positionBits)
	}})

	lseek := unix.SYS_LSEEK
	for _, s := range []struct {
		off    int64
		whence uint64
		pos    int64
	}{{3, 0, 3}, {3, 1, 13}, {-3, 1, 7}, {0, 1, 10}, {-5, 2, int64(len(fileText) - 5)}, {100, 2, int64(len(fileText) + 100)}, {positionMask, 0, positionMask}} {
		add("lseek", lseek, [6]uint64{virtualFD, uint64(s.off), s.whence}, walk{result: s.pos, before: at(10), after: then("", s.pos)})
	}
	add("lseek before the beginning", lseek, [6]uint64{virtualFD, ^uint64(10), 1}, walk{result: ebadf, before: at(10), after: then("", 10)})
	add("lseek far away", lseek, [6]uint64{virtualFD, far}, walk{result: ebadf, before: at(10), after: then("", 10)})
	add("lseek to data", lseek, [6]uint64{virtualFD, 0, 3}, walk{result: ebadf, before: at(10), after: then("", 10)})

	stat := string(bytes.Repeat([]byte{7}, statSize))
	fstat, statAt := unix.SYS_FSTAT, unix.SYS_NEWFSTATAT
	p.write(path, []byte("\x00x\x00"))
	add("fstat", fstat, [6]uint64{virtualFD, buf}, walk{before: at(1), after: then(stat, 1)})
	add("fstatat", statAt, [6]uint64{virtualFD, path, buf, atEmptyPath}, walk{before: at(1), after: then(stat, 1)})
	add("fstatat of a path", statAt, [6]uint64{virtualFD, path + 1, buf, atEmptyPath}, walk{result: ebadf, before: at(1)})
	add("fstatat with other flags", statAt, [6]uint64{virtualFD, path, buf, atEmptyPath | 0x100}, walk{result: ebadf, before: at(1)})
	add("fstatat of no path", statAt, [6]uint64{virtualFD, 8, buf, atEmptyPath}, walk{result: efault, before: at(1)})
	add("fstatat of the kernel's", statAt, [6]uint64{virtualFD, 1 << 63, buf, atEmptyPath}, walk{result: efault, before: at(1)})
	add("fstatat beneath", statAt, [6]uint64{virtualFD, path + 1, buf}, walk{result: ebadf, before: at(1)})
	add("statx beneath", unix.SYS_STATX, [6]uint64{virtualFD, path + 1, 0, 0x7ff, buf}, walk{result: ebadf, before: at(1)})
	add("statx", unix.SYS_STATX, [6]uint64{virtualFD, path, atEmptyPath, 0x7ff, buf}, walk{result: ebadf, before: at(1)})

	poll := unix.SYS_POLL
	entries := func(list ...uint64) func(*stepped) {
		return func(p *stepped) {
			var b []byte
			for _, fd := range list {
				b = le.AppendUint16(le.AppendUint16(le.AppendUint32(b, uint32(fd)), unix.POLLIN), 0xffff)
			}
			p.write(polls, b)
		}
	}
	polled := func(list ...uint16) func(*stepped) {
		return func(p *stepped) {
			b := make([]byte, 8*len(list))
			if _, err := p.mem.ReadAt(b, polls); err != nil {
				p.t.Error(err)
			}
			for i, want := range list {
				if got := le.Uint16(b[8*i+6:]); got != want {
					p.t.Errorf("descriptor %d of those polled: %#x, want %#x", i, got, want)
				}
			}
		}
	}
	const none = 1<<32 - 1
	for _, q := range []struct {
		name string
		args [6]uint64
		want int64
		fds  []uint64
		got  []uint16
	}{
		{"poll", [6]uint64{polls, 3, none}, 1, []uint64{silentFD, virtualFD, none}, []uint16{0, unix.POLLIN, 0}},
		{"poll in vain", [6]uint64{polls, 2}, 0, []uint64{silentFD, silentFD}, []uint16{0, 0}},
		{"poll that waits", [6]uint64{polls, 1, 1}, 1, []uint64{silentFD}, []uint16{unix.POLLNVAL}},
		{"poll of what is real", [6]uint64{polls, 2}, 2, []uint64{virtualFD, realFD}, []uint16{unix.POLLNVAL, unix.POLLNVAL}},
		{"poll of what is not known", [6]uint64{polls, 2}, 2, []uint64{virtualFD, 960}, []uint16{unix.POLLNVAL, unix.POLLNVAL}},
		{"poll of what was asked for", [6]uint64{polls, 2}, 2, []uint64{virtualFD, askedFD}, []uint16{unix.POLLNVAL, unix.POLLNVAL}},
		{"poll of a large number", [6]uint64{polls, 1}, 1, []uint64{5000}, []uint16{unix.POLLNVAL}},
		{"poll of what is being left", [6]uint64{polls, 1}, 1, []uint64{leavingFD}, []uint16{unix.POLLNVAL}},
		{"poll of nothing", [6]uint64{polls, 0}, 0, nil, nil},
		{"poll of much", [6]uint64{polls, 65}, -1, nil, nil},
		{"poll nowhere", [6]uint64{8, 1}, efault, nil, nil},
		{"poll the kernel", [6]uint64{1 << 63, 1}, efault, nil, nil},
	} {
		add(q.name, poll, q.args, walk{service: Poll, result: q.want, before: entries(q.fds...), after: polled(q.got...)})
	}
	add("poll without files", poll, [6]uint64{polls, 0}, walk{service: Poll,
		before: func(p *stepped) { poke(p.slot.mem, areaFiles, 0) }, after: func(p *stepped) { p.slot.Use(d) }})

	// Whatever interrupts it, nobody is left leaving.
	leaves := func(fd int, begins uint64) walk {
		var was Glance
		return walk{service: Leave, result: ebadf, before: func(*stepped) { was, _ = d.Look(fd) }, after: func(p *stepped) {
			now, ok := d.Look(fd)
			if !ok || now.was != (was.was>>32+begins<<leavingBits)<<32 {
				p.t.Errorf("the entry is %#x after %#x", now.was, was.was)
			}
		}}
	}
	add("close", unix.SYS_CLOSE, [6]uint64{970}, leaves(970, 1))
	add("dup2", unix.SYS_DUP2, [6]uint64{971, 972}, leaves(972, 1))
	add("dup3", unix.SYS_DUP3, [6]uint64{971, 972}, leaves(972, 1))
	add("close a large number", unix.SYS_CLOSE, [6]uint64{5000}, walk{service: Leave, result: ebadf})
	add("close without files", unix.SYS_CLOSE, [6]uint64{970}, walk{service: Leave, result: ebadf,
		before: func(p *stepped) { poke(p.slot.mem, areaFiles, 0) }, after: func(p *stepped) { p.slot.Use(d) }})
	return walks
}

// position returns the file's position.
func (f *File) position() int64 {
	pos := f.Take()
	f.Put(pos)
	return pos
}
