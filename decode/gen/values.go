package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sysValues returns the constants of golang.org/x/sys/unix for an architecture,
// and its errnos.
func sysValues(arch string) (values, errnos map[string]uint64, err error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("where is golang.org/x/sys: %w", err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range []string{"zerrors_linux.go", "zerrors_linux_" + arch + ".go", "ztypes_linux.go", "ztypes_linux_" + arch + ".go"} {
		f, err := parser.ParseFile(fset, filepath.Join(strings.TrimSpace(string(dir)), "unix", name), nil, 0)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	// The rest of the package is not there; its constants do not need it.
	conf := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := conf.Check("unix", fset, files, nil)
	values, errnos = map[string]uint64{}, map[string]uint64{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		if v, ok := integer(c.Val()); ok {
			values[name] = v
		}
	}
	// Errnos have a type of package syscall, so that their values are not known.
	for _, f := range files {
		for _, d := range f.Decls {
			eachErrno(d, func(name string, v uint64) { errnos[name] = v })
		}
	}
	if len(values) < 1000 || len(errnos) < 100 {
		return nil, nil, fmt.Errorf("only %d constants and %d errnos of %s in %s", len(values), len(errnos), arch, dir)
	}
	return values, errnos, nil
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not needed", path)
}

func integer(v constant.Value) (uint64, bool) {
	v = constant.ToInt(v)
	if v.Kind() != constant.Int {
		return 0, false
	}
	if u, ok := constant.Uint64Val(v); ok {
		return u, true
	}
	i, ok := constant.Int64Val(v)
	return uint64(i), ok
}

// eachErrno calls f for constants of the form NAME = syscall.Errno(0x1).
func eachErrno(d ast.Decl, f func(name string, v uint64)) {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.CONST {
		return
	}
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			continue
		}
		call, ok := v.Values[0].(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			continue
		}
		if fun, ok := call.Fun.(*ast.SelectorExpr); !ok || fun.Sel.Name != "Errno" {
			continue
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok {
			if n, err := strconv.ParseUint(lit.Value, 0, 64); err == nil {
				f(v.Names[0].Name, n)
			}
		}
	}
}

// headers is where the names are that x/sys does not have.
var headers = []string{
	"signal.h", "sys/mman.h", "sys/wait.h", "sys/resource.h", "sys/time.h", "sys/socket.h", "sys/ipc.h", "sys/shm.h", "sys/sem.h", "sys/msg.h",
	"sys/mount.h", "sys/epoll.h", "sys/poll.h", "sys/prctl.h", "sys/ptrace.h", "sys/statvfs.h", "sys/quota.h", "sys/reboot.h", "sys/timex.h",
	"netinet/in.h", "netinet/tcp.h", "netinet/udp.h", "fcntl.h", "sched.h", "termios.h", "linux/sched.h", "linux/netlink.h", "linux/if_packet.h",
	"linux/mount.h", "linux/membarrier.h", "linux/capability.h", "linux/landlock.h", "linux/dqblk_xfs.h", "linux/ptrace.h", "linux/kexec.h",
	"linux/keyctl.h", "linux/fiemap.h", "linux/ioprio.h", "sys/ioctl.h", "linux/kd.h", "linux/vt.h", "linux/cdrom.h", "linux/fd.h", "scsi/sg.h", "linux/lp.h",
	"linux/gpio.h", "linux/btrfs.h", "linux/btrfs_tree.h",
	"linux/rtnetlink.h", "linux/if_link.h", "linux/if_bridge.h", "linux/neighbour.h", "linux/fib_rules.h", "linux/nexthop.h", "linux/netconf.h",
	"linux/net_namespace.h", "linux/dcbnl.h", "linux/mroute.h", "linux/mroute6.h", "linux/if_addrlabel.h", "linux/gen_stats.h", "linux/pkt_cls.h",
	"linux/pkt_sched.h", "linux/lwtunnel.h", "linux/snmp.h", "linux/ip.h", "linux/ipv6.h", "linux/mpls.h", "linux/if_bonding.h",
	"linux/inet_diag.h", "linux/unix_diag.h", "linux/netlink_diag.h", "linux/packet_diag.h", "linux/smc_diag.h", "linux/sock_diag.h", "linux/tls.h",
	"linux/mptcp.h", "linux/cryptouser.h", "linux/xfrm.h", "linux/selinux_netlink.h", "linux/netfilter/nfnetlink.h",
	"linux/netfilter/nfnetlink_acct.h", "linux/netfilter/nfnetlink_cthelper.h", "linux/netfilter/nfnetlink_conntrack.h",
	"linux/netfilter/nfnetlink_cttimeout.h", "linux/netfilter/nfnetlink_compat.h", "linux/netfilter/nfnetlink_hook.h",
	"linux/netfilter/ipset/ip_set.h", "linux/netfilter/nf_tables.h", "linux/netfilter/nf_tables_compat.h",
	"linux/netfilter/nfnetlink_queue.h", "linux/netfilter/nfnetlink_log.h",
}

// ioctlsOf returns the names of the ioctl requests that a header defines by the
// macros _IO, _IOR, _IOW and _IOWR, or by others whose names end so.
func ioctlsOf(header string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join("/usr/include", header))
	if err != nil {
		return nil, err
	}
	var names []string
	data = bytes.ReplaceAll(data, []byte("\\\n"), nil) // macros of several lines
	for _, m := range ioctlMacro.FindAllSubmatch(data, -1) {
		names = append(names, string(m[1]))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s defines no ioctl", header)
	}
	return names, nil
}

