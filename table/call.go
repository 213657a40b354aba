package table

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Call is one system call that a thread of the child is about to make. It is
// valid until the handler returns, and only in the handler's own goroutine.
type Call struct {
	engine  Engine
	thread  Thread  // the engine
	witness Witness // the engine, if it is one
	abi     ABI
	nr      int
	sig     *Signature
	args    [6]uint64
	ip, sp  uint64
	serial  uint64
}

// An Engine is what a route gives a call to work with: the trap route's is a
// thread in ptrace stops. Handlers use it through Call's methods only.
type Engine interface {
	Thread
	// Native runs the call as c describes it now.
	Native(c *Call) Result
	// Inject runs another call in the thread.
	Inject(c *Call, nr int, args [6]uint64) Result
	// Pin puts data where the child cannot change it, until the call is over,
	// and returns the address.
	Pin(c *Call, data []byte) (uint64, error)
	// Park runs f on another goroutine and returns when it has, while the
	// other threads go on.
	Park(c *Call, f func(ctx context.Context)) error
	// Route tells the way by which the call came.
	Route() Route
}

// A Route is a way from a system call of the child to its handler.
type Route uint8

// Routes.
const (
	RouteTrap   Route = iota // a ptrace stop
	RouteDirect              // exec.so
)

// String returns "trap" or "direct".
func (r Route) String() string {
	if r == RouteDirect {
		return "direct"
	}
	return "trap"
}

// Reset makes c describe a new call. It is for engines.
func (c *Call) Reset(e Engine, abi ABI, nr int, args [6]uint64, ip, sp uint64) {
	if c.engine != e {
		// Once for many calls: it takes looking up the methods.
		c.engine, c.thread = e, e
		c.witness, _ = e.(Witness)
	}
	c.serial++
	c.abi, c.nr, c.sig, c.args, c.ip, c.sp = abi, nr, SignatureOf(abi, nr), args, ip, sp
	if abi.registerBits() == 32 {
		for i := range c.args {
			c.args[i] = uint64(uint32(c.args[i]))
		}
	}
}

// Serial tells one call from the next that c describes.
func (c *Call) Serial() uint64 { return c.serial }

// ABI returns the convention by which the call was made.
func (c *Call) ABI() ABI { return c.abi }

// Nr returns the system-call number as the child gave it, in the call's ABI
// (x32 numbers with X32Bit). It may be negative or unknown.
func (c *Call) Nr() int { return c.nr }

// SetNr makes Native run the call with another number of the same ABI.
func (c *Call) SetNr(nr int) {
	c.nr = nr
	c.sig = SignatureOf(c.abi, nr)
}

// Signature returns what is known of the call, nil for an unknown number.
func (c *Call) Signature() *Signature { return c.sig }

// Name returns the call's name, or syscall_0x… for an unknown number.
func (c *Call) Name() string {
	if c.sig != nil {
		return c.sig.Name
	}
	return UnknownName(c.abi, c.nr)
}

// UnknownName is the name under which a number without a name is shown.
func UnknownName(abi ABI, nr int) string {
	if abi == I386 {
		return fmt.Sprintf("syscall_%#x", uint32(nr))
	}
	return fmt.Sprintf("syscall_%#x", uint64(nr))
}

// IP returns the address after the system-call instruction.
func (c *Call) IP() uint64 { return c.ip }

// SP returns the stack pointer at the call, 0 where it is not known: of calls that are
// only recorded (Recorder).
func (c *Call) SP() uint64 { return c.sp }

// Thread returns the thread that makes the call.
func (c *Call) Thread() Thread { return c.thread }

// Process returns the process of the thread that makes the call.
func (c *Call) Process() Process { return c.engine.Process() }

// FDs returns the descriptors of the thread that makes the call.
func (c *Call) FDs() FDs { return c.engine.FDs() }

// FS returns what the paths of the thread that makes the call start from.
func (c *Call) FS() FS { return c.engine.FS() }

// Route tells by which route the call came.
func (c *Call) Route() Route { return c.engine.Route() }

// Arg returns argument i (from 0) as the kernel reads it: cut to the width
// that the call's signature gives it, zero-extended. What is not in the
// signature comes as it is in the register.
func (c *Call) Arg(i int) uint64 {
	v := c.args[i]
	if bits := c.bits(i); bits < 64 {
		return v & (1<<bits - 1)
	}
	return v
}

// bits returns the width that the kernel reads of argument i.
func (c *Call) bits(i int) uint8 {
	if c.sig != nil && i < len(c.sig.Args) && c.sig.Args[i].Bits != 0 {
		return c.sig.Args[i].Bits
	}
	return uint8(c.abi.registerBits())
}

// RawArg returns the whole register of argument i.
func (c *Call) RawArg(i int) uint64 { return c.args[i] }

// Int returns argument i as a signed number of its width.
func (c *Call) Int(i int) int64 {
	shift := 64 - c.bits(i)
	return int64(c.args[i]<<shift) >> shift
}

// FD returns argument i as a file descriptor.
func (c *Call) FD(i int) int { return int(int32(c.args[i])) }

