package main

import "testing"

// TestFollow: of -f and --follow-forks=, the last counts.
func TestFollow(t *testing.T) {
	for _, c := range []struct {
		args   []string
		follow int
		alone  bool
	}{
		{nil, 0, false},
		{[]string{"-f"}, 1, false},
		{[]string{"-ff"}, 2, false},
		{[]string{"--follow-forks"}, 1, false},
		{[]string{"--follow-forks=true"}, 1, false},
		{[]string{"--follow-forks=false"}, 0, true},
		{[]string{"--follow-forks=false", "-f"}, 1, false},
		{[]string{"-f", "--follow-forks=false"}, 0, true},
	} {
		var o options
		if _, err := o.parse(append(c.args, "true")); err != nil || o.follow != c.follow || o.alone != c.alone {
			t.Errorf("%v: %v, follow %d, alone %v", c.args, err, o.follow, o.alone)
		}
	}
	var o options
	if _, err := o.parse([]string{"--follow-forks=x", "true"}); err == nil {
		t.Error("--follow-forks=x is taken")
	}
}
