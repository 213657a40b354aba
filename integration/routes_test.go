package integration

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/k42trace/k42trace/supervisor"
)

// A route is one of the ways in which calls come to the tracer: what its --route
// says. The empty one leaves it to the command.
type route string

const (
	trap   route = "trap"
	direct route = "direct"
)

// routes are those that are tested: both, or what K42TRACE_ROUTES names, separated
// by commas. A command that K42TRACE_BIN gives is asked for none, unless that says so.
var routes = sync.OnceValue(func() []route {
	if list, ok := os.LookupEnv("K42TRACE_ROUTES"); ok {
		var chosen []route
		for name := range strings.SplitSeq(list, ",") {
			chosen = append(chosen, route(name))
		}
		return chosen
	}
	if os.Getenv("K42TRACE_BIN") != "" {
		return []route{""}
	}
	return []route{trap, direct}
})

// onEachRoute runs a test by each of the routes, one after the other, named after it.
func onEachRoute(t *testing.T, test func(t *testing.T, r route)) {
	t.Helper()
	onRoutes(t, nil, test)
}

// onRoutes is onEachRoute for those of only that are tested at all; nil are all.
func onRoutes(t *testing.T, only []route, test func(t *testing.T, r route)) {
	t.Helper()
	for _, r := range routes() {
		if r != "" && only != nil && !slices.Contains(only, r) {
			continue
		}
		name := string(r)
		if r == "" {
			name = "its own route"
		}
		t.Run(name, func(t *testing.T) {
			r.need(t)
			test(t, r)
		})
	}
}

// need skips a test by a route that this machine does not have.
func (r route) need(t testing.TB) {
	t.Helper()
	if r != direct {
		return
	}
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route here: ", err)
	}
}

// command is the tracer's command, taking the route.
func (r route) command(t testing.TB) []string {
	t.Helper()
	if r == "" {
		return []string{tracerPath(t)}
	}
	return []string{tracerPath(t), "--route=" + string(r)}
}

// tracer is the command that traces to a file, up to and with the --.
func (r route) tracer(t testing.TB, file string, flags ...string) []string {
	t.Helper()
	argv := append(r.command(t), "-f", "-o", file)
	return append(append(argv, flags...), "--")
}

// prefix is tracer for a shell, tracing to nowhere, with a blank at its end.
func (r route) prefix(t testing.TB) string {
	t.Helper()
	return strings.Join(r.tracer(t, os.DevNull), " ") + " "
}
