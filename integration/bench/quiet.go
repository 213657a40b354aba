package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A listener waits for quiet moments of the machine: a figure taken beside
// somebody else's work says little, above all where cores are few.
type listener struct {
	patience time.Duration // left
	runs     int           // that it was asked to wait for
	noisy    int           // of those, that began while others were busy
}

const (
	listening = 100 * time.Millisecond
	maxBusy   = 0.1 // of one core
)

// await returns when the machine is quiet or the patience has ended.
func (l *listener) await(ctx context.Context) {
	l.runs++
	for ctx.Err() == nil {
		begin, before := time.Now(), busyTicks()
		time.Sleep(listening)
		elapsed := time.Since(begin)
		if float64(busyTicks()-before)/userHZ <= maxBusy*elapsed.Seconds() {
			return
		}
		if l.patience -= elapsed; l.patience <= 0 {
			l.noisy++
			return
		}
	}
}

func (l *listener) String() string {
	return fmt.Sprintf("%d of %d runs began while something else was running.", l.noisy, l.runs)
}

// userHZ is the unit of times in /proc: 100 per second on all our architectures.
const userHZ = 100

// busyTicks returns how long all cores together have worked: the first line of
// /proc/stat (proc(5)) without idle and iowait.
func busyTicks() (sum int64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	for i, f := range bytes.Fields(line) {
		const name, idle, iowait, guest = 0, 4, 5, 9 // user has guest's in it
		if i == name || i == idle || i == iowait || i >= guest {
			continue
		}
		n, _ := strconv.ParseInt(string(f), 10, 64)
		sum += n
	}
	return sum
}