// Args returns the whole registers of all arguments, as the handler left them.
func (c *Call) Args() [6]uint64 { return c.args }

// SetArg changes argument i for Native. The child's register has its old value
// again after the call.
func (c *Call) SetArg(i int, v uint64) { c.args[i] = v }

// Native runs the call in the child, with number and arguments as the handler
// left them, and returns its result. While it blocks, other threads go on.
// It may be called more than once; each time runs the call again.
func (c *Call) Native() Result { return c.engine.Native(c) }

// Inject runs another call of the same ABI in the child's thread, by name, and
// returns its result: ENOSYS behind an exec of a program that has another ABI.
// Injected calls reach no handler. Signals that arrive
// meanwhile are delivered after the handler returns.
func (c *Call) Inject(name string, args ...uint64) Result {
	nr, ok := Number(c.abi, name)
	if !ok {
		return Errno(unix.ENOSYS)
	}
	var a [6]uint64
	copy(a[:], args)
	return c.engine.Inject(c, nr, a)
}

// Pin writes data to memory that the child cannot change and points argument i
// at it: what the handler has checked is then what Native uses. It lasts until
// the handler returns.
func (c *Call) Pin(i int, data []byte) error {
	addr, err := c.engine.Pin(c, data)
	if err != nil {
		return err
	}
	c.args[i] = addr
	return nil
}

// PinPath is Pin for a path or another string, with the NUL that ends it.
func (c *Call) PinPath(i int, path string) error {
	return c.Pin(i, append([]byte(path), 0))
}

// Park runs f on a goroutine of its own and waits for it. The calling thread
// of the child stands still, all others go on. ctx ends when the thread is
// killed or the supervisor ends. Use it for all that waits: locks, the network,
// sleep. f must not use the Call.
//
// Park fails with ESRCH when the thread died meanwhile; f may then still run.
// A panic in f continues in Park.
func (c *Call) Park(f func(ctx context.Context)) error {
	var panicked any
	var stack []byte
	done := false
	err := c.engine.Park(c, func(ctx context.Context) {
		defer func() {
			if !done {
				panicked = recover()
				stack = make([]byte, 16<<10)
				stack = stack[:runtime.Stack(stack, false)]
			}
		}()
		f(ctx)
		done = true
	})
	if err == nil && !done {
		panic(fmt.Sprintf("%v\n\nin Park:\n%s", panicked, stack))
	}
	return err
}

// ReadMemory, ReadRanges and WriteMemory: see Memory.

// ReadMemory reads child memory: see Memory.
func (c *Call) ReadMemory(addr uint64, p []byte) (int, error) { return c.engine.ReadMemory(addr, p) }

// ReadRanges reads several pieces of child memory: see Memory.
func (c *Call) ReadRanges(r []Range) { c.engine.ReadRanges(r) }

// WriteMemory writes child memory: see Memory.
func (c *Call) WriteMemory(addr uint64, p []byte) (int, error) { return c.engine.WriteMemory(addr, p) }

// Limits of the typed readers.
const (
	PathMax   = 4096    // PATH_MAX, with the NUL
	StringMax = 1 << 20 // longest string that String reads
)

// ErrTooLong is returned for a string without a NUL within the limit.
var ErrTooLong = errors.New("string too long")

// Path reads the path that argument i points to. It fails with EFAULT, and with
// ENAMETOOLONG if there is no NUL within PathMax, as the kernel would.
func (c *Call) Path(i int) (string, error) {
	s, err := ReadString(c.engine, c.args[i], PathMax)
	if errors.Is(err, ErrTooLong) {
		return "", unix.ENAMETOOLONG
	}
	return s, err
}

// String reads the NUL-terminated string that argument i points to, up to
// StringMax bytes. It fails with EFAULT or ErrTooLong.
func (c *Call) String(i int) (string, error) {
	return ReadString(c.engine, c.args[i], StringMax)
}

// Bytes reads n bytes that argument i points to. It fails with EFAULT unless
// all are readable, and with ErrTooLong if n is over StringMax.
func (c *Call) Bytes(i int, n uint64) ([]byte, error) {
	if n > StringMax {
		return nil, ErrTooLong
	}
	p := make([]byte, n)
	got, err := c.engine.ReadMemory(c.args[i], p)
	if err != nil {
		return nil, err
	}
	if uint64(got) < n {
		return nil, unix.EFAULT
	}
	return p, nil
}

// ReadString reads a NUL-terminated string of at most limit bytes with its NUL.
func ReadString(m Memory, addr uint64, limit int) (string, error) {
	const page = 4096
	var s []byte
	var buf [page]byte
	for len(s) < limit {
		// Never past the page: the next may be none of the string's business.
		n := min(page-int(addr%page), limit-len(s))
		// Most strings are short.
		if len(s) == 0 && n > 256 {
			n = 256
		}
		got, err := m.ReadMemory(addr, buf[:n])
		if err != nil {
			return "", err
		}
		for i, b := range buf[:got] {
			if b == 0 {
				return string(append(s, buf[:i]...)), nil
			}
		}
		s = append(s, buf[:got]...)
		addr += uint64(got)
	}
	return "", ErrTooLong
}
