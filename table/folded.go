package table

// i386 has two calls that are many: socketcall(2) and ipc(2), whose first argument says which
// call they stand for. A Set has these apart from the two numbers, so that a name means a call
// whichever way it is made: of calls that have no other number there (accept, recv, semop) as
// of those that have one.

// A Folded names a call that socketcall or ipc stands for, with its first argument. The zero
// Folded names none.
type Folded uint8

const (
	foldedSocket Folded = 0  // and the first argument of socketcall (linux/net.h)
	foldedIPC    Folded = 32 // and that of ipc, without its version (linux/ipc.h)
	numFolded           = 64
)

// folded are the calls, by their Folded. Their classes are those that x86-64's have.
var folded = [numFolded]struct {
	name  string
	class Class
	args  int // of socketcall's: how many lie in memory
}{
	foldedSocket + 1: {name: "socket", args: 3}, foldedSocket + 2: {name: "bind", args: 3}, foldedSocket + 3: {name: "connect", args: 3},
	foldedSocket + 4: {name: "listen", args: 2}, foldedSocket + 5: {name: "accept", args: 3}, foldedSocket + 6: {name: "getsockname", args: 3},
	foldedSocket + 7: {name: "getpeername", args: 3}, foldedSocket + 8: {name: "socketpair", args: 4}, foldedSocket + 9: {name: "send", args: 4},
	foldedSocket + 10: {name: "recv", args: 4}, foldedSocket + 11: {name: "sendto", args: 6}, foldedSocket + 12: {name: "recvfrom", args: 6},
	foldedSocket + 13: {name: "shutdown", args: 2}, foldedSocket + 14: {name: "setsockopt", args: 5}, foldedSocket + 15: {name: "getsockopt", args: 5},
	foldedSocket + 16: {name: "sendmsg", args: 3}, foldedSocket + 17: {name: "recvmsg", args: 3}, foldedSocket + 18: {name: "accept4", args: 4},
	foldedSocket + 19: {name: "recvmmsg", args: 5}, foldedSocket + 20: {name: "sendmmsg", args: 4},
	foldedIPC + 1: {name: "semop"}, foldedIPC + 2: {name: "semget"}, foldedIPC + 3: {name: "semctl"},
	foldedIPC + 4: {name: "semtimedop"}, foldedIPC + 11: {name: "msgsnd"}, foldedIPC + 12: {name: "msgrcv"},
	foldedIPC + 13: {name: "msgget"}, foldedIPC + 14: {name: "msgctl"}, foldedIPC + 21: {name: "shmat"},
	foldedIPC + 22: {name: "shmdt"}, foldedIPC + 23: {name: "shmget"}, foldedIPC + 24: {name: "shmctl"},
}

var socketcallNr, ipcNr = -1, -1

func init() {
	for i := range folded {
		f := &folded[i]
		if nr := number(AMD64, f.name); nr >= 0 {
			f.class = byNumber[AMD64][nr].Class
		} else if f.name != "" {
			f.class = ClassNetwork // send and recv, that no other machine here has
		}
	}
	socketcallNr, ipcNr = number(I386, "socketcall"), number(I386, "ipc")
}

// Folded returns which call c, as it is now, stands for if it is i386's socketcall or ipc; false
// if it is neither, or none is known.
func (c *Call) Folded() (Folded, bool) {
	if c.abi != I386 {
		return 0, false
	}
	f := numFolded
	switch c.nr {
	case socketcallNr:
		if n := c.Arg(0); n < uint64(foldedIPC) {
			f = int(foldedSocket) + int(n)
		}
	case ipcNr:
		if n := c.Arg(0) & 0xffff; n < numFolded-uint64(foldedIPC) {
			f = int(foldedIPC) + int(n)
		}
	}
	if f == numFolded || folded[f].name == "" {
		return 0, false
	}
	return Folded(f), true
}

// Args returns how many arguments lie in memory.
func (f Folded) Args() int {
	if f < numFolded {
		return folded[f].args
	}
	return 0
}

// String returns the call's name.
func (f Folded) String() string {
	if f < numFolded {
		return folded[f].name
	}
	return ""
}

// HasCall reports whether the call, as it is now, is in the set: what it stands for, of one that
// stands for another.
func (s *Set) HasCall(c *Call) bool {
	if f, ok := c.Folded(); ok {
		return s.folded&(1<<f) != 0
	}
	return s.Has(c.abi, c.nr)
}

// Stopping returns the calls that have to be looked at to find those of the set: besides them,
// socketcall and ipc if any of what they stand for is in it.
func (s *Set) Stopping() *Set {
	all := *s
	if s.folded&(1<<foldedIPC-1) != 0 {
		all.Add(I386, socketcallNr)
	}
	if s.folded>>foldedIPC != 0 {
		all.Add(I386, ipcNr)
	}
	return &all
}

// Folding returns the calls that stand for others.
func Folding() *Set {
	s := &Set{}
	s.Add(I386, socketcallNr)
	s.Add(I386, ipcNr)
	return s
}

// addFolded adds the folded calls for which match is true.
func (s *Set) addFolded(match func(name string, class Class) bool) (found bool) {
	for i, f := range folded {
		if f.name != "" && match(f.name, f.class) {
			s.folded |= 1 << i
			found = true
		}
	}
	return found
}
