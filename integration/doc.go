// Package integration runs real programs natively and under k42trace and
// compares what can be seen of them: output, exit status, death by signal,
// and, where a test asks, the lines of the trace.
//
// It owns the harness and the C programs under testdata/hardcases. It does
// not own the behaviour of any room: a failure here is fixed elsewhere.
package integration
