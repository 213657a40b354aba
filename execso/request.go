package execso

// Requests: calls that a thread asks the supervisor to answer, and waits for
// without stopping. It looks at its area for some tens of microseconds; then it
// stops, as the trap route would have made it do at once.

// Serving says whether somebody calls Requested often enough that asking is faster
// than a stop. While nobody does, the thread's calls take the trap route.
func (s *Slot) Serving(on bool) { s.mayLook(areaServing, spins, on) }

// An Asked is a call about which a thread asks.
type Asked struct {
	Nr   int       // Servable with Request
	Args [6]uint64 // whole registers
	Site uint64    // has a call
	SP   uint64    // the stack pointer
}

// Requested takes the thread's request, if it has made one. It must be settled by
// Answer or SendToTrap, unless the thread stops for it (IsWait) or for something
// else first: then Translate withdraws it. All of it is what the thread says.
func (s *Slot) Requested() (a Asked, ok bool) {
	if s.index == 0 || s.freed || s.taking {
		return a, false
	}
	word := peek(s.mem, areaState) // with the number and the site
	if uint16(word) != requestPosted {
		return a, false
	}
	n := word >> 16 & 0xffff
	a.Site, a.SP = word>>32, peek(s.mem, areaRequestSP)
	for i := range a.Args {
		a.Args[i] = peek(s.mem, areaRequestArgs+8*i)
	}
	if n >= Numbers || !Servable(int(n), Request) || s.region.CallOf(a.Site) == 0 {
		s.SendToTrap()
		return a, false
	}
	a.Nr, s.taking = int(n), true
	return a, true
}

// Answer gives the thread the result of its request: an error's negative number or a
// value.
func (s *Slot) Answer(result int64) {
	s.settle(result, requestAnswered)
}

// SendToTrap makes the thread make its call after all.
func (s *Slot) SendToTrap() { s.settle(0, requestTrap) }

func (s *Slot) settle(result int64, state uint64) {
	if s.index == 0 || s.freed {
		return
	}
	s.taking = false
	le.PutUint64(s.mem[areaRequestResult:], uint64(result)) // seen with the state
	poke(s.mem, areaState, state)
}

// withdraw takes the request of a stopped thread back. It reports whether it has
// been answered.
func (s *Slot) withdraw() (answered bool) {
	if s.index == 0 || s.freed {
		return false
	}
	answered = uint16(peek(s.mem, areaState)) == requestAnswered
	poke(s.mem, areaState, requestIdle)
	s.taking = false
	return answered
}

// IsWait reports whether a thread that the filter reports at ip has waited too long
// for the answer to its request. It makes the call itself now, so that the
// supervisor may treat it as one that took the trap route: see Translate.
func IsWait(ip uint64) bool { return labels[atWaitReturn] != 0 && ip == atWaitReturn.address() }
