package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// tune prepares Go's runtime for a tracer.
//
// With one P, which is what the runtime chooses on one core, it is taken away from
// the tracing thread in nearly every wait4: the runtime's monitor wakes up thousands
// of times a second to do so, and each time the thread has to get it back. With a
// second one, idle, the monitor sees no need (runtime/proc.go, retake).
func tune() {
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
	// Less often: a collection takes the program's core too, and what lives is a few megabytes.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}

// collectAt is by how many hundredths of what lives the memory may grow before a collection.
const collectAt = 400
