// Package table holds the system-call transfer table: for each ABI and number,
// the handler that decides what the call does.
//
// It owns what a system call is (ABI, number, name, argument types: Signature),
// what a handler sees of one (Call, Result), and the table itself. It does not
// own how a call gets from the child to the table: package supervisor and its
// routes do, and hand each call over as a Call with their Engine behind it.
package table

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Table maps calls to handlers. The zero Table is empty and ready: every call
// passes through, unseen. All methods may be called from any goroutine, also
// while a child runs: a change is seen by the next call of every thread.
type Table struct {
	mu       sync.Mutex // guards all writes
	routes   [NumABI]atomic.Pointer[routes]
	watchers []*func()
}

// routes is one ABI's part of a table; a new one replaces it at each change.
type routes struct {
	known []Handler // by number without X32Bit; nil: the kernel's business
	other Handler   // for numbers outside known and without a signature
}

// New returns an empty table.
func New() *Table { return &Table{} }

// Lookup returns the handler of the call nr of abi, nil if it has none.
func (t *Table) Lookup(abi ABI, nr int) Handler {
	r := t.routes[abi].Load()
	if r == nil {
		return nil
	}
	if abi == X32 {
		nr &^= X32Bit
	}
	if nr >= 0 && nr < len(r.known) && (r.known[nr] != nil || SignatureOf(abi, nr) != nil) {
		return r.known[nr]
	}
	return r.other
}

// Handle routes the calls that pattern names, in every ABI that has them, to h;
// a nil h takes their handlers away. Patterns are those of ParseSet: "openat",
// "open,openat", "%file", "/^get/", "all". It panics if the pattern names
// nothing, as http.ServeMux does: patterns are part of the program. Use
// ParseSet and HandleSet for those that a user gives.
func (t *Table) Handle(pattern string, h Handler) {
	set, err := ParseSet(pattern)
	if err != nil {
		panic(fmt.Sprintf("table: Handle(%q): %v", pattern, err))
	}
	t.HandleSet(set, h)
}

// HandleFunc is Handle for a function.
func (t *Table) HandleFunc(pattern string, f func(c *Call) Result) {
	t.Handle(pattern, HandlerFunc(f))
}

// HandleSet routes the calls in set to h, or nowhere if h is nil.
func (t *Table) HandleSet(set *Set, h Handler) {
	t.Update(set, func(Handler) Handler { return h })
}

// HandleNumber routes one number of one ABI to h, whether it has a name or not.
func (t *Table) HandleNumber(abi ABI, nr int, h Handler) {
	set := &Set{}
	set.Add(abi, nr)
	t.HandleSet(set, h)
}

// Use wraps the handlers of the calls in set with m; calls without a handler
// get Native to wrap.
func (t *Table) Use(set *Set, m Middleware) {
	t.Update(set, func(h Handler) Handler {
		if h == nil {
			h = Native
		}
		return m(h)
	})
}

// Update replaces the handler of every call in set by what f makes of it; nil
// stands for no handler. All changes become visible together, ABI by ABI.
func (t *Table) Update(set *Set, f func(Handler) Handler) {
	t.mu.Lock()
	for abi := range NumABI {
		if set.empty(abi) {
			continue
		}
		var r routes
		if old := t.routes[abi].Load(); old != nil {
			r.known, r.other = slices.Clone(old.known), old.other
		}
		for nr := range set.numbers(abi) {
			for nr >= len(r.known) {
				r.known = append(r.known, nil)
			}
			r.known[nr] = f(r.known[nr])
		}
		if set.other[abi] {
			r.other = f(r.other)
		}
		t.routes[abi].Store(&r)
	}
	watchers := slices.Clone(t.watchers)
	t.mu.Unlock()
	for _, w := range watchers {
		(*w)()
	}
}

// Routed returns the calls that have a handler.
func (t *Table) Routed() *Set {
	set := &Set{}
	for abi := range NumABI {
		r := t.routes[abi].Load()
		if r == nil {
			continue
		}
		for nr, h := range r.known {
			if h != nil {
				set.Add(abi, nr)
			}
		}
		set.other[abi] = r.other != nil
	}
	return set
}

// Watch calls f after each change of the table, on the goroutine that made it,
// until cancel is called.
func (t *Table) Watch(f func()) (cancel func()) {
	p := &f
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = append(t.watchers, p)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.watchers = slices.DeleteFunc(slices.Clone(t.watchers), func(q *func()) bool { return q == p })
	}
}
