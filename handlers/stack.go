package handlers

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/unwind"
)

// capture keeps the stack with which a call is made: when it has returned, the
// program may have other code mapped.
func (t *Trace) capture(th *thread, x table.Thread) {
	if t.opts.Stacks != nil {
		th.stack = t.opts.Stacks.Stack(x)
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
	for i := range th.stack {
		t.buf = append(t.buf, '\n')
		t.buf = appendFrame(t.buf, &th.stack[i])
	}
	th.stack = nil
	t.end(th)
}

// appendFrame appends a frame in strace's format: the file, the function and the
// distance from its beginning, the offset in the file.
func appendFrame(dst []byte, f *unwind.Frame) []byte {
	dst = append(dst, " > "...)
	dst = append(dst, f.Path...)
	dst = append(dst, '(')
	if f.Function != "" {
		dst = append(dst, f.Function...)
		dst = append(dst, "+0x"...)
		dst = strconv.AppendUint(dst, f.At, 16)
	}
	dst = append(dst, ") [0x"...)
	dst = strconv.AppendUint(dst, f.Offset, 16)
	return append(dst, ']')
}
