package handlers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// An exe is what a process executes, where the kernel executes its dynamic linker.
type exe struct{ kernel, shown string }

// A program is an execve as the kernel is to make it, so that interpreters of scripts and
// dynamic linkers are found where the View has them: the kernel itself looks them up by
// name, where nobody can translate it.
type program struct {
	place paths.Place // the file that is executed
	shown string      // and its path in the View, if it is a dynamic linker that runs another
	front []string    // takes the place of argv[0], if it is not empty
	path  string      // what the last file was called
	asIs  bool        // the kernel comes to the same by the path that was given
}

// maxInterpreters is how many interpreters may follow on each other (BINPRM_MAX_RECURSION).
const maxInterpreters = 5

// headSize is how much of a file execve(2) looks at (BINPRM_BUF_SIZE).
const headSize = 256

// exec acts on execve(2) and execveat(2).
func (v *View) exec(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	argv := 1 + a.Path
	name, err := c.Path(a.Path)
	if err != nil {
		return next.Handle(c)
	}
	if p.Itself {
		name = p.Path
	}
	dir := unix.AT_FDCWD
	if a.Dir >= 0 {
		if dir = c.FD(a.Dir); dir != unix.AT_FDCWD && !p.Itself && !path.IsAbs(name) {
			name = p.Path // the kernel says /dev/fd/N/name, which comes to the same
		}
	}
	args, err := arguments(c, argv)
	if err != nil {
		return next.Handle(c) // the kernel will say why
	}
	resolve := func(name string) (paths.Place, error) {
		return v.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, paths.Arg{Follow: true})
	}
	if !p.Exists || p.Magic || p.Mount == nil {
		if p.Moved && !p.Itself {
			if err := v.point(c, a, p.ForKernel()); err != nil {
				return failed(err)
			}
		}
		return v.plainExec(c, next)
	}
	if p.Slash && !p.Mode.IsDir() {
		return table.Errno(unix.ENOTDIR)
	}
	prog, err := v.program(*p, name, args.first, resolve)
	if err != nil {
		return table.Errno(paths.Errno(err))
	}
	file := &prog.place
	switch {
	case !file.Exists:
		return table.Errno(unix.ENOENT)
	case len(prog.front) == 0 && !file.Moved:
		return v.plainExec(c, next)
	}
	var kernel string
	if file.Virtual() {
		if e := v.permit(c, file, unix.X_OK); e != 0 || !file.Mode.IsRegular() {
			return table.Errno(unix.EACCES)
		}
		f, err := v.content(c, file)
		if err != nil {
			return table.Errno(paths.Errno(err))
		}
		kernel = fdName(f)
	} else {
		kernel = file.Host
	}
	if len(prog.front) > 0 {
		if err := args.replace(c, argv, prog.front); err != nil {
			return failed(err)
		}
	}
	if err := c.PinPath(a.Path, kernel); err != nil {
		return failed(err)
	}
	if c.Name() == "execveat" {
		c.SetArg(4, 0)
	}
	r := next.Handle(c)
	if r.Failed() || r.Gone() {
		return r
	}
	v.executes(c, prog)
	if path.Base(kernel) != path.Base(name) {
		rename(c, path.Base(name)) // the name that ps(1) is to show
	}
	return r
}

// plainExec lets the kernel do it.
func (v *View) plainExec(c *table.Call, next table.Handler) table.Result {
	r := next.Handle(c)
	if !r.Failed() && !r.Gone() {
		v.executes(c, program{})
	}
	return r
}

// program works out what the kernel is to execute for the file at p, called name, with the
// first argument argv0.
func (v *View) program(p paths.Place, name, argv0 string, resolve func(string) (paths.Place, error)) (program, error) {
	start := program{place: p, path: name}
	prog, moved := start, p.Moved
	for range maxInterpreters {
		if !p.Exists || !p.Mode.IsRegular() {
			return prog, nil // the kernel's to refuse, or ours
		}
		head, err := v.head(&p)
		if err != nil {
			return prog, nil
		}
		interpreter, arg, ok := shebang(head)
		if !ok {
			linked, err := v.linked(prog, head, argv0, resolve)
			if err == nil && linked.shown == "" && !moved {
				start.asIs = true
				return start, nil
			}
			return linked, err
		}
		if !executable(&p) {
			return prog, unix.EACCES
		}
		// The interpreter finds the script by the name that we have for it.
		front := []string{interpreter}
		if arg != "" {
			front = append(front, arg)
		}
		front = append(front, prog.path)
		if len(prog.front) > 1 {
			front = append(front, prog.front[1:]...)
		}
		q, err := resolve(interpreter)
		if err != nil {
			return prog, err
		}
		moved = moved || q.Moved
		prog.front, prog.path, prog.place = front, interpreter, q
		argv0 = interpreter
		p = q
	}
	return prog, unix.ELOOP
}

