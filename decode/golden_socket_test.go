package decode

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestSetsockopt(t *testing.T) {
	one, ebadf := ints(1, 2, 3, 4), failed(unix.EBADF)
	mreq, mreq6 := ints(0x050000e0, 0), join("\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", uint32(1<<31))
	group := join(uint64(1<<31), uint16(2), "\x00\x50\xe0\x00\x00\x06", uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0))
	packet := join(uint32(1<<31), uint16(1), uint16(6), "\x01\x02\x03\x04\x05\x06\x07\x08")
	checkGolden(t, Options{}, []golden{
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0`, "setsockopt", ok(0), []uint64{5, 1, 2, one, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, $3, 2) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 2, one, 2}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, [1], 8) = 0`, "setsockopt", ok(0), []uint64{5, 1, 2, one, 8}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, $3, 0) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 2, one, 0}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, $3, -1) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 2, one, 1<<32 - 1}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 0x8, 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 2, bad, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_REUSEADDR, NULL, 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 2, 0, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_ERROR, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 4, one, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=2}, 12) = 0`, "setsockopt", ok(0), []uint64{5, 1, 13, one, 12}},
		{`setsockopt(5, SOL_SOCKET, SO_LINGER, $3, 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 1, 13, one, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_TXREHASH, [SOCK_TXREHASH_ENABLED], 4) = 0`, "setsockopt", ok(0), []uint64{5, 1, 74, one, 4}},
		{`setsockopt(5, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) = 0`, "setsockopt", ok(0), []uint64{5, 1, 25, cstr("lo"), 2}},
		{`setsockopt(5, SOL_SOCKET, SO_BINDTODEVICE, "", 0) = 0`, "setsockopt", ok(0), []uint64{5, 1, 25, cstr(""), 0}},
		{`setsockopt(6, SOL_SOCKET, SO_ATTACH_FILTER, {len=4, filter=0x7000}, 16) = 0`, "setsockopt", ok(0), []uint64{6, 1, 26, words(4, 0x7000), 16}},
		{`setsockopt(6, SOL_SOCKET, SO_ATTACH_FILTER, $3, 8) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{6, 1, 26, words(4, 0x7000), 8}},
		{`setsockopt(5, SOL_TCP, TCP_CONGESTION, "cubic", 5) = 0`, "setsockopt", ok(0), []uint64{5, 6, 13, cstr("cubic"), 5}},
		{`setsockopt(5, SOL_IP, IP_ADD_MEMBERSHIP, {imr_multiaddr=inet_addr("224.0.0.5"), imr_interface=inet_addr("0.0.0.0")}, 12) = 0`, "setsockopt", ok(0), []uint64{5, 0, 35, mreq, 12}},
		{`setsockopt(5, SOL_IP, IP_ADD_MEMBERSHIP, $3, 7) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 0, 35, mreq, 7}},
		{`setsockopt(5, SOL_IP, IPT_SO_SET_REPLACE, "\1\0", 2) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 0, 64, one, 2}},
		{`setsockopt(6, SOL_IPV6, IPV6_ADD_MEMBERSHIP, {inet_pton(AF_INET6, "ff02::1", &ipv6mr_multiaddr), ipv6mr_interface=2147483648}, 20) = 0`, "setsockopt", ok(0), []uint64{6, 41, 20, mreq6, 20}},
		{`setsockopt(5, SOL_IP, MCAST_JOIN_GROUP, {gr_interface=2147483648, gr_group={sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("224.0.0.6")}}, 136) = 0`, "setsockopt", ok(0), []uint64{5, 0, 42, group, 136}},
		{`setsockopt(8, SOL_PACKET, PACKET_ADD_MEMBERSHIP, {mr_ifindex=2147483648, mr_type=PACKET_MR_PROMISC, mr_alen=6, mr_address=01:02:03:04:05:06}, 16) = 0`, "setsockopt", ok(0), []uint64{8, 263, 1, packet, 16}},
		{`setsockopt(8, SOL_PACKET, PACKET_ADD_MEMBERSHIP, $3, 64) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{8, 263, 1, packet, 64}},
		{`setsockopt(8, SOL_PACKET, PACKET_RX_RING, {tp_block_size=1, tp_block_nr=2, tp_frame_size=3, tp_frame_nr=4}, 16) = 0`, "setsockopt", ok(0), []uint64{8, 263, 5, one, 16}},
		{`setsockopt(7, SOL_NETLINK, 0x63 /* NETLINK_??? */, [1], 8) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{7, 270, 99, one, 8}},
		{`setsockopt(7, SOL_SCTP, SCTP_NODELAY, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{7, 132, 3, one, 4}},
		{`setsockopt(5, SOL_IP, ARPT_SO_SET_REPLACE, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 0, 96, one, 4}},
		{`setsockopt(5, SOL_IP, IP_VS_SO_SET_ADD, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 0, 1154, one, 4}},
		{`setsockopt(5, SOL_IPX, IPX_TYPE, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 256, 1, one, 4}},
		{`setsockopt(5, SOL_TIPC, 0x1 /* TIPC_??? */, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 271, 1, one, 4}},
		{`setsockopt(5, SOL_TLS, TLS_TX, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 282, 1, one, 4}},
		{`setsockopt(5, SOL_XDP, XDP_RX_RING, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 283, 2, one, 4}},
		{`setsockopt(5, 0x309 /* SOL_?? */, 3, [1], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{5, 777, 3, one, 4}},
	})
}

