package unwind

import (
	"bytes"
	"encoding/binary"
)

var little = binary.LittleEndian

// cursor takes a record apart. What is not there reads as zero and is remembered.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.short, c.b = true, nil
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint reads an unsigned integer of n bytes: 1, 2, 4 or 8.
func (c *cursor) uint(n int) uint64 {
	b := c.take(uint64(n))
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(little.Uint16(b))
	case 4:
		return uint64(little.Uint32(b))
	case 8:
		return little.Uint64(b)
	}
	return 0
}

// int reads a signed one.
func (c *cursor) int(n int) int64 {
	shift := 64 - 8*n
	return int64(c.uint(n)<<shift) >> shift
}

// uleb and sleb read LEB128 numbers.
func (c *cursor) uleb() uint64 {
	v, _ := c.leb()
	return v
}

func (c *cursor) sleb() int64 {
	v, bits := c.leb()
	if bits < 64 {
		shift := 64 - bits
		return int64(v<<shift) >> shift
	}
	return int64(v)
}

func (c *cursor) leb() (v uint64, bits uint) {
	for {
		b := c.byte()
		if bits < 64 {
			v |= uint64(b&0x7f) << bits
		}
		bits += 7
		if b&0x80 == 0 {
			return v, bits
		}
	}
}

func (c *cursor) string() string {
	s, rest, ok := bytes.Cut(c.b, []byte{0})
	if !ok {
		c.short, c.b = true, nil
		return ""
	}
	c.b = rest
	return string(s)
}

// block reads a length and that many bytes.
func (c *cursor) block() []byte { return c.take(c.uleb()) }