// linked looks at the dynamic linker that the program asks for. If the View has another at
// its path than the kernel, it is executed, and told to run the program.
func (v *View) linked(prog program, head []byte, argv0 string, resolve func(string) (paths.Place, error)) (program, error) {
	if !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return prog, nil
	}
	f, err := v.openPlace(&prog.place)
	if err != nil {
		return prog, nil
	}
	defer f.Close()
	name := interp(f)
	if name == "" {
		return prog, nil
	}
	q, err := resolve(name)
	if err != nil || !q.Exists {
		return prog, unix.ENOENT
	}
	if !q.Moved {
		return prog, nil
	}
	if !executable(&prog.place) {
		return prog, unix.EACCES
	}
	front := []string{name}
	if argv0 != prog.place.Path && v.takesArgv0(&q) {
		front = append(front, "--argv0", argv0)
	}
	front = append(front, prog.place.Path)
	if len(prog.front) > 1 {
		front = append(front, prog.front[1:]...)
	}
	return program{place: q, path: prog.path, shown: prog.place.Path, front: front}, nil
}

// takesArgv0 reports whether a dynamic linker knows --argv0: glibc's does since 2.33.
func (v *View) takesArgv0(p *paths.Place) bool {
	f, err := v.openPlace(p)
	if err != nil {
		return false
	}
	defer f.Close()
	const most = 4 << 20
	b, err := io.ReadAll(io.NewSectionReader(f, 0, most))
	return err == nil && bytes.Contains(b, []byte("argv0"))
}

// A readFile is an open file of the host or of an fs.FS.
type readFile interface {
	io.ReaderAt
	io.Closer
}

type loaded struct{ *bytes.Reader }

func (loaded) Close() error { return nil }

// openPlace opens the file at a place, for us.
func (v *View) openPlace(p *paths.Place) (readFile, error) {
	if !p.Virtual() {
		return openLook(p.Outside())
	}
	b, err := p.ReadFile()
	return loaded{bytes.NewReader(b)}, err
}

// head returns the beginning of a file.
func (v *View) head(p *paths.Place) ([]byte, error) {
	f, err := v.openPlace(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, headSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// executable reports whether anybody may execute the file.
func executable(p *paths.Place) bool {
	if p.Virtual() {
		return p.Mode.Perm()&0o111 != 0
	}
	return unix.Access(p.Outside(), unix.X_OK) == nil
}

// shebang returns the interpreter and its argument from the first line of a script, as
// fs/binfmt_script.c reads it.
func shebang(head []byte) (interpreter, arg string, ok bool) {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return "", "", false
	}
	if i := bytes.IndexAny(line, "\n\x00"); i >= 0 {
		line = line[:i]
	}
	text := strings.Trim(string(line), " \t")
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, "", text != ""
	}
	return text[:i], strings.Trim(text[i:], " \t"), true
}

// An argvector is what a process passes to a program.
type argvector struct {
	first string
	rest  []uint64 // where the other arguments are, in the process
}

// maxArguments bounds how many arguments are looked at: no more fit the kernel's own
// limit (execve(2), "Limits on size of arguments and environment").
const maxArguments = 1 << 20

// arguments reads an argument vector.
func arguments(c *table.Call, i int) (argvector, error) {
	var v argvector
	addr, width := c.Arg(i), c.ABI().PointerBits()/8
	if addr == 0 {
		return v, nil
	}
	var pointers []uint64
	buf := make([]byte, 512*width)
	for len(pointers) < maxArguments {
		n, err := c.ReadMemory(addr, buf)
		if err != nil {
			return v, err
		}
		if n -= n % width; n == 0 {
			return v, unix.EFAULT
		}
		for at := 0; at < n; at += width {
			ptr := get(buf[at : at+width])
			if ptr != 0 {
				pointers = append(pointers, ptr)
				continue
			}
			if len(pointers) > 0 {
				v.rest = pointers[1:]
				v.first, err = table.ReadString(c.Thread(), pointers[0], table.StringMax)
			}
			return v, err
		}
		addr += uint64(n)
	}
	return v, unix.E2BIG
}

// replace makes argument i of the call point to a vector in which front stands in place of
// the first argument.
func (v *argvector) replace(c *table.Call, i int, front []string) error {
	if err := c.Pin(i, []byte(strings.Join(front, "\x00")+"\x00")); err != nil {
		return err
	}
	width := c.ABI().PointerBits() / 8
	at := c.RawArg(i)
	var pointers []byte
	add := func(ptr uint64) {
		if width == 4 {
			pointers = binary.LittleEndian.AppendUint32(pointers, uint32(ptr))
		} else {
			pointers = binary.LittleEndian.AppendUint64(pointers, ptr)
		}
	}
	for _, s := range front {
		add(at)
		at += uint64(len(s) + 1)
	}
	for _, ptr := range v.rest {
		add(ptr)
	}
	add(0)
	return c.Pin(i, pointers)
}

