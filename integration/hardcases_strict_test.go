package integration

import "testing"

// Row 23: strict mode, the oldest sandbox, which the kernel refuses to who has a
// filter, as every traced process has.
func TestStrictMode(t *testing.T) {
	cases := []string{"allowed", "forbidden", "prctl", "bad_ways", "exit_group", "returns", "clock", "thread"}
	compareCases(t, dynamic64, "strictmode", cases...)
	compareCases(t, dynamic32, "strictmode", cases...)
}
