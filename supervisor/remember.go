package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// remember keeps the result of a call that a Rememberer has let run, for the thread's
// next one.
func (t *Thread) remember(result table.Result) {
	d, nr := t.loop.direct, t.call.Nr()
	if d == nil || t.slot == nil || t.call.ABI() != ptrace.NativeABI || result.Failed() || result.Gone() {
		return
	}
	if nr < 0 || nr >= execso.Numbers || d.service[nr] != execso.Known {
		return
	}
	if _, ok := t.handler.(table.Rememberer); ok && ownUsers(t.tid) {
		t.slot.SetKnown(nr, result.Raw())
	}
}

// forgetKnown forgets what was remembered of the thread.
func (t *Thread) forgetKnown() {
	d := t.loop.direct
	if d == nil || t.slot == nil {
		return
	}
	for nr, s := range d.service {
		if s == execso.Known {
			t.slot.Forget(nr)
		}
	}
}

// ownUsers reports whether the thread is in our own user namespace. In a new one,
// the ids change when another process maps them.
func ownUsers(tid int) bool {
	var ours, its unix.Stat_t
	if unix.Stat("/proc/self/ns/user", &ours) != nil || unix.Stat(procfs.Path(tid, "ns/user"), &its) != nil {
		return false
	}
	return ours.Ino == its.Ino
}
