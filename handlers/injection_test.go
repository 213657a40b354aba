package handlers

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestParseInjection(t *testing.T) {
	for s, want := range map[string]Injection{
		"chdir:error=ENOENT":                       {Answers: true, Result: table.Errno(unix.ENOENT)},
		"chdir:error=enoent:when=3":                {Answers: true, Result: table.Errno(unix.ENOENT), When: When{3, 3, 1}},
		"chdir:error=13":                           {Answers: true, Result: table.Errno(unix.EACCES)},
		"chdir:error=ERESTARTSYS":                  {Answers: true, Result: table.Errno(table.ERESTARTSYS)},
		"chdir:retval=0x10:when=1:when=2+":         {Answers: true, Result: table.Return(16).AsValue(), When: When{2, math.MaxInt, 1}},
		"chdir:retval=-1":                          {Answers: true, Result: table.Errno(unix.EPERM).AsValue()},
		"chdir:retval=18446744073709551615":        {Answers: true, Result: table.FromRaw(-1).AsValue()},
		"chdir:signal=SIGSEGV:when=2..9":           {Signal: unix.SIGSEGV, When: When{2, 9, 1}},
		"chdir:signal=rt_3:when=2..9+":             {Signal: 35, When: When{2, 9, 1}},
		"chdir:delay_enter=7:when=2..9+4":          {DelayEnter: 7 * time.Microsecond, When: When{2, 9, 4}},
		"chdir:delay_exit=0.5s:when=1+65535":       {DelayExit: time.Second / 2, When: When{1, math.MaxInt, 65535}},
		"chdir:delay_exit=1e3ns:delay_enter=.1ms":  {DelayExit: time.Microsecond, DelayEnter: 100 * time.Microsecond},
		"chdir:poke_enter=@arg1=00ff,@arg6=AB":     {PokeEnter: []Poke{{0, []byte{0, 0xff}}, {5, []byte{0xab}}}},
		"chdir:poke_exit=@arg2=41:retval=1":        {PokeExit: []Poke{{1, []byte("A")}}, Answers: true, Result: table.Return(1).AsValue()},
		"chdir:error=EIO:syscall=getpid":           {Answers: true, Result: table.Errno(unix.EIO)},
		"chdir:retval=5:signal=1:delay_enter=1000": {Answers: true, Result: table.Return(5).AsValue(), Signal: 1, DelayEnter: time.Millisecond},
	} {
		got, err := ParseInjection(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if nr, _ := table.Number(table.AMD64, "chdir"); !got.Calls.Has(table.AMD64, nr) {
			t.Errorf("%s: chdir is not in the set", s)
		}
		got.Calls = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", s, got, want)
		}
	}
	for s, want := range map[string]unix.Errno{"chdir": unix.ENOSYS, "chdir:when=2": unix.ENOSYS, "%file:error=5": unix.EIO} {
		if got, err := ParseFault(s); err != nil || got.Result.Errno() != want {
			t.Errorf("fault %s: %v, %v", s, got.Result, err)
		}
	}
}

func TestParseInjectionBad(t *testing.T) {
	for s, want := range map[string]string{
		"":                                  "no system call",
		"chdri:error=EIO":                   "did you mean",
		"chdir":                             "does not say what",
		"chdir:":                            "does not say what",
		"chdir:when=2":                      "does not say what",
		"chdir:error":                       "error=ERRNO",
		"chdir:foo=1":                       "is none of error=",
		"chdir:error=EFOO":                  "neither an errno",
		"chdir:error=0":                     "1 to 4095",
		"chdir:error=4096":                  "1 to 4095",
		"chdir:error=":                      "neither an errno",
		"chdir:retval=x":                    "not a number",
		"chdir:retval=99999999999999999999": "64 bits",
		"chdir:error=EIO:retval=1":          "together",
		"chdir:error=EIO:error=EIO":         "twice",
		"chdir:signal=FOO":                  "invalid signal",
		"chdir:signal=0":                    "1 to 64",
		"chdir:signal=1:signal=2":           "twice",
		"chdir:syscall=getpid":              "what to inject",
		"chdir:error=1:syscall=open":        "%pure",
		"chdir:error=1:syscall=opne":        "%pure",
		"chdir:delay_enter=-1":              "not a time",
		"chdir:delay_enter=1m":              "not a time",
		"chdir:delay_enter=nan":             "not a time",
		"chdir:delay_enter=1e30s":           "not a time",
		"chdir:delay_enter=":                "not a time",
		"chdir:poke_enter=@arg7=00":         "@arg6=",
		"chdir:poke_enter=@arg0=00":         "@arg1=",
		"chdir:poke_enter=@arg01=00":        "@arg1=",
		"chdir:poke_enter=arg1=00":          "@arg1=",
		"chdir:poke_enter=@arg1=0":          "two hexadecimal digits",
		"chdir:poke_enter=@arg1=":           "two hexadecimal digits",
		"chdir:poke_exit=@arg1=00,@arg1=1f": "twice",
		"chdir:error=1:when=0":              "1 to 65535",
		"chdir:error=1:when=":               "1 to 65535",
		"chdir:error=1:when=65536":          "1 to 65535",
		"chdir:error=1:when=3..2":           "before FIRST",
		"chdir:error=1:when=3..65535":       "1 to 65534",
		"chdir:error=1:when=..3":            "FIRST is",
		"chdir:error=1:when=1+0":            "STEP is",
		"chdir:error=1:when=1+x":            "STEP is",
	} {
		if _, err := ParseInjection(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
	for _, s := range []string{"chdir:retval=1", "chdir:signal=1", "chdir:error=1:delay_enter=1"} {
		if _, err := ParseFault(s); err == nil {
			t.Errorf("fault %q is taken", s)
		}
	}
}

func TestWhen(t *testing.T) {
	for s, want := range map[string]string{
		"3": "3", "2..4": "2 3 4", "8+": "8 9 10", "3+3": "3 6 9", "2..8+3": "2 5 8", "1..1+5": "1",
	} {
		w, err := parseWhen(s)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for n := 1; n <= 10; n++ {
			if w.Has(n) {
				got = append(got, strconv.Itoa(n))
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s, want %s", s, g, want)
		}
	}
	if !(When{}).Has(7) {
		t.Error("the zero When leaves out calls")
	}
}

func FuzzParseInjection(f *testing.F) {
	for _, s := range []string{
		"chdir:error=ENOENT:when=2..8+3", "%file:retval=0x1:signal=USR1", "/^o:delay_enter=1e3us",
		"!open:poke_enter=@arg1=00,@arg2=11:poke_exit=@arg3=ff", "all:error=1:syscall=getpid",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in, err := ParseInjection(s)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n") && !strings.Contains(s, "\n") {
				t.Errorf("%q: an error of several lines: %v", s, err)
			}
			return
		}
		if in.Calls == nil || in.DelayEnter < 0 || in.DelayExit < 0 || in.Signal < 0 || in.Signal > numSignals {
			t.Errorf("%q: %+v", s, in)
		}
		for n := range 10 {
			if in.When.Has(n) && n < in.When.First {
				t.Errorf("%q: means call %d", s, n)
			}
		}
		for _, p := range append(in.PokeEnter, in.PokeExit...) {
			if p.Arg < 0 || p.Arg >= maxArgs || len(p.Data) == 0 {
				t.Errorf("%q: %+v", s, p)
			}
		}
	})
}
