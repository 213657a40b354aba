package decode

import "testing"

func TestSmoke(t *testing.T) {
	t.Log(run(t, Options{}, "openat", ^uint64(99), cstr("/etc/hostname"), 0x80000, 0))
	b := make([]byte, 100)
	t.Log(run(t, Options{}, "readlink", cstr("/proc/self/exe"), bytesAt(b), 100))
	st := make([]byte, 144)
	t.Log(run(t, Options{}, "newfstatat", ^uint64(99), cstr("/bin/sh"), bytesAt(st), 0))
	t.Log(run(t, Options{}, "getpid"))
	t.Log(run(t, Options{}, "uname", bytesAt(make([]byte, 390))))
	t.Log(run(t, Options{}, "sysinfo", bytesAt(make([]byte, 390))))
	t.Log(run(t, Options{}, "statfs", cstr("/"), bytesAt(make([]byte, 390))))
}
