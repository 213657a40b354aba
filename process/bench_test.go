package process

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What it costs to be told of an open and a close that have happened a while ago, with and
// without a name, and of a call that changes nothing.
func BenchmarkTell(b *testing.B) {
	for name, opened := range map[string]string{"open and close": "", "open and close, named": "/etc/passwd"} {
		b.Run(name, func(b *testing.B) {
			tree := NewTree(true)
			tree.SetEager(opened != "")
			tree.SetPast(true)
			th := tree.NewThread(os.Getpid())
			var op Op
			args := [6]uint64{1<<32 - 100, 0, unix.O_RDONLY}
			b.ReportAllocs()
			for b.Loop() {
				th.Begin(&op, table.AMD64, 257, args, nil)
				if opened != "" {
					op.Opened(Opened{Name: opened})
				}
				th.End(&op, table.Return(7), nil)
				th.Begin(&op, table.AMD64, 3, [6]uint64{7}, nil)
				th.End(&op, table.Return(0), nil)
			}
		})
	}
	b.Run("getppid", func(b *testing.B) {
		th := NewTree(true).NewThread(os.Getpid())
		var op Op
		for b.Loop() {
			th.Begin(&op, table.AMD64, 110, [6]uint64{}, nil)
			th.End(&op, table.Return(7), nil)
		}
	})
}
