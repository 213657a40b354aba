package handlers

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// The buffer of getdents(2) is the program's, which can write there at any time.
func FuzzDirents(f *testing.F) {
	for _, d := range []dirent{{8, false}, {8, true}, {4, true}} {
		b := append(d.encode(entry{"name", 1, unix.DT_REG}, 1), d.encode(entry{strings.Repeat("n", 255), 2, unix.DT_DIR}, 2)...)
		f.Add(b, d.word == 4, d.old)
	}
	f.Fuzz(func(t *testing.T, b []byte, narrow, old bool) {
		d := dirent{8, old}
		if narrow {
			d = dirent{4, true}
		}
		n := 0
		d.records(b, func(r []byte) { n += len(r) })
		if n > len(b) {
			t.Errorf("records of %d bytes in %d", n, len(b))
		}
		d.offset(b, d.replace(b, map[string]entry{"name": {"name", 7, unix.DT_LNK}}))
	})
}

// What encode writes records reads.
func TestDirents(t *testing.T) {
	for _, d := range []dirent{{8, false}, {8, true}, {4, true}} {
		var b []byte
		for i := range 300 {
			b = append(b, d.encode(entry{strings.Repeat("x", i%255+1), uint64(i), unix.DT_FIFO}, int64(i+1))...)
		}
		i := 0
		d.records(b, func(r []byte) {
			name, _, _ := strings.Cut(string(r[d.nameAt():]), "\x00")
			if len(name) != i%255+1 || get(r[:d.word]) != uint64(i) || r[d.kindAt(len(r))] != unix.DT_FIFO || len(r)%d.word != 0 {
				t.Errorf("%+v: record %d: %q", d, i, r)
			}
			i++
		})
		if i != 300 {
			t.Errorf("%+v: %d records", d, i)
		}
		if next := d.replace(b, nil); next != 300 {
			t.Errorf("%+v: goes on at %d", d, next)
		}
	}
}

func FuzzPeer(f *testing.F) {
	f.Add([]byte{2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(append([]byte{10, 0, 0, 80, 0, 0, 0, 0}, make([]byte, 20)...))
	f.Add([]byte("\x01\x00/path"))
	f.Add([]byte{0, 0, 0, 80, 8, 8, 8, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < sizeFamily || len(b) > sizeSockaddr {
			return
		}
		p := parsePeer(b)
		_ = p.String()
		if p.local() {
			p.toLoopbackOnly()
			if q := parsePeer(p.bytes); q.ip.Addr().IsValid() && !q.ip.Addr().IsLoopback() {
				t.Errorf("% x leads to %v", b, q.ip)
			}
		}
		if p.family == unix.AF_INET && len(b) >= sizeIPv4 && p.local() && b[4] != 127 && binary.BigEndian.Uint32(b[4:]) != 0 {
			t.Errorf("% x is local", b)
		}
	})
}

func TestShebang(t *testing.T) {
	for line, want := range map[string][2]string{
		"#!/bin/sh\nx": {"/bin/sh"}, "#! /bin/sh -e \n": {"/bin/sh", "-e"}, "#!/usr/bin/env\tpython3 -u\n": {"/usr/bin/env", "python3 -u"},
		"#!/bin/sh": {"/bin/sh"}, "#!\n": {}, "#!  \t": {}, "x#!/bin/sh": {}, "": {}, "#!/a\x00b": {"/a"},
	} {
		interpreter, arg, ok := shebang([]byte(line))
		if interpreter != want[0] || arg != want[1] || ok != (want[0] != "") {
			t.Errorf("%q: %q %q %v", line, interpreter, arg, ok)
		}
	}
}

// Of programs that there are the dynamic linker is found; of others none.
func TestInterp(t *testing.T) {
	for _, name := range []string{"/bin/sh", "/proc/self/exe"} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if e, err := elf.NewFile(f); err == nil {
			for _, p := range e.Progs {
				if p.Type == elf.PT_INTERP {
					b, _ := io.ReadAll(p.Open())
					want = strings.TrimRight(string(b), "\x00")
				}
			}
		}
		if got := interp(f); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		f.Close()
	}
}

func FuzzInterp(f *testing.F) {
	if b, err := os.ReadFile("/bin/sh"); err == nil {
		f.Add(b[:min(len(b), 2048)])
	}
	f.Add([]byte("\x7fELF\x01" + strings.Repeat("\x01", 200)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if name := interp(bytes.NewReader(b)); len(name) > table.PathMax || strings.Contains(name, "\x00") {
			t.Errorf("%q", name)
		}
	})
}

// An argument vector may be unreadable, endless, or end at a page's end.
func FuzzArguments(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint64(0x1000))
	f.Add([]byte{0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint64(0x1000))
	f.Add(make([]byte, 7), uint64(0x1001))
	f.Add(make([]byte, 7), ^uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, addr uint64) {
		s := &script{t: t, pid: 1}
		th := s.thread(1)
		th.image = image{0x1000, b}
		s.handler = table.HandlerFunc(func(c *table.Call) table.Result {
			if v, err := arguments(c, 1); err == nil && len(v.rest) > len(b) {
				t.Errorf("%d arguments in %d bytes", len(v.rest), len(b))
			}
			return table.Return(0)
		})
		th.call("execve", table.Return(0), nil, 0, addr)
	})
}
