package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"reflect"
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
	found := runtimeVariables("runtime.fwdSig", "runtime.initSigmask")
	if len(found) != 2 {
		return nil, nil
	}
	const sigIgn = 1
	handlers := (*[numSignals + 1]uintptr)(found[0])
	var mask uint64
	for i, b := range *(*[8]byte)(found[1]) {
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

// runtimeVariables returns the addresses of variables by their symbols' names, nil
// if one is missing.
func runtimeVariables(names ...string) []unsafe.Pointer {
	image, err := mapFile("/proc/self/exe")
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Munmap(image) }()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil || f.Class != elf.ELFCLASS64 {
		return nil
	}
	symtab := f.Section(".symtab")
	if symtab == nil || int(symtab.Link) >= len(f.Sections) {
		return nil
	}
	// The sections where they lie: most of their pages are never touched.
	symbols, strings := contents(image, symtab), contents(image, f.Sections[symtab.Link])
	value := func(name string) uintptr {
		at := bytes.Index(strings, []byte("\x00"+name+"\x00")) + 1
		if at == 0 {
			return 0
		}
		for s := symbols; len(s) >= elf.Sym64Size; s = s[elf.Sym64Size:] {
			if binary.LittleEndian.Uint32(s) == uint32(at) {
				return uintptr(binary.LittleEndian.Uint64(s[8:]))
			}
		}
		return 0
	}
	// How far a position-independent executable was moved.
	here := value("main.main")
	if here == 0 {
		return nil
	}
	slide := reflect.ValueOf(main).Pointer() - here
	var found []unsafe.Pointer
	for _, name := range names {
		v := value(name)
		if v == 0 {
			return nil
		}
		v += slide
		found = append(found, *(*unsafe.Pointer)(unsafe.Pointer(&v)))
	}
	return found
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
