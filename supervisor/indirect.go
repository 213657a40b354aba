package supervisor

import (
	"encoding/binary"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
)

// ownFile is the file of this program.
const ownFile = "/proc/self/exe"

// launched returns the file to launch: the program's or, if that can be executed but
// not read by us, our own. A process that has executed such a file cannot be seized any more (execve(2),
// "undumpable"; ptrace(2), "Ptrace access mode checking"). So a process is
// launched with our own file, and executes the program's when it has been seized,
// before it has run an instruction.
func (c *Cmd) launched() string {
	if c.Dir == "" && unix.Access(c.Path, unix.R_OK) == unix.EACCES && unix.Access(c.Path, unix.X_OK) == nil {
		return ownFile
	}
	return c.Path
}

// indirect reports whether the process has yet to execute the program.
func (c *Cmd) indirect() bool { return c.inner.Path != c.Path }

// exec makes the new process execute the program.
func (in *launcher) exec() error {
	cmd := in.loop.cmd
	args, env := cmd.Args, cmd.inner.Environ()
	if len(args) == 0 {
		args = []string{cmd.Path}
	}
	word := in.mode.PointerBits() / 8
	size := len(cmd.Path) + 1 + (len(args)+len(env)+2)*word
	for _, s := range args {
		size += len(s) + 1
	}
	for _, s := range env {
		size += len(s) + 1
	}
	base, err := scratch(in, (uint64(size)+pinPage-1)&^(pinPage-1))
	if err != nil {
		return err
	}
	// First the pointers, of argv and of envp, then the strings.
	pointers := make([]byte, 0, (len(args)+len(env)+2)*word)
	strings := make([]byte, 0, size-cap(pointers))
	text := base + uint64(cap(pointers))
	put := func(addr uint64) {
		if word == 4 {
			pointers = binary.NativeEndian.AppendUint32(pointers, uint32(addr))
		} else {
			pointers = binary.NativeEndian.AppendUint64(pointers, addr)
		}
	}
	putAll := func(list []string) {
		for _, s := range list {
			put(text + uint64(len(strings)))
			strings = append(append(strings, s...), 0)
		}
		put(0)
	}
	argv := base
	putAll(args)
	envp := base + uint64(len(pointers))
	putAll(env)
	path := text + uint64(len(strings))
	strings = append(append(strings, cmd.Path...), 0)

	if err := ptrace.ForceWrite(in.pid, base, append(pointers, strings...)); err != nil {
		return err
	}
	r, err := in.callByName("execve", path, argv, envp)
	if err != nil {
		return err
	}
	if r.Failed() {
		return &fs.PathError{Op: "exec", Path: cmd.Path, Err: r.Err()}
	}
	return nil
}
