package decode

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// Every set that a signature names is there.
func TestSignaturesHaveTheirSets(t *testing.T) {
	seen := map[string]bool{}
	for abi := range table.NumABI {
		for nr := range 1024 {
			sig := table.SignatureOf(abi, nr)
			if sig == nil {
				continue
			}
			for _, a := range sig.Args {
				if a.Kind != table.Flags && a.Kind != table.Enum {
					continue
				}
				seen[a.Set] = true
				set := SetFor(abi, a.Set)
				if set == nil {
					t.Errorf("%v %s: no set %s", abi, sig.Name, a.Set)
					continue
				}
				if a.Kind == table.Enum && !slices.IsSortedFunc(set.Consts, byValue) {
					t.Errorf("%v %s: %s is not in the order of its values", abi, sig.Name, a.Set)
				}
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d sets used", len(seen))
	}
}

func byValue(a, b Const) int {
	switch {
	case a.Value < b.Value:
		return -1
	case a.Value > b.Value:
		return 1
	}
	return 0
}

func TestSetsAreConsistent(t *testing.T) {
	for _, list := range [][]ConstSet{sets[:], setsARM64[:]} {
		for i := range list {
			s := &list[i]
			if i > 0 && list[i-1].Name >= s.Name {
				t.Errorf("%s is behind %s", s.Name, list[i-1].Name)
			}
			if !slices.IsSortedFunc(s.Consts, func(a, b Const) int { return btoi(b.Mask != 0) - btoi(a.Mask != 0) }) {
				t.Errorf("%s: fields are not first", s.Name)
			}
			names := map[string]bool{}
			for i, c := range s.Consts {
				if c.Name == "" || names[c.Name] {
					t.Errorf("%s has %q twice", s.Name, c.Name)
				}
				names[c.Name] = true
				if c.Mask != 0 && c.Value&^c.Mask != 0 {
					t.Errorf("%s: %s has bits beyond its field", s.Name, c.Name)
				}
				// What has several bits comes before those with some of them;
				// sets in the order of their values are for one value at a time.
				if c.Mask != 0 || slices.IsSortedFunc(s.Consts, byValue) {
					continue
				}
				for _, before := range s.Consts[:i] {
					if before.Mask == 0 && before.Value != 0 && before.Value != c.Value && before.Value&c.Value == before.Value {
						t.Errorf("%s: %s hides %s", s.Name, before.Name, c.Name)
					}
				}
			}
		}
	}
	if SetByName("no such set") != nil || SetByName("") != nil {
		t.Error("a set without a name")
	}
}

// Some values of each source, and those that are not the same everywhere.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		abi   table.ABI
		set   string
		name  string
		value uint64
	}{
		{table.AMD64, "open_flags", "O_DIRECTORY", 0o200000},
		{table.I386, "open_flags", "O_DIRECTORY", 0o200000},
		{table.ARM64, "open_flags", "O_DIRECTORY", 0o40000},
		{table.AMD64, "open_flags", "O_DIRECT", 0o40000},
		{table.ARM64, "open_flags", "O_DIRECT", 0o200000},
		{table.AMD64, "open_flags", "O_NOFOLLOW", 0o400000},
		{table.ARM64, "open_flags", "O_NOFOLLOW", 0o100000},
		{table.AMD64, "open_flags", "O_LARGEFILE", 0o100000},
		{table.ARM64, "open_flags", "O_LARGEFILE", 0o400000},
		{table.AMD64, "open_flags", "O_TMPFILE", 0o20200000},
		{table.ARM64, "open_flags", "O_TMPFILE", 0o20040000},
		{table.ARM64, "open_flags", "O_CLOEXEC", unix.O_CLOEXEC},
		{table.ARM64, "clone_flags", "CLONE_VM", unix.CLONE_VM},
		{table.AMD64, "key_serial", "KEY_SPEC_SESSION_KEYRING", 0xfffffffd},
		{table.AMD64, "si_codes", "SI_TKILL", 0xfffffffa},
		{table.AMD64, "ioctl_cmd", "TCGETS", unix.TCGETS},
		{table.AMD64, "ioctl_cmd", "SNDCTL_TMR_STOP or TCSETSW", unix.TCSETSW},
		{table.AMD64, "ioctl_cmd", "KVM_CREATE_VM", 0xae01},
		{table.AMD64, "ioctl_cmd", "TIOCGWINSZ", unix.TIOCGWINSZ},
		{table.AMD64, "ioctl_cmd", "SIOCGIFFLAGS", unix.SIOCGIFFLAGS},
		{table.AMD64, "fs_magic", "EXT2_SUPER_MAGIC", unix.EXT4_SUPER_MAGIC},
		{table.AMD64, "rlimit_resource", "RLIMIT_NOFILE", unix.RLIMIT_NOFILE},
		{table.AMD64, "capability", "CAP_CHECKPOINT_RESTORE", 40},
		{table.AMD64, "shutdown_how", "SHUT_RDWR", unix.SHUT_RDWR},
	} {
		set := SetFor(c.abi, c.set)
		if set == nil {
			t.Errorf("no set %s", c.set)
			continue
		}
		i := slices.IndexFunc(set.Consts, func(k Const) bool { return k.Name == c.name })
		if i < 0 {
			t.Errorf("%s of %v has no %s", c.set, c.abi, c.name)
			continue
		}
		if got := set.Consts[i].Value; got != c.value {
			t.Errorf("%s of %v is %#x, want %#x", c.name, c.abi, got, c.value)
		}
	}
	// 32 bits is not for arm64.
	if slices.ContainsFunc(SetFor(table.ARM64, "mmap_flags").Consts, func(k Const) bool { return k.Name == "MAP_32BIT" }) {
		t.Error("arm64 has MAP_32BIT")
	}
}

