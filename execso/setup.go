package execso

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"unsafe"
)

// setupSites are the records of sites that the setup code has the place of.
const setupSites = 8

// setupPathOff is where the setup code finds the name of the slots' file.
const setupPathOff = SitesOffset + setupSites*SiteSize - setupPathRoom

const setupPathRoom = 64 // for /proc/PID/fd/N

// A Setup is how a process of one thread maps the region, if it can open files of this one by
// their names in /proc: without a stop per call. Its thread is to go on at the beginning of
// Loader, wherever that has been written, with the registers that setup_amd64.s
// names, and makes a call at Stop when it is done, which IsHelp tells.
type Setup struct {
	Loader []byte
	Name   int    // where in Loader the name of the region's file is
	IP     uint64 // where the loader goes on
	Stop   uint64
}

// Setup returns how to map the region. ok is false for a region with files: the setup code
// does not know those.
func (r *Region) Setup() (s Setup, ok bool) {
	return r.setup, r.files == nil
}

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
	name := func(fd int) string { return fmt.Sprintf("/proc/%d/fd/%d\x00", os.Getpid(), fd) }
	if len(setupBytes) > setupSites*SiteSize-setupPathRoom {
		return errors.New("execso: the setup code is too long")
	}
	if !r.code.reach(SitesOffset + setupSites*SiteSize) {
		return errors.New("execso: no room for the setup code")
	}
	r.calls = make([]uint64, setupSites) // they are no sites'
	copy(r.code.mem[SitesOffset:], setupBytes)
	copy(r.code.mem[setupPathOff:], name(r.slots.fd))
	r.setup = Setup{
		Loader: append(slices.Clip(loader), name(r.code.fd)...), Name: len(loader),
		IP: Base + SitesOffset + setupStart, Stop: atHelpCall.address(),
	}
	return nil
}
