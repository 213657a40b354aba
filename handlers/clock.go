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
		t.buf = t.clock.append(t.buf, at, t.opts.Clock, t.opts.ClockPrecision)
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
	t.buf = appendSeconds(t.buf, since, 6, t.opts.RelativePrecision)
	if t.opts.Clock != ClockNone {
		t.buf = append(t.buf, ')')
	}
	t.buf = append(t.buf, ' ')
}

func (k *clock) append(dst []byte, now time.Time, format ClockFormat, p Precision) []byte {
	second := now.Unix()
	if format == ClockEpoch {
		dst = appendPadded(dst, second, 0, false)
	} else {
		if second != k.second || k.text == nil {
			k.second, k.text = second, now.AppendFormat(k.text[:0], time.TimeOnly)
		}
		dst = append(dst, k.text...)
	}
	return p.appendFraction(dst, int64(now.Nanosecond()))
}

// appendSeconds appends d in seconds, the whole ones at least width wide.
func appendSeconds(dst []byte, d time.Duration, width int, p Precision) []byte {
	d = max(d, 0)
	dst = appendPadded(dst, int64(d/time.Second), width, false)
	return p.appendFraction(dst, int64(d%time.Second))
}

// appendFraction appends a point and as many digits of a second's part as p has.
func (p Precision) appendFraction(dst []byte, nanos int64) []byte {
	least := [...]int64{Micros: 1e3, Seconds: 1e9, Millis: 1e6, Nanos: 1}[p]
	if p != Seconds {
		dst = append(dst, '.')
	}
	for div := int64(1e8); div >= least; div /= 10 {
		dst = append(dst, '0'+byte(nanos/div%10))
	}
	return dst
}
