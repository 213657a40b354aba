package table

import "slices"

// A className is a class as a pattern names it behind its %.
type className struct {
	name string
	of   Class
	// bare: the name also stands alone, as strace took it before it had %.
	bare bool
}

var classNames = []className{
	{"file", ClassFile, true},
	{"desc", ClassDesc, true},
	{"process", ClassProcess, true},
	{"network", ClassNetwork, true},
	{"net", ClassNetwork, false},
	{"signal", ClassSignal, true},
	{"ipc", ClassIPC, true},
	{"memory", ClassMemory, true},
	{"creds", ClassCreds, false},
	{"clock", ClassClock, false},
	{"stat", ClassStat, false},
	{"lstat", ClassLstat, false},
	{"fstat", ClassFstat, false},
	{"%stat", ClassStat | ClassLstat | ClassFstat, false},
	{"statfs", ClassStatfs, false},
	{"fstatfs", ClassFstatfs, false},
	{"%statfs", ClassStatfs | ClassFstatfs | ClassUstat, false},
	{"pure", ClassPure, false},
}

// classNamed returns the class that a pattern without its % names.
func classNamed(name string) (Class, bool) {
	i := slices.IndexFunc(classNames, func(c className) bool { return c.name == name })
	if i < 0 {
		return 0, false
	}
	return classNames[i].of, true
}

// bareClass returns the class that a pattern without % names.
func bareClass(name string) (Class, bool) {
	i := slices.IndexFunc(classNames, func(c className) bool { return c.bare && c.name == name })
	if i < 0 {
		return 0, false
	}
	return classNames[i].of, true
}

// namesOfClasses returns the names of all classes.
func namesOfClasses() []string {
	names := make([]string, len(classNames))
	for i, c := range classNames {
		names[i] = c.name
	}
	return names
}
