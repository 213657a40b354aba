package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// outputs is where the text goes: the trace, and the messages to the user.
type outputs struct {
	main     *output // the trace, or what has no thread
	messages *output // stderr

	name   string // of -o
	append bool
	pipe   *pipe // what the trace is piped to; nil for a file

	mu       sync.Mutex
	separate map[int]*output // -ff: the open files, by thread
	lost     loss            // in files that are closed
	files    int             // how many files have lost something
	closed   bool
}

// openOutputs opens what the options name.
func openOutputs(o *options) (*outputs, error) {
	out := &outputs{name: o.output, append: o.append, separate: map[int]*output{}}
	out.messages = newOutput(os.Stderr, true)
	if o.output == "" {
		out.main = out.messages
		return out, nil
	}
	if o.separate {
		// The files get their names later; that they cannot be made is to be
		// known now.
		dir := filepath.Dir(o.output)
		if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
			return nil, fmt.Errorf("-o %s: %s: %w", o.output, dir, err)
		}
		out.main = newOutput(nil, false)
		return out, nil
	}
	var f *os.File
	var err error
	if isPipe(o.output) {
		f, out.pipe, err = openPipe(o.output)
	} else {
		f, err = out.open(o.output)
	}
	if err != nil {
		return nil, fmt.Errorf("-o %s: %w", o.output, cause(err))
	}
	out.main = newOutput(f, false)
	return out, nil
}

func (out *outputs) open(name string) (*os.File, error) {
	mode := os.O_CREATE | os.O_TRUNC
	if out.append {
		mode = os.O_CREATE | os.O_APPEND
	}
	access := os.O_WRONLY
	if info, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() {
		access = os.O_RDWR // see output.lastWord
	}
	f, err := os.OpenFile(name, mode|access, 0o666)
	if access == os.O_RDWR && errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(name, mode|os.O_WRONLY, 0o666)
	}
	return f, err
}

// thread opens the file of a thread, for -ff.
func (out *outputs) thread(tid int) io.WriteCloser {
	t := &threadOutput{outputs: out, tid: tid}
	f, err := out.open(out.name + "." + strconv.Itoa(tid))
	if err != nil {
		f = nil
	}
	t.output = newOutput(f, false)
	t.output.loss.err = err
	out.mu.Lock()
	out.separate[tid] = t.output
	out.mu.Unlock()
	return t
}

type threadOutput struct {
	*output
	outputs *outputs
	tid     int
}

// Close closes a thread's file.
func (t *threadOutput) Close() error {
	t.outputs.mu.Lock()
	defer t.outputs.mu.Unlock()
	if t.outputs.separate[t.tid] == t.output {
		delete(t.outputs.separate, t.tid)
	}
	t.outputs.add(t.output.close())
	return nil
}

func (out *outputs) add(l loss) {
	if l.lines == 0 {
		return
	}
	out.files++
	out.lost.lines += l.lines
	if out.lost.err == nil {
		out.lost.err = l.err
	}
}

// close writes out what is left, closes the files, and says on stderr what has
// been lost. Only the first call does anything.
func (out *outputs) close() {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.closed {
		return
	}
	out.closed = true
	for tid, o := range out.separate {
		out.add(o.close())
		delete(out.separate, tid)
	}
	if out.lost.lines > 0 {
		report(fmt.Sprintf("%s.*, %d of them", out.name, out.files), out.lost)
	}
	if l := out.main.close(); l.lines > 0 && out.name != "" {
		report(out.name, l)
	}
	if out.pipe != nil {
		out.pipe.wait(out.name)
	}
}

func report(name string, l loss) {
	what := "lines"
	if l.lines == 1 {
		what = "line"
	}
	err := l.err
	if err == nil {
		err = errors.New("write error")
	}
	fmt.Fprintf(os.Stderr, "k42trace: -o %s: %v: %d %s lost\n", name, cause(err), l.lines, what)
}
