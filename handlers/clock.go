package handlers

import "time"

// A clock formats the time of day; it works out each second once only.
type clock struct {
	second int64
	text   []byte // 15:04:05
}

// stamp appends the time at, as the options want it, to a line's beginning.
func (t *Trace) stamp(at time.Time) {
	if at.IsZero() {
		at = time.Now()
	}
	if t.opts.Clock != ClockNone {
		t.buf = t.clock.append(t.buf, at, t.opts.Clock)
		t.buf = append(t.buf, ' ')
	}
	if !t.opts.Relative {
		return
	}
	var since time.Duration
	if !t.before.IsZero() {
		since = at.Sub(t.before)
	}
	t.before = at
	if t.opts.Clock != ClockNone {
		t.buf = append(t.buf, "(+"...)
	}
	t.buf = appendSeconds(t.buf, since, 6)
	if t.opts.Clock != ClockNone {
		t.buf = append(t.buf, ')')
	}
	t.buf = append(t.buf, ' ')
}

func (k *clock) append(dst []byte, now time.Time, format ClockFormat) []byte {
	second := now.Unix()
	if format == ClockEpoch {
		dst = appendPadded(dst, second, 0, false)
	} else {
		if second != k.second || k.text == nil {
			k.second, k.text = second, now.AppendFormat(k.text[:0], time.TimeOnly)
		}
		dst = append(dst, k.text...)
	}
	if format == ClockSeconds {
		return dst
	}
	dst = append(dst, '.')
	return appendMicros(dst, int64(now.Nanosecond())/1000)
}

// appendSeconds appends d in seconds with six places, cut, not rounded, the
// seconds at least width wide.
func appendSeconds(dst []byte, d time.Duration, width int) []byte {
	d = max(d, 0)
	dst = appendPadded(dst, int64(d/time.Second), width, false)
	dst = append(dst, '.')
	return appendMicros(dst, int64(d%time.Second/time.Microsecond))
}
