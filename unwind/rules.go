package unwind

// A rule says where the caller's value of a register is (DWARF 5, section 6.4.1).
type rule struct {
	kind ruleKind
	reg  uint64
	off  int64
	expr []byte
}

type ruleKind uint8

const (
	ruleSame      ruleKind = iota // unchanged: also where nothing is said
	ruleUndefined                 // lost
	ruleOffset                    // saved at CFA+off
	ruleValOffset                 // is CFA+off
	ruleRegister                  // in another register
	ruleExpr                      // saved where the expression says
	ruleValExpr                   // is what the expression says
	ruleCFA                       // of the CFA: reg+off
)

// row is the rules at one instruction.
type row struct {
	cfa  rule
	regs map[uint64]rule
}

func (r row) clone() row {
	regs := make(map[uint64]rule, len(r.regs))
	for n, x := range r.regs {
		regs[n] = x
	}
	r.regs = regs
	return r
}

// Call-frame instructions (DWARF 5, section 7.24; those from 0x1d are GNU's or of arm64).
const (
	cfaAdvanceLoc       = 0x40 // and 6 bits
	cfaOffset           = 0x80
	cfaRestore          = 0xc0
	cfaNop              = 0x00
	cfaSetLoc           = 0x01
	cfaAdvanceLoc1      = 0x02
	cfaAdvanceLoc2      = 0x03
	cfaAdvanceLoc4      = 0x04
	cfaOffsetExtended   = 0x05
	cfaRestoreExtended  = 0x06
	cfaUndefined        = 0x07
	cfaSameValue        = 0x08
	cfaRegister         = 0x09
	cfaRememberState    = 0x0a
	cfaRestoreState     = 0x0b
	cfaDefCFA           = 0x0c
	cfaDefCFARegister   = 0x0d
	cfaDefCFAOffset     = 0x0e
	cfaDefCFAExpression = 0x0f
	cfaExpression       = 0x10
	cfaOffsetExtendedSF = 0x11
	cfaDefCFASF         = 0x12
	cfaDefCFAOffsetSF   = 0x13
	cfaValOffset        = 0x14
	cfaValOffsetSF      = 0x15
	cfaValExpression    = 0x16
	cfaGNUWindowSave    = 0x2d // arm64: the return address is signed from here on
	cfaGNUArgsSize      = 0x2e
)

const (
	maxRules      = 64 // registers with rules
	maxRemembered = 16
)

// rowAt runs the function's program up to pc.
func (f *function) rowAt(pc uint64) (row, error) {
	c := f.common
	m := rowMachine{common: c, at: row{regs: map[uint64]rule{}}, loc: f.start}
	if err := m.run(c.program, ^uint64(0)); err != nil {
		return row{}, err
	}
	m.initial = m.at.clone()
	m.loc = f.start
	if err := m.run(f.program, pc); err != nil {
		return row{}, err
	}
	return m.at, nil
}

type rowMachine struct {
	common     *common
	at         row
	initial    row
	remembered []row
	loc        uint64
}

// run executes instructions until they are about an address beyond pc.
func (m *rowMachine) run(program []byte, pc uint64) error {
	d := cursor{b: program}
	for len(d.b) > 0 && !d.short {
		op := d.byte()
		advance := uint64(0)
		switch op & 0xc0 {
		case cfaAdvanceLoc:
			advance = uint64(op & 0x3f)
		case cfaOffset:
			m.set(uint64(op&0x3f), rule{kind: ruleOffset, off: int64(d.uleb()) * m.common.dataAlign})
		case cfaRestore:
			m.restore(uint64(op & 0x3f))
		default:
			switch op {
			case cfaNop:
			case cfaSetLoc:
				return errFrames // nobody writes it
			case cfaAdvanceLoc1:
				advance = d.uint(1)
			case cfaAdvanceLoc2:
				advance = d.uint(2)
			case cfaAdvanceLoc4:
				advance = d.uint(4)
			case cfaOffsetExtended:
				m.set(d.uleb(), rule{kind: ruleOffset, off: int64(d.uleb()) * m.common.dataAlign})
			case cfaOffsetExtendedSF:
				m.set(d.uleb(), rule{kind: ruleOffset, off: d.sleb() * m.common.dataAlign})
			case cfaValOffset:
				m.set(d.uleb(), rule{kind: ruleValOffset, off: int64(d.uleb()) * m.common.dataAlign})
			case cfaValOffsetSF:
				m.set(d.uleb(), rule{kind: ruleValOffset, off: d.sleb() * m.common.dataAlign})
			case cfaRestoreExtended:
				m.restore(d.uleb())
			case cfaUndefined:
				m.set(d.uleb(), rule{kind: ruleUndefined})
			case cfaSameValue:
				m.set(d.uleb(), rule{kind: ruleSame})
			case cfaRegister:
				m.set(d.uleb(), rule{kind: ruleRegister, reg: d.uleb()})
			case cfaExpression:
				m.set(d.uleb(), rule{kind: ruleExpr, expr: d.block()})
			case cfaValExpression:
				m.set(d.uleb(), rule{kind: ruleValExpr, expr: d.block()})
			case cfaRememberState:
				if len(m.remembered) >= maxRemembered {
					return errFrames
				}
				m.remembered = append(m.remembered, m.at.clone())
			case cfaRestoreState:
				n := len(m.remembered)
				if n == 0 {
					return errFrames
				}
				m.at, m.remembered = m.remembered[n-1], m.remembered[:n-1]
			case cfaDefCFA:
				m.at.cfa = rule{kind: ruleCFA, reg: d.uleb(), off: int64(d.uleb())}
			case cfaDefCFASF:
				m.at.cfa = rule{kind: ruleCFA, reg: d.uleb(), off: d.sleb() * m.common.dataAlign}
			case cfaDefCFARegister:
				m.at.cfa = rule{kind: ruleCFA, reg: d.uleb(), off: m.at.cfa.off}
			case cfaDefCFAOffset:
				m.at.cfa = rule{kind: ruleCFA, reg: m.at.cfa.reg, off: int64(d.uleb())}
			case cfaDefCFAOffsetSF:
				m.at.cfa = rule{kind: ruleCFA, reg: m.at.cfa.reg, off: d.sleb() * m.common.dataAlign}
			case cfaDefCFAExpression:
				m.at.cfa = rule{kind: ruleValExpr, expr: d.block()}
			case cfaGNUArgsSize:
				d.uleb()
			case cfaGNUWindowSave:
			default:
				return errFrames
			}
		}
		if advance > 0 {
			m.loc += advance * m.common.codeAlign
			if m.loc > pc {
				return nil
			}
		}
	}
	if d.short || len(m.at.regs) > maxRules {
		return errFrames
	}
	return nil
}

func (m *rowMachine) set(reg uint64, r rule) {
	if len(m.at.regs) <= maxRules {
		m.at.regs[reg] = r
	}
}

func (m *rowMachine) restore(reg uint64) {
	if r, ok := m.initial.regs[reg]; ok {
		m.at.regs[reg] = r
	} else {
		delete(m.at.regs, reg)
	}
}
