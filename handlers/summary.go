package handlers

import (
	"bytes"
	"cmp"

	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/k42trace/k42trace/table"
)

// A Column is one column of a Count's table, and an order of its rows.
type Column uint8

// Columns. Times are wall time, so that those of strace's system time and those of
// its wall time are the same.
const (
	ColumnPercent Column = iota // share of all time
	ColumnTotal                 // seconds in all
	ColumnAverage               // microseconds a call
	ColumnCalls
	ColumnErrors
	ColumnName
	ColumnMin       // shortest call, seconds
	ColumnMax       // longest call
	ColumnWallTotal // the same as without Wall, under other titles
	ColumnWallMin
	ColumnWallMax
	ColumnWallAverage
	ColumnNone // no order: rows by number
)

// DefaultColumns are the columns of a Count that says nothing else.
var DefaultColumns = []Column{ColumnPercent, ColumnTotal, ColumnAverage, ColumnCalls, ColumnErrors, ColumnName}

// columns says how each column looks and how a user names it, the first name being
// the one to show.
var columns = [...]struct {
	title string
	width int
	names []string
}{
	ColumnPercent:     {"% time", 6, []string{"time-percent", "time", "time_percent"}},
	ColumnTotal:       {"seconds", 11, []string{"total-time", "time-total", "total_time", "time_total"}},
	ColumnAverage:     {"usecs/call", 11, []string{"avg-time", "time-avg", "avg_time", "time_avg"}},
	ColumnCalls:       {"calls", 9, []string{"calls", "count"}},
	ColumnErrors:      {"errors", 9, []string{"errors", "error"}},
	ColumnName:        {"syscall", 16, []string{"name", "syscall", "syscall-name", "syscall_name"}},
	ColumnMin:         {"shortest", 8, []string{"min-time", "shortest", "time-min", "min_time", "time_min"}},
	ColumnMax:         {"longest", 8, []string{"max-time", "longest", "time-max", "max_time", "time_max"}},
	ColumnWallTotal:   {"wall-total", 11, []string{"wall-total", "total-wall", "wall_total", "total_wall"}},
	ColumnWallMin:     {"wall-min", 8, []string{"wall-min", "min-wall", "wall_min", "min_wall"}},
	ColumnWallMax:     {"wall-max", 8, []string{"wall-max", "max-wall", "wall_max", "max_wall"}},
	ColumnWallAverage: {"wall-avg", 11, []string{"wall-avg", "avg-wall", "wall_avg", "avg_wall"}},
	ColumnNone:        {"", 0, []string{"nothing", "none"}},
}

// timed reports whether a column shows time.
func (c Column) timed() bool {
	return c != ColumnCalls && c != ColumnErrors && c != ColumnName && c != ColumnNone
}

// ParseSort reads the name of an order, as strace's -S has it.
func ParseSort(s string) (Column, error) {
	c, ok := columnNamed(s)
	if !ok {
		return 0, fmt.Errorf("%q is none of %s", s, columnNames(ColumnNone))
	}
	return c, nil
}

// ParseColumns reads names of columns with commas between them, as strace's -U has
// them. The name of the call comes last if it is not among them.
func ParseColumns(s string) ([]Column, error) {
	var list []Column
	for word := range strings.SplitSeq(s, ",") {
		c, ok := columnNamed(word)
		if !ok || c == ColumnNone {
			return nil, fmt.Errorf("%q is none of %s", word, columnNames(ColumnWallAverage))
		}
		if slices.Contains(list, c) {
			return nil, fmt.Errorf("the column %s is given twice", word)
		}
		list = append(list, c)
	}
	if !slices.Contains(list, ColumnName) {
		list = append(list, ColumnName)
	}
	return list, nil
}

func columnNamed(s string) (Column, bool) {
	for i := range columns {
		if slices.Contains(columns[i].names, s) {
			return Column(i), true
		}
	}
	return 0, false
}

// columnNames names the columns up to the last.
func columnNames(last Column) string {
	var names []string
	for i := range columns[:last+1] {
		names = append(names, columns[i].names[0])
	}
	return strings.Join(names, ", ")
}

// WriteTo writes what has been counted as strace -c does.
func (n *Count) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for abi := range table.NumABI {
		a := &n.abi[abi]
		var rows []row
		add := func(t tally) {
			name := cmp.Or(nameOf(abi, t.nr), table.UnknownName(abi, t.nr))
			rows = append(rows, row{t, name})
		}
		for _, t := range a.known {
			if t.calls > 0 {
				add(t)
			}
		}
		for _, t := range a.unknown {
			add(*t)
		}
		if len(rows) == 0 {
			continue
		}
		if abi != hostABI {
			fmt.Fprintf(&b, "System call usage summary for %s mode:\n", mode(abi))
		}
		slices.SortFunc(rows, func(x, y row) int {
			return cmp.Or(n.Sort.compare(x, y), cmp.Compare(x.nr, y.nr))
		})
		n.writeSummary(&b, rows)
	}
	return b.WriteTo(w)
}

