package handlers

import "github.com/k42trace/k42trace/table"

// A Selection is middleware that lets only the calls in Calls reach a handler, of those that
// stand for others (table.Folded). A handler of table.Set.Stopping needs it.
type Selection struct{ Calls *table.Set }

// Wrap selects from the calls that reach next, which should be in table.Folding.
func (s Selection) Wrap(next table.Handler) table.Handler { return selected{s.Calls, next} }

type selected struct {
	calls *table.Set
	next  table.Handler
}

var _ table.Stopper = selected{}

// Stops makes the calls come by the trap route, as all of i386 do.
func (selected) Stops() {}

func (s selected) Handle(c *table.Call) table.Result {
	wanted := s.calls.HasCall(c)
	if number := s.calls.Has(c.ABI(), c.Nr()); wanted != number && !foldedReadable(c) {
		wanted = number
	}
	if wanted {
		return s.next.Handle(c)
	}
	return c.Native()
}

// foldedReadable reports whether the arguments can be read of a call that stands for another:
// if not, nobody knows more of it than its number.
func foldedReadable(c *table.Call) bool {
	f, ok := c.Folded()
	if !ok {
		return true
	}
	var b [6 * 4]byte
	n, _ := c.ReadMemory(c.RawArg(1), b[:4*f.Args()])
	return n == 4*f.Args()
}

// firstFolded is beyond all numbers of calls.
const firstFolded = 1 << 20

// numberOf returns the number by which a call is counted: one of its own, of what stands for
// another.
func numberOf(c *table.Call) int {
	if f, ok := c.Folded(); ok {
		return firstFolded + int(f)
	}
	return c.Nr()
}

// nameOf returns the name of the calls that are counted by a number, "" if they have none.
func nameOf(abi table.ABI, nr int) string {
	if sig := table.SignatureOf(abi, nr); sig != nil {
		return sig.Name
	}
	if abi == table.I386 && nr >= firstFolded {
		return table.Folded(nr - firstFolded).String()
	}
	return ""
}
