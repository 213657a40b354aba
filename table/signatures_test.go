package table

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every call that the system's headers name has a signature under its number.
func TestEveryCallOfTheHeadersHasASignature(t *testing.T) {
	const dir = "/usr/include/x86_64-linux-gnu/asm/"
	for _, h := range []struct {
		abi  ABI
		file string
		form string
		min  int
	}{
		{AMD64, dir + "unistd_64.h", `(?m)^#define __NR_(\w+) (\d+)$`, 350},
		{I386, dir + "unistd_32.h", `(?m)^#define __NR_(\w+) (\d+)$`, 400},
		{X32, dir + "unistd_x32.h", `(?m)^#define __NR_(\w+) \(__X32_SYSCALL_BIT \+ (\d+)\)$`, 340},
	} {
		t.Run(h.abi.String(), func(t *testing.T) {
			data, err := os.ReadFile(h.file)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			calls := regexp.MustCompile(h.form).FindAllSubmatch(data, -1)
			if len(calls) < h.min {
				t.Fatalf("only %d calls in %s", len(calls), h.file)
			}
			for _, m := range calls {
				name := string(m[1])
				nr, err := strconv.Atoi(string(m[2]))
				if err != nil {
					t.Fatal(err)
				}
				if h.abi == X32 {
					nr |= X32Bit
				}
				sig := SignatureOf(h.abi, nr)
				if sig == nil {
					t.Errorf("%s: number %d has no signature", name, nr)
					continue
				}
				if sig.Name != name {
					t.Errorf("number %d is called %s, want %s", nr, sig.Name, name)
				}
				if got, ok := Number(h.abi, name); !ok || got != nr {
					t.Errorf("Number(%s) = %d, %v, want %d", name, got, ok, nr)
				}
			}
		})
	}
}

// What the kernel cuts right away to fewer bits than the prototype has: longs that
// are descriptors, in fdget(unsigned int), or pids, and the mask of umask.
var cutByKernel = map[string]bool{
	"mmap fd": true, "readv fd": true, "writev fd": true, "preadv fd": true,
	"pwritev fd": true, "preadv2 fd": true, "pwritev2 fd": true, "ptrace pid": true,
	"umask mask": true,
}

func TestWidthsAreThoseOfTheKernelsPrototypes(t *testing.T) {
	rows := readRows(t, "testdata/prototypes.txt")
	if len(rows) < 350 {
		t.Fatalf("only %d prototypes", len(rows))
	}
	for _, row := range rows {
		name, widths := row[0], row[1:]
		nr, ok := Number(AMD64, name)
		if !ok {
			t.Errorf("%s has no number", name)
			continue
		}
		sig := SignatureOf(AMD64, nr)
		if len(sig.Args) != len(widths) {
			t.Errorf("%s has %d arguments, want %d", name, len(sig.Args), len(widths))
			continue
		}
		for i, want := range widths {
			a := sig.Args[i]
			id := name + " " + a.Name
			switch {
			case want == "p" && (!isPointer(a.Kind) || a.Bits != 64):
				t.Errorf("%s: kind %d of %d bits, want a pointer", id, a.Kind, a.Bits)
			case want != "p" && isPointer(a.Kind) && a.Kind != Addr:
				t.Errorf("%s is followed as a pointer, but is a number", id)
			case want != "p" && strconv.Itoa(int(a.Bits)) != want && !cutByKernel[id]:
				t.Errorf("%s has %d bits, want %s", id, a.Bits, want)
			}
		}
	}
}

func isPointer(k Kind) bool {
	switch k {
	case Addr, Path, String, Buffer, Strings, Env, Struct:
		return true
	}
	return false
}

// Rules that every row keeps, whatever the call.
func TestSignaturesAreConsistent(t *testing.T) {
	seen := 0
	for abi := range NumABI {
		for nr, sig := range byNumber[abi] {
			if sig == nil {
				continue
			}
			seen++
			if err := check(abi, sig); err != nil {
				t.Errorf("%v %d %s: %v", abi, nr, sig.Name, err)
			}
			if number(abi, sig.Name) != nr {
				t.Errorf("%v %d %s: its name has number %d", abi, nr, sig.Name, number(abi, sig.Name))
			}
		}
	}
	if seen < 1500 {
		t.Errorf("only %d calls", seen)
	}
}

