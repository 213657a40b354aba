package integration

import (
	"os/exec"
	"regexp"
	"testing"
)

// What ip, tc, bridge and ss send and get is shown as strace shows it. They run in a
// network namespace of their own, with the tracer, as strace finds sockets only in its own.

const netlinkCommands = `echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
ip link add br0 address 02:00:00:00:00:01 type bridge
ip link add veth0 address 02:00:00:00:00:02 type veth peer name veth1 address 02:00:00:00:00:03
ip link set veth0 master br0; ip link set br0 up; ip link set veth0 up; ip link set veth1 alias 'an alias'
ip link set dev lo xdp off
ip tuntap add dev tun0 mode tun user 0
ip addr add 10.1.2.3/24 dev br0
ip addr add fd00::1/128 dev lo
ip route add 10.9.0.0/16 nexthop via 10.1.2.4 dev br0 weight 2 nexthop via 10.1.2.5 dev br0
ip route add default via 10.1.2.4 metric 5 mtu 1400
ip -6 route add fd01::/64 dev lo
ip neigh add 10.1.2.4 lladdr 02:00:00:00:00:09 dev br0
ip rule add from 10.1.0.0/16 table 100 prio 77
ip nexthop add id 5 via 10.1.2.4 dev br0
ip nexthop add id 6 group 5
tc qdisc add dev veth1 root handle 1: htb default 10
tc class add dev veth1 parent 1: classid 1:10 htb rate 1mbit
tc filter add dev veth1 parent 1: protocol ip prio 1 u32 match ip dst 10.0.0.0/8 flowid 1:10
bridge fdb add 02:00:00:00:00:0a dev veth0 master
bridge mdb add dev br0 port veth0 grp 239.1.1.1 permanent
ip -d link; ip -s -s addr; ip route show table all; ip rule; ip nexthop; ip netconf; ip ntable; ip addrlabel
ip neigh get 10.1.2.4 dev br0
tc -s qdisc; tc -s class show dev veth1; tc -s filter show dev veth1
bridge -d link; bridge fdb show br br0; bridge vlan
ip link del none; ip link set lo mtu 1
ss -tuan; ss -xa; ss -0a
true
`

var netlinkMasks = []*regexp.Regexp{
	regexp.MustCompile(`(nlmsg_seq=|(?:nl|nlmsg|ndiag)_(?:pid|portid|ino)=)-?\d+()`),
	regexp.MustCompile(`(_(?:TIMER|REACHABLE_TIME)\}, )\d+(?: /\* [0-9.]+ s \*/)?()`),
	regexp.MustCompile(`((?:ndm_(?:confirmed|used|updated)|ndtc_last_\w+|ndtc_hash_rnd|ndtc_hash_mask|rta_\w+|[ct]stamp|reachable_time)=)\w+()`),
	regexp.MustCompile(`(diag_(?:cookie|ino(?:de)?)=)(?:\[\d+, \d+\]|\d+)()`),
	regexp.MustCompile(`((?:tx_dropped|ndts_\w+)=)\d+()`),
	// What strace 6.1 has no name for.
	regexp.MustCompile(`()(?:\w+ /\* (?:IFLA|DEVCONF|IPSTATS_MIB)_\?\?\? \*/` +
		`|IFLA_(?:GSO_IPV4_MAX_SIZE|GRO_IPV4_MAX_SIZE|MAX_PACING_OFFLOAD_HORIZON|NETNS_IMMUTABLE|HEADROOM|TAILROOM|DPLL_PIN|DEVLINK_PORT)` +
		`|DEVCONF_ACCEPT_RA_MIN_LFT|IPSTATS_MIB_OUTTRANSMITS)()`),
	regexp.MustCompile(`(RANDOM\}, )(?:\d+|"` + inQuotes + `")()`),
}

func TestNetlinkAsStrace(t *testing.T) {
	strace, unshare := lookTool(t, "strace"), lookTool(t, "unshare")
	for _, tool := range []string{"ip", "tc", "bridge", "ss"} {
		lookTool(t, tool)
	}
	own := []string{unshare, "-n"}
	if exec.Command(unshare, "-n", "true").Run() != nil {
		t.Skip("no network namespace may be made")
	}
	flags := []string{"-e", "trace=%network,/^(clone3?|v?fork)$", "-s", "64", "-ff", "-o"}
	c := &tracedCommand{name: "netlink", random: netlinkMasks}
	argv := []string{"sh", "-c", netlinkCommands}
	theirs := func() [][]string { return c.run(t, append(append(own[:2:2], strace), flags...), argv) }
	want := theirs()
	onEachRoute(t, func(t *testing.T, r route) {
		var d difference
		for range 3 { // a timer may have run out
			if d = compareLines(want, c.run(t, append(append(own[:2:2], r.command(t)...), flags...), argv)); c.judge(d) == "" {
				break
			}
			want = theirs()
		}
		t.Logf("%d of %d lines are the same: %.2f %%", d.same, d.lines, d.percent())
		for _, line := range d.differing {
			t.Logf("%s   [%s]", line, c.why(line))
		}
		if complaint := c.judge(d); complaint != "" {
			t.Error(complaint)
		}
	})
}
