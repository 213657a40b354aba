package seccomp

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// The data of our RET_TRACE verdicts, as PTRACE_GETEVENTMSG gives it at a
// PTRACE_EVENT_SECCOMP stop and PTRACE_GET_SYSCALL_INFO as ret_data. A program's
// own filter may return any data, these too: see the package comment.
const (
	TraceData    = 0x4b42 // a call that the policy names
	TraceForeign = 0x4b46 // a call of an architecture without a table: refuse it with ENOSYS
)

// The verdicts of our programs.
const (
	retAllow   = unix.SECCOMP_RET_ALLOW
	retTrace   = unix.SECCOMP_RET_TRACE | TraceData
	retForeign = unix.SECCOMP_RET_TRACE | TraceForeign
)

// MaxInstructions is the length limit of one program (BPF_MAXINSNS).
const MaxInstructions = 4096

// ErrTooLong is returned for a policy whose program the kernel would not take.
var ErrTooLong = errors.New("seccomp program longer than 4096 instructions")

// A Policy says which calls stop for the tracer. A call that is neither in
// Trace nor matched by a rule runs at native speed.
type Policy struct {
	// Native is the ABI of the machine's 64-bit programs: table.AMD64 (whose
	// kernel also runs I386 and X32) or table.ARM64.
	Native table.ABI
	// Trace holds the calls to report. nil is empty.
	Trace *table.Set
	// Rules report further calls if their arguments match. A rule also beats
	// an exemption.
	Rules []ArgRule
	// Exempt holds the addresses from which the calls in ExemptSet are allowed
	// though Trace has them.
	Exempt    []AddressRange
	ExemptSet *table.Set
	// ExemptKey, unless it is 0, allows the calls in ExemptSet from everywhere if it is
	// the upper half of their fifth argument, at which the kernel does not look.
	ExemptKey uint32
}

// An AddressRange holds the addresses from Start up to, not including, End. Both
// ends lie between the same two multiples of 4 GiB. What is compared is the
// instruction pointer that the kernel reports: the address after the system-call
// instruction.
type AddressRange struct{ Start, End uint64 }

// An ArgRule matches calls of one number by one argument, of which only the low
// 32 bits are looked at: rules are for int and unsigned arguments and for flags,
// of which the kernel ignores the upper half too. A zero Mask matches always.
type ArgRule struct {
	ABI   table.ABI
	Nr    int
	Arg   int    // from 0
	Mask  uint32 // the bits to look at
	Value uint32 // what they must be
}

// Assemble returns the policy's program. Equal policies have equal programs.
func (p *Policy) Assemble() (Program, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	c := compiler{Policy: p, allow: ret(retAllow), trace: ret(retTrace)}
	next := ret(retForeign)
	for _, abi := range slices.Backward(machines[p.Native]) {
		tree, err := c.architecture(abi)
		if err != nil {
			return nil, err
		}
		next = c.b.branch(bpf.JumpEqual, abi.AuditArch(), tree, next)
	}
	c.b.load(offArch, next)

	prog, err := c.b.program()
	if err != nil {
		return nil, err
	}
	if len(prog) > MaxInstructions {
		return nil, fmt.Errorf("%w: %d", ErrTooLong, len(prog))
	}
	return prog, nil
}

// machines has, for each machine, one ABI of every architecture that its kernel
// may report and the tables know, likeliest first.
var machines = map[table.ABI][]table.ABI{
	table.AMD64: {table.AMD64, table.I386},
	table.ARM64: {table.ARM64},
}

func (p *Policy) validate() error {
	if machines[p.Native] == nil {
		return fmt.Errorf("seccomp: %v is not the ABI of a machine", p.Native)
	}
	for _, r := range p.Rules {
		switch {
		case r.ABI >= table.NumABI || r.number() < 0 || r.number() >= numbers:
			return fmt.Errorf("seccomp: rule for %v call %#x: no such number", r.ABI, r.Nr)
		case r.Arg < 0 || r.Arg > 5:
			return fmt.Errorf("seccomp: rule for %v call %#x: no argument %d", r.ABI, r.Nr, r.Arg)
		case r.Value&^r.Mask != 0:
			return fmt.Errorf("seccomp: rule for %v call %#x: value %#x has bits outside mask %#x", r.ABI, r.Nr, r.Value, r.Mask)
		}
	}
	for _, r := range p.Exempt {
		if r.Start >= r.End || r.Start>>32 != (r.End-1)>>32 {
			return fmt.Errorf("seccomp: exempt range %#x-%#x is empty or crosses 4 GiB", r.Start, r.End)
		}
	}
	return nil
}

// number returns the rule's number without x32's bit.
func (r ArgRule) number() int {
	if r.ABI == table.X32 && r.Nr >= 0 {
		return r.Nr &^ table.X32Bit
	}
	return r.Nr
}

// rulesOf returns the rules for the call nr of abi, in a fixed order.
func (p *Policy) rulesOf(abi table.ABI, nr int) []ArgRule {
	var rules []ArgRule
	for _, r := range p.Rules {
		if r.ABI == abi && r.number() == nr {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b ArgRule) int {
		return cmp.Or(cmp.Compare(a.Arg, b.Arg), cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Value, b.Value))
	})
	return slices.CompactFunc(rules, func(a, b ArgRule) bool {
		return a.Arg == b.Arg && a.Mask == b.Mask && a.Value == b.Value
	})
}
