package execso

import (
	"fmt"
	"strings"
)

// Names of descriptors. Whoever wants to know what a descriptor is called has to ask before
// others can be there under its number, and the supervisor comes too late for a call that is
// recorded. So the thread asks itself, by a readlink(2) of the descriptor's link in /proc,
// which it makes from the site of the call that has returned just now. The filter must
// exempt that number. Where the answer would not be what the supervisor would get, the
// thread stops for help.

// A Naming says what is done about the names of what calls of open(2) and the like return,
// and of what others rename and remove.
type Naming uint64

const (
	// NamesUnwanted records them as all other calls.
	NamesUnwanted Naming = iota
	// NamesAsked makes the thread stop for help when such a call has returned.
	NamesAsked
	// NamesRead makes it read the name, and stop for help only if it cannot, or if a call
	// renames or removes something by a path with a slash.
	NamesRead
	// FilesRead is NamesRead for what fstat(2) tells as well, but makes it stop for
	// sockets, of which the supervisor knows more.
	FilesRead
)

// For the assembly.
//
//lint:ignore U1000 go_asm.h has it
const namesRead = uint64(NamesRead)

// Opened is what a new descriptor stands for.
type Opened struct {
	Name           []byte // what readlink(2) says of its link in /proc
	Known          bool   // the rest is there: FilesRead
	Dev, Ino, Rdev uint64 // as stat(2) tells them
	Mode           uint32
}

// put takes what is captured of the descriptor.
func (f *Opened) put(c *Captured) (ok bool) {
	switch {
	case c.Arg == nameArg:
		f.Name = c.Data
	case len(c.Data) != statSize:
		return false
	default:
		f.Known, f.Mode = true, le.Uint32(c.Data[24:]) // asm/stat.h
		f.Dev, f.Ino, f.Rdev = le.Uint64(c.Data), le.Uint64(c.Data[8:]), le.Uint64(c.Data[40:])
	}
	return true
}

// SetNames says what the thread does about names. tid is its id, in its /proc, for
// NamesRead and FilesRead.
func (s *Slot) SetNames(n Naming, tid int) {
	if s.index == 0 || s.freed {
		return
	}
	link := fmt.Sprintf("/proc/%d/fd/", tid)
	if n >= NamesRead {
		padded := link + strings.Repeat("\x00", areaLinkEnd-areaLink-len(link))
		copy(s.mem[areaLink:areaLinkEnd], padded)
		poke(s.mem, areaPrefix, uint64(len(link)))
	}
	poke(s.mem, areaNames, uint64(n))
}

// Naming reports whether the thread is asking for a name: the last call that it has been
// asked to make has returned, and what it does in the kernel is ours.
func (s *Slot) Naming() bool { return s.index != 0 && !s.freed && peek(s.mem, areaNaming) == 1 }

// Names reports whether the calls of a number can be recorded with the name of the
// descriptor that they return, or the changes of names that they make: SetNames.
func Names(nr int) bool {
	for _, s := range plans()[max(nr, 0)%Numbers] {
		if s.do == stepName || s.do == stepBare {
			return nr >= 0 && nr < Numbers
		}
	}
	return false
}
