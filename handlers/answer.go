package handlers

import "github.com/k42trace/k42trace/table"

// Answer returns a handler that gives every call the result r; the kernel runs
// none.
func Answer(r table.Result) table.Handler {
	return table.HandlerFunc(func(*table.Call) table.Result { return r })
}
