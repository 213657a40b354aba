package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// TestSiginfo compares with signals as strace 6.1 shows them.
func TestSiginfo(t *testing.T) {
	for _, tt := range []struct {
		signo, errno, code int32
		union              []uint32
		want               string
	}{
		{17, 0, 1, []uint32{7283, 0, 3, 0, 0, 0, 0, 0}, `{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7283, si_uid=0, si_status=3, si_utime=0, si_stime=0}`},
		{17, 0, 2, []uint32{7283, 0, 9, 0, 5, 0, 6, 0}, `{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7283, si_uid=0, si_status=SIGKILL, si_utime=5 /* 0.05 s */, si_stime=6 /* 0.06 s */}`},
		{17, 0, 5, []uint32{7283, 0, 19}, `{si_signo=SIGCHLD, si_code=CLD_STOPPED, si_pid=7283, si_uid=0, si_status=SIGSTOP, si_utime=0, si_stime=0}`},
		{10, 0, 0, []uint32{25802, 1000}, `{si_signo=SIGUSR1, si_code=SI_USER, si_pid=25802, si_uid=1000}`},
		{10, 0, -6, []uint32{25802, 0}, `{si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=25802, si_uid=0}`},
		{35, 0, -1, []uint32{25849, 0, 42, 0}, `{si_signo=SIGRT_3, si_code=SI_QUEUE, si_pid=25849, si_uid=0, si_int=42, si_ptr=0x2a}`},
		{35, 0, -1, []uint32{25849, 0, 0, 0}, `{si_signo=SIGRT_3, si_code=SI_QUEUE, si_pid=25849, si_uid=0}`},
		{35, 0, -2, []uint32{0, 0, 7, 0}, `{si_signo=SIGRT_3, si_code=SI_TIMER, si_timerid=0, si_overrun=0, si_int=7, si_ptr=0x7}`},
		{14, 0, -2, []uint32{0, 0, 0, 0}, `{si_signo=SIGALRM, si_code=SI_TIMER, si_timerid=0, si_overrun=0, si_int=0, si_ptr=NULL}`},
		{1, 0, 0x80, []uint32{5, 0}, `{si_signo=SIGHUP, si_code=SI_KERNEL, si_pid=5, si_uid=0}`},
		{29, 0, 6, []uint32{5, 0, 3}, `{si_signo=SIGIO, si_code=POLL_HUP, si_band=5, si_fd=3}`},
		{29, 0, 7, []uint32{5, 0, 3}, `{si_signo=SIGIO, si_code=0x7}`},
		{14, 0, 0x80, nil, `{si_signo=SIGALRM, si_code=SI_KERNEL}`},
		{11, 0, 1, []uint32{0x123, 0}, `{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x123}`},
		{11, 0, 0x80, []uint32{0, 0}, `{si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}`},
		{4, 0, 2, []uint32{0x5555beee, 0}, `{si_signo=SIGILL, si_code=ILL_ILLOPN, si_addr=0x5555beee}`},
		{31, 13, 1, []uint32{0x7000, 0, 39, unix.AUDIT_ARCH_X86_64}, `{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_errno=EACCES, si_call_addr=0x7000, si_syscall=__NR_getpid, si_arch=AUDIT_ARCH_X86_64}`},
	} {
		var info table.Siginfo
		le.PutUint32(info[0:], uint32(tt.signo))
		le.PutUint32(info[4:], uint32(tt.errno))
		le.PutUint32(info[8:], uint32(tt.code))
		for i, x := range tt.union {
			le.PutUint32(info[16+4*i:], x)
		}
		if got := string(new(Text).AppendSiginfo(nil, New(Options{}).NewEvent(), 0, &info)); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