// executes notes what the process executes, for /proc/PID/exe.
func (v *View) executes(c *table.Call, prog program) {
	pid := c.Process().PID()
	v.mu.Lock()
	defer v.mu.Unlock()
	if prog.shown == "" && len(v.exes) == 0 {
		return
	}
	e := exe{shown: prog.shown}
	if e.shown != "" {
		e.kernel, _ = os.Readlink(procfs.Path(pid, "exe"))
	}
	v.exes[pid] = e
}

// exePath returns what the link of /proc at host is to say, if it is the one to a
// process's executable and the kernel says something else than the View.
func (v *View) exePath(host, text string) (string, bool) {
	var pid int
	if n, _ := fmt.Sscanf(host, "/proc/%d/", &pid); n != 1 || path.Base(host) != "exe" {
		return "", false
	}
	pid = procfs.Here(pid)
	v.mu.Lock()
	defer v.mu.Unlock()
	// What it executes it may have from its parent, or that from its own.
	const generations = 64
	for range generations {
		if e, ok := v.exes[pid]; ok || pid <= 1 || len(v.exes) == 0 {
			return e.shown, ok && e.kernel == text
		}
		status, err := procfs.ReadStatus(pid)
		if err != nil {
			break
		}
		pid = status.PPID
	}
	return "", false
}

// rename gives the process the name of its program (PR_SET_NAME).
func rename(c *table.Call, name string) {
	if len(name) > 15 {
		name = name[:15]
	}
	if c.PinPath(0, name) == nil {
		c.Inject("prctl", unix.PR_SET_NAME, c.RawArg(0))
	}
}

// Launch returns how the program at path in the View, with the arguments args, is to be
// started: by the host's file and with the arguments that it returns (supervisor.Cmd's Path and Args).
// The View must be kept until it has been.
func (v *View) Launch(path string, args []string) (file string, argv []string, err error) {
	p, err := v.tree.Find(path, true)
	if err == nil && !p.Exists {
		err = unix.ENOENT
	}
	if err != nil {
		return "", nil, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	if len(args) == 0 {
		args = []string{path}
	}
	prog, err := v.program(p, path, args[0], func(name string) (paths.Place, error) { return v.tree.Find(name, true) })
	if err != nil {
		return "", nil, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	if prog.asIs {
		return path, args, nil
	}
	argv = args
	if len(prog.front) > 0 {
		argv = append(prog.front, args[1:]...)
	}
	if !prog.place.Virtual() {
		file = prog.place.Host
		if prog.shown != "" {
			// Whoever has no entry of his own descends from the program.
			v.mu.Lock()
			v.exes[os.Getpid()] = exe{file, prog.shown}
			v.mu.Unlock()
		}
		return file, argv, nil
	}
	if !executable(&prog.place) {
		return "", nil, &os.PathError{Op: "exec", Path: path, Err: unix.EACCES}
	}
	info, err := prog.place.Stat()
	if err != nil {
		return "", nil, err
	}
	f, err := v.fill(&prog.place, info)
	if err != nil {
		return "", nil, err
	}
	v.keep(prog.place.Path, &content{file: f, size: info.Size(), mtime: info.ModTime()})
	return fdName(f), argv, nil
}

// LookPath finds a program in the View as execvp(3) would: by PATH of our environment, if
// there is no slash in its name. The error is fs.ErrNotExist or fs.ErrPermission.
func (v *View) LookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, v.mayExecute(name)
	}
	var denied error
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !path.IsAbs(dir) {
			continue
		}
		file := path.Join(dir, name)
		err := v.mayExecute(file)
		if err == nil {
			return file, nil
		}
		if denied == nil && errors.Is(err, fs.ErrPermission) {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &os.PathError{Op: "exec", Path: name, Err: fs.ErrNotExist}
}

func (v *View) mayExecute(name string) error {
	p, err := v.tree.Find(name, true)
	switch {
	case err != nil:
	case !p.Exists:
		err = unix.ENOENT
	case !p.Mode.IsRegular() || !executable(&p):
		err = unix.EACCES
	}
	if err != nil {
		return &os.PathError{Op: "exec", Path: name, Err: err}
	}
	return nil
}

// Dir returns where the host has the directory at the path dir of the View, for
// supervisor.Cmd's Dir. It fails if that is in an fs.FS.
func (v *View) Dir(dir string) (string, error) {
	p, err := v.tree.Find(dir, true)
	switch {
	case err != nil:
	case !p.Exists:
		err = unix.ENOENT
	case !p.Mode.IsDir() || p.Virtual():
		err = unix.ENOTDIR
	default:
		v.tree.Reached(&p)
		return p.Host, nil
	}
	return "", &os.PathError{Op: "chdir", Path: dir, Err: err}
}

// Host returns where the host has what the View shows at a path, whether there is anything or
// not: for ReadOnly and Deny, which see where a View leads. It fails if that is in an fs.FS.
func (v *View) Host(name string) (string, error) {
	p, err := v.tree.Find(name, true)
	if err == nil && p.Virtual() {
		err = unix.EROFS
	}
	if err != nil {
		return "", &os.PathError{Op: "find", Path: name, Err: err}
	}
	return p.Host, nil
}
