package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

func TestStyles(t *testing.T) {
	open := SetByName("open_flags")
	for _, test := range []struct {
		v                Value
		names, raw, both string
	}{
		{Value{Kind: Flags, Num: 0x80000, Set: open}, "O_RDONLY|O_CLOEXEC", "0x80000", "0x80000 /* O_RDONLY|O_CLOEXEC */"},
		{Value{Kind: Flags, Set: open}, "O_RDONLY", "0", "0 /* O_RDONLY */"},
		{Value{Kind: Flags, Num: 4}, "0x4", "0x4", "0x4"},
		{Value{Kind: Enum, Num: 1, Set: SetByName("whence")}, "SEEK_CUR", "0x1", "0x1 /* SEEK_CUR */"},
		{Value{Kind: Enum, Num: 99, Set: SetByName("whence")}, "0x63 /* SEEK_??? */", "0x63", "0x63 /* SEEK_??? */"},
		{Value{Kind: Mode, Num: 0100644}, "S_IFREG|0644", "0100644", "0100644 /* S_IFREG|0644 */"},
		{Value{Kind: Signal, Num: 9}, "SIGKILL", "9", "9 /* SIGKILL */"},
		{Value{Kind: Signal}, "0", "0", "0"},
		{Value{Kind: SigSet, Bits: 64, Num: 1<<11 | 1<<31}, "[USR2 RTMIN]", "[12 32]", "[12 /* USR2 */ 32 /* RTMIN */]"},
		{Value{Kind: DirFD, Num: 1<<32 - 100}, "AT_FDCWD", "-100", "-100 /* AT_FDCWD */"},
		{Value{Kind: DirFD, Num: 3}, "3", "3", "3"},
		{Value{Kind: Limit, Num: 4096, Symbol: "RLIM64_INFINITY"}, "4*1024", "4096", "4096 /* 4*1024 */"},
		{Value{Kind: Port, Num: 80}, "htons(80)", `"\x00\x50"`, `"\x00\x50" /* htons(80) */`},
		{Value{Kind: IPv4, Text: []byte{127, 0, 0, 1}}, `inet_addr("127.0.0.1")`, `"\x7f\x00\x00\x01"`, `"\x7f\x00\x00\x01" /* inet_addr("127.0.0.1") */`},
		{Value{Kind: CapSet, Bits: 64, Num: 1 | 1<<40 | 1<<41, Set: setCapabilities}, "1<<CAP_CHOWN|1<<CAP_CHECKPOINT_RESTORE|0x200", "0x1|0x300", "0x1 /* 1<<CAP_CHOWN */|0x300 /* 1<<CAP_CHECKPOINT_RESTORE|0x200 */"},
		{Value{Kind: Int, Bits: 32, Num: 1<<32 - 1}, "-1", "-1", "-1"},
		{Value{Kind: Addr}, "NULL", "NULL", "NULL"},
	} {
		for style, want := range map[ConstStyle]string{ConstNames: test.names, ConstRaw: test.raw, ConstBoth: test.both} {
			text := Text{Consts: style}
			if got := string(text.appendValue(nil, nil, &test.v)); got != want {
				t.Errorf("style %d: %s, want %s", style, got, want)
			}
		}
	}
}

func TestHexEscapes(t *testing.T) {
	v := Value{Kind: Bytes, Text: []byte("a\n\"\\\x1b\xff1")}
	for mode, want := range map[HexMode]string{
		HexNever:    `"a\n\"\\\33\3771"`,
		HexNonASCII: `"\x61\x0a\x22\x5c\x1b\xff\x31"`,
		HexAlways:   `"\x61\x0a\x22\x5c\x1b\xff\x31"`,
		HexEscapes:  `"a\n\"\\\x1b\xff1"`,
	} {
		text := Text{Hex: mode}
		if got := string(text.appendValue(nil, nil, &v)); got != want {
			t.Errorf("mode %d: %s, want %s", mode, got, want)
		}
	}
}

// A signal that has been waited for is explained by its name, whatever the style.
func TestStyleOfWaitedSignal(t *testing.T) {
	for style, want := range map[ConstStyle]string{ConstNames: "= 1 (SIGHUP)", ConstRaw: "= 1 (SIGHUP)", ConstBoth: "= 1 (SIGHUP)"} {
		e, c := event(t, Options{}, table.AMD64, "rt_sigtimedwait", 0, 0, 0, 8)
		e.Entry(c)
		e.Exit(c, ok(1))
		text := Text{Consts: style}
		if got := string(text.AppendResult(nil, e)); got != want {
			t.Errorf("style %d: %s, want %s", style, got, want)
		}
	}
}

// How the flags that explain results are shown.
func TestStyleOfNotedFlags(t *testing.T) {
	for _, test := range []struct {
		name             string
		args             [2]uint64
		res              int64
		names, raw, both string
	}{
		{"membarrier", [2]uint64{}, 1, "= 0x1 (MEMBARRIER_CMD_GLOBAL)", "= 0x1 (0x1)", "= 0x1 (0x1 /* MEMBARRIER_CMD_GLOBAL */)"},
		{"prctl", [2]uint64{unix.PR_GET_SPECULATION_CTRL, 0}, 3, "= 0x3 (PR_SPEC_PRCTL|PR_SPEC_ENABLE)", "= 0x3", "= 0x3 (PR_SPEC_PRCTL|PR_SPEC_ENABLE)"},
	} {
		for style, want := range map[ConstStyle]string{ConstNames: test.names, ConstRaw: test.raw, ConstBoth: test.both} {
			e, c := event(t, Options{}, table.AMD64, test.name, test.args[0], test.args[1])
			e.Entry(c)
			e.Exit(c, ok(test.res))
			text := Text{Consts: style}
			if got := string(text.AppendResult(nil, e)); got != want {
				t.Errorf("%s, style %d: %s, want %s", test.name, style, got, want)
			}
		}
	}
}
