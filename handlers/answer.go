package handlers

import "github.com/k42trace/k42trace/table"

// Answer returns a handler that gives every call the result r; the kernel runs
// none. It is a table.Answerer: on the direct route nothing even stops.
func Answer(r table.Result) table.Handler { return answer{r} }

type answer struct{ result table.Result }

var _ table.Answerer = answer{}

func (a answer) Handle(*table.Call) table.Result { return a.result }

func (a answer) Answer() table.Result { return a.result }
