package decode

// quotactl(2): a command and a type in one number, and what the other arguments are
// depends on the command (linux/quota.h, linux/dqblk_xfs.h).

var (
	setQuotaFormats = SetByName("quota_format")
	setQuotaValid   = SetByName("quota_valid")
	setQuotaInfo    = SetByName("quota_info_flags")
	setQuotaIIF     = SetByName("quota_info_valid")
	setXFSQuota     = SetByName("xfs_quota")
	setXFSFlags     = SetByName("xfs_quota_flags")
)

var quotaTypes = &ConstSet{Consts: []Const{{Name: "USRQUOTA", Value: 0}, {Name: "GRPQUOTA", Value: 1}, {Name: "PRJQUOTA", Value: 2}}, Prefix: "???QUOTA"}

// formID is the id that a quota is for.
var formID = form{show: func(e *Event, i int, _ bool) { e.set(i, Value{Kind: UID, Bits: 32, Num: e.args[i]}) }}

// quotaForms are the arguments behind the file, by command.
var quotaForms = map[uint64][]form{}

func init() {
	bracketed := func(set *ConstSet, kind Kind) *structType {
		return &structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) {
			e.emit(Value{Name: name, Kind: kind, Bits: 32, Num: r.u32(), Set: set})
		}}
	}
	block := func(id bool) *structType {
		return &structType{size: sizesAll(68 + 4*btoi(id)), decode: func(e *Event, name string, r *reader) { e.dqblk(name, r, id) }}
	}
	info := &structType{size: sizesAll(24), decode: record(
		field{"dqi_bgrace", Uint, 8, nil}, field{"dqi_igrace", Uint, 8, nil},
		field{"dqi_flags", Flags, 4, setQuotaInfo}, field{"dqi_valid", Flags, 4, setQuotaIIF})}
	xfs := &structType{size: sizesAll(112), decode: decodeXFSDiskQuota}
	stat := &structType{size: sizes64(80, 68), decode: decodeXFSQuotaStat}
	statv := &structType{size: sizesAll(160), decode: decodeXFSQuotaStatV}
	const q, x = 0x800000, 0x5800
	quotaForms = map[uint64][]form{
		q + 1: {},                                              // Q_SYNC
		q + 2: {formEnum(setQuotaFormats), formPath},           // Q_QUOTAON
		q + 3: {},                                              // Q_QUOTAOFF
		q + 4: {{}, formOut(bracketed(setQuotaFormats, Enum))}, // Q_GETFMT
		q + 5: {{}, formOut(info)},                             // Q_GETINFO
		q + 6: {{}, formIn(info)},                              // Q_SETINFO
		q + 7: {formID, formOut(block(false))},                 // Q_GETQUOTA
		q + 8: {formID, formIn(block(false))},                  // Q_SETQUOTA
		q + 9: {formID, formOut(block(true))},                  // Q_GETNEXTQUOTA
		x + 1: {{}, formIn(bracketed(setXFSFlags, Flags))},     // Q_XQUOTAON
		x + 2: {{}, formIn(bracketed(setXFSFlags, Flags))},     // Q_XQUOTAOFF
		x + 3: {formID, formOut(xfs)},                          // Q_XGETQUOTA
		x + 4: {formID, formIn(xfs)},                           // Q_XSETQLIM
		x + 5: {{}, formOut(stat)},                             // Q_XGETQSTAT
		x + 6: {{}, formIn(bracketed(setXFSQuota, Flags))},     // Q_XQUOTARM
		x + 7: {},                                              // Q_XQUOTASYNC
		x + 8: {{}, formOut(statv)},                            // Q_XGETQSTATV
		x + 9: {formID, formOut(xfs)},                          // Q_XGETNEXTQUOTA
	}
	// The command is argument at; the file is at 1 - at, in front of the id.
	quota := func(at int) special {
		return special{entry: func(e *Event) {
			e.quotaCommand(at)
			e.quotaArgs(false)
		}, exit: func(e *Event) { e.quotaArgs(true) }}
	}
	addSpecial(quota(0), "quotactl")
	addSpecial(quota(1), "quotactl_fd")
}

// quotaCommand takes argument i, the command, apart.
func (e *Event) quotaCommand(i int) {
	num := e.args[i]
	e.into(i)
	outer := e.open(Value{Kind: Macro, Symbol: "QCMD", Bits: 64, Num: num, Decimal: true, Whole: true})
	e.enum("", 32, num>>8, setQuotaCmd)
	e.enum("", 32, num&0xff, quotaTypes)
	e.close(outer)
}

