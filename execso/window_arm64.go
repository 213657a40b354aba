package execso

import (
	"errors"
	"fmt"
)

// There are no trampolines on arm64.
const knownLen, checkedLen, tailLen = 0, 0, 0

// PlanWindow fails with errors.ErrUnsupported: no site is rewritten on arm64.
func PlanWindow(code []byte, addr, call uint64, nr int) (*Window, error) {
	return nil, fmt.Errorf("rewriting system calls on arm64: %w", errors.ErrUnsupported)
}

// Trampoline fails with errors.ErrUnsupported.
func (w *Window) Trampoline(at, site uint64) (code []byte, back uint64, err error) {
	return nil, 0, fmt.Errorf("rewriting system calls on arm64: %w", errors.ErrUnsupported)
}

// Jump returns nothing.
func (w *Window) Jump(trampoline uint64) []byte { return nil }
