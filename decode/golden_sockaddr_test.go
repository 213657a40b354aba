package decode

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// TestRareAddresses: of families that few programs use, and structs that end early.
func TestRareAddresses(t *testing.T) {
	const noFD = 1<<32 - 1
	connect := func(want string, family uint16, rest string) golden {
		return golden{"connect(-1, {sa_family=" + want + "}, $n) = -1 EBADF (Bad file descriptor)", "connect", failed(unix.EBADF), []uint64{noFD, join(family, rest), uint64(2 + len(rest))}}
	}
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	call := "\xac\x82\x98\x92\x88\x40\x1a" // VALID-13
	tests := []golden{
		connect(`AF_AX25, sax25_call=VALID-13, sax25_ndigis=0`, unix.AF_AX25, call+zeros(7)),
		connect(`AF_AX25, fsa_ax25={sax25_call=*, sax25_ndigis=2}, fsa_digipeater=[...]`, unix.AF_AX25, "\x40\x40\x40\x40\x40\x40"+zeros(4)+"\x02"+zeros(3)),
		connect(`AF_AX25, fsa_ax25={sax25_call=VALID-13, sax25_ndigis=1}, fsa_digipeater=[{ax25_call="\xa6\xa0\x82\x40\x86\x8a\x00"} /* SPA CE-0 */]`, unix.AF_AX25, call+zeros(3)+"\x01"+zeros(3)+"\xa6\xa0\x82\x40\x86\x8a\x00"),
		connect(`AF_AX25, fsa_ax25={sax25_call={ax25_call="\x54\x5e\x00\x00\x00\x00\x00"}, sax25_ndigis=-1}, ...`, unix.AF_AX25, "\x54\x5e"+zeros(8)+"\xff\xff\xff\xff"+"x"),
		connect(`AF_RXRPC, srx_service=0x9c5 /* YFS_CM_SERVICE */, transport_type=SOCK_DGRAM, transport_len=16, transport={sin={sin_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}}`, unix.AF_RXRPC, "\xc5\x09\x02\x00\x10\x00\x02\x00\x00\x50\x7f\x00\x00\x01"+zeros(20)),
		connect(`AF_RXRPC, srx_service=0x1 /* CM_SERVICE */, transport_type=SOCK_DGRAM, transport_len=5, transport={sin6={sin6_family=AF_INET6, "\0Pa"}}`, unix.AF_RXRPC, "\x01\x00\x02\x00\x05\x00\x0a\x00\x00Pa"+zeros(23)),
		connect(`AF_IEEE802154, addr={addr_type=0x2 /* IEEE802154_ADDR_SHORT */, pan_id=0xffff /* IEEE802154_PANID_BROADCAST */, short_addr=0xfffe /* IEEE802154_ADDR_UNDEF */}`, unix.AF_IEEE802154, zeros(2)+"\x02\x00\x00\x00\xff\xff\xfe\xff"+zeros(8)),
		connect(`AF_ALG, salg_type="hash", salg_feat=0x1000 /* CRYPTO_ALG_KERN_DRIVER_ONLY */, salg_mask=0x1 /* CRYPTO_ALG_??? */, salg_name=""...`, unix.AF_ALG, "hash"+zeros(10)+"\x00\x10\x00\x00\x01\x00\x00\x00s"),
		connect(`AF_NFC, dev_idx=0, target_idx=0, nfc_protocol=NFC_PROTO_JEWEL, dsap=0x1 /* LLCP_SAP_SDP */, ssap=0x7, service_name="ab\0", service_name_len=3`, unix.AF_NFC, zeros(10)+"\x01\x00\x00\x00\x01\x07ab"+zeros(68)+"\x03"+zeros(7)),
		connect(`AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=VMADDR_PORT_ANY, svm_flags=0`, unix.AF_VSOCK, zeros(2)+"\xff\xff\xff\xff\x02\x00\x00\x00"+zeros(4)),
		connect(`AF_BLUETOOTH, hci_dev=htobs(3)`, unix.AF_BLUETOOTH, "\x03\x00"),
		connect(`AF_BLUETOOTH, l2_psm=htobs(L2CAP_PSM_DYN_START+1), l2_bdaddr=01:02:03:04:05:06, l2_cid=htobs(L2CAP_CID_DYN_END)`, unix.AF_BLUETOOTH, "\x02\x10\x01\x02\x03\x04\x05\x06\xff\xff"),
		connect(`AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=7`, unix.AF_INET6, "\x00\x50"+zeros(19)+"\x01\x07"),
		connect(`AF_XDP, sxdp_flags=XDP_SHARED_UMEM, sxdp_ifindex=0, sxdp_queue_id=0, sxdp_shared_umem_fd=7`, unix.AF_XDP, "\x01\x00"+zeros(8)+"\x07\x00\x00\x00"),
	}
	for i := range tests {
		tests[i].want = strings.ReplaceAll(tests[i].want, "$n", fmt.Sprint(tests[i].args[2]))
	}
	checkGolden(t, Options{}, tests)
}

