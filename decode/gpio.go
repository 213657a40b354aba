package decode

// Lines of general purpose (linux/gpio.h): the requests of /dev/gpiochipN and of what they
// give descriptors for.

const (
	gpioNameSize  = 32 // GPIO_MAX_NAME_SIZE
	gpioLines     = 64 // GPIOHANDLES_MAX and GPIO_V2_LINES_MAX
	gpioLineAttrs = 10 // GPIO_V2_LINE_NUM_ATTRS_MAX
)

func init() { ioctlFamilies = append(ioctlFamilies, gpioRequests) }

func gpioRequests(t ioctlTable) {
	line := SetByName("gpio_line_flags")
	handle := SetByName("gpio_handle_flags")
	event := SetByName("gpio_event_flags")

	t.out(aStruct(68, func(e *Event, r *reader) {
		e.fixedText("name", r.bytes(gpioNameSize))
		e.fixedText("label", r.bytes(gpioNameSize))
		e.num("lines", Uint, 32, r.u32())
	}), 0x8044b401)
	t.inOut(aStruct(72, func(e *Event, r *reader) {
		e.num("line_offset", Uint, 32, r.u32())
	}), aStruct(72, func(e *Event, r *reader) {
		r.skip(4)
		e.flags("flags", 32, r.u32(), line)
		e.fixedText("name", r.bytes(gpioNameSize))
		e.fixedText("consumer", r.bytes(gpioNameSize))
	}), 0xc048b402, 0xc048b40b) // GPIO_GET_LINEINFO_IOCTL, -_WATCH
	t.in(aStruct(4, func(e *Event, r *reader) { e.num("offset", Uint, 32, r.u32()) }), 0xc004b40c)
	t.inOut(aStruct(364, func(e *Event, r *reader) {
		lines := r.at(356).u32()
		e.num("lines", Uint, 32, lines)
		n := clamp(lines, gpioLines)
		e.numbers("lineoffsets", Uint, 4, r.at(0), n)
		e.flags("flags", 32, r.at(4*gpioLines).u32(), handle)
		e.numbers("default_values", Uint, 1, r, n)
		e.fixedText("consumer_label", r.at(260+gpioLines).bytes(gpioNameSize))
	}), gotFD(364, 360), 0xc16cb403) // GPIO_GET_LINEHANDLE_IOCTL
	t.inOut(aStruct(48, func(e *Event, r *reader) {
		e.num("lineoffset", Uint, 32, r.u32())
		e.flags("handleflags", 32, r.u32(), handle)
		e.flags("eventflags", 32, r.u32(), event)
		e.fixedText("consumer_label", r.bytes(gpioNameSize))
	}), gotFD(48, 44), 0xc030b404) // GPIO_GET_LINEEVENT_IOCTL
	values := aStruct(gpioLines, func(e *Event, r *reader) { e.numbers("values", Uint, 1, r, gpioLines) })
	t.out(values, 0xc040b408)
	t.in(values, 0xc040b409)
	t.in(aStruct(84, func(e *Event, r *reader) {
		e.flags("flags", 32, r.u32(), handle)
		e.numbers("default_values", Uint, 1, r, gpioLines)
	}), 0xc054b40a)

	// The second version of the interface.
	t.inOut(aStruct(256, func(e *Event, r *reader) {
		e.num("offset", Uint, 32, r.at(2*gpioNameSize).u32())
	}), aStruct(256, decodeGPIOLine), 0xc100b405, 0xc100b406)
	config := aStruct(272, decodeGPIOConfig)
	t.in(config, 0xc110b40d)
	t.inOut(aStruct(592, func(e *Event, r *reader) {
		lines := r.at(560).u32()
		e.num("num_lines", Uint, 32, lines)
		e.numbers("offsets", Uint, 4, r.at(0), clamp(lines, gpioLines))
		e.fixedText("consumer", r.at(4*gpioLines).bytes(gpioNameSize))
		e.emitBytesAs("config", config, r.bytes(272))
		if n := r.at(564).u32(); n != 0 {
			e.num("event_buffer_size", Uint, 32, n)
		}
		e.reserved("padding", r, 5, 4)
	}), gotFD(592, 588), 0xc250b407)
	t.inOut(aStruct(16, func(e *Event, r *reader) {
		e.num("mask", Hex, 64, r.at(8).u64())
	}), aStruct(16, func(e *Event, r *reader) {
		e.num("bits", Hex, 64, r.u64())
	}), 0xc010b40e)
	t.in(aStruct(16, func(e *Event, r *reader) {
		e.num("bits", Hex, 64, r.u64())
		e.num("mask", Hex, 64, r.u64())
	}), 0xc010b40f)
}

// decodeGPIOLine decodes what struct gpio_v2_line_info tells.
func decodeGPIOLine(e *Event, r *reader) {
	e.fixedText("name", r.bytes(gpioNameSize))
	e.fixedText("consumer", r.bytes(gpioNameSize))
	n := r.at(68).u32()
	e.flags("flags", 64, r.u64(), setGPIOLine)
	e.num("num_attrs", Uint, 32, n)
	if n != 0 {
		outer := e.begin("attrs", Array)
		for range min(n, gpioLineAttrs) {
			inner := e.begin("", Struct)
			e.gpioAttr(r, r.at(r.off+4).u32())
			e.close(inner)
		}
		e.close(outer)
	}
	e.reserved("padding", r.at(240), 4, 4)
}

// decodeGPIOConfig decodes struct gpio_v2_line_config.
func decodeGPIOConfig(e *Event, r *reader) {
	e.flags("flags", 64, r.u64(), setGPIOLine)
	n := r.u32()
	e.num("num_attrs", Uint, 32, n)
	e.reserved("padding", r, 5, 4)
	if n == 0 {
		return
	}
	defer e.close(e.begin("attrs", Array))
	for range min(n, gpioLineAttrs) {
		outer := e.begin("", Struct)
		if padding := r.at(r.off + 4).u32(); padding != 0 {
			inner := e.begin("attr", Struct)
			e.gpioAttr(r, padding)
			e.close(inner)
		} else {
			e.gpioAttr(r, 0)
		}
		e.num("mask", Hex, 64, r.u64())
		e.close(outer)
	}
}

// gpioAttr emits the members of struct gpio_v2_line_attribute, of which r has taken id and
// padding. Whoever sets the padding means something that is not known here.
func (e *Event) gpioAttr(r *reader, padding uint64) {
	id, value := r.at(r.off-8).u32(), r.at(r.off+4).u64()
	switch {
	case padding != 0 || id == 0 || id > 3:
		e.num("id", Uint, 32, id)
		if padding != 0 {
			e.num("padding", Hex, 32, padding)
		}
		e.num("data", Hex, 64, value)
	case id == 1: // GPIO_V2_LINE_ATTR_ID_FLAGS
		e.flags("flags", 64, value, setGPIOLine)
	case id == 2:
		e.num("values", Hex, 64, value)
	default:
		e.num("debounce_period_us", Uint, 32, value&(1<<32-1))
	}
}

var setGPIOLine = SetByName("gpio_v2_line_flags")

// gotFD is a struct of the given size of which the kernel fills in a descriptor, at off.
func gotFD(size, off int) *structType {
	return aStruct(size, func(e *Event, r *reader) { e.emitFD("fd", r.at(off).u32(), false) })
}
