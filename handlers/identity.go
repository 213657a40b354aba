package handlers

import (
	"math"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// An Identity lets programs be somebody else, somewhere else, as far as they are told: it
// answers who they are and on which machine, and remembers to whom they have given files
// and which devices they have made, so that chown(2), mknod(2) and stat(2) agree and archives keep
// owners. It is what fakeroot(1) is for, and grants nothing: the kernel goes by who they are.
//
// Files of the user that the supervisor runs as belong to the user that is shown, all others to
// whom they belong. /proc, and credentials passed over sockets, tell the truth.
type Identity struct {
	opts IdentityOptions
	tree *paths.View

	mu    sync.Mutex
	creds map[table.Process]*credential
	procs map[int]table.Process // of creds, the last one with that id
	files map[inode]fileRecord  // what was said of files
	gone  departures            // of files
}

// IdentityOptions is what programs are told.
type IdentityOptions struct {
	UID, GID uint32
	Groups   []uint32 // the supplementary groups; GID is not added
	// Of uname(2); what is empty stays as it is.
	Hostname, Domain, Sysname, Release, Version, Machine string
	// View is what the programs see of files, if that is not the host's: one that is used
	// below the Identity.
	View *View
}

// A credential is what a process has of ids, in its own view: real, effective, saved, and
// for files (credentials(7)).
type credential struct {
	uid, gid [4]uint32
	groups   []uint32
}

// A fileRecord is what a program has been told is true of a file.
type fileRecord struct {
	owned    bool
	uid, gid uint32
	device   bool
	kind     uint32 // S_IFCHR or S_IFBLK
	rdev     uint64
}

// NewIdentity returns an Identity in which nothing has been given to anybody.
func NewIdentity(opts IdentityOptions) *Identity {
	tree := paths.NewView()
	if opts.View != nil {
		tree = opts.View.tree
	}
	return &Identity{opts: opts, tree: tree, creds: map[table.Process]*credential{}, procs: map[int]table.Process{}, files: map[inode]fileRecord{}}
}

const identityCalls = "getuid,geteuid,getgid,getegid,getuid32,geteuid32,getgid32,getegid32,getresuid,getresuid32,getresgid,getresgid32," +
	"getgroups,getgroups32,setuid,setuid32,setgid,setgid32,setreuid,setreuid32,setregid,setregid32,setresuid,setresuid32," +
	"setresgid,setresgid32,setfsuid,setfsuid32,setfsgid,setfsgid32,setgroups,setgroups32," +
	"chown,chown32,lchown,lchown32,fchown,fchown32,fchownat,mknod,mknodat,unlink,unlinkat,rmdir,rename,renameat,renameat2," +
	"%stat,%lstat,%fstat,uname,olduname,oldolduname,sethostname,setdomainname"

// Use puts the Identity in front of the handlers that tbl has for the calls concerned.
func (d *Identity) Use(tbl *table.Table) { Layer{identityCalls, d.Wrap}.Use(tbl) }

// Wrap is the Identity as middleware.
func (d *Identity) Wrap(next table.Handler) table.Handler {
	return table.HandlerFunc(func(c *table.Call) table.Result { return d.handle(c, next) })
}

func (d *Identity) handle(c *table.Call, next table.Handler) table.Result {
	switch name := trim32(c.Name()); name {
	case "chown", "lchown", "fchown", "fchownat":
		return d.chown(c, next)
	case "mknod", "mknodat":
		return d.mknod(c, next)
	case "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2":
		return d.remove(c, next)
	case "uname":
		return d.uname(c, next)
	case "olduname", "oldolduname":
		return next.Handle(c)
	case "sethostname", "setdomainname":
		return d.name(c)
	default:
		if l, i := statArg(c); l != nil {
			return d.stat(c, next, l, i)
		}
		return d.ids(c, name)
	}
}

// trim32 takes away what tells i386's calls for 32-bit ids from the older ones.
func trim32(name string) string {
	if n := len(name); n > 2 && name[n-2:] == "32" {
		return name[:n-2]
	}
	return name
}

// credential returns what the process of the call has of ids: what it has set, or what its
// parent has.
func (d *Identity) credential(p table.Process) *credential {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.creds[p]; k != nil {
		return k
	}
	k := &credential{groups: d.opts.Groups}
	for i := range k.uid {
		k.uid[i], k.gid[i] = d.opts.UID, d.opts.GID
	}
	// Ancestors that have never asked have what theirs have.
	const generations = 64
	for pid, n := p.Parent(), 0; pid > 1 && n < generations; n++ {
		if q := d.procs[pid]; q != nil {
			*k = *d.creds[q]
			break
		}
		status, err := procfs.ReadStatus(pid)
		if err != nil {
			break
		}
		pid = status.PPID
	}
	d.forgetEnded()
	d.creds[p], d.procs[p.PID()] = k, p
	return k
}

// forgetEnded forgets processes that have ended, when there are many.
func (d *Identity) forgetEnded() {
	const many = 1 << 12
	if len(d.creds) < many {
		return
	}
	for p := range d.creds {
		if unix.Kill(p.PID(), 0) == unix.ESRCH {
			delete(d.creds, p)
			if d.procs[p.PID()] == p {
				delete(d.procs, p.PID())
			}
		}
	}
}

const unchanged = math.MaxUint32 // -1: leave the id

// idArg returns argument i as an id: 16 bits wide in i386's old calls, where -1 is 65535.
func idArg(c *table.Call, i int) uint32 {
	v := uint32(c.Arg(i))
	if old(c) && uint16(v) == math.MaxUint16 {
		return unchanged
	}
	return v
}

// old reports whether the call is one of i386's with ids of 16 bits.
func old(c *table.Call) bool {
	return c.ABI() == table.I386 && trim32(c.Name()) == c.Name() && c.Name() != "fchownat"
}

// ids answers the calls about ids.
func (d *Identity) ids(c *table.Call, name string) table.Result {
	k := d.credential(c.Process())
	switch name {
	case "getuid":
		return table.Return(int64(k.uid[0]))
	case "geteuid":
		return table.Return(int64(k.uid[1]))
	case "getgid":
		return table.Return(int64(k.gid[0]))
	case "getegid":
		return table.Return(int64(k.gid[1]))
	case "getresuid":
		return writeIDs(c, k.uid[:3])
	case "getresgid":
		return writeIDs(c, k.gid[:3])
	case "getgroups":
		return getGroups(c, k.groups)
	case "setgroups":
		return d.setGroups(c, k)
	}
	set := &k.uid
	if name[len(name)-3:] == "gid" {
		set = &k.gid
	}
	root := k.uid[1] == 0
	was := *set
	may := func(id uint32) bool { return root || id == was[0] || id == was[1] || id == was[2] }
	var want [3]uint32 // real, effective, saved
	switch name[:len(name)-3] {
	case "setfs":
		if id := idArg(c, 0); id != unchanged && (may(id) || id == was[3]) {
			set[3] = id
		}
		return table.Return(int64(was[3]))
	case "set":
		if want = [3]uint32{unchanged, idArg(c, 0), unchanged}; root {
			want = [3]uint32{want[1], want[1], want[1]}
		}
		switch id := want[1]; {
		case id == unchanged:
			return table.Errno(unix.EINVAL)
		case !root && id != was[0] && id != was[2]: // the effective one does not help
			return table.Errno(unix.EPERM)
		}
	case "setre":
		want = [3]uint32{idArg(c, 0), idArg(c, 1), unchanged}
		if id := want[0]; id != unchanged && !root && id != was[0] && id != was[1] { // nor the saved one
			return table.Errno(unix.EPERM)
		}
		if want[0] != unchanged || want[1] != unchanged && want[1] != was[0] {
			if want[2] = want[1]; want[2] == unchanged {
				want[2] = was[1]
			}
		}
	case "setres":
		want = [3]uint32{idArg(c, 0), idArg(c, 1), idArg(c, 2)}
	default:
		return table.Errno(unix.ENOSYS)
	}
	for _, id := range want {
		if id != unchanged && !may(id) {
			return table.Errno(unix.EPERM)
		}
	}
	for i, id := range want {
		if id != unchanged {
			set[i] = id
		}
	}
	set[3] = set[1]
	return table.Return(0)
}

// idSize is the width of the ids that a call has in memory.
func idSize(c *table.Call) int {
	if old(c) {
		return 2
	}
	return 4
}

func writeIDs(c *table.Call, ids []uint32) table.Result {
	for i, id := range ids {
		b := make([]byte, idSize(c))
		put(b, uint64(id))
		if n, err := c.WriteMemory(c.Arg(i), b); err != nil || n < len(b) {
			return table.Errno(unix.EFAULT)
		}
	}
	return table.Return(0)
}

func getGroups(c *table.Call, groups []uint32) table.Result {
	size := c.Int(0)
	switch {
	case size < 0, size > 0 && size < int64(len(groups)):
		return table.Errno(unix.EINVAL)
	case size > 0 && len(groups) > 0:
		width := idSize(c)
		b := make([]byte, width*len(groups))
		for i, g := range groups {
			put(b[i*width:(i+1)*width], uint64(g))
		}
		if n, err := c.WriteMemory(c.Arg(1), b); err != nil || n < len(b) {
			return table.Errno(unix.EFAULT)
		}
	}
	return table.Return(int64(len(groups)))
}

func (d *Identity) setGroups(c *table.Call, k *credential) table.Result {
	const most = 65536 // NGROUPS_MAX
	n := c.Int(0)
	switch {
	case k.uid[1] != 0:
		return table.Errno(unix.EPERM)
	case n < 0 || n > most:
		return table.Errno(unix.EINVAL)
	}
	width := idSize(c)
	b, err := c.Bytes(1, uint64(int(n)*width))
	if err != nil {
		return failed(err)
	}
	k.groups = make([]uint32, n)
	for i := range k.groups {
		k.groups[i] = uint32(get(b[i*width : (i+1)*width]))
	}
	slices.Sort(k.groups) // as the kernel does (kernel/groups.c)
	return table.Return(0)
}

// A target is the file that a call's first path, or its descriptor, leads to.
type target struct {
	name   string // by which this program finds it
	follow bool   // the links at its end: it is one of /proc
}

func (t target) stat() (st unix.Stat_t, err error) {
	if t.follow {
		return st, unix.Stat(t.name, &st)
	}
	return st, unix.Lstat(t.name, &st)
}

// target returns a call's target. Of what is in an fs.FS there is none.
func (d *Identity) target(c *table.Call) (target, error) {
	of := procfs.Dir(c.Thread().TID())
	args := paths.ArgsOf(c)
	if len(args) == 0 {
		return target{of + "/fd/" + itoa(c.FD(0)), true}, nil
	}
	p, err := d.tree.Resolve(c, args[0])
	switch {
	case err != nil:
		return target{}, err
	case p.Virtual():
		return target{}, unix.EROFS
	case p.Itself && c.FD(args[0].Dir) == unix.AT_FDCWD:
		return target{of + "/cwd", true}, nil
	case p.Itself:
		return target{of + "/fd/" + itoa(c.FD(args[0].Dir)), true}, nil
	}
	return target{p.Outside(), p.Magic}, nil
}

// record returns what was said of a file.
func (d *Identity) record(id inode) fileRecord {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone.each(func(id inode) { delete(d.files, id) })
	return d.files[id]
}

// note changes what is said of a file.
func (d *Identity) note(t target, st *unix.Stat_t, change func(*fileRecord)) {
	id := inode{st.Dev, st.Ino}
	f := d.record(id)
	change(&f)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[id] = f
	if st.Nlink == 0 {
		d.await(t, id)
	}
}

// await watches a file that has no name any more, or will have none. It is forgotten when it is
// gone, or at once if that cannot be watched.
func (d *Identity) await(t target, id inode) {
	flags := uint32(unix.IN_DONT_FOLLOW)
	if t.follow {
		flags = 0
	}
	if d.gone.await(t.name, id, flags) != nil {
		delete(d.files, id)
	}
}

// chown notes to whom a file belongs now. The kernel is given the call as one that changes
// neither id: so it refuses what it would refuse, and takes away set-user-ID bits.
func (d *Identity) chown(c *table.Call, next table.Handler) table.Result {
	if d.credential(c.Process()).uid[1] != 0 {
		return next.Handle(c)
	}
	i := 1
	if c.Name() == "fchownat" {
		i = 2
	}
	uid, gid := idArg(c, i), idArg(c, i+1)
	t, err := d.target(c)
	var st unix.Stat_t
	if err == nil {
		st, err = t.stat()
	}
	if err != nil {
		return next.Handle(c) // the kernel, or another layer, knows better
	}
	c.SetArg(i, unchanged)
	c.SetArg(i+1, unchanged)
	if r := next.Handle(c); r.Gone() || r.Failed() && r.Errno() != unix.EPERM {
		return r // EPERM: it is not ours, but root's to give away
	}
	d.note(t, &st, func(f *fileRecord) {
		if !f.owned {
			f.owned, f.uid, f.gid = true, unchanged, unchanged
		}
		if uid != unchanged {
			f.uid = uid
		}
		if gid != unchanged {
			f.gid = gid
		}
	})
	return table.Return(0)
}

// mknod makes a device of a program that is root a file of which it is said that it is one.
func (d *Identity) mknod(c *table.Call, next table.Handler) table.Result {
	i := 1
	if c.Name() == "mknodat" {
		i = 2
	}
	mode := uint32(c.Arg(i))
	kind := mode & unix.S_IFMT
	if kind != unix.S_IFCHR && kind != unix.S_IFBLK || d.credential(c.Process()).uid[1] != 0 {
		return next.Handle(c)
	}
	c.SetArg(i, uint64(unix.S_IFREG|mode&^unix.S_IFMT))
	rdev := c.Arg(i + 1)
	t, err := d.target(c) // which will be there
	r := next.Handle(c)
	if r.Failed() || err != nil {
		return r
	}
	if st, err := t.stat(); err == nil {
		d.note(t, &st, func(f *fileRecord) { f.device, f.kind, f.rdev = true, kind, rdev })
	}
	return r
}

// remove sees to it that what was said of a file is forgotten when it is no more.
func (d *Identity) remove(c *table.Call, next table.Handler) table.Result {
	d.mu.Lock()
	nothing := len(d.files) == 0
	d.mu.Unlock()
	if nothing {
		return next.Handle(c)
	}
	if args := paths.ArgsOf(c); len(args) > 0 { // of rename, what is at the new name
		if p, err := d.tree.Resolve(c, args[len(args)-1]); err == nil && p.Exists && !p.Virtual() {
			d.parting(target{p.Outside(), false})
		}
	}
	return next.Handle(c)
}

// parting watches a file of which something was said, if this may be its last name.
func (d *Identity) parting(t target) {
	st, err := t.stat()
	if err != nil || st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := inode{st.Dev, st.Ino}
	if _, known := d.files[id]; known {
		d.await(t, id)
	}
}

// stat tells of a file what programs have been told.
func (d *Identity) stat(c *table.Call, next table.Handler, l *statLayout, i int) table.Result {
	r := next.Handle(c)
	if r.Failed() || r.Gone() {
		return r
	}
	b, err := c.Bytes(i, uint64(l.size))
	if err != nil {
		return r
	}
	dev := l.get(b, aDev)
	if l == statxLayout {
		dev = unix.Mkdev(uint32(l.get(b, aDevMajor)), uint32(l.get(b, aDevMinor)))
	}
	if l.get(b, aUID) == uint64(os.Getuid()) {
		l.set(b, aUID, uint64(d.opts.UID))
	}
	if l.get(b, aGID) == uint64(os.Getgid()) {
		l.set(b, aGID, uint64(d.opts.GID))
	}
	f := d.record(inode{dev, l.get(b, aIno)})
	if f.owned && f.uid != unchanged {
		l.set(b, aUID, uint64(f.uid))
	}
	if f.owned && f.gid != unchanged {
		l.set(b, aGID, uint64(f.gid))
	}
	if f.device {
		l.set(b, aMode, l.get(b, aMode)&^unix.S_IFMT|uint64(f.kind))
		l.set(b, aRdev, f.rdev)
		l.set(b, aRdevMajor, uint64(unix.Major(f.rdev)))
		l.set(b, aRdevMinor, uint64(unix.Minor(f.rdev)))
	}
	if n, err := c.WriteMemory(c.Arg(i), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	return r
}

// utsLength is the size of each field of struct utsname (uname(2)).
const utsLength = 65

// uname tells on which machine it is.
func (d *Identity) uname(c *table.Call, next table.Handler) table.Result {
	r := next.Handle(c)
	if r.Failed() {
		return r
	}
	d.mu.Lock()
	fields := [...]string{d.opts.Sysname, d.opts.Hostname, d.opts.Release, d.opts.Version, d.opts.Machine, d.opts.Domain}
	d.mu.Unlock()
	for i, text := range fields {
		if text == "" {
			continue
		}
		b := make([]byte, utsLength)
		copy(b[:utsLength-1], text)
		if n, err := c.WriteMemory(c.Arg(0)+uint64(i*utsLength), b); err != nil || n < len(b) {
			return table.Errno(unix.EFAULT)
		}
	}
	return r
}

// name gives the machine another name, as far as it is told.
func (d *Identity) name(c *table.Call) table.Result {
	if d.credential(c.Process()).uid[1] != 0 {
		return table.Errno(unix.EPERM)
	}
	if n := c.Int(1); n < 0 || n > utsLength-1 {
		return table.Errno(unix.EINVAL)
	}
	b, err := c.Bytes(0, c.Arg(1))
	if err != nil {
		return failed(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Name() == "sethostname" {
		d.opts.Hostname = string(b)
	} else {
		d.opts.Domain = string(b)
	}
	return table.Return(0)
}
