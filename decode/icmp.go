package decode

import "math/bits"

// Sockets of ICMP messages (raw(7), linux/icmp.h).

const icmpFilterOption = 1 // ICMP_FILTER

var setICMPTypes = SetByName("icmp_type")

// icmpFilter emits the types of messages that a socket does not get, a bit for each. What
// less than 4 bytes leave out counts as set.
func (e *Event) icmpFilter(addr, n uint64) {
	got := e.readAll(addr, clamp(n, 4))
	if got == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	b := [4]byte{0xff, 0xff, 0xff, 0xff}
	copy(b[:], got)
	types, sign := le.Uint32(b[:]), ""
	if bits.OnesCount32(types) > 16 {
		types, sign = ^types, "~"
	}
	defer e.close(e.open(Value{Kind: List, Num: addr, Symbol: sign}))
	for ; types != 0; types &= types - 1 {
		e.enum("", 8, uint64(bits.TrailingZeros32(types)), setICMPTypes)
	}
}
