package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An envChange puts a variable into the environment, or takes it out.
type envChange struct {
	name, value string
	remove      bool
}

func (o *options) setEnv(s string) error {
	name, value, found := strings.Cut(s, "=")
	if name == "" {
		return fmt.Errorf("%q has no name of a variable", s)
	}
	o.env = append(o.env, envChange{name, value, !found})
	return nil
}

// environment returns the program's environment.
func (o *options) environment() []string {
	env := os.Environ()
	for _, change := range o.env {
		prefix := change.name + "="
		i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, prefix) })
		switch {
		case change.remove:
			env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, prefix) })
		case i >= 0:
			env[i] = prefix + change.value
		default:
			env = append(env, prefix+change.value)
		}
	}
	return env
}

// An account is whom the program runs as; the zero account is ourselves.
type account struct{ credential *syscall.Credential }

// set reads a user's name or id, or UID:GID.
func (a *account) set(s string) error {
	if uid, gid, found := strings.Cut(s, ":"); found {
		u, err1 := strconv.ParseUint(uid, 10, 32)
		g, err2 := strconv.ParseUint(gid, 10, 32)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("%q is not UID:GID", s)
		}
		a.credential = &syscall.Credential{Uid: uint32(u), Gid: uint32(g), Groups: []uint32{uint32(g)}}
		return nil
	}
	uid, err := ids("-u", s)
	if err != nil {
		return fmt.Errorf("there is no user %q", s)
	}
	gid, err := ids("-g", s)
	if err != nil {
		return err
	}
	groups, err := ids("-G", s)
	if err != nil {
		return err
	}
	a.credential = &syscall.Credential{Uid: uid[0], Gid: gid[0], Groups: groups}
	return nil
}

// ids asks id(1) for a user's ids: it knows all sources of users that the machine
// has, as os/user does only with cgo.
func ids(which, user string) ([]uint32, error) {
	out, err := exec.Command("id", which, "--", user).Output()
	if err != nil {
		return nil, fmt.Errorf("id %s %s: %w", which, user, err)
	}
	var list []uint32
	for _, word := range strings.Fields(string(out)) {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("id %s %s: %w", which, user, err)
		}
		list = append(list, uint32(n))
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("id %s %s told nothing", which, user)
	}
	return list, nil
}

func (a *account) attributes() *syscall.SysProcAttr {
	if a.credential == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: a.credential}
}
