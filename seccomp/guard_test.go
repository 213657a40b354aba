package seccomp

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestGuardRules(t *testing.T) {
	for abi, nrs := range map[table.ABI][4]int{ // clone, clone3, seccomp, prctl
		table.AMD64: {56, 435, 317, 157},
		table.I386:  {120, 435, 354, 172},
		table.X32:   {56 | table.X32Bit, 435 | table.X32Bit, 317 | table.X32Bit, 157 | table.X32Bit},
		table.ARM64: {220, 435, 277, 167},
	} {
		for _, want := range []ArgRule{
			{ABI: abi, Nr: nrs[0], Mask: unix.CLONE_UNTRACED, Value: unix.CLONE_UNTRACED},
			{ABI: abi, Nr: nrs[1]},
		} {
			if !slices.Contains(TreeRules(), want) {
				t.Errorf("TreeRules have no %+v", want)
			}
		}
		for _, want := range []ArgRule{
			{ABI: abi, Nr: nrs[2]},
			{ABI: abi, Nr: nrs[3], Mask: ^uint32(0), Value: unix.PR_SET_SECCOMP},
			{ABI: abi, Nr: nrs[3], Mask: ^uint32(0), Value: unix.PR_GET_SECCOMP},
		} {
			if !slices.Contains(FilterRules(), want) {
				t.Errorf("FilterRules have no %+v", want)
			}
		}
	}
	for _, native := range natives {
		check(t, &Policy{Native: native, Rules: append(TreeRules(), FilterRules()...)})
	}
}
