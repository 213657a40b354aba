package integration

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What is different in each run of names.c, and the id in front of a line.
var (
	changingNames = regexp.MustCompile(`0x[0-9a-f]{5,}|#?\d{4,}|/(proc|task)/\d+`)
	lineThread    = regexp.MustCompile(`^\d+ +`)
)

// -y calls descriptors what strace calls them where files are renamed and removed, reached
// through links, and have no names, and where the calls that make them are recorded. With a
// second thread, events carry the time.
func TestDescriptorNamesAsStrace(t *testing.T) {
	version, err := exec.Command("strace", "-V").Output()
	if err != nil || !strings.Contains(string(version), "version 6.1") {
		t.Skip("no strace 6.1")
	}
	needX86(t)
	lines := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			line = changingNames.ReplaceAllString(lineThread.ReplaceAllString(line, ""), "N")
			line = strings.Join(strings.Fields(line), " ")
			if strings.HasPrefix(line, "mkdir(\"real\"") || len(all) > 0 {
				all = append(all, line)
			}
		}
		return all
	}
	for name, flags := range map[string][]string{"alone": nil, "threaded": {"-DWARM_THREADED"}} {
		path := compileC(t, "names", append([]string{"-pthread", "-include", warmHeader}, flags...)...)
		for _, flags := range [][]string{
			{"-y"}, {"-yy"},
			// Where the tracer has to do with the call by which names are asked for.
			{"-y", "-e", "trace=%file,%desc"}, {"-y", "-e", "trace=!readlink"}, {"-y", "-e", "inject=readlink:error=EPERM"},
			{"-yy", "-e", "inject=fstat:error=EPERM"},
		} {
			t.Run(name+strings.Join(flags, " "), func(t *testing.T) {
				compareWithStrace(t, path, flags, flags, 500, lines)
			})
		}
	}
}
