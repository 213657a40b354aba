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
	urgentFD  = 955 // tells of POLLPRI and POLLHUP
	lowFD     = 60  // as virtualFD
	fileText  = "The contents of a virtual file, of more than sixty-four bytes and a few."
)

// keep gives a stepped process its files.
func (p *stepped) keep() (file *File, d *Descriptors) {
	stat, statx := bytes.Repeat([]byte{7}, statSize), bytes.Repeat([]byte{9}, statxSize)
	file = p.NewFile(table.KeptFile{Contents: []byte(fileText), Stat: stat, Statx: statx, Events: unix.POLLIN | unix.POLLOUT})
	file.Load()
	silent := p.NewFile(table.KeptFile{})
	urgent := p.NewFile(table.KeptFile{Events: unix.POLLPRI | unix.POLLHUP})
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
	know(urgentFD, urgent)
	know(lowFD, file)
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
	add("pread behind the end", pread, [6]uint64{virtualFD, buf, 10, 1 << 39}, walk{before: at(1), after: then("", 1)})
	for i, args := range [][6]uint64{{virtualFD, buf, 10, 1 << 40}, {virtualFD, buf, 1 << 47}, {virtualFD, buf, 1<<47 - buf}, {virtualFD, 1<<47 - 0x1000, 1}} {
		add("pread too far", pread, args, walk{result: ebadf, before: at(int64(i))})
	}
	add("preadv too far", unix.SYS_PREADV, [6]uint64{virtualFD, dataAt + 0x600, 1, 1 << 40}, walk{result: ebadf, before: func(p *stepped) {
		p.write(dataAt+0x600, le.AppendUint64(le.AppendUint64(nil, buf), 1))
	}})
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
	// Between two instructions the descriptor is closed, and its record becomes another file's.
	replaced := func(from, to label) func(*stepped, uint64) {
		return func(p *stepped, ip uint64) {
			if at := *d.entry(virtualFD); ip >= from.address() && ip < to.address() && uint32(at) == uint32(file.address()) {
				d.Leave(virtualFD)
				d.Left(virtualFD)
				poke(p.files.tables.mem, positionsOff+8*file.index, file.generation+1<<positionBits)
			}
		}
	}
	again := func(p *stepped) {
		g, _ := d.Look(virtualFD)
		g.Note(file)
		at(0)(p)
	}
	for name, nr := range map[string]int{"read": read, "pread": pread} {
		add(name+" of another's record", nr, [6]uint64{virtualFD, buf, 10}, walk{result: ebadf, before: at(0), meddle: replaced(atFileArgs, atFileSwapped),
			after: func(p *stepped) {
				got := make([]byte, 10)
				if _, err := p.mem.ReadAt(got, buf); err != nil || string(got) != string(make([]byte, 10)) {
					p.t.Errorf("%q has been read of another file", got)
				}
				again(p)
			}})
	}
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

	const iov = dataAt + 0x600
	type element struct{ base, size uint64 }
	vector := func(pos int64, list ...element) func(*stepped) {
		return func(p *stepped) {
			at(pos)(p)
			var b []byte
			for _, e := range list {
				b = le.AppendUint64(le.AppendUint64(b, e.base), e.size)
			}
			p.write(iov, b)
		}
	}
	parts := []element{{buf, 3}, {0, 0}, {buf + 3, 40}, {buf + 43, 1}, {buf + 44, 100}}
	const readv, preadv, preadv2 = unix.SYS_READV, unix.SYS_PREADV, unix.SYS_PREADV2
	for n := range len(parts) {
		size := 0
		for _, e := range parts[:n+1] {
			size += int(e.size)
		}
		part := fileText[:min(size, len(fileText))]
		got, count := int64(len(part)), uint64(n+1)
		add("readv", readv, [6]uint64{virtualFD, iov, count}, walk{result: got, before: vector(0, parts...), after: then(part, got)})
		add("preadv", preadv, [6]uint64{virtualFD, iov, count, 0, 7}, walk{result: got, before: vector(5, parts...), after: then(part, 5)})
		add("preadv2", preadv2, [6]uint64{virtualFD, iov, count}, walk{result: got, before: vector(5, parts...), after: then(part, 5)})
	}
	add("readv behind the end", readv, [6]uint64{virtualFD, iov, 5}, walk{before: vector(1000, parts...), after: then("", 1000)})
	add("readv of nothing", readv, [6]uint64{virtualFD, iov, 2}, walk{before: vector(3, element{}, element{}), after: then("", 3)})
	add("preadv2 with flags", preadv2, [6]uint64{virtualFD, iov, 1, 0, 0, 1}, walk{result: ebadf, before: vector(3, parts...)})
	add("preadv2 at the position", preadv2, [6]uint64{virtualFD, iov, 1, ^uint64(0)}, walk{result: ebadf, before: vector(3, parts...)})
	add("preadv before the beginning", preadv, [6]uint64{virtualFD, iov, 1, 1 << 63}, walk{result: einval, before: vector(3, parts...)})
	for _, q := range []struct {
		name string
		args [6]uint64
		list []element
	}{
		{"an empty vector", [6]uint64{virtualFD, iov}, nil},
		{"a long vector", [6]uint64{virtualFD, iov, 1025}, nil},
		{"a vector nowhere", [6]uint64{virtualFD, 8, 1}, nil},
		{"the kernel's vector", [6]uint64{virtualFD, 1 << 63, 1}, nil},
		{"a vector with a negative size", [6]uint64{virtualFD, iov, 2}, []element{{buf, 1}, {buf, 1 << 63}}},
		{"a vector that leads nowhere", [6]uint64{virtualFD, iov, 2}, []element{{buf, 1}, {8, 1}}},
		{"a vector that leads to the kernel", [6]uint64{virtualFD, iov, 2}, []element{{buf, 1}, {1 << 63, 0}}},
		{"a vector that reaches the kernel", [6]uint64{virtualFD, iov, 2}, []element{{buf, 1}, {buf, 1 << 47}}},
	} {
		add(q.name, readv, q.args, walk{result: ebadf, before: vector(2, q.list...), after: func(p *stepped) {
			if got := file.position(); got != 2 {
				p.t.Errorf("%s: the position is %d", q.name, got)
			}
		}})
	}
	add("a vector that another thread makes shorter", readv, [6]uint64{virtualFD, iov, 2}, walk{result: ebadf, before: func(p *stepped) {
		poke(p.slot.mem, areaLeft, 0)
		vector(2, parts[0], parts[2])(p)
	},
		meddle: func(p *stepped, ip uint64) {
			if ip > atFileArgs.address() && peek(p.slot.mem, areaResult) == 43 && peek(p.slot.mem, areaLeft) == 40 {
				vector(2, parts[0], parts[1])(p)
			}
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
	statx := string(bytes.Repeat([]byte{9}, statxSize))
	xstat := func(name string, path, flags, mask, buf uint64, result int64, after func(*stepped)) {
		add("statx"+name, unix.SYS_STATX, [6]uint64{virtualFD, path, flags, mask, buf}, walk{result: result, before: at(1), after: after})
	}
	xstat("", path, atEmptyPath, 0x7ff, buf, 0, then(statx, 1))
	xstat(" with harmless flags", path, atEmptyPath|atHarmless, 0, buf, 0, then(statx, 1))
	xstat(" with other flags", path, atEmptyPath|0x2000, 0, buf, ebadf, nil)
	xstat(" of what is reserved", path, atEmptyPath, 1<<31, buf, einval, nil)
	xstat(" of a path", path+1, atEmptyPath, 0x7ff, buf, ebadf, nil)
	xstat(" of no path", 8, atEmptyPath, 0x7ff, buf, efault, nil)
	xstat(" of the kernel's", 1<<63, atEmptyPath, 0x7ff, buf, efault, nil)
	xstat(" to nowhere", path, atEmptyPath, 0x7ff, 8, ebadf, nil)

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
	// ppoll and select: with a time, and with a mask.
	const when, mask, pack, sets = dataAt + 0x640, dataAt + 0x660, dataAt + 0x680, dataAt + 0xb00
	ppoll, sel, psel := unix.SYS_PPOLL, unix.SYS_SELECT, unix.SYS_PSELECT6
	with := func(sec, frac uint64, also ...func(*stepped)) func(*stepped) {
		return func(p *stepped) {
			p.write(when, le.AppendUint64(le.AppendUint64(nil, sec), frac))
			p.write(mask, make([]byte, 8))
			p.write(pack, le.AppendUint64(le.AppendUint64(nil, mask), 8))
			for _, f := range also {
				f(p)
			}
		}
	}
	left := func(sec, frac uint64, also ...func(*stepped)) func(*stepped) {
		return func(p *stepped) {
			b := make([]byte, 16)
			if _, err := p.mem.ReadAt(b, when); err != nil || le.Uint64(b) != sec || le.Uint64(b[8:]) != frac {
				p.t.Errorf("the time that is left is %d and %d, want %d and %d", le.Uint64(b), le.Uint64(b[8:]), sec, frac)
			}
			for _, f := range also {
				f(p)
			}
		}
	}
	three, readable, not := entries(silentFD, virtualFD, none), polled(0, unix.POLLIN, 0), polled(0)
	const second = 1e9
	add("ppoll", ppoll, [6]uint64{polls, 3}, walk{service: Poll, result: 1, before: three, after: readable})
	add("ppoll with a time", ppoll, [6]uint64{polls, 3, when}, walk{service: Poll, result: 1, before: with(5, 7, three), after: left(5, 6, readable)})
	add("ppoll with whole seconds", ppoll, [6]uint64{polls, 3, when, mask, 8}, walk{service: Poll, result: 1, before: with(5, 0, three), after: left(4, second-1, readable)})
	add("ppoll at once", ppoll, [6]uint64{polls, 1, when}, walk{service: Poll, before: with(0, 0, entries(silentFD)), after: left(0, 0, not)})
	add("ppoll at once, with a mask", ppoll, [6]uint64{polls, 1, when, mask, 8}, walk{service: Poll, result: 1, before: with(0, 0, entries(silentFD)),
		after: polled(unix.POLLNVAL)})
	for name, args := range map[string][6]uint64{
		"ppoll with a mask of another size": {polls, 3, 0, mask, 4},
		"ppoll with no mask":                {polls, 3, 0, 8, 8},
		"ppoll with the kernel's mask":      {polls, 3, 0, 1 << 63, 8},
		"ppoll with no time":                {polls, 3, 8},
		"ppoll with the kernel's time":      {polls, 3, 1 << 63},
	} {
		want := efault
		if args[4] == 4 {
			want = einval
		}
		add(name, ppoll, args, walk{service: Poll, result: want, before: with(0, 0, three)})
	}
	add("ppoll with a negative time", ppoll, [6]uint64{polls, 3, when}, walk{service: Poll, result: einval, before: with(1<<63, 0, three)})
	add("ppoll with a negative fraction", ppoll, [6]uint64{polls, 3, when}, walk{service: Poll, result: einval, before: with(0, 1<<63, three)})
	add("ppoll with a large fraction", ppoll, [6]uint64{polls, 3, when}, walk{service: Poll, result: einval, before: with(0, second, three)})

	// Sets of descriptors, behind each other, and what becomes of them.
	choose := func(lists ...[]int) func(*stepped) {
		return func(p *stepped) {
			b := make([]byte, 3*setSize)
			for i, list := range lists {
				for _, fd := range list {
					b[i*setSize+fd/8] |= 1 << (fd % 8)
				}
			}
			p.write(sets, b)
			p.inject(unix.SYS_CLOSE, lowFD) // which other calls may have opened
		}
	}
	chosen := func(lists ...[]int) func(*stepped) {
		return func(p *stepped) {
			got := make([]byte, 3*setSize)
			if _, err := p.mem.ReadAt(got, sets); err != nil {
				p.t.Fatal(err)
			}
			want := make([]byte, 3*setSize)
			for i, list := range lists {
				for _, fd := range list {
					want[i*setSize+fd/8] |= 1 << (fd % 8)
				}
			}
			if !bytes.Equal(got, want) {
				p.t.Errorf("the sets are\n%x, want\n%x", got, want)
			}
		}
	}
	const in, out, ex = sets, sets + setSize, sets + 2*setSize
	all := []int{lowFD, virtualFD, silentFD, urgentFD}
	ready, urgently := []int{lowFD, virtualFD, urgentFD}, []int{urgentFD}
	for name, nr := range map[string]int{"select": sel, "pselect": psel} {
		fraction, tooLarge := uint64(1e6), int64(ebadf)
		if nr == psel {
			fraction, tooLarge = second, einval
		}
		add(name, nr, [6]uint64{1024, in, out, ex}, walk{service: Poll, result: 6, before: choose(all, all, all), after: chosen(ready, ready[:2], urgently)})
		add(name+" of one set", nr, [6]uint64{1024, 0, out}, walk{service: Poll, result: 2, before: choose(all, all, all), after: chosen(all, ready[:2], all)})
		add(name+" of one word", nr, [6]uint64{lowFD + 1, in}, walk{service: Poll, result: 1, before: choose([]int{lowFD, lowFD + 1}), after: chosen([]int{lowFD})})
		add(name+" of all of a word", nr, [6]uint64{64, in}, walk{service: Poll, result: 1, before: choose([]int{lowFD, 64}), after: chosen([]int{lowFD, 64})})
		add(name+" with a time", nr, [6]uint64{1024, in, 0, ex, when}, walk{service: Poll, result: 1, before: with(7, 1, choose(all[2:])),
			after: left(7, 0, chosen(urgently))})
		add(name+" with whole seconds", nr, [6]uint64{1024, in, 0, 0, when}, walk{service: Poll, result: 3, before: with(1, 0, choose(all)),
			after: left(0, fraction-1, chosen(ready))})
		add(name+" at once", nr, [6]uint64{1024, in, 0, 0, when}, walk{service: Poll, before: with(0, 0, choose(all[2:3])), after: left(0, 0, chosen())})
		for _, q := range []struct {
			name string
			fd   int
		}{{" of what is real", realFD}, {" of what is not known", 960}, {" of what was asked for", askedFD}, {" of what is being left", leavingFD}} {
			add(name+q.name, nr, [6]uint64{1024, in}, walk{service: Poll, result: ebadf, before: choose([]int{lowFD, q.fd}), after: chosen([]int{lowFD, q.fd})})
		}
		// The kernel, which has no descriptor of such a number, waits and leaves the set alone.
		add(name+" that waits", nr, [6]uint64{1024, in, 0, 0, when}, walk{service: Poll, before: with(0, 1, choose(all[2:3])), after: left(0, 0, chosen(all[2:3]))})
		add(name+" of nothing", nr, [6]uint64{0, in, out, ex, when}, walk{service: Poll, before: with(0, 0, choose())})
		add(name+" of empty sets", nr, [6]uint64{1024, in, out, ex, when}, walk{service: Poll, before: with(0, 0, choose())})
		add(name+" of many", nr, [6]uint64{1025, in, 0, 0, when}, walk{service: Poll, before: with(0, 0, choose())})
		add(name+" of less", nr, [6]uint64{1 << 31, in, 0, 0, when}, walk{service: Poll, result: einval, before: with(0, 0, choose())})
		for _, q := range [][6]uint64{{1, 8}, {1, 0, 8}, {1, 0, 0, 8}, {1, 1 << 63}, {1, 0, 0, 0, 8}, {1, 0, 0, 0, 1 << 63}} {
			add(name+" nowhere", nr, q, walk{service: Poll, result: efault, before: choose()})
		}
		add(name+" with a negative time", nr, [6]uint64{1024, in, 0, 0, when}, walk{service: Poll, result: einval, before: with(1<<63, 0, choose(all))})
		// A second may be asked for in microseconds; that is the kernel's.
		add(name+" with a large fraction", nr, [6]uint64{1024, in, 0, 0, when}, walk{service: Poll, result: tooLarge, before: with(0, fraction, choose(all))})
	}
	add("pselect with a mask", psel, [6]uint64{1024, in, 0, 0, 0, pack}, walk{service: Poll, result: 3, before: with(0, 0, choose(all)), after: chosen(ready)})
	add("pselect without one", psel, [6]uint64{1024, in, 0, 0, 0, pack}, walk{service: Poll, result: 3,
		before: with(0, 0, choose(all), func(p *stepped) { p.write(pack, make([]byte, 16)) }), after: chosen(ready)})
	add("pselect nowhere with a mask", psel, [6]uint64{1024, in, 0, 0, 0, 8}, walk{service: Poll, result: efault, before: choose(all)})

	for name, nr := range map[string]int{"poll": poll, "select": sel} {
		args, sets := [6]uint64{polls, 1}, entries(virtualFD)
		if nr == sel {
			args, sets = [6]uint64{virtualFD + 1, in, 0, 0, when}, with(0, 0, choose([]int{virtualFD}))
		}
		const unset = 1 << 40
		add(name+" of another's record", nr, args, walk{service: Poll, result: -1, after: again,
			before: func(p *stepped) {
				sets(p)
				poke(p.slot.mem, areaEvents, unset)
			},
			meddle: func(p *stepped, ip uint64) {
				if ip >= atPollStored.address() && ip < atLeaving.address() {
					p.t.Errorf("%s is answered by a record of another file", name)
				}
				if peek(p.slot.mem, areaEvents) != unset {
					replaced(atPollArgs, atPollStored)(p, ip)
				}
			}})
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
