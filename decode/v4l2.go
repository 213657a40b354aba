package decode

import "fmt"

// Video devices (linux/videodev2.h). What strace does not decode has its name only.

func init() { ioctlFamilies = append(ioctlFamilies, videoRequests) }

// ioctlNumber makes the number of a request (asm-generic/ioctl.h). dir has 1 for writing, 2 for
// reading.
func ioctlNumber(dir, typ, nr, size uint64) uint64 { return dir<<30 | size<<16 | typ<<8 | nr }

const (
	fmtCapture = 1 + iota // enum v4l2_buf_type
	fmtOutput
	fmtOverlay
	fmtVBICapture
	fmtVBIOutput
	fmtSlicedCapture
	fmtSlicedOutput
	fmtOutputOverlay
	fmtCapturePlanes
	fmtOutputPlanes
	fmtSDRCapture
	fmtSDROutput
	fmtMetaCapture
	fmtMetaOutput
)

var (
	videoType   = named("type", 4, "v4l2_buf_type")
	videoMemory = named("memory", 4, "v4l2_memory")
	videoRect   = numbers(Int, 4, "left", "top")
	videoPixel  = fourCC("pixelformat", "v4l2_pix_fmt")
	// videoPixels are the formats of all devices.
	videoPixels = fourCC("pixel_format", "v4l2_pix_fmt")
)

