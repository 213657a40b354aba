package table

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names returns the calls of abi in a set, as "name" or "number".
func names(s *Set, abi ABI) []string {
	var all []string
	for nr := range s.Numbers(abi) {
		all = append(all, SignatureOf(abi, nr).Name)
	}
	return all
}

func TestParseSet(t *testing.T) {
	for _, c := range []struct {
		set   string
		amd64 []string
		i386  []string
		x32   []string
	}{
		{"open", []string{"open"}, []string{"open"}, []string{"open"}},
		{"open,close", []string{"open", "close"}, []string{"open", "close"}, []string{"open", "close"}},
		{",open,,close,", []string{"open", "close"}, []string{"open", "close"}, []string{"open", "close"}},
		{"none", nil, nil, nil},
		{"!all", nil, nil, nil},
		{"!!open", []string{"open"}, []string{"open"}, []string{"open"}},
		{"1", []string{"write"}, []string{"exit"}, []string{"write"}},
		{"01", []string{"write"}, []string{"exit"}, []string{"write"}},
		{"514", nil, nil, []string{"ioctl"}},
		{"1@32,close", []string{"close"}, []string{"exit", "close"}, []string{"close"}},
		{"open@64", []string{"open"}, nil, nil},
		{"open@32", nil, []string{"open"}, nil},
		{"open@x32", nil, nil, []string{"open"}},
		{"mmap2", nil, []string{"mmap2"}, nil},
		{"%%statfs", []string{"ustat", "statfs", "fstatfs"}, []string{"ustat", "statfs", "fstatfs", "statfs64", "fstatfs64"}, []string{"ustat", "statfs", "fstatfs"}},
		{"%stat@32", nil, []string{"oldstat", "stat", "stat64"}, nil},
		{"lstat", []string{"lstat"}, []string{"lstat"}, []string{"lstat"}}, // the call, not the class
		{"?nosuch", nil, nil, nil},
		{"?%nosuch,?9999,?/nosuch,?", nil, nil, nil},
		{"??nosuch,open", []string{"open"}, []string{"open"}, []string{"open"}},
		{"?mmap2@64", nil, nil, nil},
		{"/^(open|close)$", []string{"open", "close"}, []string{"open", "close"}, []string{"open", "close"}},
		{"/^open$/", []string{"open"}, []string{"open"}, []string{"open"}},
		{"/^open$@64", []string{"open"}, nil, nil},
		{"/^open$/@x32", nil, nil, []string{"open"}},
		{"/^mq_,/^inotify_add", []string{"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "inotify_add_watch"},
			[]string{"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "inotify_add_watch", "mq_timedsend_time64", "mq_timedreceive_time64"},
			[]string{"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_getsetattr", "inotify_add_watch", "mq_notify"}},
	} {
		s, err := ParseSet(c.set)
		if err != nil {
			t.Errorf("%s: %v", c.set, err)
			continue
		}
		for abi, want := range map[ABI][]string{AMD64: c.amd64, I386: c.i386, X32: c.x32} {
			if diff := cmp.Diff(want, names(s, abi)); diff != "" {
				t.Errorf("%s, %v (-want +got):\n%s", c.set, abi, diff)
			}
			if s.HasUnknown(abi) {
				t.Errorf("%s has unknown numbers of %v", c.set, abi)
			}
		}
	}
}

func TestParseSetOldClasses(t *testing.T) {
	for _, c := range []string{"file", "desc", "process", "network", "signal", "ipc", "memory"} {
		bare, err := ParseSet(c)
		if err != nil {
			t.Error(err)
			continue
		}
		percent, err := ParseSet("%" + c)
		if err != nil {
			t.Error(err)
			continue
		}
		if *bare != *percent || *bare == (Set{}) {
			t.Errorf("%s is not %%%[1]s", c)
		}
	}
}

func TestParseSetComplement(t *testing.T) {
	all, err := ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	but, err := ParseSet("!openat,%file@32")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		abi  ABI
		nr   int
		want bool
	}{
		{AMD64, 257, false},
		{ARM64, 56, false},
		{X32, X32Bit | 257, false},
		{AMD64, 2, true},
		{I386, 5, false},
		{I386, 3, true},
		{AMD64, 400, true}, // no call
		{I386, 99999, true},
		{X32, X32Bit | 999, true},
		{AMD64, -1, true},
	} {
		if !all.Has(c.abi, c.nr) {
			t.Errorf("all lacks %v %d", c.abi, c.nr)
		}
		if but.Has(c.abi, c.nr) != c.want {
			t.Errorf("%v %d: %v, want %v", c.abi, c.nr, !c.want, c.want)
		}
	}
	if only, err := ParseSet("all@32"); err != nil || only.Has(AMD64, 0) || !only.Has(I386, 0) || !only.Has(I386, 999) || only.Has(AMD64, 999) {
		t.Errorf("all@32: %v", err)
	}
	if twice, err := ParseSet("!!all"); err != nil || *twice != *all {
		t.Errorf("!!all is not all: %v", err)
	}
	if nothing, err := ParseSet("!none"); err != nil || *nothing != *all {
		t.Errorf("!none is not all: %v", err)
	}
}

func TestParseSetUnknownNames(t *testing.T) {
	for _, c := range []struct{ set, name, nearest string }{
		{"opena", "opena", "open"},
		{"close,opennat", "opennat", "openat"},
		{"raed", "raed", "read"},
		{"OPEN", "OPEN", "open"},
		{"getdnets64", "getdnets64", "getdents64"},
		{"!fobar_quux_nothing", "fobar_quux_nothing", ""},
		{"%fil", "%fil", "%file"},
		{"%netwrok", "%netwrok", "%network"},
		{"%", "%", ""},
		{"creds", "creds", ""},
		{" open", " open", "open"},
		{"open,!close", "!close", "close"},
		{"none,open", "none", ""},
		{"1000", "1000", ""},
		{"499", "499", ""},
		{"0x1", "0x1", ""},
		{"-1", "-1", ""},
		{"mmap2@64", "mmap2@64", ""},
		{"opeen@32", "opeen@32", "open"},
		{"/^nosuch", "/^nosuch", ""},
		{strings.Repeat("x", 1<<16), strings.Repeat("x", 1<<16), ""},
	} {
		_, err := ParseSet(c.set)
		var unknown *UnknownNameError
		if !errors.As(err, &unknown) {
			t.Errorf("%.40q: error %v, want an UnknownNameError", c.set, err)
			continue
		}
		if unknown.Name != c.name {
			t.Errorf("%.40q: name %.40q, want %.40q", c.set, unknown.Name, c.name)
		}
		// For some, what is nearest is a matter of taste.
		if c.nearest != "" && unknown.Nearest != c.nearest {
			t.Errorf("%.40q: nearest %q, want %q", c.set, unknown.Nearest, c.nearest)
		}
		if c.nearest != "" && !strings.Contains(err.Error(), `did you mean "`+c.nearest+`"?`) {
			t.Errorf("%.40q: no suggestion in %q", c.set, err)
		}
		want := "/regular expression"
		if strings.HasPrefix(c.name, "%") {
			want = "%file, %desc, %process"
		}
		if unknown.Nearest == "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: what there is, %s, is not in %q", c.set, want, err)
		}
	}
}

