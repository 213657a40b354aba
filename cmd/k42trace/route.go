package main

import (
	"fmt"

	"github.com/k42trace/k42trace/supervisor"
)

func (o *options) setRoute(s string) error {
	routes := map[string]supervisor.Routing{
		"auto": supervisor.RouteAuto, "trap": supervisor.RouteTrap, "direct": supervisor.RouteDirect,
	}
	route, ok := routes[s]
	if !ok {
		return fmt.Errorf("%q is not a route: there are auto, trap, direct", s)
	}
	o.route = route
	return nil
}

// maxRecorded is the longest string that exec.so records whole.
const maxRecorded = 1024

// routing returns by which routes calls may come. Calls that come directly are told
// a little late, and show of memory what was recorded: so auto means the trap
// route for a trace that somebody reads while it is written, and for one that shows
// more of a call than is recorded.
func (o *options) routing(out *outputs) supervisor.Routing {
	if o.route == supervisor.RouteAuto && (!out.main.batched && !o.separate || o.summary || o.fdPaths || o.verbose || o.strings > maxRecorded) {
		return supervisor.RouteTrap
	}
	return o.route
}
