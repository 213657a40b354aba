package decode

import (
	"strings"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

func TestBPFAttributes(t *testing.T) {
	einval := failed(unix.EINVAL)
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	bpf := func(want string, cmd uint64, attr string) golden {
		return golden{want + " = -1 EINVAL (Invalid argument)", "bpf", einval, []uint64{cmd, bytesAt([]byte(attr)), uint64(len(attr))}}
	}
	array := "\x02\x00\x00\x00\x04\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00"
	link := func(typ byte, rest string) string {
		return "\x05\x00\x00\x00\x06\x00\x00\x00" + string(rune(typ)) + zeros(3) + zeros(4) + rest
	}
	number := func(n uint64) string { return string(le.AppendUint64(nil, n)) }
	const made = `bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, max_entries=1`
	const linked = `bpf(BPF_LINK_CREATE, {link_create={prog_fd=5, target_fd=6, attach_type=`
	checkGolden(t, Options{}, []golden{
		bpf(made+`, map_flags=0}, 20)`, 0, array+zeros(4)),
		bpf(made+`, map_flags=BPF_F_NUMA_NODE, inner_map_fd=0, numa_node=4294967295 /* NUMA_NO_NODE */, map_name="abc"...}, 32)`, 0, array+"\x04"+zeros(7)+"\xff\xff\xff\xffabcd"),
		bpf(`bpf(BPF_MAP_UPDATE_ELEM, {map_fd=3, key=NULL, value=NULL, flags=BPF_ANY}, 4)`, 2, "\x03"+zeros(3)),
		bpf(`bpf(BPF_OBJ_PIN, {pathname=NULL, bpf_fd=3}, 12)`, 6, zeros(8)+"\x03"+zeros(3)),
		bpf(`bpf(BPF_OBJ_PIN, {pathname=NULL, bpf_fd=3, file_flags=0, path_fd=AT_FDCWD}, 20)`, 6, zeros(8)+"\x03"+zeros(7)+"\x9c\xff\xff\xff"),
		bpf(linked+`BPF_CGROUP_INET_INGRESS, flags=0, target_btf_id=7}}, 20)`, 28, link(0, "\x07"+zeros(3))),
		bpf(linked+`BPF_CGROUP_INET_EGRESS, flags=0}, ...}, 20)`, 28, link(1, "\x07"+zeros(3))),
		bpf(linked+`BPF_PERF_EVENT, flags=0, perf_event={bpf_cookie=0x7}}}, 24)`, 28, link(41, number(7))),
		bpf(linked+`BPF_TRACE_ITER, flags=0, iter_info=[{map={map_fd=9}}], iter_info_len=1}}, 28)`, 28, link(28, number(ints(9))+"\x01"+zeros(3))),
		bpf(linked+`BPF_TRACE_KPROBE_MULTI, flags=0, kprobe_multi={flags=BPF_F_KPROBE_MULTI_RETURN, cnt=2, syms=["foo", NULL], addrs=NULL, cookies=[0x7, 0]}}}, 48)`, 28,
			link(42, "\x01\x00\x00\x00\x02\x00\x00\x00"+number(words(cstr("foo"), 0))+zeros(8)+number(words(7, 0)))),
		bpf(linked+`BPF_TCX_INGRESS, flags=0, tcx={relative_fd=3, expected_revision=4}}}, 32)`, 28, link(46, number(3)+number(4))),
		bpf(linked+`BPF_NETFILTER, flags=0, netfilter={pf=NFPROTO_IPV4, hooknum=1, priority=-1, flags=0}}}, 32)`, 28, link(45, "\x02\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff"+zeros(4))),
		bpf(linked+`BPF_TRACE_UPROBE_MULTI, flags=0, uprobe_multi={path="/bin/sh", offsets=[0x10], ref_ctr_offsets=NULL, cookies=NULL, cnt=1, flags=0, pid=2}}}, 60)`, 28,
			link(48, number(cstr("/bin/sh"))+number(words(16))+zeros(16)+"\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00")),
		bpf(`bpf(BPF_PROG_QUERY, {query={target_fd=3, attach_type=BPF_XDP, query_flags=0, attach_flags=0, prog_ids=NULL, prog_cnt=0, revision=5}}, 64)`, 16, "\x03\x00\x00\x00\x25"+zeros(51)+number(5)),
		bpf(`bpf(BPF_TOKEN_CREATE, {token_create={flags=0, bpffs_fd=4}}, 8)`, 36, zeros(4)+"\x04"+zeros(3)),
		bpf(`bpf(BPF_PROG_STREAM_READ_BY_FD, {prog_stream_read={stream_buf=0x10, stream_buf_len=64, stream_id=1, prog_fd=3}}, 20)`, 37, number(16)+number(64|1<<32)+"\x03"+zeros(3)),
	})
	checkGolden(t, Options{Verbose: true}, []golden{
		bpf(`bpf(BPF_MAP_FREEZE, {map_fd=3, extra_data="\x00\x01" /* bytes 4..5 */}, 6)`, 22, "\x03"+zeros(4)+"\x01"),
		bpf(made+`, map_flags=0, inner_map_fd=0, map_name="", map_ifindex=0, btf_fd=0, btf_key_type_id=0, btf_value_type_id=0, btf_vmlinux_value_type_id=0, map_extra=0, map_token_fd=7}, 80)`, 0, array+zeros(60)+"\x07"+zeros(3)),
	})
}

// TestBPFPrograms: instructions are shown only if all is.
func TestBPFPrograms(t *testing.T) {
	code := words(0xb7|1<<8|9<<32, 0x95|0xb<<12|0xffff<<16, 0x62|10<<8|0xfffc<<16)
	attr := words(1|3<<32, code, cstr("GPL"))
	for verbose, want := range map[bool]string{
		false: `bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=3, insns=$code, license="GPL"}, 24) = 3`,
		true:  `bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=3, insns=[{code=BPF_ALU64|BPF_K|BPF_MOV, dst_reg=BPF_REG_1, src_reg=BPF_REG_0, off=0, imm=0x9}, {code=BPF_JMP|BPF_K|BPF_EXIT, dst_reg=BPF_REG_0, src_reg=0xb /* BPF_REG_??? */, off=-1, imm=0}, {code=BPF_ST|BPF_W|BPF_MEM, dst_reg=BPF_REG_10, src_reg=BPF_REG_0, off=-4, imm=0}], license="GPL"}, 24) = 3`,
	} {
		want = strings.Replace(want, "$code", string(appendHex(nil, code)), 1)
		if got := show(t, Options{Verbose: verbose}, table.AMD64, "bpf", ok(3), 5, attr, 24); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestBPFInfo: what the call has changed is shown as such, and no more than there was room
// for.
func TestBPFInfo(t *testing.T) {
	info := make([]uint64, 29)
	info[2], info[4], info[6], info[7] = 4096|8<<32, words(0xb7), 2<<32, ints(5, 6)
	attr := []uint64{3 | 232<<32, at((*[29]uint64)(info))}
	opts := Options{Verbose: true, Object: func(table.Thread, int) (string, bool) { return bpfProgObject, true }}
	e, c := event(t, opts, table.AMD64, "bpf", bpfInfo, at((*[2]uint64)(attr)), 16)
	e.Entry(c)
	info[0], info[1], info[2], info[6], info[8] = 1|48<<32, 0x0807060504030201, 0|16<<32, 3<<32, 0x6f6f66
	attr[0] = 3 | 220<<32
	e.Exit(c, ok(0))
	got := line(e)
	for _, want := range []string{
		`bpf(BPF_OBJ_GET_INFO_BY_FD, {info={bpf_fd=3, info_len=232 => 220, info={type=BPF_PROG_TYPE_SOCKET_FILTER, id=48, tag="\x01\x02\x03\x04\x05\x06\x07\x08", jited_prog_len=4096 => 0, jited_prog_insns=NULL, xlated_prog_len=8 => 16, xlated_prog_insns=[{code=BPF_ALU64|BPF_K|BPF_MOV, `,
		`, load_time=0, created_by_uid=0, nr_map_ids=2 => 3, map_ids=[5, 6], name="foo", ifindex=0, `,
		`, recursion_misses=0, verified_insns=0}}}, 16) = 0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwithout %s", got, want)
		}
	}
	// The other way about, nothing may be read that is not there.
	for _, n := range []uint64{0, 1, 30, 5000, 1<<32 - 1} {
		show(t, opts, table.AMD64, "bpf", ok(0), bpfInfo, words(3|n<<32, words(1, 2)), 16)
	}
}

// The id that is next is shown as it was and as it has become.
func TestBPFNextID(t *testing.T) {
	attr := [2]uint64{0, 0}
	e, c := event(t, Options{}, table.AMD64, "bpf", 23, at(&attr), 12)
	e.Entry(c)
	attr[0] = 7 << 32
	e.Exit(c, ok(0))
	if got, want := line(e), `bpf(BPF_BTF_GET_NEXT_ID, {start_id=0, next_id=0 => 7, open_flags=0}, 12) = 0`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