func videoRequests(t ioctlTable) {
	// code adds a request of which size is how large its struct is in the ABIs with pointers of
	// 64 bits and of 32.
	code := func(nr, dir uint64, s *structType) (codes []uint64) {
		for _, size := range []int{s.size[0], s.size[1]} {
			codes = append(codes, ioctlNumber(dir, 'V', nr, uint64(size)))
		}
		return codes
	}
	const get, set, both = 2, 1, 3
	add := func(kind ioctlKind, nr, dir uint64, before, after *structType) {
		t.add(ioctlArg{kind: kind, typ: before, after: after, sized: true}, code(nr, dir, before)...)
	}
	in := func(nr, dir uint64, s *structType) { add(ioctlIn, nr, dir, s, nil) }
	out := func(nr, dir uint64, s *structType) { add(ioctlOut, nr, dir, s, nil) }
	grow := func(nr uint64, before, more *structType) { add(ioctlGrow, nr, both, before, more) }
	change := func(nr uint64, before, after *structType) { add(ioctlInOut, nr, both, before, after) }

	out(0, get, layout(104, fixed("driver", 16), fixed("card", 32), fixed("bus_info", 32), kernelVersion,
		flagged("capabilities", 4, "v4l2_capabilities"), func(e *Event, r *reader) {
			if caps := r.u32(); caps != 0 {
				e.flags("device_caps", 32, caps, SetByName("v4l2_capabilities"))
			}
		})) // QUERYCAP
	grow(2, layout(64, number("index", Uint, 4), videoType),
		layout(64, gap(8), flagged("flags", 4, "v4l2_format_flags"), fixed("description", 32), videoPixel)) // ENUM_FMT

	format := sizes64(208, 204)
	onlyType := &structType{size: format, decode: structOf(videoType)}
	whole := &structType{size: format, decode: structOf(videoType, videoFormat(true))}
	changed := &structType{size: format, decode: structOf(videoFormat(false))}
	grow(4, onlyType, &structType{size: format, members: videoFormat(true)}) // G_FMT
	change(5, whole, changed)                                                // S_FMT
	change(64, whole, changed)                                               // TRY_FMT
	t.grow(layout(20, from(4), videoType, videoMemory, from(0), number("count", Uint, 4)), aStruct(20, func(e *Event, r *reader) {
		n := r.u32()
		e.lastChanges(func() { e.num("", Uint, 32, n) })
	}), ioctlNumber(both, 'V', 8, 20)) // REQBUFS

	buffer := sizes64(88, 76)
	known := &structType{size: buffer, decode: structOf(from(4), videoType, from(0), number("index", Uint, 4))}
	rest := func(dequeue bool) *structType {
		return &structType{size: buffer, members: func(e *Event, r *reader) { e.videoBuffer(r, dequeue) }}
	}
	grow(9, known, rest(false))                                                           // QUERYBUF
	grow(15, known, rest(false))                                                          // QBUF
	grow(17, &structType{size: buffer, decode: structOf(from(4), videoType)}, rest(true)) // DQBUF
	frame := &structType{size: sizes64(48, 44), decode: record(field{"capability", Hex, 4, nil}, field{"flags", Hex, 4, nil}, field{"base", Addr, pointer, nil})}
	out(10, get, frame) // G_FBUF
	in(11, set, frame)  // S_FBUF
	stream := scalarOf(4, func(e *Event, num uint64) { e.enum("", 32, num, SetByName("v4l2_buf_type")) })
	in(18, set, stream) // STREAMON
	in(19, set, stream) // STREAMOFF

	grow(21, layout(204, videoType), layout(204, videoParameters))                    // G_PARM
	change(22, layout(204, videoType, videoParameters), layout(204, videoParameters)) // S_PARM
	standard := scalarOf(8, func(e *Event, num uint64) { e.num("", Hex, 64, num) })
	out(23, get, standard) // G_STD
	in(24, set, standard)  // S_STD
	size := sizes64(72, 64)
	grow(25, &structType{size: size, decode: structOf(number("index", Uint, 4))}, &structType{size: size, members: func(e *Event, r *reader) {
		r.skip(4)
		r.u64()
		all(fixed("name", 24), fraction("frameperiod"), number("framelines", Uint, 4))(e, r)
	}}) // ENUMSTD
	size = sizes64(80, 76)
	grow(26, &structType{size: size, decode: structOf(number("index", Uint, 4))},
		&structType{size: size, members: all(gap(4), fixed("name", 32), named("type", 4, "v4l2_input_type"))}) // ENUMINPUT
	id, value := controlID("id", false), number("value", Int, 4)
	grow(27, layout(8, id), layout(8, gap(4), value)) // G_CTRL
	t.grow(layout(8, id, value), aStruct(8, func(e *Event, r *reader) {
		num := r.at(4).u32()
		e.lastChanges(func() { e.num("", Int, 32, num) })
	}), ioctlNumber(both, 'V', 28, 8)) // S_CTRL
	tuner := all(from(4), fixed("name", 32), named("type", 4, "v4l2_tuner_type"), flagged("capability", 4, "v4l2_tuner_capability"),
		numbers(Uint, 4, "rangelow", "rangehigh"), flagged("rxsubchans", 4, "v4l2_tuner_channels"), named("audmode", 4, "v4l2_tuner_mode"),
		numbers(Int, 4, "signal", "afc"))
	index := number("index", Uint, 4)
	grow(29, layout(84, index), layout(84, tuner)) // G_TUNER
	t.inOut(layout(84, index, tuner), layout(84, tuner), ioctlNumber(set, 'V', 30, 84), ioctlNumber(both, 'V', 30, 84))
	queried := controlID("id", true)
	control := all(gap(4), named("type", 4, "v4l2_control_type"), fixed("name", 32))
	controlFlags := flagged("flags", 4, "v4l2_control_flags")
	grow(36, layout(68, queried), layout(68, control, verbose(
		numbers(Int, 4, "minimum", "maximum", "step", "default_value"), controlFlags, spare("reserved", 2, 4)))) // QUERYCTRL
	grow(103, layout(232, queried), layout(232, control, verbose(
		numbers(Int, 8, "minimum", "maximum"), number("step", Uint, 8), number("default_value", Int, 8), controlFlags,
		numbers(Uint, 4, "elem_size", "elems"), func(e *Event, r *reader) {
			n := r.u32()
			e.num("nr_of_dims", Uint, 32, n)
			const most = 4
			e.numbers("dims", Uint, 4, r, int(min(n, most)))
			r.at(104)
		}, spare("reserved", 32, 4)))) // QUERY_EXT_CTRL
	out(38, get, plainNumber) // G_INPUT
	in(39, both, plainNumber) // S_INPUT
	rect := func(name string) piece { return sub(name, videoRect, numbers(Uint, 4, "width", "height")) }
	grow(58, layout(44, videoType), layout(44, gap(4), rect("bounds"), rect("defrect"), fraction("pixelaspect"))) // CROPCAP
	grow(59, layout(20, videoType), layout(20, gap(4), rect("c")))                                                // G_CROP
	in(60, set, layout(20, videoType, rect("c")))                                                                 // S_CROP

	for _, nr := range []uint64{71, 72, 73} { // G_EXT_CTRLS, S_EXT_CTRLS, TRY_EXT_CTRLS
		for _, n := range []uint64{32, 24} {
			t.add(ioctlArg{kind: ioctlOwn, entry: (*Event).videoControls, exit: (*Event).videoControlsAfter}, ioctlNumber(both, 'V', nr, n))
		}
	}
	grow(74, layout(44, index, videoPixels), layout(44, gap(8), func(e *Event, r *reader) {
		const discrete, stepwise = 1, 3
		typ := r.u32()
		e.enum("type", 32, typ, SetByName("v4l2_frame_size"))
		switch typ {
		case discrete:
			sub("discrete", numbers(Uint, 4, "width", "height"))(e, r)
		case stepwise:
			sub("stepwise", numbers(Uint, 4, "min_width", "max_width", "step_width", "min_height", "max_height", "step_height"))(e, r)
		}
	})) // ENUM_FRAMESIZES
	grow(75, layout(52, index, videoPixels, numbers(Uint, 4, "width", "height")), layout(52, gap(16), func(e *Event, r *reader) {
		const discrete, continuous, stepwise = 1, 2, 3
		typ := r.u32()
		e.enum("type", 32, typ, SetByName("v4l2_frame_interval"))
		switch typ {
		case discrete:
			fraction("discrete")(e, r)
		case continuous, stepwise:
			sub("stepwise", fraction("min"), fraction("max"), fraction("step"))(e, r)
		}
	})) // ENUM_FRAMEINTERVALS
	for _, n := range []uint64{256, 248} {
		t.add(ioctlArg{kind: ioctlOwn, entry: func(e *Event) {
			e.emitStruct("", newBuffers, e.args[2])
		}, exit: func(e *Event) {
			b := e.readAll(e.args[2], 8)
			if !e.good() || b == nil || e.arg(2).Kind != Struct {
				return
			}
			defer e.close(e.note())
			sub("", numbers(Uint, 4, "index", "count"))(e, e.reader(b, 0))
		}}, ioctlNumber(both, 'V', 92, n)) // CREATE_BUFS
	}
}

