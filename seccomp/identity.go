package seccomp

import "slices"

// IdentityRules returns the rules that report the calls after which a thread may
// have other user and group ids: credentials(7), user_namespaces(7).
func IdentityRules() []ArgRule {
	var all []ArgRule
	for _, name := range []string{
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
		"setuid32", "setgid32", "setreuid32", "setregid32", "setresuid32", "setresgid32",
		"setns", "unshare",
	} {
		all = slices.Concat(all, rules(name, 0, 0, 0))
	}
	return all
}
