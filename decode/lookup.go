package decode

import (
	"cmp"
	"slices"
)

// name returns the name of a value of an Enum set, "" if it has none.
func (s *ConstSet) name(value uint64) string {
	i, ok := slices.BinarySearchFunc(s.Consts, value, func(c Const, v uint64) int {
		switch {
		case c.Value < v:
			return -1
		case c.Value > v:
			return 1
		}
		return 0
	})
	if !ok {
		return ""
	}
	for i > 0 && s.Consts[i-1].Value == value {
		i--
	}
	return s.Consts[i].Name
}

// plain returns the set without its fields.
func (s *ConstSet) plain() *ConstSet {
	if s == nil {
		return nil
	}
	p := &ConstSet{Name: s.Name, Prefix: s.Prefix, Newer: s.Newer}
	for _, c := range s.Consts {
		if c.Mask == 0 {
			p.Consts = append(p.Consts, c)
		}
	}
	return p
}

// fields returns the names that the set has for fields, as those of an Enum.
func (s *ConstSet) fields() *ConstSet {
	if s == nil {
		return nil
	}
	p := &ConstSet{Name: s.Name, Prefix: s.Prefix}
	for _, c := range s.Consts {
		if c.Mask != 0 {
			p.Consts = append(p.Consts, Const{Name: c.Name, Value: c.Value})
		}
	}
	slices.SortStableFunc(p.Consts, func(a, b Const) int { return cmp.Compare(a.Value, b.Value) })
	return p
}

// withPrefix returns the set with another Prefix.
func (s *ConstSet) withPrefix(prefix string) *ConstSet {
	p := *s
	p.Prefix = prefix
	return &p
}

// known returns all bits that a Flags set explains.
func (s *ConstSet) known() (bits uint64) {
	for i := range s.Consts {
		bits |= s.Consts[i].Value | s.Consts[i].Mask
	}
	return bits
}
