package handlers

import (
	"os"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A vdsoHider takes the vDSO's address away from programs before they run.
type vdsoHider struct{ table.Observer }

// ThreadStarted hides it from the first program.
func (h *vdsoHider) ThreadStarted(t, by table.Thread) {
	if by == nil {
		hideVDSO(t)
	}
	h.Observer.ThreadStarted(t, by)
}

// ProcessExeced hides it from all others.
func (h *vdsoHider) ProcessExeced(t table.Thread, formerTID int) {
	hideVDSO(t)
	h.Observer.ProcessExeced(t, formerTID)
}

// Types of entries of the auxiliary vector (getauxval(3), linux/auxvec.h).
const (
	atNull        = 0
	atIgnore      = 1
	atSysinfoEHDR = 33
)

// hideVDSO makes the entry of a new program's auxiliary vector that tells where the vDSO
// is one that is to be ignored.
func hideVDSO(t table.Thread) {
	width := 8
	if is32(t.TID()) {
		width = 4
	}
	// argc, argv, envp, and then the vector, with NULLs between (the ABI's initial stack).
	at := stackStart(t.TID())
	words := &words{t: t, at: at, width: width}
	if _, ok := words.next(); !ok {
		return
	}
	for range 2 {
		for {
			v, ok := words.next()
			if !ok {
				return
			}
			if v == 0 {
				break
			}
		}
	}
	for {
		where := words.at
		tag, ok := words.next()
		if _, ok2 := words.next(); !ok || !ok2 || tag == atNull {
			return
		}
		if tag == atSysinfoEHDR {
			b := make([]byte, width)
			put(b, atIgnore)
			_, _ = t.WriteMemory(where, b)
			return
		}
	}
}

// is32 reports whether the program is a 32-bit one, by the class of its ELF file.
func is32(tid int) bool {
	f, err := os.Open(procfs.Path(tid, "exe"))
	if err != nil {
		return false
	}
	defer f.Close()
	var ident [5]byte
	_, err = f.ReadAt(ident[:], 0)
	return err == nil && ident[4] == 1 // ELFCLASS32
}

// words reads memory word by word.
type words struct {
	t     table.Thread
	at    uint64
	width int
	buf   []byte
	used  int
}

// next returns the next word; at is behind it.
func (w *words) next() (uint64, bool) {
	if w.used+w.width > len(w.buf) {
		// To the end of the page only: the stack ends somewhere.
		const page = 4096
		buf := make([]byte, page-w.at%page)
		n, err := w.t.ReadMemory(w.at, buf)
		if n -= n % w.width; err != nil || n == 0 {
			return 0, false
		}
		w.buf, w.used = buf[:n], 0
	}
	v := get(w.buf[w.used : w.used+w.width])
	w.used += w.width
	w.at += uint64(w.width)
	return v, true
}
