package ptrace

import "github.com/k42trace/k42trace/table"

// SigreturnTo returns what rt_sigreturn(2) will make of the stopped thread's registers: see
// sigframe_amd64.go. On this machine it is not looked for.
func SigreturnTo(tid int, abi table.ABI, sp uint64) (ip uint64, result table.Result, ok bool) {
	return 0, table.Result{}, false
}
