package process

import (
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// noise is memory that repeats a few bytes everywhere but in the first page.
type noise []byte

func (n noise) ReadMemory(addr uint64, p []byte) (int, error) {
	if addr < 4096 || len(n) == 0 {
		return 0, unix.EFAULT
	}
	for i := range p {
		p[i] = n[(addr+uint64(i))%uint64(len(n))]
	}
	return len(p), nil
}

func (n noise) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = n.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

func (n noise) WriteMemory(uint64, []byte) (int, error) { return 0, unix.EFAULT }

// FuzzCalls tells of any calls with any arguments, memory and results, of threads that
// share what they have and of others, in any order, as no kernel would. What is kept may be
// nonsense, but every file in it has as many descriptors as it counts.
func FuzzCalls(f *testing.F) {
	var all []int // numbers that matter, of amd64
	for nr := range Calls().Numbers(table.AMD64) {
		all = append(all, nr)
	}
	for i := range byte(len(all)) {
		f.Add([]byte{0, i, 3, 0, 0, 0, 5, 0, 0, 1, i, 5, 0, 3, 0, 3, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{3, 0, 0, 0, 5})
	}
	f.Fuzz(func(t *testing.T, script, memory []byte) {
		tr := NewTree(true)
		tr.SetPast(true) // nobody is there to be asked
		threads := []*Thread{tr.NewThread(1 << 30), tr.NewThread(1<<30 + 1), tr.NewThread(1<<30 + 2)}
		threads[1].setFDs(threads[0].fds)
		threads[1].setFS(threads[0].fs)
		ops := make([]Op, len(threads))
		for ; len(script) >= 9; script = script[9:] {
			who := int(script[0]) % len(threads)
			th, op := threads[who], &ops[who]
			abi := table.ABI(script[0] / 64 % byte(table.NumABI))
			nr := all[int(script[1])%len(all)]
			if name := table.SignatureOf(table.AMD64, nr); abi != table.AMD64 && name != nil {
				nr, _ = table.Number(abi, name.Name)
			}
			var args [6]uint64
			for i := range args {
				args[i] = uint64(int8(script[2+i]))
			}
			args[1] |= uint64(script[7]) << 12
			result := table.FromRaw(int64(int8(script[8])))
			if result.Failed() && script[8]&1 != 0 {
				result = table.Gone()
			}
			th.Begin(op, abi, nr, args, noise(memory))
			if script[8]%4 == 0 {
				op.Opened(Opened{Name: string(memory), Known: script[8]%8 == 0, Ino: uint64(script[7])})
			}
			switch script[0] / 8 % 8 {
			case 0: // others go on meanwhile
			case 1:
				th.Execed(th.tid)
			case 2:
				child := tr.NewThread(1<<30 + 3)
				child.Inherit(th, false)
				child.Forget()
			case 3:
				th.Delivered(unix.Signal(script[2]))
			default:
				th.End(op, result, noise(memory))
			}
		}
		counts := map[*File]int{}
		for fds := range tr.tables() {
			for _, s := range fds.slots.all() {
				counts[s.file]++
			}
			for d := range fds.All() {
				_, _ = fds.Name(d.Number)
			}
		}
		for file, n := range counts {
			if file.refs != n || !file.listed {
				t.Errorf("a file of %d descriptors counts %d", n, file.refs)
			}
		}
		for i, th := range threads {
			th.End(&ops[i], table.Gone(), noise(memory))
			th.Forget()
		}
		listed := 0
		for f := tr.all; f != nil; f = f.next {
			listed++
		}
		if len(tr.files)+listed+tr.unasked+len(tr.threads) > 0 {
			t.Errorf("left: %d files, %d listed, %d unasked, %d threads", len(tr.files), listed, tr.unasked, len(tr.threads))
		}
	})
}

// FuzzMessages looks at any control messages.
func FuzzMessages(f *testing.F) {
	var b [64]byte
	binary.NativeEndian.PutUint64(b[32:], 4096+40)
	f.Add(b[:], uint8(0))
	f.Fuzz(func(t *testing.T, memory []byte, abi uint8) {
		tr := NewTree(true)
		th := tr.NewThread(os.Getpid())
		op := &Op{abi: table.ABI(abi % uint8(table.NumABI)), mem: noise(memory), fds: th.fds}
		th.received(op, 4096)
		for d := range th.FDs().All() {
			if err := unix.Fstat(d.Number, new(unix.Stat_t)); err != nil {
				t.Errorf("%d: %v", d.Number, err)
			}
		}
	})
}
