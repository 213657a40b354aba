package decode

// BPF_LINK_CREATE of bpf(2): what is behind the first members depends on what the program
// is attached to.

// Types of attachment (enum bpf_attach_type).
const (
	bpfUnspecified   = 0 // as of programs that extend others
	bpfTraceIter     = 28
	bpfPerfEvent     = 41
	bpfKprobeMulti   = 42
	bpfNetfilter     = 45
	bpfTCXIngress    = 46
	bpfTCXEgress     = 47
	bpfUprobeMulti   = 48
	bpfNetkitPrimary = 54
	bpfNetkitPeer    = 55
	bpfKprobeSession = 56
	bpfUprobeSession = 57
)

const bpfLinkHead = 16 // bytes of the first members

var (
	setKprobeMulti = SetByName("bpf_kprobe_multi_flags")
	setUprobeMulti = SetByName("bpf_uprobe_multi_flags")
	setNetfilterPF = SetByName("nfproto")
)

// linkCreate emits the rest of the struct whose bytes are b, and returns how many of them
// are known.
func (e *Event) linkCreate(b []byte) (known uint64) {
	if len(b) <= bpfLinkHead {
		return bpfLinkHead
	}
	var rest [64 - bpfLinkHead]byte // what is not given is 0
	copy(rest[:], b[bpfLinkHead:])
	r := e.reader(rest[:], 0)
	group := func(name string) (outer int32) { return e.begin(name, Struct) }
	switch typ := le.Uint32(b[8:]); typ {
	case bpfUnspecified:
		id := r.u32()
		if id != 0 {
			e.num("target_btf_id", Uint, 32, id)
		}
		return 20
	case bpfTraceIter:
		info, n := r.u64(), r.u32()
		e.emitArray("iter_info", bpfIterInfo, info, n)
		e.num("iter_info_len", Uint, 32, n)
		return 28
	case bpfPerfEvent:
		outer := group("perf_event")
		e.num("bpf_cookie", Hex, 64, r.u64())
		e.close(outer)
		return 24
	case bpfKprobeMulti, bpfKprobeSession:
		flags, n := r.u32(), r.u32()
		outer := group("kprobe_multi")
		e.flags("flags", 32, flags, setKprobeMulti)
		e.num("cnt", Uint, 32, n)
		e.emitArray("syms", bpfSymbol, r.u64(), n)
		e.emitArray("addrs", bpfNumber, r.u64(), n)
		e.emitArray("cookies", bpfNumber, r.u64(), n)
		e.close(outer)
		return 48
	case bpfNetfilter:
		outer := group("netfilter")
		e.fields(r, []field{{"pf", Enum, 4, setNetfilterPF}, {"hooknum", Uint, 4, nil}, {"priority", Int, 4, nil}, {"flags", Hex, 4, nil}})
		e.close(outer)
		return 32
	case bpfTCXIngress, bpfTCXEgress, bpfNetkitPrimary, bpfNetkitPeer:
		name := "tcx"
		if typ >= bpfNetkitPrimary {
			name = "netkit"
		}
		outer := group(name)
		e.num("relative_fd", Uint, 32, r.u32())
		e.num("expected_revision", Uint, 64, r.u64())
		e.close(outer)
		return 32
	case bpfUprobeMulti, bpfUprobeSession:
		path, offsets, refs, cookies, n := r.u64(), r.u64(), r.u64(), r.u64(), r.u32()
		outer := group("uprobe_multi")
		e.emitPath("path", path)
		e.emitArray("offsets", bpfNumber, offsets, n)
		e.emitArray("ref_ctr_offsets", bpfNumber, refs, n)
		e.emitArray("cookies", bpfNumber, cookies, n)
		e.num("cnt", Uint, 32, n)
		e.flags("flags", 32, r.u32(), setUprobeMulti)
		e.num("pid", PID, 32, r.u32())
		e.close(outer)
		return 60
	}
	return bpfLinkHead
}

var (
	bpfNumber = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) { e.num(name, Hex, 64, r.u64()) }}
	bpfSymbol = &structType{size: sizesPtr(8, 4), decode: func(e *Event, name string, r *reader) { e.emitString(name, r.ptr()) }}

	bpfIterInfo = &structType{size: sizesAll(4), decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		inner := e.begin("map", Struct)
		e.emitFD("map_fd", r.u32(), false)
		e.close(inner)
		e.close(outer)
	}}
)
