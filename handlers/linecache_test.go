package handlers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// What has been written before is written again as it would be decoded again: whatever changes
// between two calls is seen.
func TestRepeatedLines(t *testing.T) {
	names := map[int]string{3: "/a", 4: "/b"}
	fdName := func(_ table.Thread, fd int) (decode.FDName, bool) {
		name, ok := names[fd]
		return decode.FDName{Path: name}, ok
	}
	for _, opts := range []TraceOptions{
		{PID: PIDAlways},
		{Column: 60, Decode: decode.Options{StringLimit: 4}},
		{PID: PIDAlways, Decode: decode.Options{FDName: fdName}},
		{PID: PIDShared, Number: true, Text: decode.Text{Consts: decode.ConstRaw}},
	} {
		var again, anew bytes.Buffer
		opts.Out = &again
		a := NewTrace(opts)
		opts.Out = &anew
		b := NewTrace(opts)
		b.lines = nil
		random := rand.New(rand.NewPCG(1, 2))
		all := samples()
		for range 5000 {
			s := all[random.IntN(len(all))]
			switch random.IntN(8) {
			case 0:
				s.args[random.IntN(3)] += uint64(random.IntN(2))
			case 1:
				s.result = -int64(unix.EBADF)
			case 2:
				s.result = int64(random.IntN(3))
			case 3:
				if len(s.memory) > 0 {
					m := s.memory[0]
					s.memory = []image{{m.base, bytes.ToUpper(m.bytes)}}
				}
			case 4:
				names[3+random.IntN(2)] = fmt.Sprint("/", random.IntN(3))
			case 5:
				delete(names, 3+random.IntN(2))
			}
			tid := []int{100, 1000000}[random.IntN(2)]
			for _, tr := range []*Trace{a, b} {
				r := s.recording(true)
				r.tid = tid
				c := new(table.Call)
				c.Reset(r, table.AMD64, s.number(t), s.args, 0, 0)
				tr.Returned(c, table.FromRaw(s.result), time.Time{}, time.Time{})
			}
		}
		got, want := bytes.Split(again.Bytes(), []byte("\n")), bytes.Split(anew.Bytes(), []byte("\n"))
		for i := range want {
			if i >= len(got) || !bytes.Equal(got[i], want[i]) {
				t.Fatalf("line %d is %q, decoded anew %q", i, got[i], want[i])
			}
		}
	}
}

// A line is not decoded a third time if nothing but its record was looked at, and is if anything was.
func TestRepeatedLinesAreRemembered(t *testing.T) {
	tr := NewTrace(TraceOptions{Out: &bytes.Buffer{}})
	s := samples()[5] // a read
	for _, whole := range []bool{false, true} {
		for i := range 4 {
			r := s.recording(whole)
			c := new(table.Call)
			c.Reset(r, table.AMD64, s.number(t), s.args, 0, 0)
			tr.Returned(c, table.FromRaw(s.result), time.Time{}, time.Time{})
			if looked, want := r.reads > 0, !whole || i < 2; looked != want {
				t.Errorf("whole %v, time %d: the memory was looked at: %v", whole, i, looked)
			}
		}
	}
}

// What is dumped below a call's line is not dumped below the next ones, which have come before.
func TestRepeatedLinesWithDumps(t *testing.T) {
	var out bytes.Buffer
	one, err := ParseFDs("1")
	if err != nil {
		t.Fatal(err)
	}
	tr := NewTrace(TraceOptions{Out: &out, Writes: one})
	tell := func(name string) {
		for _, s := range samples() {
			if s.name != name {
				continue
			}
			r := s.recording(true)
			c := new(table.Call)
			c.Reset(r, table.AMD64, s.number(t), s.args, 0, 0)
			tr.Returned(c, table.FromRaw(s.result), time.Time{}, time.Time{})
		}
	}
	for range 3 {
		tell("read")
	}
	tell("write")
	tell("read")
	if n := bytes.Count(out.Bytes(), []byte(" | 00000 ")); n != 1 {
		t.Errorf("%d dumps:\n%s", n, &out)
	}
}
