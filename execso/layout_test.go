package execso

import "testing"

// What the assembly has as shifts and widths, and cannot take from the constants.
var (
	_ [stepSize]struct{} = [1 << 4]struct{}{}
	_ [ringSize]struct{} = [1 << 16]struct{}{}
)

func TestLayout(t *testing.T) {
	disjoint := func(what string, parts ...[2]int) {
		t.Helper()
		for i, p := range parts {
			if p[0]%8 != 0 || p[1] <= p[0] {
				t.Errorf("%s: part %d is from %#x to %#x", what, i, p[0], p[1])
			}
			if i > 0 && p[0] < parts[i-1][1] {
				t.Errorf("%s: part %d begins at %#x, in the one before", what, i, p[0])
			}
		}
	}
	disjoint("region",
		[2]int{TableOffset, TableOffset + 8*Numbers}, [2]int{CodeOffset, CodeOffset + codeRoom}, [2]int{plansOff, plansOff + 8*Numbers},
		[2]int{constantsOff, constantsOff + 8*Numbers}, [2]int{classesOff, classesOff + numClasses},
		[2]int{countersOff, countersOff + 2*Numbers},
		[2]int{stepsOff, stepsOff + maxSteps*stepSize}, [2]int{SitesOffset, SitesOffset + maxSites*SiteSize},
		[2]int{SlotsOffset, SlotsOffset + SlotsSize},
		[2]int{DescriptorsOffset, DescriptorsOffset + DescriptorsSize}, [2]int{FilesOffset, FilesOffset + FilesSize})
	disjoint("record", [2]int{recordEvents, recordEvents + 8}, [2]int{recordContents, recordContents + 8}, [2]int{recordLength, recordLength + 8},
		[2]int{recordStat, recordStat + statSize}, [2]int{recordStatx, recordStatx + statxSize}, [2]int{recordSize, recordSize + 8})
	disjoint("slot",
		[2]int{0, areaSize}, [2]int{callsOff, callsOff + 8*Numbers}, [2]int{errorsOff, errorsOff + 8*Numbers},
		[2]int{knownOff, knownOff + 8*Numbers}, [2]int{ringOff, ringOff + ringSize + eventReserve}, [2]int{SlotSize, SlotSize + 8})
	words := []int{
		areaCookie, areaLimit, areaServing, areaSelf, areaNames, areaFiles, areaTable, areaPatience, areaHead, areaWaits, areaNr, areaSite, areaPlan, areaResult, areaFlags, areaTimed, areaLahf,
		areaEntry, areaArgs, areaArgs + 8, areaArgs + 16, areaArgs + 24, areaArgs + 32, areaArgs + 40, areaDone, areaEnd,
		areaState, areaRequestArgs, areaRequestArgs + 8, areaRequestArgs + 16, areaRequestArgs + 24,
		areaRequestArgs + 32, areaRequestArgs + 40, areaRequestSP,
		areaNaming, areaOpened, areaOpenedFlags, areaNameAt, areaNameCount, areaNumber, areaNumber + numberSize, areaPrefix, areaLink,
		areaLeft, areaMayZero, areaTimeAt, areaTimeLeft, areaTimeLeft + 8, areaSetsSize, areaEvents, areaSets, areaSetsEnd, areaSize,
	}
	for i, off := range words[1:] {
		if off < words[i]+8 {
			t.Errorf("area: what is at %#x overlaps what is at %#x", off, words[i])
		}
	}
	if CodeSize != SitesOffset+maxSites*SiteSize || Base+FilesOffset+FilesSize >= 1<<31 || cookie >= 1<<31 || answerBias >= 1<<31 {
		t.Error("displacements have 31 bits")
	}
	if codeStep < SitesOffset || slotsStep < SlotSize || tablesStep < tablesOff+tableSize {
		t.Error("what is in use from the beginning is in the files' first step")
	}
	if len(proofs) >= 64 || numClasses < 134 {
		t.Error("errors have classes below 64")
	}
}

// An event of the largest plan fits where the thread was allowed to write it, and
// the limits change nothing but limits.
func TestPlansFitIntoEvents(t *testing.T) {
	for _, lim := range []limits{defaultLimits, {0, 0}, {1, 1}, {4096, 4096}, {1 << 20, 1 << 20}, {0, 1 << 20}, {1 << 20, 0}} {
		for nr, p := range plans() {
			q := newPlan(nr, lim)
			if len(p) != len(q) {
				t.Fatalf("call %d has %d steps, but %d with the limits %+v", nr, len(p), len(q), lim)
			}
			size := 0
			for i, s := range q {
				if s.do != p[i].do || s.target != p[i].target || s.mask != p[i].mask {
					t.Fatalf("call %d: step %d is %+v, but %+v with the limits %+v", nr, i, p[i], s, lim)
				}
				switch s.do {
				case stepCapture:
					size = enterSize + exitSize
				case stepString, stepBytes:
					size += captureHead + int(s.limit+7)&^7
				case stepLength, stepResult:
					size += captureHead + int(s.limit*uint32(s.unit)+7)&^7
				case stepName:
					size += captureHead + nameMax + captureHead + statSize
				case stepMessage: // a name, control messages, and then as for a vector
					size += 2*captureHead + msgNameMax + controlMax
					fallthrough
				case stepVector: // whose buffers are looked at one by one
					size += captureHead + int(s.limit>>16)*iovecSize
				}
				if size > eventReserve {
					t.Fatalf("call %d may need %d bytes with the limits %+v", nr, size, lim)
				}
			}
		}
	}
}

// lookNext is Next after Look.
func (s *Slot) lookNext(e *Event) (bool, error) {
	s.Look()
	return s.Next(e)
}
