package execso

// Requests: calls that a thread asks the supervisor to answer, and waits for
// without stopping. It looks at its area for some tens of microseconds; then it
// stops, as the trap route would have made it do at once.

// Serving says whether somebody calls Requested often enough that asking is faster
// than a stop. While nobody does, the thread's calls take the trap route.
func (s *Slot) Serving(on bool) {
	if s.index == 0 || s.freed {
		return
	}
	n := uint64(0)
	if on {
		n = spins
	}
	poke(s.mem, areaServing, n)
}

// Requested takes the thread's request, if it has made one. It must be settled by
// Answer or SendToTrap, unless the thread stops for it (IsWait) or for something
// else first: then Translate withdraws it. nr is Servable with Request and site has a call; the arguments are whole
// registers.
func (s *Slot) Requested() (nr int, args [6]uint64, site uint64, ok bool) {
	if s.index == 0 || s.freed || s.taking || peek(s.mem, areaState) != requestPosted {
		return 0, args, 0, false
	}
	n := peek(s.mem, areaRequest)
	site = peek(s.mem, areaRequestSite)
	for i := range args {
		args[i] = peek(s.mem, areaRequestArgs+8*i)
	}
	if n >= Numbers || !Servable(int(n), Request) || s.region.CallOf(site) == 0 {
		s.SendToTrap()
		return 0, args, 0, false
	}
	s.taking = true
	return int(n), args, site, true
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
	poke(s.mem, areaRequestResult, uint64(result))
	poke(s.mem, areaState, state)
}

// withdraw takes the request of a stopped thread back. It reports whether it has
// been answered.
func (s *Slot) withdraw() (answered bool) {
	if s.index == 0 || s.freed {
		return false
	}
	answered = peek(s.mem, areaState) == requestAnswered
	poke(s.mem, areaState, requestIdle)
	s.taking = false
	return answered
}

// IsWait reports whether a thread that the filter reports at ip has waited too long
// for the answer to its request. It makes the call itself now, so that the
// supervisor may treat it as one that took the trap route: see Translate.
func IsWait(ip uint64) bool { return labels[atWaitReturn] != 0 && ip == atWaitReturn.address() }
