package virtual_test

import (
	"os/exec"
	"testing"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// A File that waits can be opened in another network namespace, where our sockets have
// no names.
func TestNetworkNamespace(t *testing.T) {
	if out, err := exec.Command("unshare", "-rn", "true").CombinedOutput(); err != nil {
		t.Skipf("unshare -rn: %v: %s", err, out)
	}
	w := newWorld(t, func(string, int) virtual.File {
		f := newFifo()
		f.had, f.buf = true, []byte("hello\n")
		return f.open(false)
	})
	const script = "readlink /proc/self/ns/net; cat /virtual/a"
	got := w.run(supervisor.Command("unshare", "-rn", "sh", "-c", script))
	ours, err := exec.Command("readlink", "/proc/self/ns/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(ours)+len("hello\n") || got[:len(ours)] == string(ours) || got[len(ours):] != "hello\n" {
		t.Errorf("%q; our own namespace is %s", got, ours)
	}
}
