package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A series is the figures of one way, round by round.
type series []float64

// median returns the middle of s, of the two in the middle their mean.
func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// over returns the figures of s less those of base in the same rounds.
func (s series) over(base series) series {
	d := slices.Clone(s)
	for i := range d {
		d[i] -= base[i]
	}
	return d
}

// against returns the ratios of s to base, round by round: what slows a whole
// round down is in both.
func (s series) against(base series) series {
	q := slices.Clone(s)
	for i := range q {
		q[i] /= base[i]
	}
	return q
}

// columns are the ways against which every figure is shown.
var columns = []struct {
	base  *way
	title string
}{
	{native, "/ native"},
	{strace, "/ strace"},
	{straceCore, "/ strace on one core"},
}

// of returns the figures of a way, nil if there are none.
func (m *measurement) of(w *way) series {
	if i := slices.Index(m.ways, w); i >= 0 && m.samples != nil {
		return m.samples[i]
	}
	return nil
}

// ratio returns the ratios of w's figures to base's, nil if there are none.
func (m *measurement) ratio(w, base *way) series {
	s, b := m.of(w), m.of(base)
	if s == nil || b == nil {
		return nil
	}
	if n := m.of(native); m.overNative && base != native && n != nil {
		s, b = s.over(n), b.over(n)
	}
	if slices.Contains(b, 0) {
		return nil
	}
	return s.against(b)
}

// judge says whether w's goals are met.
func (m *measurement) judge(w *way) string {
	var verdicts []string
	for _, g := range m.goals {
		if g.way != w {
			continue
		}
		var is float64
		var want string
		if g.base == nil {
			is, want = m.of(w).median(), m.figure.format(g.max)
		} else {
			r := m.ratio(w, g.base)
			if r == nil {
				verdicts = append(verdicts, fmt.Sprintf("no %s to compare", g.base.tracer))
				continue
			}
			is, want = r.median(), fmt.Sprintf("%.2f x %s", g.max, shortName(g.base))
		}
		verdict := "met"
		if !(is <= g.max) {
			verdict = "MISSED"
		}
		verdicts = append(verdicts, fmt.Sprintf("%s: <= %s", verdict, want))
	}
	return strings.Join(verdicts, "; ")
}

// shortName is how targets name a base.
func shortName(w *way) string {
	for _, c := range columns {
		if c.base == w {
			return strings.TrimPrefix(c.title, "/ ")
		}
	}
	return w.tracer
}

// writeTable writes the figures as a Markdown table with aligned columns.
func writeTable(w io.Writer, measured []measurement) {
	header := []string{"what", "tracer", "placement", "lines", "median"}
	for _, c := range columns {
		header = append(header, c.title)
	}
	lines := [][]string{append(header, "target")}
	for _, m := range measured {
		if m.skipped != "" {
			lines = append(lines, []string{m.name, "skipped: " + m.skipped})
			continue
		}
		name := m.name
		for i, way := range m.ways {
			if m.samples[i] == nil {
				continue
			}
			lines = append(lines, append([]string{name}, m.cells(i, way)...))
			name = "" // of the row's first line only
		}
	}
	align(w, lines)
}

// wholeGoal is what tracing whole programs is to cost at most by the direct route,
// times native, in the geometric mean.
const wholeGoal = 1.5

// writeMean writes what tracing the whole programs costs in the mean.
func writeMean(w io.Writer, measured []measurement) {
	for _, way := range []*way{strace, ours, oursDirect} {
		logs, n := 0.0, 0
		for _, m := range measured {
			if r := m.ratio(way, native); m.whole && r != nil {
				logs += math.Log(r.median())
				n++
			}
		}
		if n == 0 {
			continue
		}
		mean := math.Exp(logs / float64(n))
		text := fmt.Sprintf("%d whole programs under %s: %.3g x native (geometric mean of the medians)", n, way.tracer, mean)
		if way == oursDirect {
			verdict := "met"
			if mean > wholeGoal {
				verdict = "MISSED"
			}
			text += fmt.Sprintf("; %s: <= %.2f", verdict, wholeGoal)
		}
		fmt.Fprintf(w, "\n%s\n", text)
	}
}

// cells returns the cells of the row's i-th way.
func (m *measurement) cells(i int, w *way) []string {
	cells := []string{w.tracer, w.place.String(), "", m.figure.format(m.samples[i].median())}
	if w.writes {
		cells[2] = strconv.Itoa(m.lines[i])
	}
	for _, c := range columns {
		text := ""
		if w != native || c.base == native {
			text = ratioText(m.ratio(w, c.base), w == c.base)
		}
		cells = append(cells, text)
	}
	return append(cells, m.judge(w))
}

// ratioText renders the median of ratios and the least and greatest of them.
func ratioText(r series, self bool) string {
	if r == nil {
		return ""
	}
	if self {
		return "1"
	}
	if len(r) == 1 {
		return fmt.Sprintf("%.3g", r[0])
	}
	return fmt.Sprintf("%.3g (%.3g-%.3g)", r.median(), slices.Min(r), slices.Max(r))
}

// align writes lines, the first a header, with all cells of a column equally wide.
func align(w io.Writer, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		for i, width := range widths {
			cell := ""
			if i < len(line) {
				cell = line[i]
			}
			fmt.Fprintf(w, "| %-*s ", width, cell)
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for _, width := range widths {
				fmt.Fprintf(w, "|%s", strings.Repeat("-", width+2))
			}
			fmt.Fprintln(w, "|")
		}
	}
}