// quotaArgs shows the id and what is behind it, before the call or after.
func (e *Event) quotaArgs(exit bool) {
	cmd := e.args[0]
	if e.name == "quotactl_fd" {
		cmd = e.args[1]
	}
	forms, ok := quotaForms[cmd>>8]
	if !ok {
		if !exit {
			e.set(2, Value{Kind: UID, Bits: 32, Num: e.args[2]})
			e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
		}
		return
	}
	if exit {
		for i, f := range forms {
			if f.late {
				f.show(e, 2+i, e.good())
			}
		}
		return
	}
	e.showOnly(0, 1)
	e.shown = 2
	late := false
	for i, f := range forms {
		if f.show == nil { // not of this command
			continue
		}
		e.show(2 + i)
		if f.late {
			late = true
		} else {
			f.show(e, 2+i, true)
		}
		if !late {
			e.shown++
		}
	}
}

// dqblk decodes struct if_dqblk and, with an id behind it, if_nextdqblk.
func (e *Event) dqblk(name string, r *reader, id bool) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	for _, n := range [...]string{"dqb_bhardlimit", "dqb_bsoftlimit", "dqb_curspace", "dqb_ihardlimit", "dqb_isoftlimit", "dqb_curinodes"} {
		e.num(n, Uint, 64, r.u64())
	}
	bt, it, valid, next := r.u64(), r.u64(), r.u32(), r.u32()
	if e.opts.Verbose {
		e.num("dqb_btime", Uint, 64, bt)
		e.num("dqb_itime", Uint, 64, it)
		e.flags("dqb_valid", 32, valid, setQuotaValid)
	}
	if id {
		e.num("dqb_id", Uint, 32, next)
	}
	if !e.opts.Verbose {
		e.cut()
	}
}

// decodeXFSDiskQuota decodes struct fs_disk_quota.
func decodeXFSDiskQuota(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.fields(r, []field{
		{"d_version", Int, 1, nil}, {"d_flags", Flags, 1, setXFSQuota}, {"d_fieldmask", Hex, 2, nil}, {"d_id", Uint, 4, nil},
		{"d_blk_hardlimit", Uint, 8, nil}, {"d_blk_softlimit", Uint, 8, nil}, {"d_ino_hardlimit", Uint, 8, nil},
		{"d_ino_softlimit", Uint, 8, nil}, {"d_bcount", Uint, 8, nil}, {"d_icount", Uint, 8, nil},
	})
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.fields(r, []field{
		{"d_itimer", Int, 4, nil}, {"d_btimer", Int, 4, nil}, {"d_iwarns", Uint, 2, nil}, {"d_bwarns", Uint, 2, nil}, {size: 4},
		{"d_rtb_hardlimit", Uint, 8, nil}, {"d_rtb_softlimit", Uint, 8, nil}, {"d_rtbcount", Uint, 8, nil},
		{"d_rtbtimer", Int, 4, nil}, {"d_rtbwarns", Uint, 2, nil},
	})
}

var xfsQuotaTimers = []field{
	{"qs_btimelimit", Int, 4, nil}, {"qs_itimelimit", Int, 4, nil}, {"qs_rtbtimelimit", Int, 4, nil},
	{"qs_bwarnlimit", Uint, 2, nil}, {"qs_iwarnlimit", Uint, 2, nil},
}

// decodeXFSQuotaStat decodes struct fs_quota_stat.
func decodeXFSQuotaStat(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("qs_version", Int, 8, r.u8())
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.fields(r, []field{{"qs_flags", Flags, 2, setXFSFlags}, {size: 1}})
	for _, n := range [...]string{"qs_uquota", "qs_gquota"} {
		inner := e.begin(n, Struct)
		e.fields(r, []field{{"qfs_ino", Uint, 8, nil}, {"qfs_nblks", Uint, 8, nil}, {"qfs_nextents", Uint, 4, nil}})
		if longBits(e.abi) == 64 {
			r.skip(4)
		}
		e.close(inner)
	}
	e.fields(r, append([]field{{"qs_incoredqs", Uint, 4, nil}}, xfsQuotaTimers...))
}

// decodeXFSQuotaStatV decodes struct fs_quota_statv.
func decodeXFSQuotaStatV(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("qs_version", Int, 8, r.u8())
	if !e.opts.Verbose {
		e.cut()
		return
	}
	r.skip(1)
	e.fields(r, []field{{"qs_flags", Flags, 2, setXFSFlags}, {"qs_incoredqs", Uint, 4, nil}})
	for _, n := range [...]string{"qs_uquota", "qs_gquota", "qs_pquota"} {
		inner := e.begin(n, Struct)
		e.fields(r, []field{{"qfs_ino", Uint, 8, nil}, {"qfs_nblks", Uint, 8, nil}, {"qfs_nextents", Uint, 4, nil}, {size: 4}})
		e.close(inner)
	}
	e.fields(r, xfsQuotaTimers)
}
