package main

import (
	"fmt"

	"github.com/k42trace/k42trace/handlers"
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

// routing returns by which routes calls may come. Calls that come directly are told
// a little late: so auto means the trap route for a trace that somebody reads while it
// is written.
func (o *options) routing(out *outputs) supervisor.Routing {
	if o.strings < 0 || o.stacks.wanted || o.pidns || o.fds&(handlers.FDEvents|handlers.FDSignals) != 0 {
		return supervisor.RouteTrap // where registers are known, what is gone soon, and what nobody copies
	}
	late := o.separate || out.main.batched || o.summary
	if o.route == supervisor.RouteAuto && !late {
		return supervisor.RouteTrap
	}
	return o.route
}
