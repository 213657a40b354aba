package handlers

import "github.com/k42trace/k42trace/table"

// Rewrite is middleware that gives the program f's result in place of the one
// that the call had. Results that the program does not get to see as they are
// (Result.Restarting, Result.Gone) do not reach f.
func Rewrite(f func(table.Result) table.Result) table.Middleware {
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			return next.Handle(c).After(func(r table.Result) table.Result {
				if r.Gone() || r.Restarting() {
					return r
				}
				return f(r)
			})
		})
	}
}