func TestGetsockopt(t *testing.T) {
	length := func(n uint32) uint64 { return ints(n) }
	checkGolden(t, Options{}, []golden{
		{`getsockopt(3, SOL_SOCKET, SO_TYPE, [1], [4]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 3, ints(1), length(4)}},
		{`getsockopt(3, SOL_SOCKET, SO_TYPE, "\1\0", [2]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 3, ints(1), length(2)}},
		{`getsockopt(3, SOL_SOCKET, SO_TYPE, 0x8, [4]) = -1 EFAULT (Bad address)`, "getsockopt", failed(unix.EFAULT), []uint64{3, 1, 3, bad, length(4)}},
		{`getsockopt(3, SOL_SOCKET, SO_TYPE, NULL, NULL) = -1 EFAULT (Bad address)`, "getsockopt", failed(unix.EFAULT), []uint64{3, 1, 3, 0, 0}},
		{`getsockopt(3, SOL_SOCKET, SO_REUSEADDR, "\x01\x00\x00", [3]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 2, ints(1), length(3)}},
		{`getsockopt(3, SOL_SOCKET, SO_ERROR, [EPERM], [4]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 4, ints(1), length(4)}},
		{`getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1}, [4]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 13, ints(1, 2), length(4)}},
		{`getsockopt(3, SOL_SOCKET, SO_PEERCRED, {pid="\x4d\x0f\x00"}, [3]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 17, ints(0xf4d, 0, 0), length(3)}},
		{`getsockopt(3, SOL_SOCKET, SO_PEERCRED, {pid=3917, uid=0}, [8]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 17, ints(0xf4d, 0, 0), length(8)}},
		{`getsockopt(3, SOL_SOCKET, SO_GET_FILTER, $3, [4]) = 0`, "getsockopt", ok(0), []uint64{3, 1, 26, ints(1), length(4)}},
		{`getsockopt(5, SOL_IP, IPT_SO_GET_INFO, $3, [4]) = -1 EINVAL (Invalid argument)`, "getsockopt", failed(unix.EINVAL), []uint64{5, 0, 64, ints(1), length(4)}},
		{`getsockopt(8, SOL_PACKET, PACKET_STATISTICS, {tp_packets=1, tp_drops=2}, [8]) = 0`, "getsockopt", ok(0), []uint64{8, 263, 6, ints(1, 2), length(8)}},
		{`getsockopt(7, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, [1, 2], [8]) = 0`, "getsockopt", ok(0), []uint64{7, 270, 9, ints(1, 2), length(8)}},
	})
	n := uint32(16)
	if got, want := changing(t, &n, 0, "getsockopt", ok(0), 3, 1, 25, 0x7000, at(&n)), `getsockopt(3, SOL_SOCKET, SO_BINDTODEVICE, 0x7000, [16 => 0]) = 0`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestControl: control messages, good ones and those that are not what they say.
func TestControl(t *testing.T) {
	cmsg := func(size uint64, level, typ uint32, data ...any) uint64 {
		return join(append(append([]any{size, level, typ}, data...), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0))...)
	}
	const ip, sock = 0, 1
	inet := []any{uint16(2), "\x00\x50\x01\x02\x03\x04", uint64(0)}
	for _, tt := range []struct {
		want    string
		control uint64
		n       uint64
	}{
		{`[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3, 4]}]`, cmsg(24, sock, 1, uint32(3), uint32(4)), 24},
		{`[{cmsg_len=22, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3]}]`, cmsg(22, sock, 1, uint32(3), uint32(4)), 24},
		{`[{cmsg_len=19, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS}]`, cmsg(19, sock, 1, uint32(3)), 24},
		{`[{cmsg_len=28, cmsg_level=SOL_SOCKET, cmsg_type=SCM_CREDENTIALS, cmsg_data={pid=7, uid=0, gid=1}}]`, cmsg(28, sock, 2, uint32(7), uint32(0), uint32(1)), 32},
		{`[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_CREDENTIALS}]`, cmsg(24, sock, 2, uint32(7)), 24},
		{`[{cmsg_len=21, cmsg_level=SOL_SOCKET, cmsg_type=SCM_SECURITY, cmsg_data="label"}]`, cmsg(21, sock, 3, "label\x00\x00\x00"), 24},
		{`[{cmsg_len=32, cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMP_OLD, cmsg_data={tv_sec=1, tv_usec=2}}]`, cmsg(32, sock, 29, uint64(1), uint64(2)), 32},
		{`[{cmsg_len=31, cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMP_OLD, cmsg_data=???}]`, cmsg(31, sock, 29, uint64(1), uint64(2)), 32},
		{`[{cmsg_len=64, cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMPING_NEW, cmsg_data=[{tv_sec=1, tv_nsec=2}, {tv_sec=0, tv_nsec=0}, {tv_sec=0, tv_nsec=0}]}]`, cmsg(64, sock, 65, uint64(1), uint64(2)), 64},
		{`[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=0x2a /* SCM_??? */}]`, cmsg(20, sock, 42), 24},
		{`[{cmsg_len=17, cmsg_level=SOL_IP, cmsg_type=IP_TOS, cmsg_data=[0x10]}]`, cmsg(17, ip, 1, "\x10\x00\x00\x00\x00\x00\x00\x00"), 24},
		{`[{cmsg_len=20, cmsg_level=SOL_IP, cmsg_type=IP_TTL, cmsg_data=[64]}]`, cmsg(20, ip, 2, uint64(64)), 24},
		{`[{cmsg_len=28, cmsg_level=SOL_IP, cmsg_type=IP_PKTINFO, cmsg_data={ipi_ifindex=2147483648, ipi_spec_dst=inet_addr("1.2.3.4"), ipi_addr=inet_addr("5.6.7.8")}}]`, cmsg(28, ip, 8, uint32(1<<31), "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00"), 32},
		{`[{cmsg_len=27, cmsg_level=SOL_IP, cmsg_type=IP_PKTINFO}]`, cmsg(27, ip, 8, uint32(1), uint64(0)), 32},
		{`[{cmsg_len=24, cmsg_level=SOL_IP, cmsg_type=IP_ORIGDSTADDR}]`, cmsg(24, ip, 20, inet[:2]...), 24},
		{`[{cmsg_len=32, cmsg_level=SOL_IP, cmsg_type=IP_ORIGDSTADDR, cmsg_data={sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}}]`, cmsg(32, ip, 20, inet...), 32},
		{`[{cmsg_len=48, cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=111, ee_origin=2, ee_type=3, ee_code=1, ee_info=5, ee_data=6, offender={sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}}}]`,
			cmsg(48, ip, 11, append([]any{uint32(111), "\x02\x03\x01\x00", uint32(5), uint32(6)}, inet...)...), 48},
		{`[{cmsg_len=20, cmsg_level=SOL_UDP, cmsg_type=0x67}]`, cmsg(20, 17, 103, uint64(0)), 24},
		{`[{cmsg_len=20, cmsg_level=0x309 /* SOL_??? */, cmsg_type=0x1}]`, cmsg(20, 777, 1, uint64(0)), 24},
		{`[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[0]}, {cmsg_len=28, cmsg_level=SOL_SOCKET, cmsg_type=SCM_CREDENTIALS, cmsg_data={pid=7, uid=0, gid=0}}]`, cmsg(20, sock, 1, uint64(0), uint64(28), uint32(sock), uint32(2), uint32(7)), 56},
		{`[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[0]}, {cmsg_len=0, cmsg_level=SOL_IP, cmsg_type=0 /* IP_??? */}]`, cmsg(20, sock, 1), 40},
		{`[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[0]}, {cmsg_len=0, cmsg_level=SOL_IP, cmsg_type=0 /* IP_??? */}, ... /* $40 */]`, cmsg(20, sock, 1), 64},
		{`[{cmsg_len=5, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS}, ... /* $16 */]`, cmsg(5, sock, 1), 24},
		{`[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS}]`, cmsg(20, sock, 1), 16},
		{`[{cmsg_len=18446744073709551615, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[0, 0]}]`, cmsg(1<<64-1, sock, 1), 24},
		{`$0`, cmsg(20, sock, 1), 15},
		{`0x8`, bad, 24},
		{`NULL`, 0, 24},
	} {
		m := words(0, 0, words(cstr("x"), 1), 1, tt.control, tt.n, 0)
		want := tt.want
		for _, off := range []uint64{40, 16, 0} {
			want = strings.ReplaceAll(want, fmt.Sprintf("$%d", off), fmt.Sprintf("%#x", tt.control+off))
		}
		want = fmt.Sprintf(`sendmsg(-1, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_control=%s, msg_controllen=%d, msg_flags=0}, 0) = -1 EBADF (Bad file descriptor)`, want, tt.n)
		if got := show(t, Options{}, table.AMD64, "sendmsg", failed(unix.EBADF), 1<<32-1, m, 0); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSockaddr(t *testing.T) {
	ll := func(proto, hatype uint16, pkttype, halen string) uint64 {
		return join(uint16(17), proto, uint32(1<<31), hatype, pkttype+halen+"\x01\x02\x03\x04\x05\x06\x07\x08")
	}
	inet6 := func(addr string, scope uint32) uint64 {
		return join(uint16(10), "\x01\xbb", uint32(0), addr+strings.Repeat("\x00", 13)+"\x01", scope)
	}
	alg := join(uint16(38), "hash\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", uint32(3), uint32(0), "sha256\x00"+strings.Repeat("\x00", 57))
	for _, tt := range []struct {
		want string
		addr uint64
		n    int
	}{
		{`{sa_family=AF_PACKET, sll_protocol=htons(ETH_P_IP), sll_ifindex=2147483648, sll_hatype=ARPHRD_ETHER, sll_pkttype=PACKET_OTHERHOST, sll_halen=6, sll_addr=[0x1, 0x2, 0x3, 0x4, 0x5, 0x6]}`, ll(8, 1, "\x03", "\x06"), 20},
		{`{sa_family=AF_PACKET, sll_protocol=htons(0xffff /* ETH_P_??? */), sll_ifindex=2147483648, sll_hatype=ARPHRD_LOOPBACK, sll_pkttype=0x4d /* PACKET_??? */, sll_halen=20, sll_addr=[0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, ...]}`, ll(0xffff, 772, "\x4d", "\x14"), 20},
		{`{sa_family=AF_PACKET, sll_protocol=htons(ETH_P_IP), sll_ifindex=2147483648, sll_hatype=ARPHRD_ETHER, sll_pkttype=PACKET_HOST, sll_halen=0}`, ll(8, 1, "\x00", "\x00"), 20},
		{`{sa_family=AF_NETLINK, nl_pid=7, nl_groups=0x000009}`, join(uint16(16), uint16(0), uint32(7), uint32(9)), 12},
		{`{sa_family=AF_NETLINK, nl_pad=0x5, nl_pid=7, nl_groups=00000000}`, join(uint16(16), uint16(5), uint32(7), uint32(0)), 12},
		{`{sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "fe80::1", &sin6_addr), sin6_scope_id=2147483648}`, inet6("\xfe\x80", 1<<31), 28},
		{`{sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001::1", &sin6_addr), sin6_scope_id=1}`, inet6("\x20\x01", 1), 28},
		{`{sa_family=AF_VSOCK, svm_cid=VMADDR_CID_ANY, svm_port=0x7, svm_flags=0}`, join(uint16(40), uint16(0), uint32(7), uint32(1<<32-1), uint32(0)), 16},
		{`{sa_family=AF_VSOCK, svm_reserved1=0x302, svm_cid=0x9, svm_port=0x7, svm_flags=0xc /* VMADDR_FLAG_??? */, svm_zero="\x0d\x0e\x0f"}`, join(uint16(40), uint16(0x302), uint32(7), uint32(9), "\x0c\x0d\x0e\x0f"), 16},
		{`{sa_family=AF_ALG, salg_type="hash", salg_feat=0x3 /* CRYPTO_ALG_??? */, salg_mask=0, salg_name="sha256"}`, alg, 88},
		{`{sa_family=AF_ALG, salg_type="hash", salg_feat=0x3 /* CRYPTO_ALG_??? */, salg_mask=0, salg_name="sha"...}`, alg, 28},
		{`{sa_family=AF_XDP, sxdp_flags=XDP_COPY, sxdp_ifindex=2147483648, sxdp_queue_id=5, sxdp_shared_umem_fd=0x6}`, join(uint16(44), uint16(2), uint32(1<<31), uint32(5), uint32(6)), 16},
		{`{sa_family=AF_XDP, sa_data="\2\0"}`, join(uint16(44), uint16(2), uint32(0)), 4},
	} {
		want := fmt.Sprintf(`bind(-1, %s, %d) = -1 EBADF (Bad file descriptor)`, tt.want, tt.n)
		if got := show(t, Options{}, table.AMD64, "bind", failed(unix.EBADF), 1<<32-1, tt.addr, uint64(tt.n)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