func TestErrnos(t *testing.T) {
	aliases := map[string]string{"EWOULDBLOCK": "EAGAIN", "EDEADLOCK": "EDEADLK", "ENOTSUP": "EOPNOTSUPP", "EFSCORRUPTED": "EUCLEAN", "EFSBADCRC": "EBADMSG"}
	for e := unix.Errno(1); e < 200; e++ {
		want := unix.ErrnoName(e)
		if alias, ok := aliases[want]; ok {
			want = alias
		}
		if got := ErrnoName(e); got != want {
			t.Errorf("errno %d is %q, want %q", int(e), got, want)
		}
	}
	for e, want := range map[unix.Errno][2]string{
		unix.ENOENT:                 {"ENOENT", "No such file or directory"},
		unix.ERANGE:                 {"ERANGE", "Numerical result out of range"},
		unix.EAGAIN:                 {"EAGAIN", "Resource temporarily unavailable"},
		unix.EOPNOTSUPP:             {"EOPNOTSUPP", "Operation not supported"},
		unix.EHWPOISON:              {"EHWPOISON", "Memory page has hardware error"},
		41:                          {"", "Unknown error 41"},
		4000:                        {"", "Unknown error 4000"},
		table.ERESTARTSYS:           {"ERESTARTSYS", "To be restarted if SA_RESTART is set"},
		table.ERESTARTNOINTR:        {"ERESTARTNOINTR", "To be restarted"},
		table.ERESTARTNOHAND:        {"ERESTARTNOHAND", "To be restarted if no handler"},
		table.ERESTART_RESTARTBLOCK: {"ERESTART_RESTARTBLOCK", "Interrupted by signal"},
	} {
		if got := [2]string{ErrnoName(e), ErrnoText(e)}; got != want {
			t.Errorf("errno %d: %q, want %q", int(e), got, want)
		}
	}
}

func TestSignalName(t *testing.T) {
	for n := 1; n < 32; n++ {
		want := unix.SignalName(unix.Signal(n))
		if got := SignalName(n); got != want {
			t.Errorf("signal %d is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{-1: "", 0: "", 32: "SIGRTMIN", 33: "SIGRT_1", 64: "SIGRT_32", 65: "", 1 << 30: ""} {
		if got := SignalName(n); got != want {
			t.Errorf("signal %d is %q, want %q", n, got, want)
		}
	}
}

// The committed data is what the generator makes of its sources. Its headers and
// texts are the system's: only their absence is an excuse.
func TestGeneratedIsUpToDate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./gen", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"zconsts.go", "zerrno.go"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what go generate makes", name)
		}
	}
}
