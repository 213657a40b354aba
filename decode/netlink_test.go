package decode

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// netlink renders the messages in b.
func netlink(b []byte, family int) string {
	e := New(Options{}).NewEvent()
	e.slot = argSlot
	e.nlMessages("", span{0x1000, b, len(b)}, family)
	var text Text
	return string(text.appendValue(nil, e, e.arg(0)))
}

func message(typ, flags uint16, payload ...byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(nlHeader+len(payload)))
	b = binary.LittleEndian.AppendUint16(b, typ)
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = append(b, 7, 0, 0, 0, 9, 0, 0, 0)
	return append(b, payload...)
}

// What strace 6.1 shows of messages that iproute2 sends and gets.
func TestNetlink(t *testing.T) {
	route := unix.NETLINK_ROUTE
	getLink := message(18, 0x301, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 29, 0, 1, 0, 0, 0)
	getAddr := message(22, 0x301, 0, 0, 0, 0, 0, 0, 0, 0)
	newAddr := message(20, 2, 2, 8, 0x80, 254, 0, 0, 0, 0,
		8, 0, 1, 0, 127, 0, 0, 1, 7, 0, 3, 0, 'l', 'o', 0, 0, 5, 0, 11, 0, 1, 0, 0, 0)
	failed := message(unix.NLMSG_ERROR, 0, append([]byte{0xed, 0xff, 0xff, 0xff}, message(16, 5)...)...)
	// What the kernel's crypto_user.c sends of an algorithm.
	text := func(s string, n int) []byte { return append([]byte(s), make([]byte, n-len(s))...) }
	algorithm := slices.Concat(text("sha1", 64), text("sha1-generic", 64), text("kernel", 64), le.AppendUint32(nil, 0x14), make([]byte, 4), []byte{1, 0, 0, 0}, make([]byte, 4))
	hash := slices.Concat([]byte{76, 0, 3, 0}, text("shash", 64), []byte{64, 0, 0, 0, 20, 0, 0, 0})
	cipher := []byte{8, 0, 10, 0, 'a', 'b', 0, 0}
	for _, test := range []struct {
		want   string
		b      []byte
		family int
	}{
		{`[{nlmsg_len=40, nlmsg_type=RTM_GETLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=9}, {ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, [{nla_len=8, nla_type=IFLA_EXT_MASK}, RTEXT_FILTER_VF]]`, getLink, route},
		{`[{nlmsg_len=17, nlmsg_type=RTM_GETADDR, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=9}, {ifa_family=AF_INET, ...}]`, message(22, 0x301, 2), route},
		{`[[{nlmsg_len=24, nlmsg_type=RTM_GETADDR, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=9}, {ifa_family=AF_UNSPEC, ifa_prefixlen=0, ifa_flags=0, ifa_scope=RT_SCOPE_UNIVERSE, ifa_index=0}], {nlmsg_len=0, nlmsg_type=0 /* NLMSG_??? */, nlmsg_flags=0, nlmsg_seq=0, nlmsg_pid=0}]`,
			append(getAddr, make([]byte, 16)...), route},
		{`[{nlmsg_len=48, nlmsg_type=RTM_NEWADDR, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=9}, {ifa_family=AF_INET, ifa_prefixlen=8, ifa_flags=IFA_F_PERMANENT, ifa_scope=RT_SCOPE_HOST, ifa_index=0}, [[{nla_len=8, nla_type=IFA_ADDRESS}, inet_addr("127.0.0.1")], [{nla_len=7, nla_type=IFA_LABEL}, "lo"], [{nla_len=5, nla_type=IFA_PROTO}, "\x01"]]]`, newAddr, route},
		{`[{nlmsg_len=20, nlmsg_type=NLMSG_DONE, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=9}, 0]`, message(unix.NLMSG_DONE, 2, 0, 0, 0, 0), route},
		{`[{nlmsg_len=36, nlmsg_type=NLMSG_ERROR, nlmsg_flags=0, nlmsg_seq=7, nlmsg_pid=9}, {error=-ENODEV, msg={nlmsg_len=16, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_ACK, nlmsg_seq=7, nlmsg_pid=9}}]`, failed, route},
		{`[{nlmsg_len=308, nlmsg_type=CRYPTO_MSG_GETALG, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=7, nlmsg_pid=9}, {cru_name="sha1", cru_driver_name="sha1-generic", cru_module_name="kernel", cru_type=0x14, cru_mask=0, cru_refcnt=1, cru_flags=0}, [[{nla_len=76, nla_type=CRYPTOCFGA_REPORT_HASH}, {type="shash", blocksize=64, digestsize=20}], [{nla_len=8, nla_type=CRYPTOCFGA_REPORT_KPP}, {type="ab"}]]]`,
			message(0x13, 1, slices.Concat(algorithm, hash, cipher)...), unix.NETLINK_CRYPTO},
		{`[{nlmsg_len=24, nlmsg_type=CRYPTO_MSG_NEWALG, nlmsg_flags=NLM_F_REQUEST|NLM_F_CREATE, nlmsg_seq=7, nlmsg_pid=9}, "12345678"]`, message(0x10, 0x401, []byte("12345678")...), unix.NETLINK_CRYPTO},
		{`[{nlmsg_len=24, nlmsg_type=NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_GETRULE, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=9}, {nfgen_family=AF_INET, version=NFNETLINK_V0, res_id=htons(NFNL_SUBSYS_NFTABLES)}, {nla_len=4, nla_type=0x3}]`,
			message(0xa07, 0x301, 2, 0, 0, 10, 4, 0, 3, 0), unix.NETLINK_NETFILTER},
	} {
		if got := netlink(test.b, test.family); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// wildNetlink decodes messages of a family of which only the first readable bytes can be
// read.
func wildNetlink(t *testing.T, b []byte, family, readable int, verbose bool) {
	e := New(Options{Verbose: verbose}).NewEvent()
	e.thread, e.abi = blind{&self{}}, host
	e.slot = argSlot
	e.nlMessages("", span{0x1000, b[:min(readable, len(b))], len(b)}, family)
	for _, style := range []ConstStyle{ConstNames, ConstRaw, ConstBoth} {
		text := Text{Consts: style}
		for _, c := range text.appendValue(nil, e, e.arg(0)) {
			if c < ' ' || c > '~' {
				t.Fatalf("family %d, %d of %q: byte %#x", family, readable, b, c)
			}
		}
	}
}

// blind is a thread whose memory cannot be read.
type blind struct{ *self }

func (blind) ReadMemory(uint64, []byte) (int, error)  { return 0, unix.EFAULT }
func (blind) WriteMemory(uint64, []byte) (int, error) { return 0, unix.EFAULT }
func (blind) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N = 0
	}
}