// A row is a call, or all of them, in the table.
type row struct {
	tally
	name string
}

// average returns the time of one call.
func (r row) average() time.Duration { return r.spent / time.Duration(max(r.calls, 1)) }

// compare puts what there is most of first, and names in their order.
func (c Column) compare(x, y row) int {
	switch c {
	case ColumnNone:
		return 0
	case ColumnAverage, ColumnWallAverage:
		return cmp.Compare(y.average(), x.average())
	case ColumnCalls:
		return cmp.Compare(y.calls, x.calls)
	case ColumnErrors:
		return cmp.Compare(y.errors, x.errors)
	case ColumnName:
		return cmp.Compare(x.name, y.name)
	case ColumnMin, ColumnWallMin:
		return cmp.Compare(y.min, x.min)
	case ColumnMax, ColumnWallMax:
		return cmp.Compare(y.max, x.max)
	}
	return cmp.Compare(y.spent, x.spent)
}

// cell returns what a column shows of a row; all is the time of all rows.
func (c Column) cell(r row, all time.Duration, total bool) string {
	switch c {
	case ColumnPercent:
		share := 0.0
		if all > 0 {
			share = 100 * float64(r.spent) / float64(all)
		}
		if total {
			share = 100
		}
		return fmt.Sprintf("%.2f", share)
	case ColumnAverage, ColumnWallAverage:
		return fmt.Sprint(int64(r.average() / time.Microsecond))
	case ColumnCalls:
		return fmt.Sprint(r.calls)
	case ColumnErrors:
		if r.errors == 0 {
			return ""
		}
		return fmt.Sprint(r.errors)
	case ColumnName:
		return r.name
	case ColumnMin, ColumnWallMin:
		return fmt.Sprintf("%.6f", r.min.Seconds())
	case ColumnMax, ColumnWallMax:
		return fmt.Sprintf("%.6f", r.max.Seconds())
	}
	return fmt.Sprintf("%.6f", r.spent.Seconds())
}

// summed returns the row of the totals.
func summed(rows []row) row {
	total := row{name: "total"}
	for i, r := range rows {
		total.calls += r.calls
		total.errors += r.errors
		total.spent += r.spent
		if i == 0 || r.min < total.min {
			total.min = r.min
		}
		total.max = max(total.max, r.max)
	}
	return total
}

func (n *Count) writeSummary(b *bytes.Buffer, rows []row) {
	shown := n.Columns
	if len(shown) == 0 {
		shown = DefaultColumns
	}
	for i := range rows {
		rows[i].subtract(n.Overhead)
	}
	total := summed(rows)
	lines := [][]string{nil, nil} // the titles and the rule
	for _, r := range append(rows, total) {
		if r.name == total.name {
			lines = append(lines, nil) // another rule
		}
		var cells []string
		for _, c := range shown {
			cells = append(cells, c.cell(r, total.spent, r.name == total.name))
		}
		lines = append(lines, cells)
	}
	width := make([]int, len(shown))
	var titles, rule []string
	for i, c := range shown {
		width[i] = columns[c].width
		for _, line := range lines {
			if line != nil {
				width[i] = max(width[i], len(line[i]))
			}
		}
		titles = append(titles, columns[c].title)
		rule = append(rule, strings.Repeat("-", width[i]))
	}
	lines[0] = titles
	for _, line := range lines {
		if line == nil {
			line = rule
		}
		for i, cell := range line {
			if i > 0 {
				b.WriteByte(' ')
			}
			switch {
			case shown[i] != ColumnName:
				fmt.Fprintf(b, "%*s", width[i], cell)
			case i == len(line)-1:
				b.WriteString(cell)
			default:
				fmt.Fprintf(b, "%-*s", width[i], cell)
			}
		}
		b.WriteByte('\n')
	}
}

// subtract takes what counting itself has cost off the times of calls.
func (r *row) subtract(overhead time.Duration) {
	if overhead > 0 {
		r.spent = max(0, r.spent-overhead*time.Duration(r.calls))
		r.min, r.max = max(0, r.min-overhead), max(0, r.max-overhead)
	}
}

// ShowsTimes reports whether the table, or the order of its rows, tells of times.
func (n *Count) ShowsTimes() bool {
	shown := n.Columns
	if len(shown) == 0 {
		shown = DefaultColumns
	}
	return n.Sort.timed() || slices.ContainsFunc(shown, Column.timed)
}
