package execso

import (
	"bytes"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// After each store a thread that comes there finds the old instruction, the new one, or
// one that keeps it there; nothing else has changed; and in the end all is as it should be.
func TestStores(t *testing.T) {
	from := []byte{0xb8, 0x27, 0x01, 0x02, 0x03} // mov $0x03020127,%eax
	to := []byte{0xe9, 0x98, 0x76, 0x54, 0x32}   // jmp
	spin := "JMP .-2"
	for _, dir := range [][2][]byte{{from, to}, {to, from}} {
		old, err := x86asm.Decode(dir[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		now, err := x86asm.Decode(dir[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		for off := range 8 {
			mem := bytes.Repeat([]byte{0x90}, 32)
			copy(mem[8+off:], dir[0])
			const base = 0x1000
			addr := uint64(base + 8 + off)
			stores, ok := Stores(addr, [2]uint64{le.Uint64(mem[8:]), le.Uint64(mem[16:])}, dir[1])
			if ok != (off < 7) {
				t.Errorf("offset %d: %v", off, ok)
			}
			if !ok {
				continue
			}
			if (len(stores) == 1) != (off < 4) {
				t.Errorf("offset %d: %d stores", off, len(stores))
			}
			for n, s := range stores {
				if s.Addr%8 != 0 {
					t.Errorf("offset %d: a store at %#x", off, s.Addr)
				}
				le.PutUint64(mem[s.Addr-base:], s.Word)
				in, err := x86asm.Decode(mem[8+off:], 64)
				if err != nil {
					t.Fatal(err)
				}
				if got := in.String(); got != old.String() && got != now.String() && got != spin {
					t.Errorf("offset %d: after store %d there is %q", off, n, got)
				}
				if got := in.String(); n > 0 && n < len(stores)-1 && got != spin {
					t.Errorf("offset %d: after store %d nobody waits: %q", off, n, got)
				}
				if got, want := HalfWritten(mem[8+off:]), n < len(stores)-1; got != want {
					t.Errorf("offset %d: after store %d half written: %v", off, n, got)
				}
				others := append(bytes.Clone(mem[:8+off]), mem[8+off+JumpLen:]...)
				if len(bytes.Trim(others, "\x90")) != 0 {
					t.Errorf("offset %d: store %d changed something else: %x", off, n, mem)
				}
			}
			if !bytes.Equal(mem[8+off:8+off+JumpLen], dir[1]) {
				t.Errorf("offset %d: %x in the end", off, mem)
			}
		}
	}
}
