package table

import "strings"

// nearest returns the call or class whose name takes the fewest edits to get
// from name, and "" if that would be more than a third of the name.
func nearest(name string) string {
	best, limit := "", len(name)/3+1
	if len(name) > 64 {
		return "" // no name, and the time is quadratic
	}
	consider := func(candidate string) {
		if d := distance(name, candidate); d < limit {
			best, limit = candidate, d
		}
	}
	if strings.HasPrefix(name, "%") {
		for _, c := range classNames {
			consider("%" + c.name)
		}
		return best
	}
	lower := strings.ToLower(name)
	if _, ok := indexOf(lower); ok {
		return lower
	}
	for i := range byName {
		consider(byName[i].name)
	}
	for i := range folded {
		consider(folded[i].name)
	}
	return best
}

// distance is the number of bytes to insert, delete, replace or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
