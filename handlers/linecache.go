package handlers

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// A lineCache has the text of calls that have been recorded, to be written again when a program
// makes the same call with the same memory and the same result: of what find(1) or a server does,
// three quarters. What a call looks like takes ten times as long to find out as to remember.
type lineCache struct {
	fdName func(t table.Thread, fd int) (name decode.FDName, ok bool)
	seed   maphash.Seed
	lines  [cachedLines]cachedLine
	// seen has hashes of calls that have come once: most of these never come again.
	seen [seenCalls]uint32
	key  []byte // of the call at hand
	hash uint64
}

// A cachedLine is one text.
type cachedLine struct {
	hash uint64
	// All that the text has been made of: the call with its memory, and what descriptors
	// are called.
	key   []byte
	names []decode.NamedFD
	text  []byte
}

const (
	cachedLines = 512
	seenCalls   = 4096
	// What is longer is not kept.
	maxCachedKey   = 1024
	maxCachedText  = 1024
	maxCachedNames = 16
)

// newLineCache returns a cache for what an Event with that Options.FDName decodes.
func newLineCache(fdName func(table.Thread, int) (decode.FDName, bool)) *lineCache {
	return &lineCache{fdName: fdName, seed: maphash.MakeSeed()}
}

// find returns the text of a call whose text begins at a column. If there is none, ok says
// whether it can be kept.
func (l *lineCache) find(c *table.Call, res table.Result, column int) (text []byte, ok bool) {
	sig := c.Signature()
	memory, ok := c.Recorded()
	if !ok || sig == nil || len(memory) > maxCachedKey || res.Gone() {
		return nil, false
	}
	key := binary.NativeEndian.AppendUint64(l.key[:0], uint64(c.Nr())<<32|uint64(uint32(column)))
	key = binary.NativeEndian.AppendUint64(key, uint64(res.Raw()))
	args := c.Args()
	for _, arg := range args[:min(len(sig.Args), len(args))] {
		key = binary.NativeEndian.AppendUint64(key, arg)
	}
	l.key = append(key, memory...)
	l.hash = maphash.Bytes(l.seed, l.key)
	if line := l.line(); line.hash == l.hash && bytes.Equal(line.key, l.key) && l.stillNamed(line, c.Thread()) {
		return line.text, true
	}
	return nil, true
}

// stillNamed reports whether the descriptors of a line are called now what it calls them.
func (l *lineCache) stillNamed(line *cachedLine, t table.Thread) bool {
	for i := range line.names {
		n := &line.names[i]
		if name, ok := l.fdName(t, n.FD); ok != n.OK || name != n.Name {
			return false
		}
	}
	return true
}

// keep keeps the text of the call that find was asked for last, and that e has decoded, if it is
// not the first of its kind.
func (l *lineCache) keep(text []byte, e *decode.Event) {
	if seen := &l.seen[l.hash%seenCalls]; *seen != uint32(l.hash>>32) {
		*seen = uint32(l.hash >> 32)
		return
	}
	names, ok := e.Inquired()
	if !ok || len(text) > maxCachedText || len(names) > maxCachedNames {
		return
	}
	line := l.line()
	line.hash, line.key = l.hash, append(line.key[:0], l.key...)
	line.names, line.text = append(line.names[:0], names...), append(line.text[:0], text...)
}

func (l *lineCache) line() *cachedLine { return &l.lines[l.hash%cachedLines] }
