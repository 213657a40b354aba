package virtual_test

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// A conn is a connection whose other end is in Go. It takes only so much at a time, so
// that the program has to wait to write.
type conn struct {
	virtual.Notifier
	mu      sync.Mutex
	in, out []byte
	ended   bool // nothing comes after in
	closed  chan struct{}
	more    chan struct{} // something is in out
}

const connSize = 64

func newConn() *conn {
	return &conn{closed: make(chan struct{}), more: make(chan struct{}, 1)}
}

func (c *conn) Readiness() (now virtual.Events) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.in) > 0 {
		now |= virtual.In
	}
	if len(c.out) < connSize {
		now |= virtual.Out
	}
	if c.ended {
		now |= virtual.RdHup | virtual.In
	}
	return now
}

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.in)
	c.in = c.in[n:]
	switch {
	case n > 0 || len(p) == 0:
		return n, nil
	case c.ended:
		return 0, io.EOF
	}
	return 0, unix.EAGAIN
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), connSize-len(c.out))
	c.out = append(c.out, p[:n]...)
	if n > 0 {
		select {
		case c.more <- struct{}{}:
		default:
		}
	}
	if n < len(p) {
		return n, unix.EAGAIN
	}
	return n, nil
}

func (c *conn) Close() error { close(c.closed); return nil }

// change does something to the connection and tells.
func (c *conn) change(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.Changed()
}

// client sends rounds messages, the next when the last has come back.
func (c *conn) client(id, rounds int) error {
	for round := range rounds {
		message := make([]byte, 100)
		for i := range message {
			message[i] = byte(id + round)
		}
		// In two pieces: an edge each.
		c.change(func() { c.in = append(c.in, message[:50]...) })
		c.change(func() { c.in = append(c.in, message[50:]...) })
		for got := 0; got < len(message); {
			select {
			case <-c.more:
			case <-c.closed:
				return fmt.Errorf("connection %d closed in round %d, after %d bytes", id, round, got)
			}
			var echo []byte
			c.change(func() { echo, c.out = c.out, nil })
			for _, b := range echo {
				if b != byte(id+round) {
					return fmt.Errorf("connection %d, round %d: %q", id, round, echo)
				}
			}
			got += len(echo)
		}
	}
	c.change(func() { c.ended = true })
	<-c.closed
	return nil
}

// An edge-triggered epoll server serves a thousand connections of which half are
// virtual, and loses no wake-up.
func TestEpollServer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	rounds := 10
	if s := os.Getenv("K42TRACE_EPOLL_ROUNDS"); s != "" { // 1000: a million events
		rounds, _ = strconv.Atoi(s)
	}
	const half = 500
	server := compile(t, "server")
	for _, test := range []struct {
		name string
		cmd  func() *supervisor.Cmd
	}{
		{"C", func() *supervisor.Cmd {
			return supervisor.Command("timeout", "600", server, "/virtual/", strconv.Itoa(half), strconv.Itoa(rounds))
		}},
		{"Go", func() *supervisor.Cmd {
			return self(t, "server", "/virtual/", strconv.Itoa(half), strconv.Itoa(rounds))
		}},
	} {
		for route, name := range map[supervisor.Routing]string{supervisor.RouteTrap: "trap", supervisor.RouteAuto: "auto"} {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				var clients sync.WaitGroup
				w := newWorld(t, func(name string, _ int) virtual.File {
					id, err := strconv.Atoi(name)
					if err != nil {
						return nil
					}
					c := newConn()
					clients.Go(func() {
						if err := c.client(id, rounds); err != nil {
							t.Error(err)
						}
					})
					return c
				})
				cmd := test.cmd()
				cmd.Route = route
				cmd.Stderr = os.Stderr
				got := w.run(cmd)
				clients.Wait()
				if want := fmt.Sprintln("served", 2*half); got != want {
					t.Errorf("the server said %q, not %q", got, want)
				}
			})
		}
	}
}

func init() { programs["server"] = server }

// server is server.c in Go, with its clients in the same process.
func server() {
	half, err := strconv.Atoi(os.Args[2])
	try(err)
	rounds, err := strconv.Atoi(os.Args[3])
	try(err)
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	try(err)
	type state struct {
		buf []byte // to be sent
	}
	conns := map[int]*state{}
	add := func(fd int) {
		conns[fd] = &state{}
		try(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff, Fd: int32(fd),
		}))
	}
	for i := range half {
		fd, err := unix.Open(os.Args[1]+strconv.Itoa(i), unix.O_RDWR|unix.O_NONBLOCK, 0)
		try(err)
		add(fd)
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		try(err)
		add(p[0])
		f := os.NewFile(uintptr(p[1]), "socket")
		go func() {
			message := make([]byte, 100)
			for range rounds {
				_, err := f.Write(message)
				try(err)
				_, err = io.ReadFull(f, message)
				try(err)
			}
			f.Close()
		}()
	}
	serve := func(fd int, s *state) (ended bool) {
		for {
			for len(s.buf) > 0 {
				n, err := unix.Write(fd, s.buf)
				if err == unix.EAGAIN {
					return false
				}
				try(err)
				s.buf = s.buf[n:]
			}
			buf := make([]byte, 1024)
			n, err := unix.Read(fd, buf)
			if err == unix.EAGAIN {
				return false
			}
			try(err)
			if n == 0 {
				return true
			}
			s.buf = buf[:n]
		}
	}
	served := 0
	for len(conns) > 0 {
		events := make([]unix.EpollEvent, 64)
		n, err := unix.EpollWait(ep, events, -1)
		if err == unix.EINTR {
			continue
		}
		try(err)
		for _, e := range events[:n] {
			fd := int(e.Fd)
			if s := conns[fd]; s != nil && serve(fd, s) {
				delete(conns, fd)
				unix.Close(fd)
				served++
			}
		}
	}
	fmt.Println("served", served)
}
