package main

const help = `k42trace runs a program and shows the system calls of all its processes and
threads, in the format of strace and with strace's flags.

Usage:
  k42trace [flags] [--] CMD [ARGS]
  k42trace [flags] -p PID [-p PID ...] [[--] CMD [ARGS]]
  k42trace run [flags] [--] CMD [ARGS]
                          run it with other files: k42trace run --help
  k42trace doctor         what this machine offers, and which route is taken

Which calls:
  -e, --trace SET         trace only the calls in SET: names and numbers, with
                          commas between them, %class, /regexp/, all, none; a !
                          in front inverts, a ? lets a name be unknown, @64, @32
                          or @x32 behind it mean one ABI
                          (-e SET is the same as -e trace=SET)
                          classes: %clock %creds %desc %file %fstat %fstatfs
                          %ipc %lstat %memory %network %process %pure %signal
                          %stat %statfs %%stat %%statfs
  -e signal=SET, --signal SET
                          show only the signals in SET
  -P, --trace-path PATH   show only calls that name PATH or have a descriptor of
                          it; may be given more than once
  -e trace-fds=SET, --trace-fds SET
                          show only calls that have a descriptor in SET
  -e status=SET, --status SET
                          show only calls that end so: successful, failed,
                          unfinished, unavailable, detached, all, none
  -z, --successful-only   the same as --status=successful
  -Z, --failed-only       the same as --status=failed
  -f, --follow-forks      trace children too (it always does, but see below); with
                          -o, each line begins with the id of its thread
  --follow-forks=false    trace only the first thread of the program, or those that
                          -p names: what they create runs untraced

Where to:
  -o, --output FILE       write to FILE, not to stderr; '|COMMAND': to the input
                          of a command
  -ff, --output-separately
                          with -o: each thread into its own FILE.TID
  -A, --output-append-mode
                          with -o: append to FILE
  -c, --summary-only      only count calls, errors and the time spent
  -C, --summary           count them too
  -S, --summary-sort-by COLUMN
                          order that table by COLUMN
  -U, --summary-columns COLUMN,...
                          its columns: time-percent, total-time, avg-time,
                          calls, errors, name, min-time, max-time
  -O, --summary-syscall-overhead TIME
                          what to take off the time of each call
  -q, -qq, -qqq, --quiet[=SET]
                          leave out messages: attach and personality; exit too;
                          all. SET: attach, exit, personality, thread-execve, all

What of a call:
  -s, --string-limit N    show at most N bytes of a string (32)
  -x, -xx, --strings-in-hex[=non-ascii|all|non-ascii-chars]
                          show strings that are not text, or all, in hex; or
                          only the bytes that are not
  -v, --no-abbrev         show all fields of structs, all of the environment
  -e abbrev=SET, --abbrev SET
                          but not of the calls in SET
  -e verbose=SET, --verbose SET
                          show structs of the calls in SET only
  -e raw=SET, --raw SET   show only the registers of the calls in SET
  -X, --const-print-style=abbrev|raw|verbose
                          show constants by name, as numbers, or as both
  -n, --syscall-number    show the number of each call
  --color=auto|always|never
                          show calls in colours, on a terminal or always
  -N, --arg-names         show the names of arguments
  -i, --instruction-pointer
                          show from where calls are made
  -y, --decode-fds        show the paths behind descriptors
  -yy                     and the addresses of sockets, the numbers of devices, and so on
  --decode-fds=SET        one or more of path, socket, dev, pidfd, eventfd, signalfd; or
                          all, or none; a ! in front inverts
  -a, --columns N         put results at column N (40)
  -t, -tt, -ttt           begin lines with the time of day; with microseconds;
                          with the time since 1970
                          (--absolute-timestamps=[none|time|unix][,s|ms|us|ns])
  -r, --relative-timestamps[=s|ms|us|ns]
                          begin lines with the time since the line before
  -k, --stack-trace       show the stack of each call and signal below its line
  -kk, --stack-trace=source
                          with lines of the source
  --stack-trace-frame-limit N
                          but not more than N frames (256)
  -T, --syscall-times[=s|ms|us|ns]
                          show the time spent in each call
  -e read=FDS, -e write=FDS, --read FDS, --write FDS
                          dump the data read from, or written to, descriptors
  -Y, --decode-pids=comm  show the names of processes with their ids
  --pidns-translation, --decode-pids=pidns
                          show the ids that processes of other pid namespaces have here
  --namespace=new         show the new namespaces that calls bring processes into
  --kvm=vcpu              show why virtual processors come back
  --always-show-pid       begin all lines with the id of their thread

What happens to calls:
  -e inject=SET:WHAT..., --inject SET:WHAT...
                          where WHAT is one or more of error=ERRNO or
                          retval=VALUE (the call is not made), signal=SIG,
                          delay_enter=TIME, delay_exit=TIME (in us, or with s,
                          ms, us, ns), poke_enter=@argN=HEX[,...],
                          poke_exit=@argN=HEX[,...] (write to where argument N
                          points), and when=FIRST[..LAST][+[STEP]]: which of
                          each thread's calls are meant, counted from 1
  -e fault=SET[:error=ERRNO][:when=...], --fault ...
                          let calls fail, with ENOSYS if nothing else is said

How to run it:
  -p, --attach PID[,PID ...]
                          watch processes that run already, with all their
                          threads and what they create, until they end or a
                          signal (Ctrl-C) ends k42trace; then they go on as if
                          nothing had been
  --route=auto|trap|direct
                          trap: stop the program at each call that is traced;
                          direct: rewrite its system-call instructions so that
                          most calls are recorded without a stop; auto (the
                          default): direct for a trace that goes to a file,
                          and with -c
  -D, -DD, -DDD, --daemonize=grandchild|pgroup|session
                          run the program in place of k42trace, and trace it from
                          another process; in a process group, or session, of its own
  -b, --detach-on=execve  stop looking at processes that execute a program
  --syscall-limit N       stop looking at all when N calls have been shown
  -I, --interruptible 1|2|3|4
                          3: do not pass on HUP, INT, QUIT, TERM; 4: nor TSTP
  --kill-on-exit          let the program die with k42trace (it always does)
  --argv0 NAME            what the program finds in its argv[0]
  -E, --env VAR=VAL       put VAR into its environment; -E VAR takes it out
  -u, --user USER         run it as USER: a name, an id, or UID:GID

  --tips[=[ID][,full]]    show a piece of advice at the end
  -h, --help              show this
  -V, --version           show the version

The exit status is the program's, and if a signal ended the program, the same
signal ends k42trace. Its own errors are 125; 126: the program could not be
executed; 127: it was not found.

Examples:
  k42trace ls -l /
  k42trace -o trace.txt -e openat,%network -- curl http://localhost/
  k42trace -c -- make -j2
  k42trace -ff -tt -T -o /tmp/t -- sh -c 'sort big | uniq -c'
  k42trace -p "$(pidof nginx)" -e %network
  k42trace -e '!/^(futex|madvise)$' -- node server.js
`
