package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/k42trace/k42trace/handlers"
)

// What strace tells of machines of KVM, of namespaces, of SELinux.

// setKVM is --kvm=.
func (o *options) setKVM(s string) error {
	switch s {
	case "vcpu":
		o.remarks = append(o.remarks, handlers.VCPUs())
		return nil
	case "vcpu+":
		return errors.New("vcpu+, which shows all of struct kvm_run, is not in this version of k42trace; there is vcpu")
	}
	return fmt.Errorf("%q is not vcpu", s)
}

// setNamespace is --namespace=.
func (o *options) setNamespace(s string) error {
	if s != "new" && s != noArgument {
		return fmt.Errorf("%q is not new", s)
	}
	o.remarks = append(o.remarks, handlers.Namespaces())
	return nil
}

// Contexts of SELinux, bits.
const (
	contextFull uint8 = 1 << iota
	contextMismatch
)

// setContexts is --secontext=. Where there is no SELinux there is nothing to show.
func (o *options) setContexts(s string) error {
	if s != noArgument {
		if _, err := parseNames(s, []namedBits[uint8]{{"full", contextFull}, {"mismatch", contextMismatch}}); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/sys/fs/selinux", "/selinux"} {
		if _, err := os.Stat(dir + "/enforce"); err == nil {
			return errors.New("SELinux is in use here, and its contexts are not in this version of k42trace")
		}
	}
	return nil
}
