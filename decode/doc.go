// Package decode turns system calls into values and values into text.
//
// It owns the decoding (child memory to typed Values, driven by table.Signature)
// and the renderers (strace's text). It does not own where the output goes, nor
// the lines: which thread's call is interrupted by which is package handlers'
// business.
//
// A handler keeps one Event per thread of the child:
//
//	d, text := decode.New(decode.Options{}), decode.Text{}
//	ev := d.NewEvent() // once per thread
//
//	ev.Entry(c)
//	line = text.AppendEntry(line, ev) // read(3,
//	res := c.Native()
//	ev.Exit(c, res)
//	line = text.AppendExit(line, ev)  // "abc", 4096)
//	line = decode.Pad(line, 0, decode.DefaultColumn)
//	line = text.AppendResult(line, ev) // = 3
//
// AppendEntry and AppendExit are separate because other threads' lines may come
// between: what Entry decoded is shown at once, the rest after the call. All
// memory that the kernel only reads is read in Entry, even where strace shows
// it at the end: an exec makes it vanish.
//
// For values instead of text, range over Event.Args, Event.Children,
// Event.Result and Event.Notes.
package decode
