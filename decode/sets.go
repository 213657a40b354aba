package decode

import "golang.org/x/sys/unix"

// Sets of constants that fields of structs use. A set that has no data is nil,
// and its values are shown as numbers.
var (
	setSigaction        = SetByName("sigaction_flags")
	setSigaltstack      = SetByName("sigaltstack_flags")
	setPoll             = SetByName("poll_events")
	setEpoll            = SetByName("epoll_events")
	setFamily           = SetByName("address_family")
	setSockLevel        = SetByName("sockopt_level")
	setMsgFlags         = SetByName("msg_flags")
	setStatxMask        = SetByName("statx_mask")
	setStatxFlags       = SetByName("statx_flags")
	setAtFlags          = SetByName("at_flags")
	setStatxAttrs       = SetByName("statx_attributes")
	setFSMagic          = SetByName("fs_magic")
	setStatfsFlags      = SetByName("statfs_flags")
	setClone3           = SetByName("clone3_flags")
	setClone            = SetByName("clone_flags")
	setOpenFlags        = SetByName("open_flags")
	setPipeFlags        = setOpenFlags.plain()
	setFDFlags          = SetByName("fd_flags")
	setLockTypes        = SetByName("lock_type")
	setWhence           = SetByName("whence")
	setOwnerTypes       = SetByName("owner_type")
	setSeals            = SetByName("seals")
	setNotify           = SetByName("notify_flags")
	setIPProtocols      = SetByName("ip_protocol")
	setNetlinkProtocols = SetByName("netlink_protocol")
	setEtherTypes       = SetByName("ether_type")
	setSockOptions      = SetByName("sock_option")
	setIPOptions        = SetByName("ip_option")
	setIPv6Options      = SetByName("ipv6_option")
	setTCPOptions       = SetByName("tcp_option")
	setUDPOptions       = SetByName("udp_option")
	setNetlinkOptions   = SetByName("netlink_option")
	setPacketOptions    = SetByName("packet_option")
	setSemFlags         = SetByName("semop_flags")
	setCapabilities     = SetByName("capability")
	setFSFlags          = SetByName("fs_flags")
	setTermiosIn        = SetByName("termios_iflag")
	setTermiosOut       = SetByName("termios_oflag")
	setTermiosDelays    = SetByName("termios_delays")
	setTermiosSpeeds    = SetByName("termios_speeds")
	setTermiosControl   = SetByName("termios_cflag")
	setTermiosLocal     = SetByName("termios_lflag")
	setSigev            = SetByName("sigev_notify")
	setResolve          = SetByName("resolve_flags")
	setIoprioClass      = SetByName("ioprio_class")
	setSeccompAction    = SetByName("seccomp_action")
	setPtraceOptions    = SetByName("ptrace_options")
	setQuotaCmd         = SetByName("quotactl_cmd")
	setCapVersion       = SetByName("cap_version")
	setAuditArch        = SetByName("audit_arch")
	setSiCodes          = [32]*ConstSet{
		0:            SetByName("si_codes"),
		unix.SIGILL:  SetByName("sigill_codes"),
		unix.SIGFPE:  SetByName("sigfpe_codes"),
		unix.SIGSEGV: SetByName("sigsegv_codes"),
		unix.SIGBUS:  SetByName("sigbus_codes"),
		unix.SIGTRAP: SetByName("sigtrap_codes"),
		unix.SIGCHLD: SetByName("sigchld_codes"),
		unix.SIGIO:   SetByName("sigpoll_codes"),
		unix.SIGSYS:  SetByName("sigsys_codes"),
	}
)
