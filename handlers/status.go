package handlers

import "github.com/k42trace/k42trace/table"

// Statuses is a set of ways in which calls end. The zero set stands for all.
type Statuses uint8

// The ways, bits; the names in parentheses are those of strace's -e status=.
const (
	StatusSuccessful  Statuses = 1 << iota // (successful)
	StatusFailed                           // (failed)
	StatusUnfinished                       // the thread ended in it (unfinished)
	StatusUnavailable                      // no way to tell (unavailable): does not happen
	StatusDetached                         // it was let go in the call (detached)
	// StatusNothing makes the set an empty one.
	StatusNothing

	StatusAll = StatusSuccessful | StatusFailed | StatusUnfinished | StatusUnavailable | StatusDetached
)

// all reports whether every call is in the set.
func (s Statuses) all() bool { return s == 0 || s&StatusAll == StatusAll }

// has reports whether a call with that result is in the set.
func (s Statuses) has(res table.Result) bool {
	switch {
	case s == 0:
		return true
	case res.Gone():
		return s&StatusUnfinished != 0
	case res.ShownFailed():
		return s&StatusFailed != 0
	}
	return s&StatusSuccessful != 0
}
