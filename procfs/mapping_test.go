package procfs_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// The kernel says of every address what it shows in the whole list.
func TestMappingAt(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(maps)) {
		var m procfs.Mapping
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %s %d", &m.Start, &m.End, &mode, &m.Offset, &m.Device, &m.Inode); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m.Inode == 0 {
			continue // Go's memory, which may change
		}
		m.Write, m.Execute, m.Shared = mode[1] == 'w', mode[2] == 'x', mode[3] == 's'
		got, err := procfs.MappingAt(os.Getpid(), m.Start+1)
		if errors.Is(err, unix.ENOTTY) {
			t.Skip("this kernel cannot be asked for one mapping")
		}
		if err != nil || got != m {
			t.Errorf("%#x: %+v, %v; want %+v", m.Start+1, got, err, m)
		}
		checked++
	}
	if checked == 0 {
		t.Error("no mapping of a file was found")
	}
	if _, err := procfs.MappingAt(os.Getpid(), 0); !errors.Is(err, unix.ENOENT) {
		t.Errorf("address 0: %v", err)
	}
}