// plainNumber is an unsigned int of its own.
var plainNumber = scalarOf(4, func(e *Event, num uint64) { e.num("", Uint, 32, num) })

var newBuffers = &structType{size: sizes64(256, 248), decode: func(e *Event, name string, r *reader) {
	defer e.close(e.begin(name, Struct))
	r.skip(4)
	all(number("count", Uint, 4), videoMemory)(e, r)
	if r.longBits() == 64 {
		r.skip(4)
	}
	inner := e.reader(r.b[r.off:], r.addr+uint64(r.off))
	sub("format", videoType, videoFormat(true))(e, inner)
}}

// structOf is how a struct with such pieces is decoded.
func structOf(pieces ...piece) func(e *Event, name string, r *reader) {
	return func(e *Event, name string, r *reader) { sub(name, pieces...)(e, r) }
}

// kernelVersion is a version as LINUX_VERSION_CODE is one.
func kernelVersion(e *Event, r *reader) {
	n := r.u32()
	defer e.close(e.open(Value{Name: "version", Kind: Macro, Symbol: "KERNEL_VERSION", Bits: 32, Num: n}))
	e.num("", Uint, 16, n>>16)
	e.num("", Uint, 8, n>>8&0xff)
	e.num("", Uint, 8, n&0xff)
}

// fourCC is four characters in a number, which are a format.
func fourCC(name, set string) piece {
	names := SetByName(set)
	return func(e *Event, r *reader) { e.emit(Value{Name: name, Kind: FourCC, Bits: 32, Num: r.u32(), Set: names}) }
}

// fraction is a struct v4l2_fract.
func fraction(name string) piece {
	return func(e *Event, r *reader) {
		defer e.close(e.begin(name, Joined))
		e.num("", Uint, 32, r.u32())
		e.emit(Value{Kind: Symbol, Symbol: "/"})
		e.num("", Uint, 32, r.u32())
	}
}

