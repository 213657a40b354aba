package supervisor

import (
	"slices"
	"testing"

	"github.com/k42trace/k42trace/ptrace"
)

// When a thread has taken the id of its process's first one by executing a program, stops of
// that one which have been taken from the kernel before are not acted on, and whoever still works
// for it finds it dead. Of others, and of a first thread that has executed a program itself,
// all are.
func TestUsurped(t *testing.T) {
	const leader, other, stranger = 100, 101, 200
	stops := []ptrace.Event{
		{TID: leader, Kind: ptrace.SeccompStop}, {TID: stranger, Kind: ptrace.SignalStop},
		{TID: leader, Kind: ptrace.SyscallStop}, {TID: other, Kind: ptrace.Killed},
	}
	for _, test := range []struct {
		former int
		dead   bool
		left   []ptrace.Event
	}{
		{other, true, []ptrace.Event{stops[1], stops[3]}},
		{leader, false, stops},
		{stranger + 1, false, stops}, // nobody knows whom it was
	} {
		l := &loop{threads: map[int]*Thread{leader: {tid: leader}, other: {tid: other}}, queue: slices.Clone(stops)}
		l.usurped(leader, test.former)
		if got := l.threads[leader].gone; got != test.dead || l.threads[other].gone {
			t.Errorf("thread %d has executed: the first is dead: %v, want %v", test.former, got, test.dead)
		}
		if !slices.Equal(l.queue, test.left) {
			t.Errorf("thread %d has executed: %v wait, want %v", test.former, l.queue, test.left)
		}
	}
}
