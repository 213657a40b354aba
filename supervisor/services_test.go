package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A call that the setup code makes has to be seen there too when its handler no longer
// only looks.
func TestExemptionEnds(t *testing.T) {
	d, _, _ := drained(t, &teller{}, unix.SYS_GETPPID, 0)
	tbl := d.loop.cmd.Table
	tbl.Handle("mseal", &teller{})
	d.served = d.loop.exemptible()
	if _, err := d.loop.policy(d.loop.wanted()); err != nil {
		t.Fatal(err)
	}
	nr, _ := table.Number(ptrace.NativeABI, "mseal")
	if !d.exempted.Has(ptrace.NativeABI, nr) {
		t.Fatal("a call that is only looked at is not exempt")
	}
	if d.tableChanged() {
		t.Error("the filter is to be extended, though nothing has changed")
	}
	tbl.HandleFunc("mseal", func(*table.Call) table.Result { return table.Errno(unix.EPERM) })
	if !d.tableChanged() {
		t.Error("a call that is decided stays exempt")
	}
}
