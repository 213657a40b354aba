package execso

import (
	"errors"
	"fmt"
	"os"
	"unsafe"
)

// setupSites are the records of sites that the setup code has the place of.
const setupSites = 8

// setupPathOff is where the setup code finds the name of the slots' file.
const setupPathOff = SitesOffset + setupSites*SiteSize - setupPathRoom

const setupPathRoom = 64

// A Setup is how a process of one thread maps the rest of the region when it has the
// first of its Mappings: one stop instead of one per call. Its thread is to go on at IP with
// the registers that setup_amd64.s names, and makes a call at Stop when it is done, which
// IsHelp tells.
type Setup struct{ IP, Stop uint64 }

// Setup returns how to map the region into a process that can open files of this one by
// their names in /proc. ok is false for a region with files: the setup code does not
// know those.
func (r *Region) Setup() (s Setup, ok bool) {
	return Setup{Base + SitesOffset + setupStart, atHelpCall.address()}, r.files == nil
}

// setupStart is where the setup code begins, setupBytes the code with what precedes it.
var setupStart, setupBytes = readSetup()

func readSetup() (start uint64, code []byte) {
	at := setupCode()
	if at == nil {
		return 0, nil
	}
	start, end := jump(at, 0)
	if end > setupSites*SiteSize-setupPathRoom {
		panic("execso: the setup code is too long")
	}
	return start, unsafe.Slice((*byte)(at), end)
}

// placeSetup writes the setup code into the region.
func (r *Region) placeSetup() error {
	name := fmt.Sprintf("/proc/%d/fd/%d\x00", os.Getpid(), r.slots.fd)
	if len(name) > setupPathRoom {
		return fmt.Errorf("execso: %q is too long a name", name)
	}
	if !r.code.reach(SitesOffset + setupSites*SiteSize) {
		return errors.New("execso: no room for the setup code")
	}
	r.calls = make([]uint64, setupSites) // they are no sites'
	copy(r.code.mem[SitesOffset:], setupBytes)
	copy(r.code.mem[setupPathOff:], name)
	return nil
}
