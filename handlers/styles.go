package handlers

import (
	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// styles are the decoders of a Trace: calls can differ in how much is decoded.
type styles struct {
	plain                     *decode.Decoder
	whole, shallow, raw       *decode.Decoder
	asWhole, asShallow, asRaw *table.Set
	one                       bool // there is only the plain one
}

func newStyles(opts *TraceOptions) styles {
	o := opts.Decode
	s := styles{plain: decode.New(o), asWhole: opts.Whole, asShallow: opts.Shallow, asRaw: opts.Raw}
	s.one = s.asWhole == nil && s.asShallow == nil && s.asRaw == nil
	whole, shallow, raw := o, o, o
	whole.Verbose, shallow.Shallow, raw.Raw = true, true, true
	s.whole, s.shallow, s.raw = decode.New(whole), decode.New(shallow), decode.New(raw)
	return s
}

// choose makes ev decode a call as its number wants.
func (s *styles) choose(ev *decode.Event, c *table.Call) {
	if s.one {
		return
	}
	d := s.plain
	switch {
	case s.asRaw != nil && s.asRaw.HasCall(c):
		d = s.raw
	case s.asShallow != nil && s.asShallow.HasCall(c):
		d = s.shallow
	case s.asWhole != nil && s.asWhole.HasCall(c):
		d = s.whole
	}
	ev.Use(d)
}

// limits returns the limits of all styles.
func (s *styles) limits() (text, elements int) {
	if s.asWhole != nil {
		return s.whole.Limits()
	}
	return s.plain.Limits()
}
