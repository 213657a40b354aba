package handlers

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// openLook opens a file only to look into it: also if it has become a FIFO meanwhile, without
// waiting.
func openLook(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// interp returns the dynamic linker that an ELF file asks for (elf(5), PT_INTERP), "" if it asks for
// none. The file may be anything: no more is read than the kernel would, its headers.
func interp(r io.ReaderAt) string {
	const (
		interpreter = 3        // PT_INTERP
		most        = 64 << 10 // bytes of program headers (fs/binfmt_elf.c, load_elf_phdrs)
	)
	var ident [64]byte
	if n, _ := r.ReadAt(ident[:], 0); n < 52 || !bytes.HasPrefix(ident[:], []byte("\x7fELF")) {
		return ""
	}
	// Where things are in the headers, in files of 32 and of 64 bits.
	at := struct{ phoff, word, entsize, offset, filesz int }{28, 4, 42, 4, 16}
	size := 32
	if ident[4] == 2 { // ELFCLASS64
		at.phoff, at.word, at.entsize, at.offset, at.filesz = 32, 8, 54, 8, 32
		size = 56
	}
	field := func(b []byte, at, n int) uint64 { return get(b[at : at+n]) }
	n := int(field(ident[:], at.entsize+2, 2)) * size
	if int(field(ident[:], at.entsize, 2)) != size || n == 0 || n > most {
		return ""
	}
	headers := make([]byte, n)
	if got, _ := r.ReadAt(headers, int64(field(ident[:], at.phoff, at.word)&(1<<62-1))); got < n {
		return ""
	}
	for ; len(headers) >= size; headers = headers[size:] {
		if field(headers, 0, 4) != interpreter {
			continue
		}
		length := field(headers, at.filesz, at.word)
		if length < 2 || length > table.PathMax {
			return ""
		}
		name := make([]byte, length)
		if got, _ := r.ReadAt(name, int64(field(headers, at.offset, at.word)&(1<<62-1))); got < len(name) {
			return ""
		}
		text, _, _ := bytes.Cut(name, []byte{0})
		return string(text)
	}
	return ""
}
