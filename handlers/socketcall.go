package handlers

import "github.com/k42trace/k42trace/table"

// socketcalls are the calls behind i386's socketcall(2), by its first argument, with how many
// arguments they have (linux/net.h). accept and send have no number of their own.
var socketcalls = [...]struct {
	name string
	args int
}{
	1: {"socket", 3}, 2: {"bind", 3}, 3: {"connect", 3}, 4: {"listen", 2},
	11: {"sendto", 6}, 16: {"sendmsg", 3}, 20: {"sendmmsg", 4},
}

// unfold makes a socketcall(2) the call that it stands for, with its arguments, which lie in
// memory, in registers: so nobody can change them any more. Other calls stay.
func unfold(c *table.Call) error {
	if c.Name() != "socketcall" {
		return nil
	}
	which := c.Arg(0)
	if which >= uint64(len(socketcalls)) || socketcalls[which].name == "" {
		return nil
	}
	inner := socketcalls[which]
	width := c.ABI().PointerBits() / 8
	b, err := c.Bytes(1, uint64(inner.args*width))
	if err != nil {
		return err
	}
	nr, ok := table.Number(c.ABI(), inner.name)
	if !ok {
		return nil
	}
	c.SetNr(nr)
	for i := range inner.args {
		c.SetArg(i, get(b[i*width:(i+1)*width]))
	}
	return nil
}
