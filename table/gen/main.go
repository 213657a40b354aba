// Command gen writes package table's data: it joins signatures.txt with the
// system-call numbers that golang.org/x/sys/unix took from the kernel's headers,
// with newer.txt for calls that x/sys does not have yet, and with x32.txt for the ABI
// that it does not have.
//
// It is run by go generate in package table's directory; the result is committed.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// abis is in the order of package table's constants.
var abis = []string{"amd64", "i386", "x32", "arm64"}

// x32Own is the first of x32's own numbers; those below are x86-64's.
const x32Own = 512

func main() {
	log.SetFlags(0)
	log.SetPrefix("table/gen: ")
	out := "."
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	rows, err := readSignatures("signatures.txt")
	if err != nil {
		log.Fatal(err)
	}
	numbers, err := readNumbers("gen/newer.txt", "gen/x32.txt")
	if err != nil {
		log.Fatal(err)
	}
	src, err := generate(rows, numbers)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "zcalls.go"), src, 0o644); err != nil {
		log.Fatal(err)
	}
}

// readNumbers returns name -> number for each ABI.
func readNumbers(newer, x32 string) (map[string]map[string]int, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		return nil, fmt.Errorf("where is golang.org/x/sys: %w", err)
	}
	numbers := map[string]map[string]int{}
	for abi, arch := range map[string]string{"amd64": "amd64", "i386": "386", "arm64": "arm64"} {
		name := filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+arch+".go")
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		numbers[abi] = map[string]int{}
		for _, m := range sysnum.FindAllSubmatch(data, -1) {
			nr, err := strconv.Atoi(string(m[2]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			numbers[abi][strings.ToLower(string(m[1]))] = nr
		}
	}
	// The end of a range kept for architectures' own calls, not a call.
	delete(numbers["arm64"], "arch_specific_syscall")

	if err := addNewer(numbers, newer); err != nil {
		return nil, err
	}
	numbers["x32"] = maps.Clone(numbers["amd64"])
	err = eachLine(x32, func(line string) error {
		name, nr, _ := strings.Cut(line, " ")
		if _, ok := numbers["amd64"][name]; !ok {
			return fmt.Errorf("%s is no call of x86-64", name)
		}
		if nr == "-" {
			delete(numbers["x32"], name)
			return nil
		}
		n, err := strconv.Atoi(nr)
		if err != nil || n < x32Own {
			return fmt.Errorf("bad number %q", nr)
		}
		numbers["x32"][name] = n
		return nil
	})
	return numbers, err
}

// firstShared is the first of the numbers that are the same for all architectures.
const firstShared = 403

// addNewer adds calls that x/sys does not have yet.
func addNewer(numbers map[string]map[string]int, newer string) error {
	return eachLine(newer, func(line string) error {
		name, nr, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(nr)
		if err != nil || n < firstShared {
			return fmt.Errorf("bad number %q", nr)
		}
		for _, of := range numbers {
			if known, ok := of[name]; ok && known != n {
				return fmt.Errorf("%s is %d for golang.org/x/sys", name, known)
			}
			of[name] = n
		}
		return nil
	})
}

var sysnum = regexp.MustCompile(`(?m)^\tSYS_(\w+)\s*= (\d+)$`)

// eachLine calls f for every line of a file that is neither empty nor a comment.
func eachLine(name string, f func(line string) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := f(line); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return s.Err()
}

// generate writes the Go source.
func generate(rows map[string]map[string]*row, numbers map[string]map[string]int) ([]byte, error) {
	var names []string
	largest := 0
	for _, abi := range abis {
		for name, nr := range numbers[abi] {
			names = append(names, name)
			largest = max(largest, nr)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	used := map[*row]bool{}

	// The text of each signature once, in the order of first use.
	var sigs []string
	index := map[string]int{}
	table := map[string]map[int]int{}
	for _, abi := range abis {
		table[abi] = map[int]int{}
		for _, name := range slices.SortedFunc(maps.Keys(numbers[abi]), func(a, b string) int {
			return cmp.Compare(numbers[abi][a], numbers[abi][b])
		}) {
			r := rows[name][abi]
			if r == nil {
				r = rows[name][""]
			}
			if r == nil {
				return nil, fmt.Errorf("no signature for %s of %s", name, abi)
			}
			used[r] = true
			text := r.goSource(abi == "i386")
			i, ok := index[text]
			if !ok {
				i = len(sigs)
				index[text] = i
				sigs = append(sigs, text)
			}
			nr := numbers[abi][name]
			if _, ok := table[abi][nr]; ok {
				return nil, fmt.Errorf("two calls have number %d of %s", nr, abi)
			}
			table[abi][nr] = i
		}
	}
	for name, r := range rows {
		for abi, r := range r {
			if !used[r] {
				return nil, fmt.Errorf("the row %s@%s is for no call of any ABI", name, abi)
			}
		}
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by table/gen from signatures.txt and golang.org/x/sys/unix; DO NOT EDIT.\n\npackage table\n\n")
	fmt.Fprintf(&b, "// numKnown is one more than the largest number of any ABI, without X32Bit.\nconst numKnown = %d\n\n", largest+1)
	fmt.Fprintf(&b, "var signatures = [...]Signature{\n")
	for i, s := range sigs {
		fmt.Fprintf(&b, "%d: %s,\n", i, s)
	}
	fmt.Fprintf(&b, "}\n\n// byNumber has nil where an ABI has no call.\nvar byNumber = [NumABI][numKnown]*Signature{\n")
	for _, abi := range abis {
		fmt.Fprintf(&b, "%s: {\n", strings.ToUpper(abi))
		for _, nr := range slices.Sorted(maps.Keys(table[abi])) {
			fmt.Fprintf(&b, "%d: &signatures[%d],\n", nr, table[abi][nr])
		}
		fmt.Fprintf(&b, "},\n")
	}
	fmt.Fprintf(&b, "}\n\n// byName is sorted.\nvar byName = [...]nameEntry{\n")
	for _, name := range names {
		fmt.Fprintf(&b, "{%q, [NumABI]int16{", name)
		for i, abi := range abis {
			nr, ok := numbers[abi][name]
			if !ok {
				nr = -1
			}
			if i > 0 {
				fmt.Fprint(&b, ", ")
			}
			fmt.Fprint(&b, nr)
		}
		fmt.Fprintf(&b, "}},\n")
	}
	fmt.Fprintf(&b, "}\n")
	return format.Source(b.Bytes())
}
