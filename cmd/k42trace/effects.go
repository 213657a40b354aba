package main

import "github.com/spf13/pflag"

// noteGiven notes which flags were given.
func (o *options) noteGiven(flags *pflag.FlagSet) {
	o.given = map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { o.given[f.Name] = true })
}

// withoutEffect returns what there is to say of flags that say nothing beside the others.
func (o *options) withoutEffect() (messages []string) {
	say := func(given bool, flag, why string) {
		if given {
			messages = append(messages, flag+" has no effect "+why)
		}
	}
	if o.summary {
		const why = "with -c/--summary-only"
		say(o.ip, "-i/--instruction-pointer", why)
		say(o.stacks.wanted, "-k/--stack-trace", why)
		say(o.number, "-n/--syscall-number", why)
		say(o.argNames, "-N/--arg-names", why)
		say(o.relative, "-r/--relative-timestamps", why)
		say(o.clock.given > 0 || o.given["absolute-timestamps"] || o.given["timestamps"], "-t/--absolute-timestamps", why)
		say(o.duration, "-T/--syscall-times", why)
		say(o.fds != 0, "-y/--decode-fds", why)
	}
	if !o.summary && !o.alongside {
		say(o.sorted, "-S/--summary-sort-by", "without -c/--summary-only or -C/--summary")
	}
	if o.output == "" {
		say(o.append, "-A/--output-append-mode", "without -o/--output")
		say(o.separate && o.follow == 0, "--output-separately", "without -o/--output")
	}
	if o.given["successful-only"] && (o.given["failed-only"] || o.given["failing-only"]) {
		messages = append(messages, "only the last of -z/--successful-only and -Z/--failed-only takes effect; -e status= can say more")
	}
	if o.given["follow-vforks"] {
		messages = append(messages, "-F is an old name of -f/--follow-forks")
	}
	return messages
}
