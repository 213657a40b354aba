package decode

import (
	"cmp"
	"slices"
	"sync"
)

// A narrowRequest is an ioctl request whose number is another one in i386, as the size of its
// argument is a part of it and depends on that of a long or a pointer.
type narrowRequest struct {
	name         string
	narrow, wide uint64
}

// literalRequests are those whose values sets.txt has, and those with a time: the C library's
// headers know i386's old one, which the kernel calls TIME32.
var literalRequests = [...]narrowRequest{
	{"BLKTRACESETUP", 0xc0401273, 0xc0481273},
	{"VIDIOC_DQEVENT", 0x80805659, 0x80885659},
	{"VIDIOC_DQEVENT_TIME32", 0x80785659, 0x80805659},
	{"VIDIOC_QUERYBUF", 0xc04c5609, 0xc0585609},
	{"VIDIOC_QUERYBUF_TIME32", 0xc0445609, 0xc0505609},
	{"VIDIOC_QBUF", 0xc04c560f, 0xc058560f},
	{"VIDIOC_QBUF_TIME32", 0xc044560f, 0xc050560f},
	{"VIDIOC_DQBUF", 0xc04c5611, 0xc0585611},
	{"VIDIOC_DQBUF_TIME32", 0xc0445611, 0xc0505611},
	{"VIDIOC_PREPARE_BUF", 0xc04c565d, 0xc058565d},
	{"VIDIOC_PREPARE_BUF_TIME32", 0xc044565d, 0xc050565d},
}

// allNarrow are requests32 and these, which replace those of the same name.
var allNarrow = sync.OnceValue(func() []narrowRequest {
	all := literalRequests[:]
	for _, r := range requests32 {
		if !slices.ContainsFunc(literalRequests[:], func(l narrowRequest) bool { return l.name == r.name }) {
			all = append(all, r)
		}
	}
	return all
})

// sharedRequests are the names of numbers that two requests have in i386 alone.
var sharedRequests = map[uint64]string{0xc0104d08: "MEMGETREGIONINFO or MTRRIOC_GET_PAGE_ENTRY"}

// narrowSet has the names of i386's requests.
var narrowSet = sync.OnceValue(func() *ConstSet {
	all := SetByName("ioctl_cmd")
	changed := map[string]bool{}
	for _, r := range allNarrow() {
		changed[r.name] = true
	}
	s := &ConstSet{Name: all.Name, Prefix: all.Prefix}
	add := func(name string, value uint64) {
		if shared := sharedRequests[value]; shared != "" {
			name = shared
		}
		s.Consts = append(s.Consts, Const{Name: name, Value: value})
	}
	// First those that have the number everywhere: of two names theirs counts (FS_IOC32_GETFLAGS).
	for _, c := range all.Consts {
		if !changed[c.Name] {
			add(c.Name, c.Value)
		}
	}
	for _, r := range allNarrow() {
		add(r.name, r.narrow)
	}
	slices.SortStableFunc(s.Consts, func(a, b Const) int { return cmp.Compare(a.Value, b.Value) })
	return s
})

// wideRequests are x86-64's numbers, by those of i386.
var wideRequests = sync.OnceValue(func() map[uint64]uint64 {
	m := make(map[uint64]uint64, len(allNarrow()))
	for _, r := range allNarrow() {
		if _, ok := m[r.narrow]; !ok {
			m[r.narrow] = r.wide
		}
	}
	return m
})
