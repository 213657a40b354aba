package main

// The calls that loops make, with args as far as they take any.

func callGetppid(args *[4]uintptr)
func callRead(args *[4]uintptr)
func callPread(args *[4]uintptr)
func callStat(args *[4]uintptr)
func callOpenClose(args *[4]uintptr)
func callNanosleep(args *[4]uintptr)
func callPoll(args *[4]uintptr)
func callSelect(args *[4]uintptr)
func callReadv(args *[4]uintptr)