var wildFamilies = []int{
	unix.NETLINK_ROUTE, unix.NETLINK_SOCK_DIAG, unix.NETLINK_AUDIT, unix.NETLINK_GENERIC, unix.NETLINK_NETFILTER, unix.NETLINK_CRYPTO,
	unix.NETLINK_SELINUX, unix.NETLINK_XFRM, 31,
}

// wildMessages makes messages that are anything behind their headers.
func wildMessages(rnd *rand.Rand) []byte {
	b := make([]byte, nlHeader+rnd.IntN(400))
	for i := range b {
		b[i] = byte(rnd.Uint32() >> (8 * rnd.IntN(4)))
	}
	le.PutUint32(b, uint32(rnd.IntN(len(b)+20)))
	le.PutUint16(b[4:], uint16(rnd.IntN(120)))
	// Lengths of attributes that are possible.
	for i := nlHeader; i+4 <= len(b); i += 4 {
		if rnd.IntN(3) == 0 {
			le.PutUint16(b[i:], uint16(rnd.IntN(60)))
			le.PutUint16(b[i+2:], uint16(rnd.IntN(70)))
		}
		if rnd.IntN(8) == 0 {
			b[i] = [...]byte{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_BRIDGE, unix.AF_PACKET, unix.AF_NETLINK, unix.AF_SMC, 128, 0}[rnd.IntN(9)]
		}
	}
	return b
}

func TestWildNetlink(t *testing.T) {
	rounds := uint64(20000)
	if testing.Short() {
		rounds = 5000
	}
	for seed := range rounds {
		rnd := rand.New(rand.NewPCG(seed, 1))
		b := wildMessages(rnd)
		readable := len(b)
		if rnd.IntN(4) == 0 {
			readable = rnd.IntN(readable + 1)
		}
		wildNetlink(t, b, wildFamilies[rnd.IntN(len(wildFamilies))], readable, seed%2 == 0)
	}
}

func FuzzNetlink(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(wildMessages(rand.New(rand.NewPCG(seed, 1))), unix.NETLINK_ROUTE, 500, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, family, readable int, verbose bool) {
		wildNetlink(t, b[:min(len(b), maxNL)], family, max(readable, 0), verbose)
	})
}
