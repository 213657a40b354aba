// Package seccomp turns a policy (which system calls are reported to the tracer)
// into the program of a seccomp(2) filter, and into the bytes that install it.
//
// It owns the program. It does not own the decision which calls matter (table,
// supervisor), nor the installation: the supervisor writes the bytes to the
// child's memory and runs seccomp(2) there.
//
// # What the program decides
//
// In this order:
//
//  1. The architecture. One that the tables do not know (32-bit ARM on arm64) is
//     reported with TraceForeign, so that the supervisor can refuse the call.
//  2. The number. Numbers that nobody wants are allowed with nothing but
//     architecture and number read. Linux 5.11 and later find such numbers when
//     the filter is installed (kernel/seccomp.c, seccomp_is_const_allow) and
//     afterwards never run the filter for them; older kernels reach the decision
//     in a few instructions.
//  3. The argument rules of the number, if it has any.
//  4. The instruction pointer, for numbers that are exempt at some addresses.
//  5. What is left is reported with TraceData.
//
// Numbers are 32 bits, and all 2^32 are decided: those beyond the tables, the
// negative ones and x32's (bit 30, unless the number is negative) as the Set has
// them. Nothing is left to a default.
//
// # How it is built
//
// The named numbers of the machine's own ABI are decided by the program that
// go-seccomp-bpf assembles. That library takes names, the names of GOARCH only,
// and compares them one after the other; it refuses x32, does not know the
// instruction pointer, compares all 64 bits of an argument where the kernel reads
// 32, and its default action carries no data. So everything else stands in front
// of it as one binary search over the numbers of each architecture: other ABIs,
// numbers without a name, exempt ones, ones with rules. The library gets the
// shorter of two lists, the numbers to report or those to allow, and nothing at
// all when one of them is empty: to report everything takes 5 instructions.
//
// What that costs, on x86-64 under Linux 6.18: a system call of 112 ns takes 124
// under any filter that allows it by number, also if it is 350 instructions long.
// A reported number at the end of a list of 180 takes 28 ns longer to decide than
// a binary search would, in front of a stop of 10 us and more; kernels before 5.11
// pay as much for numbers that are allowed. "openat" with the rules of this package
// makes 62 instructions for three ABIs, "%file" 266; assembling them takes 0.3 ms.
//
// # Several filters
//
// A filter cannot be taken away again, only others put on top; the kernel runs
// them all and takes the strictest verdict, and among equals that of the newest.
// So when a program has installed a filter of its own, calls that both report
// arrive with its data, not ours, and it may return our data too: the data of a
// stop is a hint, and the number decides. The filters of a thread together may have
// 32768 instructions as the kernel counts them, translated and 4 more for each.
package seccomp
