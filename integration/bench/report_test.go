package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		s    series
		want float64
	}{
		{series{3}, 3},
		{series{9, 1, 5}, 5},
		{series{4, 1, 2, 100}, 3},
	} {
		before := slices.Clone(c.s)
		if got := c.s.median(); got != c.want {
			t.Errorf("median of %v = %v, want %v", c.s, got, c.want)
		}
		if !slices.Equal(c.s, before) {
			t.Errorf("median changed %v to %v", before, c.s)
		}
	}
}

// Ratios are taken round by round: a round in which everything is ten times as
// slow does not show.
func TestRatio(t *testing.T) {
	m := measurement{
		row:     row{ways: []*way{native, strace, ours}},
		samples: []series{{1, 10, 1}, {9, 90, 5}, {5, 50, 3}},
	}
	if got := m.ratio(ours, strace); !slices.Equal(got, series{5. / 9, 5. / 9, 3. / 5}) {
		t.Errorf("ratio = %v", got)
	}
	m.overNative = true
	if got := m.ratio(ours, strace); !slices.Equal(got, series{0.5, 0.5, 0.5}) {
		t.Errorf("ratio over native = %v", got)
	}
	if got := m.ratio(ours, native); !slices.Equal(got, series{5, 5, 3}) {
		t.Errorf("ratio to native = %v", got)
	}
	if got := m.ratio(ours, straceCore); got != nil {
		t.Errorf("ratio to a way that was not measured = %v", got)
	}
}

func TestTable(t *testing.T) {
	measured := []measurement{
		{
			row: row{
				name:   "a",
				ways:   []*way{native, strace, ours, oursUnfollowed},
				goals:  []goal{{ours, 0.7, strace}, {ours, 1, straceCore}, {ours, 0.25, nil}},
				figure: wallTime,
			},
			samples: []series{{0.125, 0.125, 0.25}, {0.5, 0.75, 1}, {0.25, 0.375, 0.75}, nil},
			lines:   []int{0, 12, 11, 0},
		},
		{
			row:     row{name: "b", ways: []*way{ours}, goals: []goal{{ours, 64 << 20, nil}}, figure: peakMemory},
			samples: []series{{32 << 20}},
			lines:   []int{3},
		},
		{row: row{name: "c", ways: tracers}, skipped: "no gcc"},
	}
	var b strings.Builder
	writeTable(&b, measured)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	var got [][]string
	for i, line := range lines {
		if len(line) != len(lines[0]) {
			t.Errorf("line %d is not as wide as the first: %q", i, line)
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		got = append(got, cells)
	}
	if !strings.HasPrefix(lines[1], "|---") {
		t.Errorf("no line under the header: %q", lines[1])
	}
	want := [][]string{
		{"what", "tracer", "placement", "lines", "median", "/ native", "/ strace", "/ strace on one core", "target"},
		{"a", "native", "scheduler", "", "125 ms", "1", "", "", ""},
		{"", "strace -f", "scheduler", "12", "750 ms", "4 (4-6)", "1", "", ""},
		{"", ours.tracer, ours.place.String(), "11", "375 ms", "3 (2-3)", "0.5 (0.5-0.75)", "",
			"met: <= 0.70 x strace; no strace -f to compare; MISSED: <= 250 ms"},
		{"b", ours.tracer, ours.place.String(), "3", "32.0 MiB", "", "", "", "met: <= 64.0 MiB"},
		{"c", "skipped: no gcc", "", "", "", "", "", "", ""},
	}
	if diff := cmp.Diff(want, append(got[:1:1], got[2:]...)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// A goal for a way that its row does not have would never be judged.
func TestRows(t *testing.T) {
	for _, quick := range []bool{false, true} {
		names := map[string]bool{}
		for _, r := range allRows(quick) {
			if names[r.name] {
				t.Errorf("two rows are called %q", r.name)
			}
			names[r.name] = true
			for _, g := range r.goals {
				if !slices.Contains(r.ways, g.way) || g.base != nil && !slices.Contains(r.ways, g.base) {
					t.Errorf("%s: a goal for ways that are not the row's", r.name)
				}
			}
			if r.figure.own && r.count == 0 || r.traced && r.figure.value == nil {
				t.Errorf("%s: nothing to count", r.name)
			}
		}
	}
}
