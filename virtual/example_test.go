package virtual_test

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// A ticker is a file in which a line appears from time to time. Who reads it waits,
// and who polls it is told.
type ticker struct {
	virtual.Notifier
	mu    sync.Mutex
	text  []byte
	ended bool
}

func newTicker(n int) *ticker {
	t := &ticker{}
	go func() {
		for i := range n {
			time.Sleep(time.Millisecond)
			t.add(fmt.Sprintln("tick", i), i == n-1)
		}
	}()
	return t
}

func (t *ticker) add(line string, last bool) {
	t.mu.Lock()
	t.text, t.ended = append(t.text, line...), last
	t.mu.Unlock()
	t.Changed()
}

func (t *ticker) Readiness() virtual.Events {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) > 0 || t.ended {
		return virtual.In
	}
	return 0
}

func (t *ticker) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := copy(p, t.text)
	t.text = t.text[n:]
	switch {
	case n > 0:
		return n, nil
	case t.ended:
		return 0, io.EOF
	}
	return 0, unix.EAGAIN
}

func (t *ticker) Close() error { return nil }

// A program reads a file that is a Go value.
func Example() {
	files := &virtual.Files{Warn: func(err error) { fmt.Println(err) }}
	tbl := table.New()
	tbl.HandleFunc("openat", func(c *table.Call) table.Result {
		if path, err := c.Path(1); err == nil && path == "/dev/ticker" {
			return files.Open(c, newTicker(3), int(c.Arg(2)))
		}
		return c.Native()
	})
	files.Install(tbl)

	cmd := supervisor.Command("cat", "/dev/ticker")
	cmd.Table, cmd.Stdout, cmd.Stderr = tbl, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// tick 0
	// tick 1
	// tick 2
}
