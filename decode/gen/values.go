package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
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
	"linux/keyctl.h", "linux/fiemap.h", "linux/ioprio.h", "sys/ioctl.h",
}

// headerValues returns what the C compiler makes of names.
func headerValues(names []string) (map[string]uint64, error) {
	values := map[string]uint64{}
	if len(names) == 0 {
		return values, nil
	}
	var src bytes.Buffer
	fmt.Fprintln(&src, "#define _GNU_SOURCE\n#include <stdio.h>\n#include <linux/fs.h>")
	for _, h := range headers {
		fmt.Fprintf(&src, "#if __has_include(<%s>)\n#include <%s>\n#endif\n", h, h)
	}
	fmt.Fprintln(&src, "int main(void) {")
	for _, n := range names {
		fmt.Fprintf(&src, "printf(\"%s %%lld\\n\", (long long)(%s));\n", n, n)
	}
	fmt.Fprintln(&src, "}")
	out, err := runC(src.Bytes())
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		name, value, _ := strings.Cut(line, " ")
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, err
		}
		values[name] = uint64(v)
	}
	return values, nil
}

var undeclared = regexp.MustCompile(`error: ‘(\w+)’ undeclared|error: '(\w+)' undeclared`)

// runC compiles and runs a C program.
func runC(src []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "gen")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "values")
	cc := exec.Command("cc", "-w", "-x", "c", "-o", program, "-")
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
