package handlers

import (
	"time"

	"github.com/k42trace/k42trace/table"
)

// Delay is middleware that lets calls wait for d before they run. Only the
// thread that calls waits; signals reach it after the call.
func Delay(d time.Duration) table.Middleware {
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			if err := wait(c, d); err != nil {
				return failed(err)
			}
			return next.Handle(c)
		})
	}
}
