package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/virtual"
)

// A Go program, with its many threads, finds the same natively and by both routes.
func TestGoProgramsReadFixed(t *testing.T) {
	dir := t.TempDir()
	file, real := filepath.Join(dir, "file"), filepath.Join(dir, "real")
	for name, b := range map[string][]byte{file: fixedContents(), real: []byte("a real file\n")} {
		if err := os.WriteFile(name, b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	native := exec.Command(exe, file, real)
	native.Env = append(os.Environ(), programVar+"=reads by many")
	want, err := native.CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, want)
	}
	for name := range routes {
		for _, tracked := range []bool{false, true} {
			w := newWorld(t, func(string, int) virtual.File { return virtual.NewFixed(fixedContents(), textInfo{}) })
			cmd := onRoute(t, self(t, "reads by many", "/virtual/file", real), name)
			cmd.Track = tracked
			if got := w.run(cmd); got != string(want) {
				t.Errorf("%s, tracked %v:\n%s", name, tracked, difference(string(want), got))
			}
		}
	}
}

func init() {
	programs["reads by many"] = func() {
		path, real := os.Args[1], os.Args[2]
		var wg sync.WaitGroup
		lines := make([]string, 8)
		for i := range lines {
			wg.Go(func() { lines[i] = readOften(path, real, i) })
		}
		wg.Wait()
		fmt.Println(lines)
		// What a process inherits, with the position.
		f, err := os.Open(path)
		try(err)
		b := make([]byte, 100)
		for range 10 {
			_, err = io.ReadFull(f, b)
			try(err)
		}
		cat := exec.Command("head", "-c", "50")
		cat.Stdin = f
		out, err := cat.Output()
		fmt.Printf("%q %v\n", out, err)
		cat = exec.Command("sh", "-c", "cat <&3 | cksum")
		cat.ExtraFiles = []*os.File{f}
		out, err = cat.Output()
		pos, seekErr := f.Seek(0, io.SeekCurrent)
		fmt.Printf("%q %v %d %v\n", out, err, pos, seekErr)
	}
}

// readOften reads a file in many ways, and another one, and returns what it has found.
func readOften(path, real string, seed int) string {
	sum := sha256.New()
	f, err := os.Open(path)
	try(err)
	defer f.Close()
	b := make([]byte, 300)
	for i := range 300 {
		n, err := f.ReadAt(b[:i], int64(i*seed))
		fmt.Fprintln(sum, b[:n], err)
		n, err = f.Read(b[:100])
		fmt.Fprintln(sum, b[:n], err)
		n, err = unix.Preadv(int(f.Fd()), [][]byte{b[:7], b[20:120], b[200:]}, int64(i))
		fmt.Fprintln(sum, b, n, err)
		pos, err := f.Seek(int64(i), i%3)
		fmt.Fprintln(sum, pos, err)
		info, err := f.Stat()
		try(err)
		fmt.Fprintln(sum, info.Size(), info.Mode())
		var set unix.FdSet
		set.Set(int(f.Fd()))
		n, err = unix.Select(int(f.Fd())+1, &set, nil, nil, &unix.Timeval{Sec: int64(i % 2)})
		fmt.Fprintln(sum, set.IsSet(int(f.Fd())), n, err)
		if i%10 == 0 {
			// Numbers that are used again, by all threads.
			g, err := os.Open([]string{path, real}[i/10%2])
			try(err)
			all, err := io.ReadAll(g)
			try(err)
			fmt.Fprintln(sum, len(all), bytes.HasPrefix(all, []byte("#")))
			try(g.Close())
			if _, err = g.Read(b); err == nil {
				fmt.Println("a closed file has been read")
			}
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:4])
}
