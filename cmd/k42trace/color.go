package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Colours of a trace: --color=. The text is taken apart again for it, as nearly every trace
// goes to a file without them.

// paint is what a piece of a line is, for the palette.
type paint uint8

const (
	plainText paint = iota
	paintSyscall
	paintArgName
	paintArgVal
	paintCall
	paintConst
	paintComment
	paintPunct
	paintRetVal
	paintError
	numPaints
)

// paintNames are the names that STRACE_COLORS has for them.
var paintNames = [numPaints]string{"", "syscall", "argname", "argval", "call", "const", "comment", "punct", "retval", "error"}

// A palette has the parameters of SGR (console_codes(4)) for each; "" is none.
type palette [numPaints]string

var defaultPalette = palette{
	paintSyscall: "33", paintArgName: "36", paintCall: "34", paintConst: "35", paintComment: "34", paintRetVal: "32", paintError: "31",
}

var sgr = lazily(`^[0-9]+(;[0-9]+)*$`)

// parse reads STRACE_COLORS: NAME=SGR with colons between them. What makes no sense is left out.
func (p *palette) parse(s string) {
	for item := range strings.SplitSeq(s, ":") {
		name, value, _ := strings.Cut(item, "=")
		if i := slices.Index(paintNames[:], name); i > 0 && sgr().MatchString(value) {
			p[i] = value
			if value == "0" {
				p[i] = ""
			}
		}
	}
}

// setColor is --color=.
func (o *options) setColor(s string) error {
	switch s {
	case "auto", "always", "never":
		o.color = s
		return nil
	}
	return fmt.Errorf("%q is none of auto, always, never", s)
}

// painted returns what writes in colours to out, if they are wanted there.
func (o *options) painted(out *output) io.Writer {
	switch term := os.Getenv("TERM"); o.color {
	case "always":
	case "auto":
		if os.Getenv("NO_COLOR") != "" || term == "" || term == "dumb" || out.fd < 0 || !isTerminal(out.fd) {
			return out
		}
	default:
		return out
	}
	p := &painter{out: out, palette: defaultPalette}
	p.palette.parse(os.Getenv("STRACE_COLORS"))
	return p
}

// A painter colours lines. Those that are written in pieces have to be cut between words.
type painter struct {
	out     io.Writer
	palette palette
	part    part
	depth   int // of parentheses and brackets
	buf     []byte
}

// part is where in a line the painter is.
type part uint8

const (
	partStart part = iota
	partArgs
	partResult
	partRest // not to be coloured
)

// lazily compiles an expression when it is first needed: most runs have no colors.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// lineStart matches what comes before the arguments: prefixes, the name.
var lineStart = lazily(`^((?:\[[^]]*\] |[0-9:.+<>a-zA-Z_-]+ +|\(\+ +[0-9.]+\) )*?(?:<\.\.\. )?)([a-z_][a-z0-9_]*)(\(| resumed>)`)

// Write writes text in colours. It never fails.
func (p *painter) Write(text []byte) (int, error) {
	p.buf = p.buf[:0]
	for rest := text; len(rest) > 0; {
		rest = rest[p.next(rest):]
	}
	_, _ = p.out.Write(p.buf)
	return len(text), nil
}

// next takes the first piece of text and returns its length.
func (p *painter) next(text []byte) int {
	if text[0] == '\n' {
		p.part = partStart
		return p.add(text[:1], plainText)
	}
	switch p.part {
	case partStart:
		m := lineStart().FindSubmatch(text)
		if m == nil {
			p.part = partRest
			return p.next(text)
		}
		p.part, p.depth = partArgs, 0
		return p.add(m[1], plainText) + p.add(m[2], paintSyscall) + p.add(m[3], paintPunct)
	case partRest:
		return p.add(text[:lengthOf(text, func(c byte) bool { return c != '\n' })], plainText)
	case partResult:
		return p.result(text)
	}
	return p.argument(text)
}

// failed matches a result that is an error, to the end of the line.
var failed = lazily(`^(-1|\?) E[A-Z0-9_]+ \([^\n]*`)

func (p *painter) result(text []byte) int {
	if m := failed().Find(text); m != nil {
		return p.add(m, paintError)
	}
	if n := lengthOf(text, isWord); n > 0 {
		return p.add(text[:n], paintRetVal)
	}
	if text[0] == '(' || text[0] == '<' { // what explains it
		p.part = partRest
	}
	return p.add(text[:1], paintPunct)
}

// unfinished matches what stands in the place of the rest of a call.
var unfinished = lazily(`^<(unfinished|detached) \.\.\.>`)

func (p *painter) argument(text []byte) int {
	switch c := text[0]; {
	case c == '"':
		n := 1
		for n < len(text) && text[n] != '"' {
			if text[n] == '\\' {
				n++
			}
			n++
		}
		return p.add(text[:min(n+1, len(text))], paintArgVal)
	case strings.HasPrefix(string(text[:min(2, len(text))]), "/*"):
		if end := strings.Index(string(text), "*/"); end > 0 {
			return p.add(text[:end+2], paintComment)
		}
		return p.add(text, paintComment)
	case unfinished().Match(text):
		p.part = partRest
		return p.next(text)
	case c == '<': // what a descriptor refers to
		n := lengthOf(text, func(c byte) bool { return c != '>' && c != '\n' })
		return p.add(text[:n], paintArgVal)
	case isWord(c):
		n := lengthOf(text, isWord)
		return p.add(text[:n], kindOfWord(text[:n], text[n:]))
	case strings.IndexByte("([{", c) >= 0:
		p.depth++
	case strings.IndexByte(")]}", c) >= 0:
		if p.depth--; p.depth < 0 {
			if n := lengthOf(text[1:], func(c byte) bool { return c == ' ' }); n > 0 && 1+n < len(text) && text[1+n] == '=' {
				p.part = partResult
				return p.add(text[:2+n], paintPunct)
			}
		}
	}
	return p.add(text[:1], paintPunct)
}

func kindOfWord(word, rest []byte) paint {
	switch {
	case len(rest) > 0 && rest[0] == '=':
		return paintArgName
	case len(rest) > 0 && rest[0] == '(':
		return paintCall
	case word[0] >= 'A' && word[0] <= 'Z':
		return paintConst
	}
	return paintArgVal
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '?' || c == '-'
}

// lengthOf returns how many bytes at the beginning are of a kind.
func lengthOf(text []byte, kind func(byte) bool) int {
	if i := slices.IndexFunc(text, func(c byte) bool { return !kind(c) }); i >= 0 {
		return i
	}
	return len(text)
}

// add adds a piece in its colour, and returns its length.
func (p *painter) add(text []byte, kind paint) int {
	if codes := p.palette[kind]; codes != "" && len(text) > 0 {
		p.buf = append(append(append(p.buf, "\x1b["...), codes...), 'm')
		p.buf = append(append(p.buf, text...), "\x1b[0m"...)
	} else {
		p.buf = append(p.buf, text...)
	}
	return len(text)
}
