package handlers

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/unwind"
)

// A callStack is a stack to show.
type callStack struct {
	frames []unwind.Frame
	more   bool // than the limit allows
	early  bool // it is of a call that may not return
}

// capture keeps the stack of a thread.
func (t *Trace) capture(th *thread, x table.Thread) {
	if t.opts.Stacks != nil {
		frames, more := t.opts.Stacks.Stack(x)
		th.stack = callStack{frames: frames, more: more}
	}
}

// captureEntry keeps the stack with which a call is made: when it has returned, the
// program may have other code mapped.
func (t *Trace) captureEntry(th *thread, c *table.Call) {
	t.capture(th, c.Thread())
	switch c.Name() {
	case "execve", "execveat", "exit", "exit_group":
		th.stack.early = true
	}
}

// captureReturn does so for a call that has returned elsewhere than it was made: strace
// shows where the handler of a signal has returned to.
func (t *Trace) captureReturn(th *thread, c *table.Call) {
	if t.opts.Stacks != nil && (c.Name() == "rt_sigreturn" || c.Name() == "sigreturn") {
		t.capture(th, c.Thread())
	}
}

// endWithStack ends the line, and puts the captured frames below it, each on a line.
func (t *Trace) endWithStack(th *thread) {
	for i := range th.stack.frames {
		t.buf = append(t.buf, '\n')
		t.buf = appendFrame(t.buf, &th.stack.frames[i], th.stack.early)
	}
	if th.stack.more {
		t.buf = append(t.buf, "\n > too many stack frames"...)
	}
	th.stack = callStack{}
	t.end(th)
}

// appendFrame appends a frame in strace's format: the file, the function and the
// distance from its beginning, the offset in the file, and the place in the source.
// Of calls that may not return, strace shows functions without a name with a distance too.
func appendFrame(dst []byte, f *unwind.Frame, early bool) []byte {
	dst = append(dst, " > "...)
	dst = append(dst, f.Path...)
	dst = append(dst, '(')
	if f.Function != "" || early {
		dst = append(dst, f.Function...)
		dst = append(dst, "+0x"...)
		dst = strconv.AppendUint(dst, f.At, 16)
	}
	dst = append(dst, ") [0x"...)
	dst = strconv.AppendUint(dst, f.Offset, 16)
	dst = append(dst, ']')
	if f.File != "" {
		dst = append(append(dst, ' '), f.File...)
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, int64(f.Line), 10)
	}
	return dst
}
