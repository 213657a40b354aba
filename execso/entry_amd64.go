package execso

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// entryCode returns where the entry code is in this program.
func entryCode() unsafe.Pointer

// loaderCode returns where the loader is in this program.
func loaderCode() unsafe.Pointer

// setupCode returns where the setup code is in this program.
func setupCode() unsafe.Pointer

// Now returns the processor's time-stamp counter, in which events are stamped.
func Now() uint64

// Supported returns nil if this machine can run the entry code, else an error that
// is errors.ErrUnsupported.
func Supported() error {
	if !cpu.X86.HasBMI2 {
		return fmt.Errorf("execso: the processor has no BMI2: %w", errors.ErrUnsupported)
	}
	return nil
}
