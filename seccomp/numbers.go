package seccomp

import (
	seccompbpf "github.com/elastic/go-seccomp-bpf"

	"github.com/k42trace/k42trace/table"
)

// numbers is how many numbers of an ABI a table.Set tells apart. Those beyond
// and the negative ones are in a Set all together or not at all.
const numbers = 1024

// A compiler holds the places that the calls of a policy can go on at.
type compiler struct {
	*Policy
	b            builder
	allow, trace *target
	exempt       *target // decides by address and key; nil until it is needed
}

// architecture decides the calls of the architecture that abi belongs to.
func (c *compiler) architecture(abi table.ABI) (*target, error) {
	var runs []run
	add := func(first uint32, to *target) {
		if len(runs) == 0 || runs[len(runs)-1].to != to {
			runs = append(runs, run{first, to})
		}
	}
	low := c.numbered(abi)
	if abi == c.Native {
		if err := c.delegate(abi, low); err != nil {
			return nil, err
		}
	}
	for nr, to := range low {
		add(uint32(nr), to)
	}
	unknown := c.decide(abi, -1)
	add(numbers, unknown)
	if abi == table.AMD64 {
		for nr, to := range c.numbered(table.X32) {
			add(table.X32Bit+uint32(nr), to)
		}
		add(table.X32Bit+numbers, c.decide(table.X32, -1))
		add(1<<31, unknown) // negative: never x32, whatever bit 30 is
	}
	if len(runs) == 1 {
		return runs[0].to, nil
	}
	return c.b.load(offNr, c.b.search(runs)), nil
}

// numbered decides the numbers of abi that a Set tells apart.
func (c *compiler) numbered(abi table.ABI) []*target {
	targets := make([]*target, numbers)
	for nr := range targets {
		targets[nr] = c.decide(abi, nr)
	}
	return targets
}

// decide returns where the call nr of abi goes on. Any number beyond numbers, or
// -1, stands for all of them.
func (c *compiler) decide(abi table.ABI, nr int) *target {
	to := c.allow
	if c.Trace != nil && c.Trace.Has(abi, nr) {
		to = c.trace
		if (len(c.Exempt) > 0 || c.ExemptKey != 0) && c.ExemptSet != nil && c.ExemptSet.Has(abi, nr) {
			if c.exempt == nil {
				keyless := c.b.keyCheck(c.ExemptKey, c.allow, c.trace)
				c.exempt = c.b.addressCheck(c.Exempt, c.allow, keyless)
			}
			to = c.exempt
		}
	}
	if to == c.trace {
		return to
	}
	return c.b.argCheck(c.rulesOf(abi, nr), c.trace, to)
}

// delegate lets go-seccomp-bpf decide those of the numbers of abi that are
// allowed or reported without condition. It can tell apart only those that it
// has a name for; the others keep their place unless they go the way that the
// library's program sends all numbers that it does not list.
func (c *compiler) delegate(abi table.ABI, targets []*target) error {
	names := libraryNames(abi)
	var allowed, traced []string
	for nr, to := range targets {
		switch name := names[nr]; {
		case name == "":
		case to == c.allow:
			allowed = append(allowed, name)
		case to == c.trace:
			traced = append(traced, name)
		}
	}
	if len(allowed) == 0 || len(traced) == 0 {
		return nil
	}
	l := list{names: traced, verdict: seccompbpf.ActionTrace, others: seccompbpf.ActionAllow}
	others := c.allow
	if len(allowed) < len(traced) {
		l = list{names: allowed, verdict: seccompbpf.ActionAllow, others: seccompbpf.ActionTrace}
		others = c.trace
	}
	code, err := l.assemble()
	if err != nil {
		return err
	}
	listed := c.b.block(code)
	for nr, to := range targets {
		if to == others || names[nr] != "" && (to == c.allow || to == c.trace) {
			targets[nr] = listed
		}
	}
	return nil
}
