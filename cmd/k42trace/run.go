package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

const runHelp = `k42trace run runs a program that sees other files than the host's, without privileges.

Usage:
  k42trace run [flags] [--] CMD [ARGS]

  -b, --bind HOST:CHILD   show the host's file or directory HOST at the path CHILD,
                          which need not exist; HOST alone: at its own path, in a
                          new root. May be given more than once
  -r, --root DIR          show what is below DIR as the whole tree, as chroot(8)
                          would; binds are made in it
  -C, --cwd DIR           begin in the directory DIR, as the program sees it
  -E, --env VAR=VAL       put VAR into its environment; -E VAR takes it out

  -h, --help              show this

The exit status is the program's, and if a signal ended the program, the same
signal ends k42trace. Its own errors are 125; 126: the program could not be
executed; 127: it was not found.

Paths are translated, nothing is confined: the program has all its other ways.

Examples:
  k42trace run --bind ./etc:/etc -- getent passwd
  k42trace run --root alpine --bind /proc --bind /dev -- /bin/sh
`

// runOptions is what the command line of run says.
type runOptions struct {
	options
	binds []string
	root  string
	cwd   string
}

// runProgram is the command run.
func runProgram(args []string) ending {
	o := &runOptions{}
	if done, err := o.parse(args); err != nil {
		return complain(err)
	} else if done {
		return ending{}
	}
	view, err := o.view()
	if err != nil {
		return complain(err)
	}
	cmd, cancel, err := o.cmd(view)
	if err != nil {
		return complain(err)
	}
	defer cancel()
	signals, err := catchSignals(table.NopObserver{}, 0)
	if err != nil {
		return complain(err)
	}
	cmd.Observer = signals
	if err := cmd.Start(); err != nil {
		return complain(startError(&o.options, cmd.Path, err))
	}
	signals.relay(cmd.Process, cancel)
	return endingOf(cmd, cmd.Wait())
}

func (o *runOptions) parse(args []string) (done bool, err error) {
	var failure error
	done = true
	cmd := &cobra.Command{
		Use: "k42trace run", DisableFlagsInUseLine: true, SilenceErrors: true, SilenceUsage: true,
		Args:              cobra.ArbitraryArgs,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(_ *cobra.Command, args []string) error {
			done = false
			if o.command = args; len(args) == 0 {
				return errors.New("no program to run: k42trace run [flags] -- CMD [ARGS]")
			}
			return nil
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _, _ = io.WriteString(cmd.OutOrStdout(), runHelp) })
	cmd.SetArgs(args)
	flags := cmd.Flags()
	flags.SetInterspersed(false) // CMD ends our flags
	flags.BoolP("help", "h", false, "")
	flags.StringArrayVarP(&o.binds, "bind", "b", nil, "")
	flags.StringVarP(&o.root, "root", "r", "", "")
	flags.StringVarP(&o.cwd, "cwd", "C", "", "")
	flags.VarP(setter(func(s string) error { failure = o.setEnv(s); return failure }), "env", "E", "")
	if err := cmd.Execute(); err != nil {
		if failure != nil {
			err = fmt.Errorf("-E/--env: %w", failure)
		}
		return false, &usageError{err}
	}
	return done, nil
}

// view returns what the program shall see.
func (o *runOptions) view() (*handlers.View, error) {
	v := handlers.NewView()
	if o.root != "" {
		if err := v.Root(o.root); err != nil {
			return nil, fmt.Errorf("-r/--root: %w", err)
		}
	}
	for _, b := range o.binds {
		host, at, found := strings.Cut(b, ":")
		if !found {
			at = host
		}
		if host == "" || at == "" {
			return nil, &usageError{fmt.Errorf("-b/--bind: %q is not HOST:CHILD", b)}
		}
		if err := v.Bind(host, at); err != nil {
			return nil, fmt.Errorf("-b/--bind: %w", err)
		}
	}
	return v, nil
}

// cmd prepares the program.
func (o *runOptions) cmd(v *handlers.View) (*supervisor.Cmd, context.CancelFunc, error) {
	name := o.command[0]
	path, err := v.LookPath(name)
	var file string
	var argv []string
	if err == nil {
		file, argv, err = v.Launch(path, o.command)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, &statusError{statusNotFound, fmt.Errorf("%s: not found", name)}
	case err != nil:
		return nil, nil, &statusError{statusCannotExec, fmt.Errorf("%s: %w", name, cause(err))}
	}
	dir := ""
	switch {
	case o.cwd != "":
		dir, err = v.Dir(o.cwd)
	case o.root != "":
		dir, err = v.Dir("/")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("-C/--cwd: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := supervisor.CommandContext(ctx, file)
	cmd.Path, cmd.Args, cmd.Err, cmd.Dir = file, argv, nil, dir
	cmd.Env = o.environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Table = table.New()
	cmd.Enforce = true // what goes through io_uring nobody translates
	v.Use(cmd.Table)
	cmd.Warn = func(err error) { fmt.Fprintf(os.Stderr, "k42trace: %v\n", err) }
	cmd.Ignored, cmd.Blocked = inheritedSignals()
	keepIgnored(cmd.Ignored)
	return cmd, cancel, nil
}
