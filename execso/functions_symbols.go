package execso

import (
	"debug/elf"
	"io"
	"math"
)

const (
	symbolSize = 24
	maxSymbols = 1 << 20 // in all tables; some 15 ms
)

// functionBySymbols looks for a function among the file's symbols: the one at
// whose size the call at address at (in the file) lies, or the extent between the
// functions that begin before and behind it.
func functionBySymbols(file io.ReaderAt, sections []section, at uint64) (exact, around extent, err error) {
	around.end = math.MaxUint64
	buf := make([]byte, symbolSize*2048)
	budget := uint64(maxSymbols)
	for _, s := range sections {
		if s.kind != elf.SHT_SYMTAB && s.kind != elf.SHT_DYNSYM {
			continue
		}
		n := min(s.size/symbolSize, budget)
		budget -= n
		left, offset := n*symbolSize, s.offset
		for left > 0 {
			b := some(file, buf[:min(uint64(len(buf)), left)], offset)
			if len(b) < symbolSize {
				break
			}
			b = b[:len(b)/symbolSize*symbolSize]
			left, offset = left-uint64(len(b)), offset+uint64(len(b))
			for ; len(b) >= symbolSize; b = b[symbolSize:] {
				if kind := elf.ST_TYPE(b[4]); kind != elf.STT_FUNC && kind != elf.STT_GNU_IFUNC {
					continue
				}
				if elf.SectionIndex(little.Uint16(b[6:])) == elf.SHN_UNDEF {
					continue
				}
				value, size := little.Uint64(b[8:]), little.Uint64(b[16:])
				switch e := (extent{value, value + size}); {
				case value > at:
					around.end = min(around.end, value)
				case e.holds(at) && value >= exact.start:
					exact = e
				default:
					around.start = max(around.start, value)
				}
			}
		}
		if exact.start != 0 {
			return exact, around, nil
		}
	}
	return exact, around, errAbsent
}
