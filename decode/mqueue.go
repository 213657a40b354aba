package decode

var setQueueFlags = SetByName("mq_flags")

func init() {
	row := func(flags Kind) func(e *Event, name string, r *reader) {
		return record(field{"mq_flags", flags, long, setQueueFlags},
			field{"mq_maxmsg", Int, long, nil}, field{"mq_msgsize", Int, long, nil}, field{"mq_curmsgs", Int, long, nil})
	}
	// mq_open takes no flags from the struct.
	ignored, used := row(Hex), row(Flags)
	register("mq_attr", sizes64(64, 32), func(e *Event, name string, r *reader) {
		if e.name == "mq_open" {
			ignored(e, name, r)
		} else {
			used(e, name, r)
		}
	})
}