var ioctlMacro = regexp.MustCompile(`(?m)^\s*#\s*define\s+(\w+)\s+\(?[A-Z0-9_]*_S?IO[CWR]*\s*\(`)

// constantsOf returns the names that begin with prefix of the macros and enumerators that a
// header defines, or of the macros alone if a # is in front of it.
func constantsOf(header, prefix string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join("/usr/include", header))
	if err != nil {
		return nil, err
	}
	prefix, macros := strings.CutPrefix(prefix, "#")
	name := regexp.QuoteMeta(prefix) + `\w+`
	expr := `(?m)^\s*#\s*define\s+(` + name + `)[ \t]+\S`
	if !macros {
		expr += `|^\s*(` + name + `)\s*(?:[=,/}]|$)`
	}
	define := regexp.MustCompile(expr)
	var names []string
	for _, m := range define.FindAllSubmatch(data, -1) {
		names = append(names, string(bytes.Join(m[1:], nil)))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s defines no %s", header, prefix)
	}
	return names, nil
}

// headerValues returns what the C compiler makes of names. Those of optional are
// looked for in the headers that they are mapped to, and left out if that does
// not compile: they are other architectures'.
// The flags are the compiler's.
func headerValues(names []string, optional map[string]string, flags ...string) (map[string]uint64, error) {
	bad, err := uncompilable(source(slices.Collect(maps.Keys(optional)), optional), flags...)
	if err != nil {
		return nil, err
	}
	optional = maps.Clone(optional)
	maps.DeleteFunc(optional, func(name, _ string) bool { return bad[name] })
	out, err := runC(source(slices.Concat(names, slices.Collect(maps.Keys(optional))), optional), flags...)
	if err != nil {
		return nil, err
	}
	values := map[string]uint64{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, err
		}
		values[name] = uint64(v)
	}
	return values, nil
}

// source is a C program that prints names and their values, with each name in a
// line and a function of its own.
func source(names []string, more map[string]string) []byte {
	var src bytes.Buffer
	fmt.Fprintln(&src, "#define _GNU_SOURCE\n#include <stdio.h>\n#include <linux/fs.h>")
	include := slices.Sorted(maps.Values(more))
	for _, h := range slices.Concat(headers, slices.Compact(include)) {
		fmt.Fprintf(&src, "#if __has_include(<%s>)\n#include <%s>\n#endif\n", h, h)
	}
	for _, n := range names {
		fmt.Fprintf(&src, "static void get_%s(void) { printf(\"%s %%lld\\n\", (long long)(%s)); }\n", n, n, n)
	}
	fmt.Fprintln(&src, "int main(void) {")
	for _, n := range names {
		fmt.Fprintf(&src, "get_%s();\n", n)
	}
	fmt.Fprintln(&src, "}")
	return src.Bytes()
}

var compileError = regexp.MustCompile(`(?m)^<stdin>:(\d+):\d+: error`)

// uncompilable returns the names in a program of source's that do not compile.
func uncompilable(src []byte, flags ...string) (map[string]bool, error) {
	cc := exec.Command("cc", append(flags, "-w", "-fsyntax-only", "-x", "c", "-")...)
	cc.Stdin = bytes.NewReader(src)
	msg, err := cc.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	lines := bytes.Split(src, []byte("\n"))
	bad := map[string]bool{}
	for _, m := range compileError.FindAllSubmatch(msg, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n > len(lines) {
			return nil, fmt.Errorf("cc: %s", msg)
		}
		name, ok := strings.CutPrefix(string(lines[n-1]), "static void get_")
		if !ok {
			return nil, fmt.Errorf("cc: %.2000s", msg)
		}
		name, _, _ = strings.Cut(name, "(")
		bad[name] = true
	}
	if len(bad) == 0 {
		return nil, fmt.Errorf("cc: %w\n%.2000s", err, msg)
	}
	return bad, nil
}

var undeclared = regexp.MustCompile(`error: ‘(\w+)’ undeclared|error: '(\w+)' undeclared`)

// runC compiles and runs a C program.
func runC(src []byte, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "gen")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "values")
	cc := exec.Command("cc", append(flags, "-w", "-x", "c", "-o", program, "-")...)
	cc.Stdin = bytes.NewReader(src)
	if msg, err := cc.CombinedOutput(); err != nil {
		var names []string
		for _, m := range undeclared.FindAllSubmatch(msg, -1) {
			names = append(names, string(m[1])+string(m[2]))
		}
		slices.Sort(names)
		return nil, fmt.Errorf("cc: %w: not declared: %s\n%.2000s", err, strings.Join(slices.Compact(names), " "), msg)
	}
	return exec.Command(program).Output()
}
