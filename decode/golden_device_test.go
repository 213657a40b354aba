package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The device mapper, SCSI commands, trusted execution environments.
func TestDeviceRequests(t *testing.T) {
	ebadf := failed(unix.EBADF)
	pad := func(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }
	mapper := func(size, start, targets uint32, data ...any) uint64 {
		return join(append([]any{uint32(4), uint32(1), uint32(0), size, start, targets, uint32(3), uint32(2), uint32(5), uint32(0), uint64(0x1234), pad("nn", 128), pad("uu", 136)}, data...)...)
	}
	const head = `{version=[4, 1, 0], data_size=400, data_start=312, dev=makedev(0x12, 0x34), name="nn", uuid="uu", `
	target := []any{uint64(1), uint64(2), uint32(3), uint32(80), pad("linear", 16), pad("params", 48)}
	checkGolden(t, Options{Verbose: true}, []golden{
		request(`DM_TABLE_LOAD, [`+head+`target_count=1, flags=DM_SUSPEND_FLAG}, {sector_start=1, length=2, target_type="linear", string="params"}]`+badFD, ebadf, 0xc138fd09, mapper(400, 312, 1, target...)),
		request(`DM_TABLE_STATUS, [`+head+`flags=DM_SUSPEND_FLAG}] => [`+head+`target_count=1, open_count=3, event_nr=5, flags=DM_SUSPEND_FLAG}, {sector_start=1, length=2, status=3, target_type="linear", string="params"}]) = 0`, ok(0), 0xc138fd0c, mapper(400, 312, 1, target...)),
		request(`DM_TABLE_LOAD, [`+strings.ReplaceAll(head, "312", "9999")+`target_count=1, flags=DM_SUSPEND_FLAG}, ??? /* misplaced struct dm_target_spec */]`+badFD, ebadf, 0xc138fd09, mapper(400, 9999, 1)),
		request(`DM_VERSION, [{version=[4, 1, 0], data_size=14 /* data_size too small */}]`+badFD, ebadf, 0xc138fd00, mapper(14, 0, 0)),
	})
	iov := words(cstr("abc"), 3)
	scsi := func(direction, count, n uint32, data uint64, residue uint32) uint64 {
		return join(uint32('S'), direction, uint32(2|count<<16), n, data, cstr("\x12\x01"), uint64(0), uint32(7), uint32(1), uint64(0), uint64(0), uint32(0), uint32(0), residue, uint32(9), uint32(1))
	}
	const command = `cmd_len=2, cmdp="\x12\x01", mx_sb_len=0, `
	const status = `status=0, masked_status=0, msg_status=0, sb_len_wr=0, sbp=NULL, host_status=0, driver_status=0, `
	checkGolden(t, Options{}, []golden{
		request(`DM_TABLE_LOAD, [`+head+`target_count=1, flags=DM_SUSPEND_FLAG}, ...]`+badFD, ebadf, 0xc138fd09, mapper(400, 312, 1, target...)),
		request(`SG_IO, [7]`+badFD, ebadf, 0x2285, ints(7)),
		request(`SG_IO, {interface_id='S', dxfer_direction=SG_DXFER_TO_DEV, `+command+`iovec_count=1, dxfer_len=2, timeout=7, flags=SG_FLAG_DIRECT_IO, dxferp=[{iov_base="ab", iov_len=3}], `+status+`resid=0, duration=9, info=SG_INFO_CHECK}) = 0`, ok(0), 0x2285,
			scsi(1<<32-2, 1, 2, iov, 0)),
		request(`SG_IO, {interface_id='S', dxfer_direction=SG_DXFER_TO_FROM_DEV, `+command+`iovec_count=0, dxfer_len=3, timeout=7, flags=SG_FLAG_DIRECT_IO, dxferp="\x61\x62\x63" => dxferp="\x61\x62", `+status+`resid=1, duration=9, info=SG_INFO_CHECK}) = 0`, ok(0), 0x2285,
			scsi(1<<32-4, 0, 3, cstr("abc"), 1)),
		request(`TEE_IOC_SHM_ALLOC, {size=0x1000, flags=TEE_IOCTL_SHM_MAPPED} => {size=0x1000, flags=TEE_IOCTL_SHM_MAPPED, id=7}) = 3`, ok(3), 0xc010a401, join(uint64(4096), uint32(1), uint32(7))),
		request(`TEE_IOC_SUPPL_SEND, {buf_len=40, buf_ptr={num_params=1, params=[{attr=TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_INPUT, shm_offs=0x2, size=0x3, shm_id=4}]} => {ret=7, params=[{attr=TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_INPUT, shm_offs=0x2, size=0x3, shm_id=4}]}}) = 0`, ok(0), 0x8010a407,
			words(words(7|1<<32, 5, 2, 3, 4), 40)),
		request(`TEE_IOC_SUPPL_SEND, {buf_len=41, buf_ptr=0x8}`+badFD, ebadf, 0x8010a407, words(bad, 41)),
	})
}
