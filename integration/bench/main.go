// Command bench measures what tracing costs: the same programs natively, under
// strace and under k42trace, in turn, in one run.
//
//	go run ./integration/bench [-n ROUNDS] [-quick] [-row REGEXP] [-patience DURATION] [-k42trace FILE]
//
// It owns the rows (rows.go), how a figure is taken (run.go, figures.go,
// placement.go, quiet.go), the programs that are traced (child.go) and the table
// (report.go). It does not own the targets: those are decided elsewhere and
// stand as data in the rows. docs/PERFORMANCE.md tells how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			exit(role(os.Args[2:]))
		}
	}
	exit(bench())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func bench() error {
	rounds := flag.Int("n", 0, "rounds; a figure is the median of them (default 7, or 3 if -quick)")
	quick := flag.Bool("quick", false, "shorter programs, for a first look")
	only := flag.String("row", "", "only the rows whose name matches this regular expression")
	patience := flag.Duration("patience", time.Minute, "how long, in all, to wait for moments when nothing else runs")
	k42trace := flag.String("k42trace", "", "the command to measure (default: build it)")
	flag.Parse()
	choice, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	switch {
	case *rounds == 0 && *quick:
		*rounds = 3
	case *rounds == 0:
		*rounds = 7
	case *rounds < 0:
		return fmt.Errorf("-n %d: no rounds", *rounds)
	}

	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "k42trace-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := prepare(ctx, dir, *k42trace)
	if err != nil {
		return err
	}

	fmt.Print(describeMachine(), "\n")
	fmt.Printf("%s; medians of %d rounds, all tracers of a row in turn in each.\n\n", tools.versions(), *rounds)
	quiet := &listener{patience: *patience}
	var measured []measurement
	var failures []error
	for _, r := range allRows(*quick) {
		if !choice.MatchString(r.name) {
			continue
		}
		m := measurement{row: r}
		if name := r.missing(tools); name != "" {
			m.skipped = "no " + name
		} else if err := m.run(ctx, tools, quiet, *rounds); err != nil {
			m.skipped = "see below"
			failures = append(failures, err)
		}
		measured = append(measured, m)
	}
	writeTable(os.Stdout, measured)
	writeMean(os.Stdout, measured)
	fmt.Printf("\n%s\n%s\n", quiet, describeLoad("at the end"))
	return errors.Join(failures...)
}

// prepare makes what the rows need in dir.
func prepare(ctx context.Context, dir, k42trace string) (*tools, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &tools{self: self, dir: dir, trace: filepath.Join(dir, "trace")}
	if k42trace != "" {
		if t.k42trace, err = filepath.Abs(k42trace); err != nil {
			return nil, err
		}
	} else {
		t.k42trace = filepath.Join(dir, "k42trace")
		build := exec.CommandContext(ctx, "go", "build", "-o", t.k42trace, "github.com/k42trace/k42trace/cmd/k42trace")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as README.md says
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", build, err, out)
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	t.tree = filepath.Join(string(root[:len(root)-1]), "src")
	if t.repository, err = prepareRepository(ctx, dir, t.tree); err != nil {
		return nil, err
	}
	t.source = filepath.Join(dir, "small.c")
	if err := os.WriteFile(t.source, []byte(smallC), 0o666); err != nil {
		return nil, err
	}
	return t, nil
}

// prepareRepository makes one of a part of the tree.
func prepareRepository(ctx context.Context, dir, tree string) (string, error) {
	repository := filepath.Join(dir, "repository")
	if !found("git") {
		return repository, nil
	}
	const script = `mkdir "$1" && cd "$1" && cp -r "$2"/net "$2"/crypto "$2"/go . && git init -q . && git add . &&
		git -c user.name=bench -c user.email=bench commit -q -m bench`
	cmd := exec.CommandContext(ctx, "sh", "-c", script, "sh", repository, tree)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("a repository: %w\n%s", err, out)
	}
	return repository, nil
}

// smallC is a small program with the headers that most have.
const smallC = `#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%d %s %zu\n", i, argv[i], strlen(argv[i]));
	if (argc > 9)
		fprintf(stderr, "%s\n", strerror(E2BIG));
	return argc > 9 ? EXIT_FAILURE : EXIT_SUCCESS;
}
`
