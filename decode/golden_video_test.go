package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Video devices: formats, controls, buffers.
func TestVideoRequests(t *testing.T) {
	ebadf := failed(unix.EBADF)
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	const none = uint32(0)
	pix := func() uint64 {
		return join(uint32(1), none, uint32(640), uint32(480), "YUYV", uint32(1), uint32(1280), uint32(614400), uint32(3), zeros(200))
	}
	checkGolden(t, Options{}, []golden{
		request(`VIDIOC_G_FMT, {type=V4L2_BUF_TYPE_VIDEO_CAPTURE}`+badFD, ebadf, 0xc0d05604, pix()),
		request(`VIDIOC_G_FMT, {type=V4L2_BUF_TYPE_VIDEO_CAPTURE, fmt.pix={width=640, height=480, pixelformat=v4l2_fourcc('Y', 'U', 'Y', 'V') /* V4L2_PIX_FMT_YUYV */, field=V4L2_FIELD_NONE, bytesperline=1280, sizeimage=614400, colorspace=V4L2_COLORSPACE_REC709}}) = 0`, ok(0), 0xc0d05604, pix()),
		request(`VIDIOC_S_FMT, {type=V4L2_BUF_TYPE_META_OUTPUT, fmt.meta={dataformat=v4l2_fourcc('V', 'S', 'P', '\x0d'), buffersize=7}} => {fmt.meta={dataformat=v4l2_fourcc('V', 'S', 'P', '\x0d'), buffersize=7}}) = 0`, ok(0), 0xc0d05605,
			join(uint32(14), none, "VSP\r", uint32(7), zeros(200))),
		request(`VIDIOC_S_FMT, {type=0x63 /* V4L2_BUF_TYPE_??? */}) = 0`, ok(0), 0xc0d05605, join(uint32(99), zeros(204))),
		request(`VIDIOC_S_FMT, {type=V4L2_BUF_TYPE_VIDEO_OVERLAY, fmt.win={w={left=1, top=-2, width=3, height=4}, field=V4L2_FIELD_ANY, chromakey=0x5, clips=[{c={left=6, top=7, width=8, height=9}}], clipcount=1, bitmap=NULL, global_alpha=0xa}}) = 0`, ok(0), 0xc0d05605,
			join(uint32(3), none, uint32(1), uint32(1<<32-2), uint32(3), uint32(4), none, uint32(5), join(uint32(6), uint32(7), uint32(8), uint32(9), uint64(0)), uint64(1), uint64(0), "\x0a", zeros(160))),
		request(`VIDIOC_QUERYCAP, {driver="uvc", card="cam", bus_info="usb", version=KERNEL_VERSION(6, 1, 2), capabilities=V4L2_CAP_STREAMING|V4L2_CAP_DEVICE_CAPS, device_caps=V4L2_CAP_VIDEO_CAPTURE}) = 0`, ok(0), 0x80685600,
			join("uvc", zeros(13), "cam", zeros(29), "usb", zeros(29), uint32(0x60102), uint32(0x84000000), uint32(1), zeros(12))),
		request(`VIDIOC_REQBUFS, {type=V4L2_BUF_TYPE_VIDEO_CAPTURE, memory=V4L2_MEMORY_MMAP, count=4 => 4}) = 0`, ok(0), 0xc0145608, ints(4, 1, 1, 0, 0)),
		request(`VIDIOC_DQBUF, {type=V4L2_BUF_TYPE_VIDEO_CAPTURE, index=2, memory=V4L2_MEMORY_MMAP, m.offset=0x1000, length=8, bytesused=7, flags=V4L2_BUF_FLAG_MAPPED|V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC|V4L2_BUF_FLAG_TSTAMP_SRC_EOF, timestamp={tv_sec=5, tv_usec=6}, ...}) = 0`, ok(0), 0xc0585611,
			join(uint32(2), uint32(1), uint32(7), uint32(0x2001), none, none, uint64(5), uint64(6), zeros(16), none, uint32(1), uint64(0x1000), uint32(8), none, none, none)),
		request(`VIDIOC_S_CTRL, {id=V4L2_CTRL_CLASS_DETECT+0x1234, value=-1 => -1}) = 0`, ok(0), 0xc008561c, ints(0xa31234, 1<<32-1)),
		request(`VIDIOC_QUERYCTRL, {id=V4L2_CTRL_FLAG_NEXT_CTRL|V4L2_CID_SATURATION}`+badFD, ebadf, 0xc0445624, join(uint32(0x80980902), zeros(64))),
		request(`VIDIOC_TRY_EXT_CTRLS, {ctrl_class=V4L2_CTRL_CLASS_USER, count=1, controls=[{id=V4L2_CID_CONTRAST, size=2, string="hi"}]} => {controls=[{id=V4L2_CID_CONTRAST, size=2, string="hi"}], error_idx=3}`+badFD, ebadf, 0xc0205649,
			join(uint32(0x980000), uint32(1), uint32(3), none, none, none, join(uint32(0x980901), uint32(2), none, cstr("hi")))),
		request(`VIDIOC_OVERLAY, 0`+badFD, ebadf, 0x4004560e, 0),
		request(`VIDIOC_G_PARM, NULL`+badFD, ebadf, 0xc0cc5615, 0),
	})
}
