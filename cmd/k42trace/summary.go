package main

import "github.com/k42trace/k42trace/handlers"

// The table of -c and -C.

func (o *options) setSort(s string) (err error) {
	o.sort, err = handlers.ParseSort(s)
	o.sorted = true
	return err
}

func (o *options) setColumns(s string) (err error) {
	o.columns, err = handlers.ParseColumns(s)
	return err
}

func (o *options) setOverhead(s string) (err error) {
	o.overhead, err = handlers.ParseDelay(s)
	return err
}

// count returns what counts for the table.
func (o *options) count() *handlers.Count {
	n := handlers.NewCount()
	n.Columns, n.Sort, n.Overhead = o.columns, o.sort, o.overhead
	n.Untimed = !n.ShowsTimes()
	return n
}
