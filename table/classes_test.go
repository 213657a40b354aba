package table

import "testing"

func TestClassesAreStraces(t *testing.T) {
	rows := readRows(t, "testdata/strace-classes.txt")
	if len(rows) < 440 {
		t.Fatalf("only %d calls", len(rows))
	}
	want := map[string]map[string]bool{}
	known := map[string]bool{}
	for _, row := range rows {
		known[row[0]] = true
		for _, class := range row[1:] {
			if want[class] == nil {
				want[class] = map[string]bool{}
			}
			want[class][row[0]] = true
		}
	}
	// strace names the call behind socketcall, and gives it that one's classes;
	// here socketcall itself is a call of the network.
	want["%network"]["socketcall"] = true

	for class, calls := range want {
		set, err := ParseSet(class)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, abi := range []ABI{AMD64, I386, X32} {
			for name := range known {
				if nr := number(abi, name); nr >= 0 && set.Has(abi, nr) != calls[name] {
					t.Errorf("%s of %v has %s: %v, want %v", class, abi, name, set.Has(abi, nr), calls[name])
				}
			}
		}
	}
	for _, c := range classNames {
		if want["%"+c.name] == nil && c.name != "net" {
			t.Errorf("nothing to compare %%%s with", c.name)
		}
	}
}
