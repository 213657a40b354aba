package execso

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// The setup code, its list of mappings, their files' names and the address where it stops have
// the place of the first sites' records.
const (
	setupSites    = 16
	setupListOff  = SitesOffset + 6*SiteSize
	setupNamesOff = setupListOff + (maxMappings+1)*unsafe.Sizeof(setupMapping{})
	setupStopOff  = SitesOffset + setupSites*SiteSize - 8

	maxMappings = 4
)

// A setupMapping is what the setup code knows of one of the Mappings. The last has no
// address.
type setupMapping struct {
	name uint64 // where its file's name is; 0: it is mapped already
	mode uint64 // for openat(2)
	addr uint64
	size uint64
	prot uint64
}

// A Setup is how a process of one thread maps the region, if it can open files of this one by
// their names in /proc: without a stop per call. Its thread is to go on at the beginning of
// Loader, wherever that has been written, with the registers that setup_amd64.s
// names, and makes a call when it is done, which IsHelp tells.
type Setup struct {
	Loader []byte
	Name   int    // where in Loader the name of the region's file is
	IP     uint64 // where the loader goes on
}

// Setup returns how to map the region.
func (r *Region) Setup() Setup { return r.setup }

// setupStart is where the setup code begins, setupBytes the code with what precedes it.
var setupStart, setupBytes = codeOf(setupCode())

// loader is the loader's code.
var loader = func() []byte {
	start, code := codeOf(loaderCode())
	return code[start:]
}()

// codeOf returns the code of setup_amd64.s that begins at with a jump to its end, and where
// it is to be entered.
func codeOf(at unsafe.Pointer) (start uint64, code []byte) {
	if at == nil {
		return 0, nil
	}
	start, end := jump(at, 0)
	return start, unsafe.Slice((*byte)(at), end)
}

// placeSetup writes the setup code into the region.
func (r *Region) placeSetup() error {
	if len(setupBytes) > setupListOff-SitesOffset {
		return errors.New("execso: the setup code is too long")
	}
	if !r.code.reach(SitesOffset + setupSites*SiteSize) {
		return errors.New("execso: no room for the setup code")
	}
	r.calls = make([]uint64, setupSites) // they are no sites'
	copy(r.code.mem[SitesOffset:], setupBytes)
	poke(r.code.mem, setupStopOff, atHelpCall.address())
	r.setup = Setup{
		Loader: append(slices.Clip(loader), nameOf(r.code.fd)...), Name: len(loader),
		IP: Base + SitesOffset + setupStart,
	}
	return r.listMappings()
}

// listMappings tells the setup code what there is to map.
func (r *Region) listMappings() error {
	mappings := r.Mappings()
	list := make([]setupMapping, len(mappings)+1)
	at := int(setupNamesOff)
	for i, m := range mappings {
		list[i] = setupMapping{mode: unix.O_RDONLY | unix.O_CLOEXEC, addr: m.Addr, size: m.Size, prot: uint64(m.Prot)}
		if i == 0 {
			continue // where the list is
		}
		if m.Prot&unix.PROT_WRITE != 0 {
			list[i].mode = unix.O_RDWR | unix.O_CLOEXEC
		}
		name := nameOf(m.FD)
		if at+len(name) > setupStopOff {
			return fmt.Errorf("execso: no room for the name %q", name)
		}
		copy(r.code.mem[at:], name)
		list[i].name = Base + uint64(at)
		at += len(name)
	}
	if len(mappings) > maxMappings {
		return fmt.Errorf("execso: %d mappings are too many", len(mappings))
	}
	copy(unsafe.Slice((*setupMapping)(unsafe.Pointer(&r.code.mem[setupListOff])), maxMappings+1), list)
	return nil
}

// nameOf returns the name by which other processes can open one of our files, with the byte
// that ends it.
func nameOf(fd int) string { return procfs.FDPath(os.Getpid(), fd) + "\x00" }
