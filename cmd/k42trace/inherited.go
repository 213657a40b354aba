package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inheritedSignals returns the signals that our parent has set to be ignored, and
// those that it has blocked: the program is to find them so.
//
// By the time main runs nobody can be asked for them any more: Go's runtime has put
// its handlers in place of most ignored signals and has unblocked some. But it
// keeps what it found, in variables of its own, and the symbol table says where
// those are. A binary stripped of symbols tells nothing, and the program then starts
// with what the runtime has left.
func inheritedSignals() (ignored, blocked []unix.Signal) {
	const sigIgn = 1
	type (
		handlerTable = [numSignals + 1]uintptr
		signalSet    = [8]byte
	)
	fwdSig := &variable{name: "runtime.fwdSig", size: uint64(unsafe.Sizeof(handlerTable{}))}
	initSigmask := &variable{name: "runtime.initSigmask", size: uint64(unsafe.Sizeof(signalSet{}))}
	if !findVariables(fwdSig, initSigmask) {
		return nil, nil
	}
	handlers := (*handlerTable)(fwdSig.at)
	var mask uint64
	for i, b := range *(*signalSet)(initSigmask.at) {
		mask |= uint64(b) << (8 * i)
	}
	for sig := unix.Signal(1); sig <= numSignals; sig++ {
		if sig == unix.SIGKILL || sig == unix.SIGSTOP {
			continue
		}
		if handlers[sig] == sigIgn {
			ignored = append(ignored, sig)
		}
		if mask&(1<<(sig-1)) != 0 {
			blocked = append(blocked, sig)
		}
	}
	return ignored, blocked
}

// A variable is one of the runtime's, as the symbol table has it.
type variable struct {
	name string
	size uint64
	at   unsafe.Pointer // where it is, nil if it was not found
}

// findVariables finds variables by their symbols and reports whether all were found.
func findVariables(wanted ...*variable) bool {
	image, err := mapFile("/proc/self/exe")
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(image) }()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil || f.Class != elf.ELFCLASS64 {
		return false
	}
	symtab := f.Section(".symtab")
	if symtab == nil || int(symtab.Link) >= len(f.Sections) {
		return false
	}
	// How far a position-independent executable was moved.
	slide, err := moved(f.Entry)
	if err != nil {
		return false
	}
	// The sections where they lie: most pages of the names are never touched, because
	// kind and size tell nearly all symbols from the wanted ones.
	symbols, names := contents(image, symtab), contents(image, f.Sections[symtab.Link])
	missing := len(wanted)
	for ; len(symbols) >= elf.Sym64Size && missing > 0; symbols = symbols[elf.Sym64Size:] {
		if elf.ST_TYPE(symbols[4]) != elf.STT_OBJECT {
			continue
		}
		size := binary.LittleEndian.Uint64(symbols[16:])
		for _, v := range wanted {
			if v.size == size && v.at == nil && named(names, binary.LittleEndian.Uint32(symbols), v.name) {
				at := slide + uintptr(binary.LittleEndian.Uint64(symbols[8:]))
				v.at = *(*unsafe.Pointer)(unsafe.Pointer(&at))
				missing--
			}
		}
	}
	return missing == 0
}

// named reports whether the string at offset at of a table of strings is name.
func named(table []byte, at uint32, name string) bool {
	end := uint64(at) + uint64(len(name))
	return end < uint64(len(table)) && string(table[at:end]) == name && table[end] == 0
}

// moved returns how far from where its file says this program was loaded: its entry
// point is in the auxiliary vector (getauxval(3)).
func moved(entry uint64) (uintptr, error) {
	const atEntry = 9
	auxv, err := unix.Auxv()
	if err != nil {
		return 0, err
	}
	for _, pair := range auxv {
		if pair[0] == atEntry {
			return pair[1] - uintptr(entry), nil
		}
	}
	return 0, errors.ErrUnsupported
}

// mapFile maps a file for reading.
func mapFile(name string) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	return unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_PRIVATE)
}

// contents returns the bytes of a section, none if they are not all in the file.
func contents(image []byte, s *elf.Section) []byte {
	if s.Offset > uint64(len(image)) || s.FileSize > uint64(len(image))-s.Offset {
		return nil
	}
	return image[s.Offset : s.Offset+s.FileSize]
}

// keepIgnored makes this process ignore what its parent has set to be ignored, as
// the program will: it would not be reached by them either.
func keepIgnored(ignored []unix.Signal) {
	for _, sig := range ignored {
		switch sig {
		case unix.SIGCHLD, unix.SIGURG, unix.SIGPROF, unix.SIGPIPE, unix.SIGXFSZ, 32, 33:
			// Go's, or dealt with: an ignored SIGCHLD would lose exit statuses.
		default:
			const sigIgn = 1
			_ = setAction(sig, &sigaction{handler: sigIgn})
		}
	}
}
