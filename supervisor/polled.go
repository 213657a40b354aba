package supervisor

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
)

// A pollKind is how a call says of which descriptors it wants to know whether they are ready.
type pollKind uint8

const (
	noPoll   pollKind = iota
	pollList          // struct pollfd (poll(2))
	pollSets          // fd_set (select(2))
)

var polls = byNumber(map[string]pollKind{
	"poll": pollList, "ppoll": pollList, "select": pollSets, "pselect6": pollSets,
})

// pollOf returns the kind of the native calls of a number, which are answered in the
// program without having a handler.
func pollOf(nr int) pollKind {
	if !execso.Servable(nr, execso.Poll) {
		return noPoll
	}
	return polls.of(ptrace.NativeABI, nr)
}

// learnPolled finds out what the descriptors are about which the thread asks by a call of a
// kind, where nothing is known of them.
func (t *Thread) learnPolled(kind pollKind, args [6]uint64) {
	r := t.loop.direct.resident
	if r == nil {
		return
	}
	each := t.eachInList
	if kind == pollSets {
		each = t.eachInSets
	}
	each(args, func(fd int) {
		glance, ok := t.files.known.Look(fd)
		if !ok || !glance.Unknown() {
			return
		}
		if k, open := r.Identify(&t.call, fd); !t.note(glance, k, open) {
			glance.NoteAsked()
		}
	})
}

func (t *Thread) eachInList(args [6]uint64, f func(fd int)) {
	const size = 8 // of struct pollfd
	b := make([]byte, size*min(uint64(uint32(args[1])), execso.MaxPolled))
	n, _ := t.ReadMemory(args[0], b)
	for ; n >= size; n, b = n-size, b[size:] {
		f(int(int32(binary.NativeEndian.Uint32(b))))
	}
}

func (t *Thread) eachInSets(args [6]uint64, f func(fd int)) {
	const word = 8
	count := min(int64(int32(args[0])), execso.MaxDescriptors)
	var chosen [execso.MaxDescriptors / 64]uint64
	b := make([]byte, word*((max(count, 0)+63)/64))
	for _, set := range args[1:4] {
		if set == 0 {
			continue
		}
		n, _ := t.ReadMemory(set, b)
		for at := 0; at+word <= n; at += word {
			chosen[at/word] |= binary.NativeEndian.Uint64(b[at:])
		}
	}
	for i, w := range chosen {
		for ; w != 0; w &= w - 1 {
			if fd := 64*i + bits.TrailingZeros64(w); fd < int(count) {
				f(fd)
			}
		}
	}
}

// store writes what the thread was about to write when it was stopped in select or ppoll, and
// returns the errno of the call if that cannot be.
func (t *Thread) store(list []execso.Output) unix.Errno {
	for _, o := range list {
		if n, err := t.WriteMemory(o.Addr, o.Data); (err != nil || n < len(o.Data)) && !o.Optional {
			return unix.EFAULT
		}
	}
	return 0
}
