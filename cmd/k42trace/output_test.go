package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk returns a directory in which there is room for size bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func create(t *testing.T, o *outputs, name string) *output {
	t.Helper()
	f, err := o.open(name)
	if err != nil {
		t.Fatal(err)
	}
	return newOutput(f, false)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const line = "7     close(3)                          = 0\n"

func TestDiskStaysFull(t *testing.T) {
	for _, appending := range []bool{false, true} {
		name := filepath.Join(smallDisk(t, 32<<10), "trace")
		o := create(t, &outputs{append: appending}, name)
		const written = 5000
		for range written {
			_, _ = o.Write([]byte(line))
		}
		lost := o.close()
		if !errors.Is(lost.err, unix.ENOSPC) {
			t.Fatalf("error %v", lost.err)
		}
		// What is there and what is lost make up all, and the end says so.
		text := readFile(t, name)
		kept := strings.Count(text, line)
		if kept+lost.lines != written || kept == 0 {
			t.Errorf("%d lines kept, %d lost of %d", kept, lost.lines, written)
		}
		want := noteText(lost.lines, lost.err)
		if !strings.HasSuffix(text, "\n"+want) {
			t.Errorf("the trace ends with %q", text[max(0, len(text)-200):])
		}
	}
}

func TestDiskGetsRoom(t *testing.T) {
	dir := smallDisk(t, 64<<10)
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, 48<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "trace")
	o := create(t, &outputs{}, name)
	o.batched = false
	for o.loss.lines < 10 {
		_, _ = o.Write([]byte(line))
	}
	if err := os.Remove(big); err != nil {
		t.Fatal(err)
	}
	_, _ = o.Write([]byte("8     getpid()                          = 8\n"))
	if lost := o.close(); lost.lines != 10 {
		t.Errorf("%d lines lost", lost.lines)
	}
	want := noteText(10, unix.ENOSPC) + "8     getpid()                          = 8\n"
	if text := readFile(t, name); !strings.HasSuffix(text, "\n"+want) {
		t.Errorf("the trace ends with %q", text[max(0, len(text)-200):])
	}
}

// Text reaches the file while the tracer waits for something else, and nothing
// runs when there is nothing to write.
func TestLateFlush(t *testing.T) {
	name := filepath.Join(t.TempDir(), "trace")
	o := create(t, &outputs{}, name)
	o.delay = time.Hour
	flushed := make(chan struct{})
	_, _ = o.Write([]byte(line))
	if readFile(t, name) != "" {
		t.Error("not batched")
	}
	// The timer's own function, in the timer's place.
	if !o.timer.Stop() {
		t.Fatal("no timer was set")
	}
	go func() { o.late(); close(flushed) }()
	<-flushed
	if readFile(t, name) != line {
		t.Error("not written")
	}
	if o.armed || o.timer.Stop() {
		t.Error("a timer is set while there is nothing to write")
	}
	_, _ = o.Write([]byte(line))
	if !o.timer.Stop() {
		t.Error("no timer was set again")
	}
	o.close()
	if readFile(t, name) != line+line {
		t.Error("close has not written")
	}
}

func TestPipeGetsEachText(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := newOutput(w, false)
	got := make([]byte, 100)
	for _, text := range []string{"read(0, ", "\"x\", 1) = 1\n"} {
		_, _ = o.Write([]byte(text))
		n, err := r.Read(got)
		if err != nil || string(got[:n]) != text {
			t.Errorf("%q, %v", got[:n], err)
		}
	}
	if lost := o.close(); lost.lines != 0 {
		t.Errorf("lost %v", lost)
	}
}

func TestReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	o := newOutput(w, false)
	for range 3 {
		_, _ = o.Write([]byte(line))
	}
	if lost := o.close(); lost.lines != 3 || !errors.Is(lost.err, unix.EPIPE) {
		t.Errorf("lost %v", lost)
	}
}

// Somebody else who has our stderr may have made it non-blocking.
func TestNonblockingPipe(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	all := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		all <- b
	}()
	text := bytes.Repeat([]byte(line), 10000) // more than a pipe holds
	n, err := writeAll(fds[1], text)
	w.Close()
	if got := <-all; n != len(text) || err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes written, %d read, of %d: %v", n, len(got), len(text), err)
	}
	r.Close()
}

func TestPerThreadLoss(t *testing.T) {
	dir := smallDisk(t, 16<<10)
	out := &outputs{name: filepath.Join(dir, "t"), main: newOutput(nil, false), separate: map[int]*output{}}
	for tid := range 3 {
		w := out.thread(tid)
		for range 1000 {
			_, _ = w.Write([]byte(line))
		}
		if tid < 2 {
			_ = w.Close()
		}
	}
	stderr := captureStderr(t, out.close)
	m := regexp.MustCompile(`^k42trace: -o .*/t\.\*, 3 of them: no space left on device: (\d+) lines lost\n$`).FindStringSubmatch(stderr)
	if m == nil {
		t.Fatalf("stderr: %q", stderr)
	}
	kept := 0
	for tid := range 3 {
		kept += strings.Count(readFile(t, fmt.Sprintf("%s.%d", out.name, tid)), line)
	}
	if m[1] != fmt.Sprint(3000-kept) {
		t.Errorf("%s lines lost, %d kept of 3000", m[1], kept)
	}
}

func captureStderr(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	old := os.Stderr
	os.Stderr = w
	f()
	os.Stderr = old
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
