package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// --namespace=new tells the namespaces that processes come into.
func TestNewNamespaces(t *testing.T) {
	p := dynamic64.program(t, "namespaces")
	if o := p.native(t); strings.Contains(o.Stdout, "not allowed") {
		t.Skip("no permission for new namespaces")
	}
	p.TracerFlags = []string{"--namespace=new", "-e", "trace=clone,clone3,unshare"}
	remark := regexp.MustCompile(`^\d+ +(clone|clone3|unshare)\(.*\) += \d+ \((.*)\)$`)
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := p.trace(t, r)
		var got []string
		for _, line := range lines {
			if m := remark.FindStringSubmatch(line); m != nil {
				got = append(got, strings.Split(m[2], ", ")...)
			}
		}
		if want := strings.Fields(o.Stdout); len(want) != 4 || cmp.Diff(want, got) != "" {
			t.Errorf("the program sees %v, the trace shows %v:\n%s", want, got, strings.Join(lines, "\n"))
		}
	})
}

// --kvm=vcpu tells why virtual processors come back, as strace does.
func TestVirtualProcessors(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine's code is x86's")
	}
	strace := lookTool(t, "strace")
	p := dynamic64.program(t, "kvm")
	if o := p.native(t); strings.Contains(o.Stdout, "no KVM") {
		t.Skip("no machines of KVM can be made here")
	}
	runs := func(lines []string) (all []string) {
		for _, line := range lines {
			if _, call, found := strings.Cut(line, "KVM_RUN"); found {
				all = append(all, padding.ReplaceAllString(call, ") = "))
			}
		}
		return all
	}
	file := filepath.Join(t.TempDir(), "strace")
	if out, err := exec.Command(strace, "-f", "-e", "kvm=vcpu", "-o", file, p.Path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := runs(strings.Split(string(text), "\n"))
	p.TracerFlags = []string{"-e", "kvm=vcpu"}
	onEachRoute(t, func(t *testing.T, r route) {
		_, lines := p.trace(t, r)
		if d := cmp.Diff(want, runs(lines)); d != "" || len(want) < 4 {
			t.Errorf("strace (-) and k42trace (+):\n%s", d)
		}
	})
}
