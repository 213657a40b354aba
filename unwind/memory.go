package unwind

// stackMemory reads a thread's memory by pages, each once.
type stackMemory struct {
	thread interface {
		ReadMemory(addr uint64, p []byte) (int, error)
	}
	pages map[uint64][]byte // what could be read of them, by address
}

const (
	pageSize = 4096
	maxPages = 1024 // of one stack
)

func (m *stackMemory) page(at uint64) []byte {
	p, ok := m.pages[at]
	if !ok {
		if len(m.pages) >= maxPages {
			return nil
		}
		p = make([]byte, pageSize)
		n, err := m.thread.ReadMemory(at, p)
		if err != nil {
			n = 0
		}
		p = p[:n]
		m.pages[at] = p
	}
	return p
}

// word reads an integer of that many bytes, 8 at most.
func (m *stackMemory) word(addr uint64, size int) (uint64, bool) {
	var b [8]byte
	for i := range size {
		a := addr + uint64(i)
		p := m.page(a &^ (pageSize - 1))
		at := a % pageSize
		if at >= uint64(len(p)) {
			return 0, false
		}
		b[i] = p[at]
	}
	return little.Uint64(b[:]), true
}
