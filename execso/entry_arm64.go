package execso

import (
	"errors"
	"fmt"
	"unsafe"
)

func entryCode() unsafe.Pointer { return nil }

func loaderCode() unsafe.Pointer { return nil }

func setupCode() unsafe.Pointer { return nil }

// Now returns 0: nothing is stamped here.
func Now() uint64 { return 0 }

// Supported returns an error that is errors.ErrUnsupported: there is no entry code
// for this architecture.
func Supported() error {
	return fmt.Errorf("execso: no entry code for this architecture: %w", errors.ErrUnsupported)
}
