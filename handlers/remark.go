package handlers

import (
	"maps"
	"slices"

	"github.com/k42trace/k42trace/table"
)

// A Remark tells what more there is to know of a call that has succeeded than its arguments
// and result say: it is shown behind the result, in parentheses.
type Remark struct {
	// Calls are those that may have one. They have to stop for it: see Stopping.
	Calls *table.Set
	of    map[string]func(c *table.Call, res table.Result) string // by the calls' names
}

func newRemark(of map[string]func(c *table.Call, res table.Result) string) *Remark {
	r := &Remark{Calls: &table.Set{}, of: of}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, name); ok {
				r.Calls.Add(abi, nr)
			}
		}
	}
	return r
}

// remark appends what remarks there are.
func (t *Trace) remark(dst []byte, c *table.Call, res table.Result) []byte {
	if res.Failed() {
		return dst
	}
	for _, r := range t.opts.Remarks {
		if f := r.of[c.Name()]; f != nil {
			if text := f(c, res); text != "" {
				dst = append(append(append(dst, " ("...), text...), ')')
			}
		}
	}
	return dst
}
