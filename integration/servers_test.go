package integration

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Servers, traced, under load from clients that are not: they answer the same, refuse
// nothing, break no connection, and end as natively. (programs_test.go has redis and
// PostgreSQL.)

// compareServers compares what a script says that starts a server by way of $SERVER.
func compareServers(t *testing.T, script string, env ...string) {
	t.Helper()
	run := func(server string) outcome {
		port := freePort(t) // another each time: the last one's connections linger
		return program{Path: lookTool(t, "bash"), Args: []string{"-c", "set -e\ndir=$(mktemp -d); trap 'cd /; rm -rf \"$dir\"' EXIT; cd \"$dir\"\n" + script},
			Deadline: 2 * time.Minute, Env: append([]string{"LC_ALL=C", "TZ=UTC", "SERVER=" + server, "PORT=" + port}, env...)}.native(t)
	}
	native := run("")
	native.mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		if diff := cmp.Diff(native, run(r.prefix(t))); diff != "" {
			t.Errorf("native (-) and traced (+) differ:\n%s", diff)
		}
	})
}

// freePort returns a TCP port that nobody has.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func TestNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	lookTool(t, "curl")
	compareServers(t, `
mkdir www logs; head -c 300000 /dev/zero | tr '\0' x >www/large; echo small >www/small; chmod -R a+rX .
cat >conf <<END
worker_processes 2; daemon off; pid $dir/pid; error_log $dir/logs/error warn;
events { worker_connections 256; }
http {
	access_log $dir/logs/access;
	client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
	upstream self { server 127.0.0.1:$PORT; keepalive 8; }
	server {
		listen 127.0.0.1:$PORT reuseport; root $dir/www; sendfile on;
		location /again/ { proxy_pass http://self/; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}
END
$SERVER `+lookTool(t, "nginx")+` -e $dir/logs/error -p $dir -c $dir/conf & pid=$!
url=http://127.0.0.1:$PORT
n=0; until curl -s -o /dev/null $url/small; do n=$((n+1)); test $n -lt 300; sleep 0.05; done
curl -s $url/small; curl -s $url/large | cksum; curl -s -r 100-199 $url/large | wc -c; curl -s $url/again/large | cksum
curl -s -o /dev/null -w '%{http_code} %{size_download}\n' $url/nothing; curl -s -o /dev/null -w '%{http_code}\n' -d body $url/small
for path in small large again/small; do
	`+lookTool(t, "wrk")+` -t 2 -c 20 -d 1s $url/$path >wrk
	grep -E 'Socket errors|Non-2xx' wrk || echo "no errors"
	awk '/requests in/ { print ($1 > 50 ? "served" : "served only " $1) }' wrk
done
kill -HUP $(cat pid); sleep 0.2; curl -s $url/small # new workers
kill -QUIT $(cat pid); wait $pid; echo "ended: $?"
grep -c '" 5[0-9][0-9] ' logs/access || true; sed 's/.*: \*[0-9]* //; s/, client.*//' logs/error | sed "s|$dir||"; ls logs`)
}

func TestMemcached(t *testing.T) {
	compareServers(t, `
$SERVER `+lookTool(t, "memcached")+` -s $dir/s -u root -t 4 -m 64 & pid=$!
n=0; until test -S s; do n=$((n+1)); test $n -lt 300; sleep 0.05; done
cat >client.py <<'END'
import socket, threading
wrong = []
def work(n):
    s = socket.socket(socket.AF_UNIX); s.connect("s"); f = s.makefile("rwb")
    def ask(text, lines):
        f.write(text); f.flush(); return [f.readline() for _ in range(lines)]
    for i in range(400):
        k, v = b"k%d.%d" % (n, i), b"v" * (i * 7 % 1000 + 1)
        if ask(b"set %s 0 0 %d\r\n%s\r\n" % (k, len(v), v), 1) != [b"STORED\r\n"]: wrong.append((n, i, "set"))
        if ask(b"get %s\r\n" % k, 3)[1] != v + b"\r\n": wrong.append((n, i, "get"))
        if i % 3 == 0 and ask(b"delete %s\r\n" % k, 1) != [b"DELETED\r\n"]: wrong.append((n, i, "delete"))
    # Many in one write.
    f.write(b"".join(b"set p%d 0 0 1\r\nx\r\n" % i for i in range(500))); f.flush()
    if [f.readline() for _ in range(500)] != [b"STORED\r\n"] * 500: wrong.append((n, "pipeline"))
    s.close()
ts = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print("wrong:", wrong)
END
`+lookTool(t, "python3")+` client.py
kill -TERM $pid; wait $pid || echo "ended: $?"`)
}
