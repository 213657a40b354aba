package decode

func init() {
	// The flags of the three gets have permissions in the lowest bits.
	get := func(at int, huge string) special {
		return special{entry: func(e *Event) {
			num, set := e.args[at], e.plan.args[at].set
			e.into(at)
			flags := num &^ 0777
			if flags == 0 {
				e.num("", Perm, 32, num)
				return
			}
			size := flags & hugeMask
			if huge == "" {
				size = 0
			}
			flags &^= size
			outer := e.open(Value{Kind: Or, Bits: 32, Num: num, Set: set})
			if flags != 0 {
				e.flags("", 32, flags, set)
			}
			if size != 0 {
				e.hugeSize(size, huge)
			}
			if flags != 0 && flags&set.known() == 0 && huge == "" {
				// strace shows such flags and permissions as if they were one number.
				e.values[e.latest].Kind = Hex
				e.values[e.parent].Kind = Joined
			}
			e.num("", Perm, 32, num&0777)
			e.close(outer)
		}}
	}
	addSpecial(get(1, ""), "msgget")
	addSpecial(get(2, ""), "semget")
	addSpecial(get(2, "SHM_HUGE_SHIFT"), "shmget")

	register("sembuf", sizesAll(6), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("sem_num", Uint, 16, r.u16())
		e.num("sem_op", Int, 16, r.u16())
		e.flags("sem_flg", 16, r.u16(), setSemFlags)
		e.close(outer)
	})
	// The text of a message stands behind its type; how long it is, a
	// length argument says.
	t := register("msgbuf", sizesLong, func(e *Event, name string, r *reader) {})
	t.variable = true
	addSpecial(special{entry: func(e *Event) { e.message(true) }}, "msgsnd")
	addSpecial(special{exit: func(e *Event) {
		if e.indirect { // ipc's pointer to where the message goes, and to its type, is bad
			e.set(1, Value{Kind: Addr, Bits: 64, Num: e.args[1]})
			e.showOnly(0, 1, 2, 4)
			return
		}
		e.message(e.good())
	}}, "msgrcv")
}

// message decodes the struct msgbuf of msgsnd and msgrcv.
func (e *Event) message(good bool) {
	addr := e.args[1]
	e.into(1)
	word := int(longBits(e.abi) / 8)
	b := []byte(nil)
	if good {
		b = e.readAll(addr, 2*word) // as large as struct msgbuf is
	}
	if b == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	r := e.reader(b, addr)
	outer := e.open(Value{Kind: Struct, Num: addr})
	e.num("mtype", Int, uint8(8*word), r.u(word))
	e.emitBuffer("mtext", addr+uint64(word), e.args[2])
	e.close(outer)
}
