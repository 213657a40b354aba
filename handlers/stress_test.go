package handlers_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// Many processes, and two Cmds, in one View at a time.
func TestMountFSTogether(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // what others leave or have under way is not looked at
	tr := newTree(t)
	script := tr.fill(`for i in 1 2 3 4; do (for j in 1 2 3; do cd $T/sub; cat deep/er/two ../README one; ls -R ..; cd deep; pwd -P; done | md5sum) & done; wait`)
	want := natively("/", script)
	v := handlers.MountFS(tr.at, tr.move(t))
	var outs [2]bytes.Buffer
	var cmds [2]*supervisor.Cmd
	for i := range cmds {
		cmd := supervisor.Command("bash", "-c", script)
		cmd.Table, cmd.Env, cmd.Dir, cmd.Stdout = table.New(), scriptEnv(), "/", &outs[i]
		v.Use(cmd.Table)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds[i] = cmd
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil || outs[i].String() != want.out {
			t.Errorf("%v\n%s\nwant:\n%s", err, &outs[i], want.out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "k42view-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	// What is kept is given back.
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if got := inView(v, tr.fill("cat $T/README")); !strings.Contains(got.out, "needle") {
		t.Errorf("after Close: %+v", got)
	}
}

// Threads that open and close the same files all the time do not disturb each other.
func TestMountFSThreads(t *testing.T) {
	file := compile(t, `
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int bad;
static void *work(void *x) {
	for (int i = 0; i < 100; i++) {
		char buf[16] = "", name[32];
		struct stat a, b;
		int d = open("/k42/fs/dir", O_RDONLY | O_DIRECTORY), f = openat(d, "../dir/./file", O_RDONLY), n = 0;
		if (read(f, buf, 15) != 9 || strcmp(buf, "contents\n")) bad++;
		if (fstat(f, &a) || fstatat(d, "file", &b, 0) || a.st_ino != b.st_ino) bad++;
		sprintf(name, "/proc/self/fd/%d", d);
		DIR *l = opendir(name);
		while (l && readdir(l)) n++;
		if (n != 4) bad++;
		if (l) closedir(l);
		close(f); close(d);
	}
	return x;
}
int main(void) {
	pthread_t t[6];
	for (int i = 0; i < 6; i++) pthread_create(&t[i], 0, work, 0);
	for (int i = 0; i < 6; i++) pthread_join(t[i], 0);
	printf("%d\n", bad);
	return 0;
}`)
	v := handlers.MountFS("/k42/fs", mapOf("dir/file", "contents\n", "dir/other", "x"))
	if got := inView(v, file); got.out != "0\n" {
		t.Errorf("%s%s", got.out, got.err)
	}
}
