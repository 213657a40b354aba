package decode

// The device mapper (linux/dm-ioctl.h): all requests have a struct dm_ioctl, behind which is
// more, at places that the program says.

func init() { ioctlFamilies = append(ioctlFamilies, mapperRequests) }

// A mapperRequest says which members of struct dm_ioctl a request uses.
type mapperRequest struct {
	data     bool // data_start
	nameless bool // no device is named
	targets  bool // how many the program gives
	event    bool // the number of an event the program gives
	counts   bool // numbers that the kernel gives
	before   func(e *Event, m *mapperBlock)
	after    func(e *Event, m *mapperBlock)
}

var mapperCalls = map[uint64]mapperRequest{
	0xc138fd00: {},                                                                      // DM_VERSION
	0xc138fd01: {nameless: true},                                                        // DM_REMOVE_ALL
	0xc138fd02: {nameless: true, data: true, after: (*Event).mapperNames},               // DM_LIST_DEVICES
	0xc138fd03: {counts: true},                                                          // DM_DEV_CREATE
	0xc138fd04: {event: true},                                                           // DM_DEV_REMOVE
	0xc138fd05: {data: true, event: true, counts: true, before: (*Event).mapperText},    // DM_DEV_RENAME
	0xc138fd06: {event: true, counts: true},                                             // DM_DEV_SUSPEND
	0xc138fd07: {counts: true},                                                          // DM_DEV_STATUS
	0xc138fd08: {data: true, event: true, counts: true, after: mapperTargets(true)},     // DM_DEV_WAIT
	0xc138fd09: {data: true, targets: true, counts: true, before: mapperTargets(false)}, // DM_TABLE_LOAD
	0xc138fd0a: {counts: true},                                                          // DM_TABLE_CLEAR
	0xc138fd0b: {data: true, counts: true, after: (*Event).mapperDeps},                  // DM_TABLE_DEPS
	0xc138fd0c: {data: true, counts: true, after: mapperTargets(true)},                  // DM_TABLE_STATUS
	0xc138fd0d: {nameless: true, data: true, after: (*Event).mapperVersions},            // DM_LIST_VERSIONS
	0xc138fd0e: {data: true, counts: true, before: (*Event).mapperMessage},              // DM_TARGET_MSG
	0xc138fd0f: {data: true, before: (*Event).mapperText},                               // DM_DEV_SET_GEOMETRY
	0xc138fd10: {},                                                                      // DM_DEV_ARM_POLL
}

const (
	mapperSizeAt     = 12  // where data_size is
	mapperLeast      = 305 // of struct dm_ioctl up to its data
	mapperVersion    = 4   // DM_VERSION_MAJOR
	mapperSuspend    = 2   // DM_SUSPEND_FLAG
	mapperDevSuspend = 0xc138fd06
)

func mapperRequests(t ioctlTable) {
	for code, q := range mapperCalls {
		t[code] = ioctlArg{kind: ioctlOwn, entry: func(e *Event) {
			b := e.readAll(e.args[2], mapperLeast)
			if b == nil || le.Uint32(b[mapperSizeAt:]) < mapperSizeAt {
				e.emitAddr("", e.args[2], true)
				return
			}
			e.later(2)
			e.partial = true
			defer e.close(e.begin("", Change))
			e.mapper(b, &q)
		}, exit: func(e *Event) {
			if e.arg(2).Kind != Change || !e.good() {
				return
			}
			defer e.close(e.reopen())
			if b := e.readAll(e.args[2], mapperLeast); b != nil {
				e.mapper(b, &q)
			} else {
				e.emitAddr("", e.args[2], true)
			}
		}}
	}
}

// A mapperBlock is what is behind a struct dm_ioctl: size bytes from addr, the struct among
// them, of which those from start on are data.
type mapperBlock struct {
	addr, size, start uint64
	targets           uint64
}

