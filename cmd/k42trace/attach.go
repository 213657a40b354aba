package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
)

// setAttach is -p: process ids with commas or white space between them, so that
// -p "$(pidof PROG)" works.
func (o *options) setAttach(s string) error {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
	if len(words) == 0 {
		return errors.New("there is no process id")
	}
	for _, w := range words {
		pid, err := strconv.ParseInt(w, 10, 32)
		if err != nil || pid <= 0 {
			return fmt.Errorf("%q is not a process id", w)
		}
		o.attach = append(o.attach, int(pid))
	}
	return nil
}

// detachers are the signals with which a user ends a trace, but not what is traced.
var detachers = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE}

// watchAttached watches processes that were not started by us until they have ended
// or a signal says that it is enough; then it ends by the same signal, as strace does.
// A second one ends it at once.
func watchAttached(cmd *supervisor.Cmd, attached, finish func()) ending {
	signals := make(chan os.Signal, 2)
	for _, sig := range detachers {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	if err := cmd.Start(); err != nil {
		return complain(err)
	}
	attached()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var by unix.Signal
	for {
		select {
		case err := <-ended:
			finish()
			if err != nil {
				return complain(err)
			}
			return ending{signal: by}
		case sig := <-signals:
			if by != 0 {
				finish()
				return ending{signal: by}
			}
			by = sig.(unix.Signal)
			cmd.Detach()
		}
	}
}
