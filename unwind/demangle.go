package unwind

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/ianlancetaylor/demangle"
)

// longestName is how long, as a power of 2, what a mangled name stands for may get: a few
// bytes can stand for any number.
const longestName = 14

// demangled returns the name that a C++ or Rust compiler has made a symbol of, as c++filt(1)
// shows it; other symbols are names already. They come from files that may mean ill.
func demangled(symbol string) (name string) {
	defer func() {
		if recover() != nil {
			name = symbol
		}
	}()
	if len(symbol) > maxName/2 {
		return symbol // nested deeply, perhaps
	}
	if oldRust().MatchString(symbol) {
		symbol = keepUnderscores(symbol)
	}
	if name = demangle.Filter(symbol, demangle.MaxLength(longestName)); name == "" {
		return symbol
	}
	return name
}

// oldRust matches the symbols of Rust before its mangling of version 0.
var oldRust = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^_ZN(.*)17h[0-9a-f]{16}E`) })

// keepUnderscores returns a symbol of old Rust whose identifiers keep the underscore with
// which they begin: package demangle takes it for one that separates them from their length.
func keepUnderscores(symbol string) string {
	rest := symbol[len("_ZN"):]
	var b strings.Builder
	b.WriteString("_ZN")
	for {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > len(rest)-digits {
			b.WriteString(rest)
			return b.String()
		}
		id := rest[digits : digits+n]
		if strings.HasPrefix(id, "_") && !strings.HasPrefix(id, "_$") {
			id = "_" + id
		}
		b.WriteString(strconv.Itoa(len(id)) + id)
		rest = rest[digits+n:]
	}
}