func check(abi ABI, sig *Signature) error {
	if sig.Name == "" || len(sig.Args) > 6 {
		return fmt.Errorf("bad name or %d arguments", len(sig.Args))
	}
	for i, a := range sig.Args {
		if a.Bits != 16 && a.Bits != 32 && (a.Bits != 64 || abi == I386) {
			return fmt.Errorf("%s has %d bits", a.Name, a.Bits)
		}
		if a.Len >= 0 && (int(a.Len) >= len(sig.Args) || int(a.Len) == i) {
			return fmt.Errorf("the length of %s is in argument %d", a.Name, a.Len)
		}
		if a.Len >= 0 {
			switch l := sig.Args[a.Len]; l.Kind {
			case Int, Uint, Struct:
			default:
				return fmt.Errorf("the length of %s is in %s of kind %d", a.Name, l.Name, l.Kind)
			}
		}
		if a.Result && a.Dir&Out == 0 {
			return fmt.Errorf("the result says how much of %s is filled, which is no output", a.Name)
		}
		followed := isPointer(a.Kind) && a.Kind != Addr
		if followed != (a.Dir != 0) {
			return fmt.Errorf("%s has direction %d", a.Name, a.Dir)
		}
		if (a.Kind == Struct || a.Kind == Flags || a.Kind == Enum) && a.Set == "" {
			return fmt.Errorf("%s names no set", a.Name)
		}
		if a.Kind == High && (i == 0 || abi != I386) {
			return fmt.Errorf("%s is an upper half", a.Name)
		}
	}
	switch sig.Result {
	case Int, Uint, Hex, Octal, FD, PID, UID, NoReturn:
		return nil
	}
	return fmt.Errorf("result kind %d", sig.Result)
}

// Some that a policy hangs on, checked one by one.
func TestWhatFiltersLookAt(t *testing.T) {
	for _, w := range []struct {
		abi  ABI
		call string
		arg  int
		kind Kind
		bits uint8
	}{
		{AMD64, "ioctl", 1, Enum, 32},
		{AMD64, "ioctl", 2, Hex, 64},
		{X32, "ioctl", 2, Hex, 32},
		{AMD64, "clone", 0, Flags, 64},
		{ARM64, "clone", 4, Addr, 64},
		{AMD64, "open", 1, Flags, 32},
		{AMD64, "mkdir", 1, Octal, 16},
		{AMD64, "chown", 1, UID, 32},
		{I386, "chown", 1, UID, 16},
		{I386, "chown32", 1, UID, 32},
		{I386, "setuid", 0, UID, 16},
		{I386, "pread64", 4, High, 32},
		{I386, "fadvise64_64", 5, Enum, 32},
		{I386, "mmap", 0, Struct, 32},
		{I386, "mmap2", 0, Addr, 32},
		{AMD64, "preadv2", 4, Unused, 64},
		{X32, "preadv2", 4, Flags, 32},
		{AMD64, "kill", 1, Signal, 32},
		{AMD64, "unlinkat", 0, DirFD, 32},
	} {
		nr, ok := Number(w.abi, w.call)
		if !ok {
			t.Errorf("%v has no %s", w.abi, w.call)
			continue
		}
		a := SignatureOf(w.abi, nr).Args[w.arg]
		if a.Kind != w.kind || a.Bits != w.bits {
			t.Errorf("%v %s, argument %d: kind %d of %d bits, want kind %d of %d", w.abi, w.call, w.arg, a.Kind, a.Bits, w.kind, w.bits)
		}
	}
}

// The committed data is what the generator makes of its sources.
func TestGeneratedIsUpToDate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./gen", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "zcalls.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("zcalls.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("zcalls.go is not what go generate makes")
	}
}

// readRows returns the words of each line that is no comment.
func readRows(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if words := strings.Fields(s.Text()); len(words) > 0 && words[0][0] != '#' {
			rows = append(rows, words)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}