// holds reports whether n bytes at off are in the block.
func (m *mapperBlock) holds(off, n uint64) bool { return off+n <= m.size && off+n >= off }

// mapper emits struct dm_ioctl and its data, in an array.
func (e *Event) mapper(b []byte, q *mapperRequest) {
	r := e.reader(b, e.args[2])
	defer e.close(e.begin("", Array))
	m, ok := e.mapperHeader(r, q)
	more := q.before
	if e.done {
		more = q.after
	}
	if !ok || more == nil {
		return
	}
	if q.targets && m.targets == 0 {
		return
	}
	if !e.opts.Verbose {
		e.cut()
		return
	}
	more(e, &m)
}

func (e *Event) mapperHeader(r *reader, q *mapperRequest) (m mapperBlock, ok bool) {
	defer e.close(e.begin("", Struct))
	version := r.at(0).u32()
	r.at(0)
	if version != mapperVersion {
		defer e.close(e.open(Value{Name: "version", Kind: Noted, Whole: true}))
		e.numbers("", Uint, 4, r, 3)
		e.emit(Value{Kind: Symbol, Symbol: "unsupported device mapper ABI version"})
		return m, false
	}
	e.numbers("version", Uint, 4, r, 3)
	m.addr, m.size, m.start = e.args[2], r.u32(), r.u32()
	if m.size < mapperLeast {
		outer := e.open(Value{Name: "data_size", Kind: Noted, Whole: true})
		e.num("", Uint, 32, m.size)
		e.emit(Value{Kind: Symbol, Symbol: "data_size too small"})
		e.close(outer)
		return m, false
	}
	e.num("data_size", Uint, 32, m.size)
	if q.data {
		e.num("data_start", Uint, 32, m.start)
	}
	m.targets = r.u32()
	opened, flags, event := r.u32(), r.u32(), r.u32()
	dev, name, uuid := r.at(40).u64(), r.bytes(128), r.bytes(129)
	if !q.nameless {
		if dev != 0 {
			e.num("dev", Dev, 64, dev)
		}
		if name[0] != 0 {
			e.fixedText("name", name)
		}
		if uuid[0] != 0 {
			e.fixedText("uuid", uuid)
		}
	}
	switch {
	case e.done && q.counts:
		e.num("target_count", Uint, 32, m.targets)
		e.num("open_count", Int, 32, opened)
		e.num("event_nr", Uint, 32, event)
	case e.done:
	case q.targets:
		e.num("target_count", Uint, 32, m.targets)
	case q.event && !(e.args[1] == mapperDevSuspend && flags&mapperSuspend != 0):
		e.num("event_nr", Uint, 32, event)
	}
	e.flags("flags", 32, flags, SetByName("dm_flags"))
	return m, true
}

// misplaced emits that something is where it cannot be.
func (e *Event) misplaced(what string) {
	outer := e.open(Value{Kind: Noted, Whole: true})
	e.emit(unknownText)
	e.emit(Value{Kind: Symbol, Symbol: "misplaced " + what})
	e.close(outer)
}

// mapperTail emits the string that takes the rest of the block, from off on.
func (e *Event) mapperTail(name string, m *mapperBlock, off uint64) {
	n := clamp(m.size-min(off, m.size), e.opts.StringLimit)
	s, ok := e.readTextUpTo(m.addr+off, n)
	if !ok {
		e.emitAddr(name, m.addr+off, true)
		return
	}
	e.bytes(name, m.addr+off, s, uint64(len(s)), n > 0 && len(s) == n)
}

// mapperList emits a chain of structs of size bytes: each says where the next one is, what
// returns it; 0 ends the chain.
func (e *Event) mapperList(m *mapperBlock, what string, size uint64, one func(r *reader, off uint64) (next uint64)) {
	off := m.start
	for i := 0; ; i++ {
		if !m.holds(off, size) {
			e.misplaced(what)
			return
		}
		if i >= e.opts.StringLimit {
			e.cut()
			return
		}
		b := e.readAll(m.addr+off, int(size))
		if b == nil {
			e.emitAddr("", m.addr+off, true)
			return
		}
		next := one(e.reader(b, m.addr+off), off)
		if next <= off {
			if next == off {
				return
			}
			e.misplaced(what)
			return
		}
		off = next
	}
}

