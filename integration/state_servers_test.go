package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// redis-server with all its descriptors tracked while redis-benchmark connects and
// disconnects: whenever it looks at the clock of its own accord, the table is /proc's.
func TestStateOfRedis(t *testing.T) {
	for _, name := range []string{"redis-server", "redis-benchmark", "redis-cli"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	onEachRoute(t, func(t *testing.T, r route) {
		socket := t.TempDir() + "/s"
		cmd, out, looked := watched(t, r, 16, "getpid,accept4,accept",
			"redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = cmd.Process.Signal(unix.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("redis-server: %v\n%s", err, out.String())
			}
		}()
		deadline := time.Now().Add(defaultDeadline)
		for exec.Command("redis-cli", "-s", socket, "ping").Run() != nil {
			if time.Now().After(deadline) {
				t.Fatal("redis-server does not answer")
			}
		}
		// -k 0: a connection for each request.
		for _, flags := range []string{"-n 500 -k 0 -c 20", "-n 5000 -c 50"} {
			args := append([]string{"-s", socket, "-q", "-t", "set,get"}, strings.Fields(flags)...)
			if b, err := exec.Command("redis-benchmark", args...).CombinedOutput(); err != nil {
				t.Fatalf("redis-benchmark: %v\n%s", err, b)
			}
		}
		if *looked < 500 {
			t.Errorf("looked only %d times", *looked)
		}
	})
}

// nginx with a master and two workers, which open, accept, send files and close: the table of
// whoever accepts is /proc's.
func TestStateOfNginx(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip(err)
	}
	onEachRoute(t, func(t *testing.T, r route) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		conf := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log %[1]s/error; worker_processes 2; events { }
http { access_log %[1]s/access; root %[1]s; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; server { listen unix:%[1]s/socket; } }`, dir)
		for name, text := range map[string]string{"conf": conf, "file": strings.Repeat("x", 1<<16)} {
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd, out, looked := watched(t, r, 8, "accept4,accept", "nginx", "-c", dir+"/conf", "-e", dir+"/error", "-g", "user root;")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", dir+"/socket")
			},
		}}
		defer client.CloseIdleConnections()
		defer func() {
			_ = cmd.Process.Signal(unix.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("nginx: %v\n%s", err, out.String())
			}
		}()
		got, deadline := 0, time.Now().Add(defaultDeadline)
		for got < 400 && time.Now().Before(deadline) {
			res, err := client.Get("http://nginx/file")
			if err != nil {
				continue // it is not there yet
			}
			n, _ := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if n != 1<<16 {
				t.Fatalf("a file of %d bytes: %s", n, res.Status)
			}
			got++
		}
		if got < 400 || *looked < 200 {
			t.Errorf("%d answers, looked %d times", got, *looked)
		}
	})
}

// watched returns a server whose state is kept, what it will have said, and how often it
// was looked at: at these calls, of which each every-th compares its descriptors with /proc's.
func watched(t *testing.T, r route, every int, calls string, argv ...string) (*supervisor.Cmd, *bytes.Buffer, *int) {
	cmd := supervisor.Command(argv[0], argv[1:]...)
	out, looked := &bytes.Buffer{}, new(int)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Track, cmd.Route = true, supervisor.RouteTrap
	if r == direct {
		cmd.Route = supervisor.RouteDirect
	}
	cmd.Table = table.New()
	cmd.Table.Use(allCalls(t), func(next table.Handler) table.Handler { return lookOn{next} })
	cmd.Table.HandleFunc(calls, func(c *table.Call) table.Result {
		// Some threads of the server may be in the midst of something; then it is the
		// same when they have come to its end.
		res := c.Native()
		if *looked++; *looked%every == 0 && !t.Failed() {
			if diff := fdDiff(c); diff != "" {
				t.Errorf("look %d: %s", *looked, diff)
			}
		}
		return res
	})
	return cmd, out, looked
}

// fdDiff returns in what the descriptors of the calling thread differ from those in /proc.
func fdDiff(c *table.Call) string {
	for range 3 {
		diff := stateDiff(c, true)
		if len(diff) == 0 {
			return ""
		}
		if again := stateDiff(c, true); fmt.Sprint(again) == fmt.Sprint(diff) {
			return strings.Join(diff, "\n")
		}
	}
	return ""
}
