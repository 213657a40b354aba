package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A row is one line of signatures.txt.
type row struct {
	name    string
	args    []arg
	result  string
	classes []string
}

type arg struct {
	name, kind, dir, set string
	bits                 int
	len                  int // lenNone, lenResult or an argument's index
	count                int // constant count of an array
	result               bool
}

const (
	lenNone   = -1
	lenResult = -2
)

// types gives kind and width of the types without a parameter.
var types = map[string]arg{
	"int": {kind: "Int", bits: 32}, "uint": {kind: "Uint", bits: 32}, "hex": {kind: "Hex", bits: 32},
	"long": {kind: "Int", bits: 64}, "ulong": {kind: "Uint", bits: 64}, "xlong": {kind: "Hex", bits: 64},
	"fd": {kind: "FD", bits: 32}, "dirfd": {kind: "DirFD", bits: 32},
	"pid": {kind: "PID", bits: 32}, "uid": {kind: "UID", bits: 32}, "uid16": {kind: "UID", bits: 16},
	"sig": {kind: "Signal", bits: 32}, "dev": {kind: "Dev", bits: 32},
	"mode": {kind: "Octal", bits: 16}, "fmode": {kind: "Octal", bits: 16, set: "file_mode"},
	"umask": {kind: "Octal", bits: 16}, "sigmask": {kind: "Hex", bits: 64, set: "sigmask"},
	"addr": {kind: "Addr", bits: 64},
	"path": {kind: "Path", bits: 64, dir: "In"}, "str": {kind: "String", bits: 64, dir: "In"},
	"argv": {kind: "Strings", bits: 64, dir: "In"}, "envp": {kind: "Env", bits: 64, dir: "In"},
	"buf":  {kind: "Buffer", bits: 64},
	"high": {kind: "High", bits: 64}, "unused": {kind: "Unused", bits: 64},
}

// setTypes are the types in front of a colon and a set's name.
var setTypes = map[string]arg{
	"flags": {kind: "Flags", bits: 32}, "lflags": {kind: "Flags", bits: 64},
	"enum": {kind: "Enum", bits: 32}, "lenum": {kind: "Enum", bits: 64},
}

var results = map[string]string{
	"int": "Int", "long": "Int", "uint": "Uint", "hex": "Hex", "xlong": "Hex",
	"octal": "Octal", "fd": "FD", "pid": "PID", "uid": "UID", "none": "NoReturn",
}

var dirs = map[string]string{"in": "In", "out": "Out", "inout": "InOut"}

var classNames = map[string]string{
	"file": "ClassFile", "desc": "ClassDesc", "process": "ClassProcess", "network": "ClassNetwork",
	"signal": "ClassSignal", "ipc": "ClassIPC", "memory": "ClassMemory", "creds": "ClassCreds",
	"clock": "ClassClock", "stat": "ClassStat", "lstat": "ClassLstat", "fstat": "ClassFstat",
	"statfs": "ClassStatfs", "fstatfs": "ClassFstatfs", "ustat": "ClassUstat",
	"pure": "ClassPure",
}

// readSignatures returns the rows by name and ABI, "" for those of every ABI.
func readSignatures(file string) (map[string]map[string]*row, error) {
	rows := map[string]map[string]*row{}
	err := eachLine(file, func(line string) error {
		r, abis, err := parseRow(line)
		if err != nil {
			return err
		}
		if rows[r.name] == nil {
			rows[r.name] = map[string]*row{}
		}
		for _, abi := range abis {
			if rows[r.name][abi] != nil {
				return fmt.Errorf("second row for %s@%s", r.name, abi)
			}
			rows[r.name][abi] = r
		}
		return nil
	})
	return rows, err
}

var line = regexp.MustCompile(`^(\w+)(?:@([\w,]+))?\((.*)\) (\w+)((?: \w+)*)$`)

