package decode

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// ErrnoName returns the name of an errno: ENOENT. It is empty for a number that
// has none. The ERESTART errnos, which only tracers see, have names too.
func ErrnoName(e unix.Errno) string {
	name, _ := errnoOf(e)
	return name
}

// ErrnoText returns what strerror(3) of the GNU C library says of an errno, in
// its C locale, and when a call is restarted for the ERESTART errnos.
func ErrnoText(e unix.Errno) string {
	if _, text := errnoOf(e); text != "" {
		return text
	}
	return "Unknown error " + strconv.FormatUint(uint64(e), 10)
}

// ErrnoNamed returns the errno of a name that ErrnoName gives, or of another name of
// it in <errno.h>, and false if there is none.
func ErrnoNamed(name string) (unix.Errno, bool) {
	switch name {
	case "":
		return 0, false
	case "EWOULDBLOCK":
		name = "EAGAIN"
	case "EDEADLOCK":
		name = "EDEADLK"
	case "ENOTSUP":
		name = "EOPNOTSUPP"
	}
	for e, names := range errnos {
		if names.name == name {
			return unix.Errno(e), true
		}
	}
	for e := table.ERESTARTSYS; e <= table.ERESTART_RESTARTBLOCK; e++ {
		if ErrnoName(e) == name {
			return e, true
		}
	}
	return 0, false
}

func errnoOf(e unix.Errno) (name, text string) {
	if e < unix.Errno(len(errnos)) {
		return errnos[e].name, errnos[e].text
	}
	switch e {
	case table.ERESTARTSYS:
		return "ERESTARTSYS", "To be restarted if SA_RESTART is set"
	case table.ERESTARTNOINTR:
		return "ERESTARTNOINTR", "To be restarted"
	case table.ERESTARTNOHAND:
		return "ERESTARTNOHAND", "To be restarted if no handler"
	case table.ERESTART_RESTARTBLOCK:
		return "ERESTART_RESTARTBLOCK", "Interrupted by signal"
	}
	return "", ""
}
