package decode

// HexMode says which strings are shown in hexadecimal.
type HexMode uint8

// Hex modes: strace's default, -x and -xx.
const (
	HexNever    HexMode = iota // escapes for single bytes
	HexNonASCII                // strings with other bytes than printable ASCII and white space
	HexAlways
	HexEscapes // escapes as \x1b, not \33; other bytes as they are
)

const hexDigits = "0123456789abcdef"

func (t *Text) appendBytes(dst []byte, v *Value) []byte {
	cut := v.Cut
	dst = append(dst, '"')
	switch {
	case v.Raw:
		dst = appendHexEscaped(dst, v.Text)
	case v.Bare && (t.Hex == HexNonASCII || t.Hex == HexAlways): // the NUL makes it no text
		dst = append(appendHexEscaped(dst, v.Text), `\x00`...)
		cut = true
	default:
		dst = t.appendText(dst, v.Text, false)
	}
	dst = append(dst, '"')
	if cut {
		dst = append(dst, "..."...)
	}
	return dst
}

// appendText appends what stands between quotation marks, or in <>, where < and > are
// escaped as well.
func (t *Text) appendText(dst, s []byte, angle bool) []byte {
	if t.Hex == HexAlways || t.Hex == HexNonASCII && !isText(s) {
		return appendHexEscaped(dst, s)
	}
	return t.appendEscaped(dst, s, angle)
}

func appendHexEscaped(dst, s []byte) []byte {
	for _, c := range s {
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func isText(s []byte) bool {
	for _, c := range s {
		if (c < ' ' || c > '~') && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}

// plain are the bytes that need no escape.
var plain = func() (p [256]bool) {
	for c := ' '; c <= '~'; c++ {
		p[c] = c != '\\' && c != '"'
	}
	return p
}()

// plainPrefix returns how many bytes at the start of s surely need no escape,
// in steps of 8: they are tested all at once, as the bytes of one number.
func plainPrefix(s []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(s); n += 8 {
		x := le.Uint64(s[n:])
		// A byte below 0x80 is zero if subtracting 1 sets its top bit, and
		// below ' ' if subtracting ' ' does. A borrow from the byte below it
		// can only find too much.
		quote, slash, del := x^ones*'"', x^ones*'\\', x^ones*0x7f
		angle := (x | 2*ones) ^ ones*'>' // '<' and '>'
		if (x|(x-ones*' ')|(quote-ones)|(slash-ones)|(del-ones)|(angle-ones))&tops != 0 {
			break
		}
	}
	return n
}

// appendEscaped appends s with the escapes that t wants.
func (t *Text) appendEscaped(dst, s []byte, angle bool) []byte {
	if t.Hex != HexEscapes {
		return appendEscaped(dst, s, angle)
	}
	for i, c := range s {
		if plain[c] && !(angle && (c == '<' || c == '>')) || c == '"' || c == '\\' || c >= '\t' && c <= '\r' {
			dst = appendEscaped(dst, s[i:i+1], angle)
		} else {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// appendEscaped appends s with the escapes of C, octal ones as short as what
// follows allows. angle says to escape < and > as well.
func appendEscaped(dst, s []byte, angle bool) []byte {
	from := 0 // s[from:i] needs no escapes and is not appended yet
	for i := plainPrefix(s); i < len(s); i++ {
		c := s[i]
		if plain[c] && !(angle && (c == '<' || c == '>')) {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\v':
			dst = append(dst, '\\', 'v')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\')
			full := i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '7'
			if full || c >= 0100 {
				dst = append(dst, '0'+c>>6)
			}
			if full || c >= 010 {
				dst = append(dst, '0'+c>>3&7)
			}
			dst = append(dst, '0'+c&7)
		}
	}
	return append(dst, s[from:]...)
}

// appendChar appends a character in single quotes, as in C: one that is not printed by its
// name, if it has one and names says so, or in hexadecimal.
func appendChar(dst []byte, c byte, names bool) []byte {
	dst = append(dst, '\'')
	switch {
	case c == '\'':
		dst = append(dst, '\\', c)
	case c == '"':
		dst = append(dst, c)
	case plain[c] || c == '\\' || names && c >= '\t' && c <= '\r':
		dst = appendEscaped(dst, []byte{c}, false)
	default:
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '\'')
}
