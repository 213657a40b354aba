package virtual

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// errnos are the errors of the standard library that have an errno.
var errnos = []struct {
	err   error
	errno unix.Errno
}{
	{fs.ErrNotExist, unix.ENOENT},
	{fs.ErrExist, unix.EEXIST},
	{fs.ErrPermission, unix.EACCES},
	{fs.ErrInvalid, unix.EINVAL},
	{fs.ErrClosed, unix.EBADF},
	{io.ErrClosedPipe, unix.EPIPE},
	{io.ErrShortWrite, unix.ENOSPC},
	{os.ErrDeadlineExceeded, unix.EAGAIN},
	{errors.ErrUnsupported, unix.EOPNOTSUPP},
}

// knownErrno reports whether e is an errno that programs can be given: those with a
// name. (unix.ErrnoName has the kernel's own, from 512 on, for no architecture.)
func knownErrno(e unix.Errno) bool { return e > 0 && unix.ErrnoName(e) != "" }

// ErrnoOf returns the errno that stands for err, and whether there is one; otherwise
// it is EIO.
func ErrnoOf(err error) (e unix.Errno, ok bool) {
	if errors.As(err, &e) {
		if knownErrno(e) {
			return e, true
		}
		return unix.EIO, false
	}
	for _, x := range errnos {
		if errors.Is(err, x.err) {
			return x.errno, true
		}
	}
	return unix.EIO, false
}

// errno is ErrnoOf for what file has answered to op; nonsense is told.
func (f *Files) errno(file File, op string, err error) unix.Errno {
	e, ok := ErrnoOf(err)
	if !ok {
		f.warn(fmt.Errorf("virtual file %T: %s: %w", file, op, err))
	}
	return e
}

// count checks the count n that file has answered to op with a buffer of size bytes.
func (f *Files) count(file File, op string, n, size int) bool {
	if n < 0 || n > size {
		f.warn(fmt.Errorf("virtual file %T: %s: answered %d of %d bytes", file, op, n, size))
		return false
	}
	return true
}

// wrote checks what file has answered to Write. None of the bytes and no error would be asked
// again for ever.
func (f *Files) wrote(file File, n, size int, err error) bool {
	if n == 0 && err == nil {
		f.warn(fmt.Errorf("virtual file %T: Write: wrote none of %d bytes, without an error", file, size))
		return false
	}
	return f.count(file, "Write", n, size)
}

func (f *Files) warn(err error) {
	if f.Warn != nil {
		f.Warn(err)
	}
}

// result checks a result that file has answered to op.
func (f *Files) result(file File, op string, r table.Result) table.Result {
	if r.Failed() && !knownErrno(r.Errno()) && !r.Restarting() {
		f.warn(fmt.Errorf("virtual file %T: %s: answered errno %d, which there is not", file, op, r.Errno()))
		return table.Errno(unix.EIO)
	}
	return r
}