// videoFormat is the union in struct v4l2_format. What a window is like is not shown again
// after a call.
func videoFormat(windows bool) piece {
	vbiFlags, services := flagged("flags", 4, "v4l2_vbi_flags"), flagged("service_set", 2, "v4l2_sliced")
	field, colors := named("field", 4, "v4l2_field"), named("colorspace", 4, "v4l2_colorspace")
	area := numbers(Uint, 4, "width", "height")
	pix := sub("fmt.pix", area, videoPixel, field, numbers(Uint, 4, "bytesperline", "sizeimage"), colors)
	planes := sub("fmt.pix_mp", area, videoPixel, field, colors, videoPlanes)
	vbi := sub("fmt.vbi", numbers(Uint, 4, "sampling_rate", "offset", "samples_per_line"), fourCC("sample_format", "v4l2_pix_fmt"),
		array("start", Int, 4, 2), array("count", Uint, 4, 2), vbiFlags)
	sliced := sub("fmt.sliced", services, func(e *Event, r *reader) {
		outer := e.begin("service_lines", Array)
		for range 2 {
			line := e.begin("", Array)
			for range 24 {
				e.num("", Hex, 16, r.u16())
			}
			e.close(line)
		}
		e.close(outer)
	}, number("io_size", Uint, 4))
	sdr := sub("fmt.sdr", fourCC("pixelformat", "v4l2_sdr_fmt"), func(e *Event, r *reader) {
		if n := r.u32(); n != 0 {
			e.num("buffersize", Uint, 32, n)
		}
	})
	meta := sub("fmt.meta", fourCC("dataformat", "v4l2_meta_fmt"), number("buffersize", Uint, 4))
	return func(e *Event, r *reader) {
		typ := r.at(0).u32()
		if r.abi.PointerBits() == 64 || r.longBits() == 64 {
			r.at(8)
		}
		switch typ {
		case fmtCapture, fmtOutput:
			pix(e, r)
		case fmtCapturePlanes, fmtOutputPlanes:
			planes(e, r)
		case fmtOverlay, fmtOutputOverlay:
			if windows {
				e.videoWindow(r)
			}
		case fmtVBICapture, fmtVBIOutput:
			vbi(e, r)
		case fmtSlicedCapture, fmtSlicedOutput:
			sliced(e, r)
		case fmtSDRCapture, fmtSDROutput:
			sdr(e, r)
		case fmtMetaCapture, fmtMetaOutput:
			meta(e, r)
		}
	}
}

// videoPlanes is what struct v4l2_pix_format_mplane has of each plane.
func videoPlanes(e *Event, r *reader) {
	const most, size = 8, 20 // VIDEO_MAX_PLANES
	begin := r.off
	n := r.at(begin + most*size).u8()
	outer := e.begin("plane_fmt", Array)
	for i := range int(min(n, most)) {
		r.at(begin + i*size)
		sub("", numbers(Uint, 4, "sizeimage", "bytesperline"))(e, r)
	}
	e.close(outer)
	e.num("num_planes", Uint, 8, n)
}

var videoClip = &structType{size: sizesPtr(24, 20), decode: structOf(sub("c", videoRect, numbers(Uint, 4, "width", "height")))}

// videoWindow emits a struct v4l2_window.
func (e *Event) videoWindow(r *reader) {
	defer e.close(e.begin("fmt.win", Struct))
	all(sub("w", videoRect, numbers(Uint, 4, "width", "height")), named("field", 4, "v4l2_field"), number("chromakey", Hex, 4))(e, r)
	clips, n := r.ptr(), r.u32()
	e.emitArray("clips", videoClip, clips, n)
	e.num("clipcount", Uint, 32, n)
	e.num("bitmap", Addr, 64, r.ptr())
	e.num("global_alpha", Hex, 8, r.u8())
}

// videoBuffer emits the members of struct v4l2_buffer that the kernel has filled in.
func (e *Event) videoBuffer(r *reader, dequeue bool) {
	const mapped, user = 1, 2 // V4L2_MEMORY_MMAP, V4L2_MEMORY_USERPTR
	index, _, used, flags := r.u32(), r.u32(), r.u32(), r.u32()
	r.skip(4)
	sec, usec := r.u64(), r.u64()
	r.skip(16 + 4) // timecode, sequence
	memory := r.u32()
	if dequeue {
		e.num("index", Uint, 32, index)
	}
	e.enum("memory", 32, memory, SetByName("v4l2_memory"))
	switch m := r.ptr(); memory {
	case mapped:
		e.num("m.offset", Hex, 32, m&0xffffffff)
	case user:
		e.num("m.userptr", Addr, 64, m)
	}
	e.num("length", Uint, 32, r.u32())
	e.num("bytesused", Uint, 32, used)
	const stamps, sources = 0xe000, 0x70000
	outer := e.open(Value{Name: "flags", Kind: Or, Raw: true, Bits: 32, Num: flags})
	if rest := flags &^ (stamps | sources); rest != 0 {
		e.flags("", 32, rest, SetByName("v4l2_buf_flags"))
	}
	e.enum("", 32, flags&stamps, SetByName("v4l2_buf_timestamp"))
	e.enum("", 32, flags&sources, SetByName("v4l2_buf_source"))
	e.close(outer)
	if dequeue {
		outer := e.begin("timestamp", Struct)
		e.num("tv_sec", Int, 64, sec)
		e.num("tv_usec", Uint, 64, usec)
		e.close(outer)
	}
	e.cut()
}

