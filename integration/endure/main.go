// Command endure runs a program by the direct route that creates threads, processes and
// programs by the hundred thousand, and says what is left of them in the supervisor.
//
//	go run ./integration/endure [-n TOTAL] [-forks N] [-execs N] [-rounds N]
//
// It fails if memory grows, if a thread has found no place in the region or no call of
// its own rewritten, or if a descriptor, mapping, goroutine or process remains. It needs
// a C compiler.
//
// It owns the run and its figures (main.go), what is counted of calls (watch.go) and of
// this process (usage.go); the program is testdata/lives.c.
package main

import (
	"bufio"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

//go:embed testdata/lives.c
var lives []byte

func main() {
	total := flag.Int("n", 1000000, "threads, processes and programs in all")
	forks := flag.Int("forks", 50000, "of them that are forked")
	execs := flag.Int("execs", 20000, "of them that are executed (each takes a fork too, which is not counted)")
	rounds := flag.Int("rounds", 100, "in how many rounds; after each, memory is measured")
	flag.Parse()
	if err := endure(*rounds, *total-*forks-*execs, *forks, *execs); err != nil {
		fmt.Fprintln(os.Stderr, "endure:", err)
		os.Exit(1)
	}
}

func endure(rounds, threads, forks, execs int) error {
	if rounds < 1 || threads < 0 || forks < 0 || execs < 0 {
		return errors.New("there is no such number")
	}
	threads, forks, execs = threads/rounds, forks/rounds, execs/rounds
	dir, err := os.MkdirTemp("", "k42trace-endure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := compile(dir)
	if err != nil {
		return err
	}
	// Once before, so that what Go opens and starts once for itself is there.
	if _, err := run(program, io.Discard, 1, 8, 1, 1); err != nil {
		return err
	}
	before, err := now()
	if err != nil {
		return err
	}
	start := time.Now()
	w, err := run(program, os.Stdout, rounds, threads, forks, execs)
	if err != nil {
		return err
	}
	fmt.Printf("%d rounds of %d threads, %d forks, %d execs in %v\n%v\n", rounds, threads, forks, execs, time.Since(start).Round(time.Second), w)
	after, err := settled(before)
	if err != nil {
		return err
	}
	fmt.Printf("before: %v\nafter:  %v\n", before, after)
	return errors.Join(w.complaint(), after.complaint(before))
}

// compile builds the program.
func compile(dir string) (string, error) {
	source, program := filepath.Join(dir, "lives.c"), filepath.Join(dir, "lives")
	if err := os.WriteFile(source, lives, 0o644); err != nil {
		return "", err
	}
	out, err := exec.Command("cc", "-O1", "-Wall", "-pthread", "-D_GNU_SOURCE", "-o", program, source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cc: %w\n%s", err, out)
	}
	return program, nil
}

// run runs the program, every call of which is traced, and writes a line after every
// tenth of it.
func run(program string, out io.Writer, rounds int, each ...int) (*watch, error) {
	args := []string{strconv.Itoa(rounds)}
	for _, n := range each {
		args = append(args, strconv.Itoa(n))
	}
	cmd := supervisor.Command(program, args...)
	cmd.Route, cmd.Stderr = supervisor.RouteDirect, os.Stderr
	trace := handlers.NewTrace(handlers.TraceOptions{Out: io.Discard})
	w := newWatch(trace)
	cmd.Table = table.New()
	every, err := table.ParseSet("all")
	if err != nil {
		return nil, err
	}
	cmd.Table.Use(every, trace.Wrap)
	if err := w.count(cmd.Table); err != nil {
		return nil, err
	}
	cmd.Observer, cmd.Warn = w, w.warned
	toProgram, fromUs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	toUs, fromProgram, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer fromUs.Close()
	defer toUs.Close()
	cmd.Stdin, cmd.Stdout = toProgram, fromProgram
	err = cmd.Start()
	toProgram.Close()
	fromProgram.Close()
	if err != nil {
		return nil, err
	}
	for round, lines := 1, bufio.NewReader(toUs); ; round++ {
		if _, err := lines.ReadString('\n'); err != nil {
			break
		}
		u, err := now()
		if err == nil {
			u.program, err = mappings(cmd.Process.PID())
		}
		if err != nil {
			return nil, err
		}
		w.sample(u)
		if rounds < 10 || round%(rounds/10) == 0 {
			fmt.Fprintf(out, "%s round %d: %v\n", time.Now().Format(time.TimeOnly), round, u)
		}
		if _, err := fromUs.Write([]byte("\n")); err != nil {
			break
		}
	}
	return w, cmd.Wait()
}