// TestSocketOptions: values of getsockopt and setsockopt that are no int.
func TestSocketOptionValues(t *testing.T) {
	ebadf := failed(unix.EBADF)
	checkGolden(t, Options{}, []golden{
		{`setsockopt(-1, SOL_RAW, ICMP_FILTER, ~[ICMP_ECHO 0x9 /* ICMP_??? */], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_RAW, 1, ints(^uint32(0x300)), 4}},
		{`setsockopt(-1, SOL_RAW, ICMP_FILTER, [ICMP_REDIRECT], 40) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_RAW, 1, ints(1 << 5), 40}},
		{`setsockopt(-1, SOL_RAW, ICMP_FILTER, ~[0x1 /* ICMP_??? */], 1) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_RAW, 1, bytesAt([]byte{0xfd}), 1}},
		{`setsockopt(-1, SOL_RAW, ICMP_FILTER, 0x8, 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_RAW, 1, bad, 4}},
		{`setsockopt(-1, SOL_SOCKET, SO_TXREHASH, [SOCK_TXREHASH_ENABLED], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_SOCKET, unix.SO_TXREHASH, ints(1), 4}},
		{`setsockopt(-1, SOL_SOCKET, SO_TXREHASH, [-1 /* SOCK_TXREHASH_??? */], 4) = -1 EBADF (Bad file descriptor)`, "setsockopt", ebadf, []uint64{1<<32 - 1, unix.SOL_SOCKET, unix.SO_TXREHASH, ints(1<<32 - 1), 4}},
		{`sendmsg(-1, {msg_name=NULL, msg_namelen=0, msg_iov=NULL, msg_iovlen=0, msg_control=[{cmsg_len=0, cmsg_level=SOL_SOCKET, cmsg_type=SCM_SECURITY}], msg_controllen=16, msg_flags=0}, 0) = -1 EBADF (Bad file descriptor)`, "sendmsg", ebadf, []uint64{1<<32 - 1, words(0, 0, 0, 0, words(0, 1|3<<32), 16, 0), 0}},
	})
}

// TestManyMessages: recvmmsg changes the lengths of addresses, sendmmsg may send less than it
// is given.
func TestManyMessages(t *testing.T) {
	iov := words(cstr("ab"), 2)
	msgs := make([]uint64, 16)
	for i := range 2 {
		copy(msgs[8*i:], []uint64{join(uint16(unix.AF_UNIX), "/tmp/x\x00"), 5, iov, 1, 0, 0, 0, 77})
	}
	args := []uint64{3, at((*[16]uint64)(msgs)), 2, 0, 0}
	const first = `{msg_hdr={msg_name={sa_family=AF_UNIX, sun_path="/tm"}, msg_namelen=5, msg_iov=[{iov_base="ab", iov_len=2}], msg_iovlen=1, msg_controllen=0, msg_flags=0}`
	want := `sendmmsg(3, [` + first + `, msg_len=77}, ` + first + `}], 2, 0) = 1`
	if got := show(t, Options{}, table.AMD64, "sendmmsg", ok(1), args[:4]...); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e, c := event(t, Options{}, table.AMD64, "recvmmsg", args...)
	e.Entry(c)
	msgs[1], msgs[7], msgs[15] = 9, 2, 2
	e.Exit(c, ok(2))
	want = `recvmmsg(3, [` + strings.Replace(first, "namelen=5", "namelen=5 => 9", 1) + `, msg_len=2}, ` + first + `, msg_len=2}], 2, 0, NULL) = 2`
	if got := line(e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := show(t, Options{Shallow: true}, table.AMD64, "recvmmsg", ok(1), 3, 16, 1, 0, 32), `recvmmsg(3, 0x10, 1, 0, 0x20) = 1`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
