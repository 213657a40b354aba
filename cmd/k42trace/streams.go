package main

import "golang.org/x/sys/unix"

// letGoOfStreams puts /dev/null in the place of our standard input and output, which are the
// program's: whoever is at the other end of a pipe is to see that the program has closed it.
// Messages still go to standard error.
func letGoOfStreams() {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(null)
	for stream := range 2 {
		_ = unix.Dup3(null, stream, 0)
	}
}
