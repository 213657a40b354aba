package handlers

import "github.com/k42trace/k42trace/table"

// A Layer is middleware and the calls that it has to see. Its Wrap can be used for
// other sets of calls as well.
type Layer struct {
	Calls string // a pattern for table.ParseSet
	Wrap  table.Middleware
}

// Use puts the layer in front of the handlers that tbl has for its calls. It panics if Calls
// names nothing, as Table.Handle does.
func (l Layer) Use(tbl *table.Table) {
	set, err := table.ParseSet(l.Calls)
	if err != nil {
		panic("handlers: " + err.Error())
	}
	tbl.Use(set, l.Wrap)
}

// A passing is a layer over another handler that can tell of calls that it has nothing to do
// about them.
type passing struct {
	handle func(c *table.Call, next table.Handler) table.Result
	pass   func(c *table.Call) bool
	next   table.Handler
}

var _ table.Passer = (*passing)(nil)

// Passes reports whether neither the layer nor what is below it has anything to do.
func (p *passing) Passes(c *table.Call) bool { return table.Passes(p.next, c) && p.pass(c) }

// Handle is the layer.
func (p *passing) Handle(c *table.Call) table.Result { return p.handle(c, p.next) }

// A trapped is a passing whose calls nearly always need the thread to be stopped: to ask over
// shared memory first would be in vain.
type trapped struct{ *passing }

var _ table.Stopper = trapped{}

// Stops marks it.
func (trapped) Stops() {}