func parseRow(text string) (*row, []string, error) {
	m := line.FindStringSubmatch(text)
	if m == nil {
		return nil, nil, fmt.Errorf("not a row: %q", text)
	}
	r := &row{name: m[1]}
	forABIs := strings.Split(m[2], ",")
	for _, abi := range forABIs {
		if abi != "" && !slices.Contains(abis, abi) {
			return nil, nil, fmt.Errorf("no ABI %q", abi)
		}
	}
	var ok bool
	if r.result, ok = results[m[4]]; !ok {
		return nil, nil, fmt.Errorf("no result type %q", m[4])
	}
	for _, c := range strings.Fields(m[5]) {
		if classNames[c] == "" {
			return nil, nil, fmt.Errorf("no class %q", c)
		}
		r.classes = append(r.classes, c)
	}
	if m[3] == "" {
		return r, forABIs, nil
	}
	fields := strings.Split(m[3], ", ")
	if len(fields) > 6 {
		return nil, nil, fmt.Errorf("%s has %d arguments", r.name, len(fields))
	}
	lengths := make([]string, len(fields))
	for i, f := range fields {
		a, length, err := parseArg(f)
		if err != nil {
			return nil, nil, fmt.Errorf("%s, %q: %w", r.name, f, err)
		}
		r.args = append(r.args, a)
		lengths[i] = length
	}
	for i, length := range lengths {
		if length == "" {
			continue
		}
		r.args[i].len = slices.IndexFunc(r.args, func(a arg) bool { return a.name == length })
		if r.args[i].len < 0 {
			return nil, nil, fmt.Errorf("%s has no argument %q", r.name, length)
		}
	}
	return r, forABIs, nil
}

var argForm = regexp.MustCompile(`^(?:(in|out|inout) )?(?:(\w+)|(\w+):(\w+)|&(\w+)) (\w+)(?:\[(\w+)\])?(=ret)?$`)

// parseArg returns an argument and the name of the one that has its length.
func parseArg(text string) (a arg, length string, err error) {
	m := argForm.FindStringSubmatch(text)
	if m == nil {
		return a, "", fmt.Errorf("not an argument")
	}
	ok := true
	switch {
	case m[2] != "":
		a, ok = types[m[2]]
	case m[3] != "":
		a, ok = setTypes[m[3]]
		a.set = m[4]
	default:
		a = arg{kind: "Struct", bits: 64, set: m[5]}
	}
	if !ok {
		return a, "", fmt.Errorf("unknown type")
	}
	pointer := a.dir != "" || a.kind == "Struct" || a.kind == "Buffer"
	if m[1] != "" {
		if !pointer {
			return a, "", fmt.Errorf("a direction, but no pointer")
		}
		a.dir = dirs[m[1]]
	}
	if pointer && a.dir == "" {
		return a, "", fmt.Errorf("a pointer without direction")
	}
	a.name, a.result, a.len = m[6], m[8] != "", lenNone
	length = m[7]
	switch {
	case length == "ret":
		a.len, a.result = lenResult, true
		length = ""
	case length != "" && length[0] >= '0' && length[0] <= '9':
		// A constant count.
		_, err = fmt.Sscan(length, &a.count)
		length = ""
	}
	return a, length, err
}

// goSource is the row as a composite literal; narrow cuts longs to 32 bits.
func (r *row) goSource(narrow bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{Name: %q, Result: %s", r.name, r.result)
	if len(r.classes) > 0 {
		b.WriteString(", Class: ")
		for i, c := range r.classes {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(classNames[c])
		}
	}
	if len(r.args) > 0 {
		b.WriteString(", Args: []Arg{\n")
		for _, a := range r.args {
			bits := a.bits
			if narrow {
				bits = min(bits, 32)
			}
			fmt.Fprintf(&b, "{Name: %q, Kind: %s, Bits: %d, Len: %s", a.name, a.kind, bits, lenSource(a.len))
			if a.count != 0 {
				fmt.Fprintf(&b, ", Count: %d", a.count)
			}
			if a.dir != "" {
				fmt.Fprintf(&b, ", Dir: %s", a.dir)
			}
			if a.result {
				b.WriteString(", Result: true")
			}
			if a.set != "" {
				fmt.Fprintf(&b, ", Set: %q", a.set)
			}
			b.WriteString("},\n")
		}
		b.WriteString("}")
	}
	b.WriteString("}")
	return b.String()
}

func lenSource(n int) string {
	switch n {
	case lenNone:
		return "LenNone"
	case lenResult:
		return "LenResult"
	}
	return fmt.Sprint(n)
}
