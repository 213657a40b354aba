package supervisor

import (
	"time"

	"github.com/k42trace/k42trace/execso"
)

// A stampClock makes times of the processor's time stamps.
type stampClock struct {
	wanted bool
	first  reading
	last   reading
}

// A reading is both clocks at one moment.
type reading struct {
	stamp uint64
	time  time.Time
}

func readClocks() reading { return reading{execso.Now(), time.Now()} }

// at returns the time of a stamp, and no time for none.
func (c *stampClock) at(stamp uint64) time.Time {
	if stamp == 0 || !c.wanted {
		return time.Time{}
	}
	if c.last.stamp == 0 {
		c.first = readClocks()
		// A first idea of how fast the stamps count.
		for c.last = c.first; c.last.time.Sub(c.first.time) < 200*time.Microsecond; {
			c.last = readClocks()
		}
	} else if stamp > c.last.stamp {
		c.last = readClocks()
	}
	rate := float64(c.last.time.Sub(c.first.time)) / float64(c.last.stamp-c.first.stamp)
	return c.last.time.Add(time.Duration(rate * float64(int64(stamp-c.last.stamp))))
}