func TestParseSetOtherErrors(t *testing.T) {
	for set, want := range map[string]string{
		"":            `no system call in ""`,
		"!":           `no system call in "!"`,
		",,":          `no system call in ",,"`,
		"open@foo":    `unknown ABI "foo" in "open@foo", want 64, 32 or x32`,
		"open@":       `unknown ABI "" in "open@", want 64, 32 or x32`,
		"/[":          `bad regular expression "[": missing closing ]: "["`,
		"/(open":      `bad regular expression "(open": missing closing ): "(open"`,
		"?/a**b@64":   `bad regular expression "a**b": invalid nested repetition operator: "**"`,
		"open,/\xff(": `bad regular expression "\xff(": invalid UTF-8: "\xff("`,
	} {
		_, err := ParseSet(set)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", set, err, want)
		}
		var unknown *UnknownNameError
		if errors.As(err, &unknown) {
			t.Errorf("%q: an UnknownNameError", set)
		}
	}
}

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"open,close", "!%file", "/^get", "?nosuch", "1@32", "all", "none", "!!,", "%%stat@64", "/[", "a@b@c", "/x/@x32"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseSet(s)
		if err != nil {
			if set != nil || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%v, %q", set, err)
			}
			return
		}
		// The opposite has what the set has not.
		not, err := ParseSet("!" + s)
		if err != nil {
			t.Fatal(err)
		}
		for abi := range NumABI {
			for _, nr := range []int{-1, 0, 1, 2, 257, 400, 514, 999, 1 << 20} {
				if set.Has(abi, nr) == not.Has(abi, nr) {
					t.Errorf("%v %d is in both or none", abi, nr)
				}
			}
		}
	})
}
