//go:build profile

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// A command built with the tag profile writes where its time goes to the file in
// K42TRACE_CPUPROFILE: docs/PERFORMANCE.md says how default.pgo is made of that.
func init() {
	profiled = func(run func()) {
		f, err := os.Create(os.Getenv("K42TRACE_CPUPROFILE"))
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "k42trace: K42TRACE_CPUPROFILE:", err)
			os.Exit(125)
		}
		run()
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "k42trace: K42TRACE_CPUPROFILE:", err)
		}
	}
}
