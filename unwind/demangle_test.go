package unwind

import (
	"strings"
	"testing"
)

func TestDemangled(t *testing.T) {
	for _, test := range []struct{ symbol, want string }{
		{"main", "main"},
		{"_start", "_start"},
		{"_Z", "_Z"},
		{"_RC0", "_RC0"},
		{"_ZNSo5flushEv", "std::ostream::flush()"},
		{"_ZN2ns6HolderINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEE2goERKS6_i",
			"ns::Holder<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >::go" +
				"(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&, int)"},
		{"_ZNSt17_Function_handlerIFiiEZ4mainEUliE0_E9_M_invokeERKSt9_Any_dataOi",
			"std::_Function_handler<int (int), main::{lambda(int)#2}>::_M_invoke(std::_Any_data const&, int&&)"},
		{"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
		{"_ZN3std3sys9backtrace28__rust_begin_short_backtrace17h0123456789abcdefE", "std::sys::backtrace::__rust_begin_short_backtrace"},
		{"_ZN37_$LT$T$u20$as$u20$alloc..slice..X$GT$2_a17h0123456789abcdefE", "<T as alloc::slice::X>::_a"},
		{"_ZN9999_a17h0123456789abcdefE", "_ZN9999_a17h0123456789abcdefE"},
		{"_RNvCs4fqI2P2rA04_5hello4main", "hello::main"},
		{"_Z4sortPi.cold", "sort(int*) [clone .cold]"},
	} {
		if got := demangled(test.symbol); got != test.want {
			t.Errorf("%s: %q, want %q", test.symbol, got, test.want)
		}
	}
}

// A name that stands for one that doubles with each of its parts, and the like, costs
// little.
func TestHostileNames(t *testing.T) {
	grows := "_Z1fI1xE"
	for range 100 {
		grows = "_Z1fIT_T_" + grows[3:] + "E"
	}
	pairs := "_Z1f" + strings.Repeat("St4pairI", 200) + "i" + strings.Repeat("S_E", 200)
	for _, symbol := range []string{
		grows, pairs, "_Z" + strings.Repeat("N", 2000), "_Z1f" + strings.Repeat("P", 2000) + "i", "_R" + strings.Repeat("B_", 900),
		"_Z1f" + strings.Repeat("F", 2000), "_RN" + strings.Repeat("vB1_", 400),
	} {
		if got := demangled(symbol); len(got) > 1<<longestName && len(got) > len(symbol) {
			t.Errorf("%.20s...: a name of %d bytes", symbol, len(got))
		}
	}
}

func FuzzDemangled(f *testing.F) {
	f.Add("_ZNSt6vectorISsSaISsEE9push_backERKSs")
	f.Add("_RNvMs_NtCs1_3std4pathNtB4_4Path3new")
	f.Add("_Z1fIJiiEEvDpT_")
	f.Fuzz(func(t *testing.T, symbol string) {
		if got := demangled(symbol); got == "" && symbol != "" {
			t.Errorf("%q has no name", symbol)
		}
	})
}
