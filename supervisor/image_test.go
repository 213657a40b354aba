package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
)

// When the news of an adopted process comes after all, and another has created it than
// was thought, it leaves what it was given of that one's, and keeps what it needs.
func TestCreatorOfAnAdoptedProcess(t *testing.T) {
	d, threads, _ := drained(t, &teller{}, unix.SYS_GETPPID, 3)
	l := d.loop
	guessed, creator, adopted := threads[0], threads[1], threads[2]
	rewritten := func(th *Thread, call uint64) uint64 {
		record, ok := d.region.NewSite(call)
		if !ok {
			t.Fatal("no room for a site")
		}
		*th.proc.image.site(call) = site{state: siteRewritten, window: &execso.Window{}, record: &siteRecord{addr: record, users: 1}}
		return record
	}
	records := []uint64{rewritten(guessed, 0x2000), rewritten(creator, 0x3000)}
	adopted.proc.image = nil
	adopted.proc.inherit(guessed.proc, ptrace.ForkStop)
	adopted.proc.guessed, adopted.born = true, true
	own := rewritten(adopted, 0x4000)
	records = append(records, own)

	for range 2 { // once is enough
		l.created(creator, adopted.tid, ptrace.ForkStop)
		if p := adopted.proc; p.parent != creator.proc.pid || len(p.image.sites) != 3 || !p.image.unsure {
			t.Errorf("it has %d sites of process %d", len(p.image.sites), p.parent)
		}
	}
	d.leave(guessed.proc)
	d.leave(creator.proc)
	for _, record := range records {
		if d.region.CallOf(record) == 0 {
			t.Error("a site was freed that the process may be using")
		}
	}
	d.leave(adopted.proc)
	for _, record := range records {
		if call := d.region.CallOf(record); call != 0 {
			t.Errorf("the site of %#x is still in use, by nobody", call)
		}
	}
}