// videoParameters is the union in struct v4l2_streamparm.
func videoParameters(e *Event, r *reader) {
	show := func(name, mode, buffers string) {
		sub(name, flagged("capability", 4, "v4l2_stream_capability"), flagged(mode, 4, "v4l2_stream_mode"), fraction("timeperframe"),
			number("extendedmode", Hex, 4), number(buffers, Uint, 4))(e, r.at(4))
	}
	switch r.at(0).u32() {
	case fmtCapture:
		show("parm.capture", "capturemode", "readbuffers")
	case fmtOutput:
		show("parm.output", "outputmode", "writebuffers")
	}
}

// controlID is what a control is called. One that is queried may be the next one.
func controlID(name string, next bool) piece {
	const flags = 0xc0000000
	return func(e *Event, r *reader) {
		num := r.u32()
		if !next || num&flags == 0 {
			e.videoControl(name, num)
			return
		}
		defer e.close(e.open(Value{Name: name, Kind: Or, Raw: true, Bits: 32, Num: num}))
		e.flags("", 32, num&flags, SetByName("v4l2_control_next"))
		e.videoControl("", num&^flags)
	}
}

// videoControl emits the id of a control: its name, or its place in its class.
func (e *Event) videoControl(name string, num uint64) {
	names := SetByName("v4l2_control")
	class := SetByName("v4l2_control_class").name(num &^ 0xffff)
	if names.name(num) != "" || class == "" {
		e.enum(name, 32, num, names)
		return
	}
	defer e.close(e.begin(name, Meaning))
	e.num("", Hex, 32, num)
	e.emit(Value{Kind: Symbol, Symbol: fmt.Sprintf("%s+%s", class, appendHex(nil, num&0xffff))})
}

const getControls = 71 // VIDIOC_G_EXT_CTRLS

var videoExtControl = &structType{size: sizesAll(20), decode: func(e *Event, name string, r *reader) {
	defer e.close(e.begin(name, Struct))
	e.videoControl("id", r.u32())
	size := r.u32()
	e.num("size", Uint, 32, size)
	value := r.at(12).bytes(8)
	if size > 0 {
		e.emitBuffer("string", e.word(value), size)
		return
	}
	e.num("value", Int, 32, uint64(le.Uint32(value)))
	e.num("value64", Int, 64, le.Uint64(value))
}}

// videoControls emits struct v4l2_ext_controls as far as the program fills it.
func (e *Event) videoControls() {
	b := e.readAll(e.args[2], 24+8*btoi(e.abi.PointerBits() == 64))
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	r := e.reader(b, e.args[2])
	change := e.args[1]&0xff != getControls
	if change {
		defer e.close(e.begin("", Change))
	}
	e.later(2)
	e.partial = change
	defer e.close(e.begin("", Struct))
	e.enum("ctrl_class", 32, r.u32(), SetByName("v4l2_control_class"))
	n := r.u32()
	e.num("count", Uint, 32, n)
	if change && n > 0 {
		e.emitArray("controls", videoExtControl, r.at(20).ptr(), n)
	}
}

// videoControlsAfter adds what the kernel has made of the controls. Where they are not
// readable, it has made nothing.
func (e *Event) videoControlsAfter() {
	b := e.readAll(e.args[2], 24+8*btoi(e.abi.PointerBits() == 64))
	if k := e.arg(2).Kind; b == nil || k != Struct && k != Change {
		return
	}
	r := e.reader(b, e.args[2]).at(4)
	n, failed, controls := r.u32(), r.u32(), r.at(20).ptr()
	if n == 0 {
		return
	}
	defer e.close(e.reopen())
	if e.arg(2).Kind == Change {
		if len(e.readAll(controls, clamp(n, e.opts.arrayLimit())*videoExtControl.size[e.abi])) == 0 {
			return
		}
		defer e.close(e.begin("", Struct))
	}
	e.emitArray("controls", videoExtControl, controls, n)
	if !e.good() {
		e.num("error_idx", Uint, 32, failed)
	}
}