// mapperTargets emits as many targets as there are. Where the kernel gives them, the next is so
// many bytes from where the data starts, else from the one before.
func mapperTargets(status bool) func(e *Event, m *mapperBlock) {
	const size, what = 40, "struct dm_target_spec"
	return func(e *Event, m *mapperBlock) {
		for i, off, last := uint64(0), m.start, uint64(0); i < m.targets; i++ {
			if !m.holds(off, size) || off <= last {
				e.misplaced(what)
				return
			}
			if i >= uint64(e.opts.StringLimit) {
				e.cut()
				return
			}
			b := e.readAll(m.addr+off, size)
			if b == nil {
				e.emitAddr("", m.addr+off, true)
				return
			}
			r := e.reader(b, 0)
			outer := e.begin("", Struct)
			e.num("sector_start", Uint, 64, r.u64())
			e.num("length", Uint, 64, r.u64())
			state, next := r.u32(), r.u32()
			if status {
				e.num("status", Int, 32, state)
			}
			e.fixedText("target_type", r.bytes(16))
			e.mapperTail("string", m, off+size)
			e.close(outer)
			last = off
			if status {
				off = m.start + next
			} else {
				off += next
			}
		}
	}
}

func (e *Event) mapperNames(m *mapperBlock) {
	e.mapperList(m, "struct dm_name_list", 16, func(r *reader, off uint64) uint64 {
		defer e.close(e.begin("", Struct))
		e.num("dev", Dev, 64, r.u64())
		next := r.u32()
		e.mapperTail("name", m, off+12)
		return off + next
	})
}

func (e *Event) mapperVersions(m *mapperBlock) {
	e.mapperList(m, "struct dm_target_versions", 16, func(r *reader, off uint64) uint64 {
		defer e.close(e.begin("", Struct))
		next := r.u32()
		e.mapperTail("name", m, off+16)
		e.numbers("version", Uint, 4, r, 3)
		return off + next
	})
}

// mapperHead reads the struct with which the data begin. It returns nil if that is not there,
// which is told then.
func (e *Event) mapperHead(m *mapperBlock, size uint64, what string) []byte {
	if !m.holds(m.start, size) {
		e.misplaced(what)
		return nil
	}
	b := e.readAll(m.addr+m.start, int(size))
	if b == nil {
		e.emitAddr("", m.addr+m.start, true)
	}
	return b
}

func (e *Event) mapperDeps(m *mapperBlock) {
	const size, what = 8, "struct dm_target_deps"
	b := e.mapperHead(m, size, what)
	if b == nil {
		return
	}
	n := uint64(le.Uint32(b))
	if !m.holds(m.start+size, n*8) {
		e.misplaced(what)
		return
	}
	defer e.close(e.begin("", Struct))
	e.num("count", Uint, 32, n)
	e.emitArray("deps", mapperDep, m.addr+m.start+size, n)
}

var mapperDep = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) { e.num(name, Dev, 64, r.u64()) }}

func (e *Event) mapperMessage(m *mapperBlock) {
	const size = 8
	b := e.mapperHead(m, size, "struct dm_target_msg")
	if b == nil {
		return
	}
	defer e.close(e.begin("", Struct))
	e.num("sector", Uint, 64, le.Uint64(b))
	e.mapperTail("message", m, m.start+size)
}

func (e *Event) mapperText(m *mapperBlock) {
	if m.start > m.size {
		e.misplaced("string")
		return
	}
	defer e.close(e.begin("", Struct))
	e.mapperTail("string", m, m.start)
}
