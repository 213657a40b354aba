package decode

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/k42trace/k42trace/table"
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

// narrowSet has the names of i386's requests. Where the set ioctl_cmd_i386 has one, there are
// several names, or the numbers of all are given there.
var narrowSet = sync.OnceValue(func() *ConstSet {
	all, given := SetByName("ioctl_cmd"), SetByName("ioctl_cmd_i386")
	changed, settled := map[string]bool{}, map[uint64]bool{}
	for _, r := range allNarrow() {
		changed[r.name] = true
	}
	for _, c := range given.Consts {
		settled[c.Value] = true
		for _, name := range strings.Split(c.Name, or) {
			changed[name] = !strings.Contains(name, "(") // those that have a number in them have all numbers
		}
	}
	s := &ConstSet{Name: all.Name, Prefix: all.Prefix, Consts: slices.Clone(given.Consts)}
	add := func(name string, value uint64) {
		if name != "" && !settled[value] {
			s.Consts = append(s.Consts, Const{Name: name, Value: value})
		}
	}
	// First those that have the number everywhere: of two names theirs counts (FS_IOC32_GETFLAGS).
	for _, c := range all.Consts {
		names := slices.DeleteFunc(strings.Split(c.Name, or), func(name string) bool { return changed[name] })
		add(strings.Join(names, or), c.Value)
	}
	for _, r := range allNarrow() {
		add(r.name, r.narrow)
	}
	slices.SortStableFunc(s.Consts, func(a, b Const) int { return cmp.Compare(a.Value, b.Value) })
	return s
})

// or stands between the names of one number.
const or = " or "

// requestOf returns the number by which ioctlArgs knows the request that n is in an ABI: x86-64's,
// or its own. It is 0 for a number that means something to other ABIs only.
func requestOf(abi table.ABI, n uint64) uint64 {
	name := SetByName("ioctl_cmd").name(n)
	if abi != table.I386 {
		if name == "" && narrowSet().name(n) != "" {
			return 0
		}
		return n
	}
	narrow := narrowSet().name(n)
	if name == narrow || name != "" && strings.Contains(narrow, name) || eitherFlags(n) {
		return n
	}
	if _, own := ioctlArgs()[n]; own && name == "" {
		return n
	}
	if wide, ok := wideRequests()[n]; ok {
		return wide
	}
	if narrow == "" {
		return 0
	}
	return n
}

// eitherFlags tells of requests about a file's flags that i386 may make by x86-64's numbers.
func eitherFlags(n uint64) bool { return n == 0x80086601 || n == 0x40086602 }

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
