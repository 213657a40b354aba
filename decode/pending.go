package decode

import "golang.org/x/sys/unix"

func SetByName(name string) *ConstSet { return nil }
func ErrnoName(e unix.Errno) string   { return unix.ErrnoName(e) }
func ErrnoText(e unix.Errno) string   { return e.Error() }
func SignalName(n int) string         { return unix.SignalName(unix.Signal(n)) }
