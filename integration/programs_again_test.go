package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// What was learned of a linker in one program is used in the next, which may be another
// program's, in other circumstances. Row 34.
func TestProgramsThatRunAgain(t *testing.T) {
	again := `for i in 1 2 3; do "$1" $i || exit; done`
	scripts := map[string]string{
		"another program": `cp "$(type -P true)" p; ./p; ./p; cp "$(type -P echo)" q; mv q p; ./p one; ./p two; ./p three`,
		"another linker": `cp "$(type -P echo)" p; ./p one; ./p two
			so=$(readlink -f /lib64/ld-linux-x86-64.so.2); cp "$so" ld.so; ./ld.so ./p three; ./ld.so ./p four; ./ld.so ./p five`,
		"few descriptors": `cp "$(type -P echo)" p; ./p one; ./p two; ulimit -n 4; ./p three; ./p four; ulimit -n 3; ./p five; ./p six`,
		"limited memory":  `cp "$(type -P echo)" p; ./p one; ./p two; ulimit -v 50000; ./p three; ./p four`,
		"descriptors":     `cp "$(type -P ls)" p; ./p -1 /proc/self/fd; ./p -1 /proc/self/fd; ./p -1 /proc/self/fd 4</dev/null; ./p -1 /proc/self/fd 3</dev/null 5</dev/null`,
		"ignored signals": `cp "$(type -P grep)" p; ./p Sig[BIC] /proc/self/status; ./p Sig[BIC] /proc/self/status; trap "" TRAP SYS USR1; ./p Sig[BIC] /proc/self/status; ./p Sig[BIC] /proc/self/status`,
		"replaces itself": `cp "$(type -P sh)" p; ./p -c 'exec ./p -c "exec ./p -c \"echo done\""'; ./p -c 'exec ./p -c "exec ./p -c \"echo done; exit 3\""'`,
		"dies":            `cp "$(type -P sh)" p; for i in 1 2 3 4; do ./p -c 'echo $PPID >/dev/null; kill -SEGV $$'; echo $?; done 2>/dev/null`,
		"other users":     `cp "$(type -P id)" p; chmod 4755 p; ./p -u; ./p -u; ./p -u`,
	}
	bash := lookTool(t, "bash")
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "script")
			if err := os.WriteFile(path, []byte("cd \"$1\" || exit\n"+script+"\necho status $?\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			program{Path: bash, Args: []string{path, dir}}.compare(t).mustExit(t, 0)
		})
	}
	for _, v := range []variant{static64, dynamic64, dynamic32} {
		t.Run(v.name, func(t *testing.T) {
			p := caseOf(t, v, "limits", "paths")
			program{Path: bash, Args: append([]string{"-c", again, "again", p.Path}, p.Args...)}.compare(t)
		})
	}
	// The same file with other contents, and another linker under the same name.
	muslDynamic := variant{name: "musl dynamic", flags: []string{"musl-gcc"}}
	for _, two := range [][2]variant{{static64, musl}, {dynamic64, muslDynamic}, {muslDynamic, static64}, {dynamic64, dynamic32}} {
		t.Run(two[0].name+" and "+two[1].name, func(t *testing.T) {
			first, second := caseOf(t, two[0], "limits", "paths"), caseOf(t, two[1], "limits", "descriptors")
			const overwritten = `rm -rf "$1"/*; cd "$1" || exit; shift; cat "$1" >p; chmod +x p
				for i in 1 2 3; do ./p "$3"; done; cat "$2" >p; for i in 1 2 3; do ./p "$3"; done`
			args := []string{"-c", overwritten, "overwritten", t.TempDir(), first.Path, second.Path}
			program{Path: bash, Args: append(args, first.Args...)}.compare(t).mustExit(t, 0)
		})
	}
}
