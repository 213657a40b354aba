package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// redisSocket is where redis-server listens, in the directory that it is started in.
const redisSocket = "redis.sock"

// redisTime is how long redis-benchmark takes with the command, a redis-server, in
// seconds. It is not traced itself.
var redisTime = figure{
	needs: "redis-benchmark",
	watch: func(pid int, ended <-chan struct{}) float64 {
		dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err != nil {
			return math.NaN()
		}
		socket := filepath.Join(dir, redisSocket)
		for answers := false; !answers; {
			select {
			case <-ended:
				return math.NaN()
			case <-time.After(time.Millisecond):
			}
			if c, err := net.Dial("unix", socket); err == nil {
				_ = c.Close()
				answers = true
			}
		}
		begin := time.Now()
		err = exec.Command("redis-benchmark", "-s", socket, "-t", "set,get", "-n", "20000", "-q").Run()
		took := time.Since(begin).Seconds()
		// The server goes on to its end, and the run with it.
		if exec.Command("redis-cli", "-s", socket, "shutdown", "nosave").Run() != nil || err != nil {
			return math.NaN()
		}
		return took
	},
	value:  func(o outcome, _ int) float64 { return o.watched },
	format: formatSeconds,
}
