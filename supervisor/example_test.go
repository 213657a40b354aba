package supervisor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// A table says what system calls do. Calls without a handler run at native
// speed; a handler looks at its call, and may run it with Native, or not.
func Example() {
	tbl := table.New()
	tbl.HandleFunc("openat", func(c *table.Call) table.Result {
		path, err := c.Path(1)
		if err != nil {
			return table.Errno(unix.EFAULT)
		}
		if path == "/etc/passwd" {
			return table.Errno(unix.EACCES)
		}
		return c.Native() // run the real call, and see its result
	})

	cmd := supervisor.Command("cat", "/etc/passwd")
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Table, cmd.Stdout, cmd.Stderr = tbl, os.Stdout, os.Stdout
	fmt.Println(cmd.Run())
	// Output:
	// cat: /etc/passwd: Permission denied
	// exit status 1
}

// Deny looks at every path of a call, and has the kernel use the copy that it
// looked at.
func Example_denyPath() {
	tbl := table.New()
	tbl.Handle("%file", handlers.Deny(unix.EACCES, "/etc/passwd", "/root/")(table.Native))

	cmd := supervisor.Command("sh", "-c", "cat /etc/passwd || test -r /root/.profile || echo neither")
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Table, cmd.Stdout, cmd.Stderr = tbl, os.Stdout, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// cat: /etc/passwd: Permission denied
	// neither
}

// A program is shown another file than the one that it names.
func Example_redirectPath() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(dir+"/greeting", []byte("hello from elsewhere\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	tbl := table.New()
	tbl.Handle("%file", handlers.Redirect("/no/such/place", dir)(table.Native))

	cmd := supervisor.Command("cat", "/no/such/place/greeting")
	cmd.Table, cmd.Stdout = tbl, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: hello from elsewhere
}

// A handler that does not call Native answers instead of the kernel.
func Example_answerWithoutTheKernel() {
	tbl := table.New()
	tbl.Handle("getuid,geteuid", handlers.Answer(table.Return(4242)))

	cmd := supervisor.Command("id", "-u")
	cmd.Table, cmd.Stdout = tbl, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: 4242
}

// Handlers of one Cmd run on one thread, one at a time: they need no locks among
// themselves, and after Wait everybody may read what they have gathered.
func Example_countCalls() {
	calls := map[string]int{}
	tbl := table.New()
	tbl.HandleFunc("chdir,umask", func(c *table.Call) table.Result {
		calls[c.Name()]++
		return c.Native()
	})

	cmd := supervisor.Command("sh", "-c", "cd /; (cd /usr); (cd /nowhere); umask 022; cd /")
	cmd.Table = tbl
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("chdir:", calls["chdir"])
	fmt.Println("any umask:", calls["umask"] > 0)
	// Output:
	// chdir: 4
	// any umask: true
}

// What does a program do when its writes are slow? Delay waits in a goroutine,
// so that only the thread that writes has to wait.
func Example_delayCalls() {
	const delay = 20 * time.Millisecond
	tbl := table.New()
	tbl.Handle("write", handlers.Delay(delay)(table.Native))

	begin := time.Now()
	cmd := supervisor.Command("sh", "-c", "echo one; echo two")
	cmd.Table, cmd.Stdout = tbl, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("slow:", time.Since(begin) >= 2*delay)
	// Output:
	// one
	// two
	// slow: true
}

// A handler may change what a call gave back: in the child's memory, as here, or
// by returning another Result than Native did.
func Example_rewriteResult() {
	tbl := table.New()
	tbl.HandleFunc("uname", func(c *table.Call) table.Result {
		r := c.Native()
		if r.Failed() {
			return r
		}
		// struct new_utsname: fields of 65 bytes, of which nodename is the second.
		if _, err := c.WriteMemory(c.Arg(0)+65, []byte("k42\x00")); err != nil {
			return table.Errno(unix.EFAULT)
		}
		return r
	})

	cmd := supervisor.Command("uname", "-n")
	cmd.Table, cmd.Stdout = tbl, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: k42
}

// A program and all that it starts are kept from the network, and from changing
// files outside one directory. Reading stays free. This is for a program without
// privileges: root has other ways (kernel modules, say), to be refused likewise.
func Example_sandbox() {
	dir, err := os.MkdirTemp("", "sandbox")
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	refused := map[string]bool{}
	refuse := func(c *table.Call) table.Result {
		refused[c.Name()] = true
		return table.Errno(unix.EPERM)
	}
	// The kernel gets a path that is absolute, and that nobody can change after
	// it was looked at. It leads where it says: there are no symbolic links in
	// dir, and there will be none.
	open := func(c *table.Call) table.Result {
		at, path, flags := unix.AT_FDCWD, 0, 1
		if c.Name() == "openat" {
			at, path, flags = c.FD(0), 1, 2
		}
		const change = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC
		if c.Arg(flags)&change == 0 {
			return c.Native()
		}
		name, err := c.Path(path)
		if err != nil {
			return table.Errno(unix.EFAULT)
		}
		if !filepath.IsAbs(name) {
			base, ok := handlers.FDPath(c.Thread(), at)
			if !ok {
				return table.Errno(unix.EBADF)
			}
			name = filepath.Join(base, name)
		}
		name = filepath.Clean(name)
		if name != "/dev/null" && !strings.HasPrefix(name, dir+"/") {
			return refuse(c)
		}
		if err := c.PinPath(path, name); err != nil {
			return table.Errno(unix.ENOMEM)
		}
		return c.Native()
	}

	tbl := table.New()
	// Numbers that have no name yet have no call.
	tbl.Handle("all", handlers.Answer(table.Errno(unix.ENOSYS)))
	tbl.Handle("/./", nil)
	// What names a file is refused, unless it is known to change none.
	tbl.HandleFunc("%file", refuse)
	tbl.Handle("%%stat,access,faccessat,faccessat2,readlink,readlinkat,getcwd,chdir,execve,execveat", nil)
	tbl.HandleFunc("open,openat", open)
	// So is what reaches files, or other programs, without a name.
	tbl.HandleFunc("socket,socketcall,open_by_handle_at,fchmod,fchown,fsetxattr,fremovexattr,process_vm_writev,pidfd_getfd", refuse)

	cmd := supervisor.Command("bash", "-c", `
		echo kept > inside && cat inside
		echo lost > ../outside          || echo no way out
		ln -s / root                    || echo no way round
		: > /dev/tcp/127.0.0.1/80       || echo no network`)
	cmd.Dir = dir
	cmd.Enforce = true // the handlers are a policy: let nothing get around them
	cmd.Table, cmd.Stdout = tbl, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("refused socket:", refused["socket"])
	// Output:
	// kept
	// no way out
	// no way round
	// no network
	// refused socket: true
}
