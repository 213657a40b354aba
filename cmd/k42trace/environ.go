package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
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
	u, err := user.Lookup(s)
	if err != nil {
		if u, err = user.LookupId(s); err != nil {
			return fmt.Errorf("there is no user %q", s)
		}
	}
	ids := []string{u.Uid, u.Gid}
	groups, err := u.GroupIds()
	if err != nil {
		return err
	}
	var n []uint32
	for _, id := range append(ids, groups...) {
		v, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return errors.New("odd id of user or group: " + id)
		}
		n = append(n, uint32(v))
	}
	a.credential = &syscall.Credential{Uid: n[0], Gid: n[1], Groups: n[2:]}
	return nil
}

func (a *account) attributes() *syscall.SysProcAttr {
	if a.credential == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: a.credential}
}
