package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"
)

// tools are the files and programs that the rows use.
type tools struct {
	self     string // this binary, for its roles
	k42trace string
	dir      string
	trace    string // the file that tracers write
	tree     string // a tree for find
	source   string // a C program

	repository string // of git
}

func (t *tools) versions() string {
	out, err := exec.Command("strace", "-V").Output()
	strace, _, _ := strings.Cut(string(out), "\n")
	if err != nil {
		strace = "no strace here: its lines are left out"
	}
	return strace
}

// missing tells which program the row needs and the machine lacks, "" if none.
func (r *row) missing(t *tools) string {
	programs := []string{r.child(t, r.count)[0]}
	if r.figure.needs != "" {
		programs = append(programs, r.figure.needs)
	}
	for _, name := range programs {
		if !found(name) {
			return name
		}
	}
	return ""
}

func found(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// A measurement is a row with its figures.
type measurement struct {
	row
	skipped string   // why there are none
	samples []series // one for each of the row's ways, nil where its tracer is missing
	lines   []int    // likewise, in the last trace
}

// run takes a row's figures: all its ways in turn, round by round, so that
// whatever else the machine does hits all alike.
func (m *measurement) run(ctx context.Context, t *tools, quiet *listener, rounds int) error {
	if m.once {
		rounds = 1
	}
	m.samples, m.lines = make([]series, len(m.ways)), make([]int, len(m.ways))
	for round := -1; round < rounds; round++ {
		if round < 0 && m.once {
			continue // round -1 only fills the caches
		}
		for i, w := range m.ways {
			argv := w.argv(t, m.child(t, m.calls(w)))
			if !found(argv[0]) {
				continue
			}
			progress("%s: %d/%d: %s, %s", m.name, round+1, rounds, w.tracer, w.place)
			quiet.await(ctx)
			v, lines, err := m.sample(ctx, t, w, argv)
			if err != nil {
				progress("")
				return fmt.Errorf("%s: %s: %w", m.name, w.tracer, err)
			}
			if round >= 0 {
				m.samples[i], m.lines[i] = append(m.samples[i], v), lines
			}
		}
	}
	progress("")
	return nil
}

// progress shows on a terminal what is being measured.
func progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\x1b[K"+format, args...)
	}
}

// sample runs one command, takes its figure, and counts the lines of its trace.
func (m *measurement) sample(ctx context.Context, t *tools, w *way, argv []string) (v float64, lines int, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = t.dir
	var stdout, stderr bytes.Buffer
	if m.silent {
		cmd.Stdout = nil
	} else {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	defer os.Remove(t.trace)

	begin := time.Now()
	if err := w.place.start(cmd); err != nil {
		return 0, 0, err
	}
	ended := make(chan struct{})
	watched := make(chan float64, 1)
	if m.figure.watch != nil {
		go func() { watched <- m.figure.watch(cmd.Process.Pid, ended) }()
	}
	err = cmd.Wait()
	o := outcome{wall: time.Since(begin)}
	close(ended)
	if err != nil {
		return 0, 0, fmt.Errorf("%v: %w\n%s", argv, err, stderr.Bytes())
	}
	if m.figure.watch != nil {
		if o.watched = <-watched; math.IsNaN(o.watched) {
			return 0, 0, fmt.Errorf("%v: could not be watched", argv)
		}
	}
	if m.figure.own {
		if stdout.Len() != 8 {
			return 0, 0, fmt.Errorf("%v: wrote %q instead of a time", argv, stdout.String())
		}
		o.own = time.Duration(binary.LittleEndian.Uint64(stdout.Bytes()))
	}
	if w.writes {
		if lines, err = countLines(t.trace); err != nil {
			return 0, 0, err
		}
		if m.traced && lines < m.calls(w) {
			return 0, 0, fmt.Errorf("%v: a trace of %d lines for %d operations", argv, lines, m.calls(w))
		}
	}
	return m.figure.value(o, m.calls(w)), lines, nil
}

// countLines tells how many lines a file has. A tracer without a trace would be
// fast.
func countLines(name string) (int, error) {
	b, err := os.ReadFile(name)
	return bytes.Count(b, []byte{'\n'}), err
}
