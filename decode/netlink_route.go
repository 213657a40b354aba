package decode

// Messages of rtnetlink(7): links, addresses, routes, neighbours, rules.

var (
	setRTTables = SetByName("rt_table")
	setRTScopes = SetByName("rt_scope")
	setRTN      = SetByName("rtn")
	setIff      = SetByName("iff")
	setIfaFlags = SetByName("ifa_flags")
)

// nlRoute are the messages by type.
var nlRoute = map[uint64]*nlType{}

func init() {
	u8 := func(name string) field { return field{name, Uint, 1, nil} }
	u32 := func(name string) field { return field{name, Uint, 4, nil} }
	link := &nlType{size: 16, family: "ifi_family", attrs: linkAttrs, rows: []field{
		{size: 1}, {"ifi_type", Enum, 2, setArpHardware}, {"ifi_index", Interface, 4, nil}, {"ifi_flags", Flags, 4, setIff}, {"ifi_change", Flags, 4, setIff},
	}}
	address := &nlType{size: 8, family: "ifa_family", attrs: addressAttrs, rows: []field{
		u8("ifa_prefixlen"), {"ifa_flags", Flags, 1, setIfaFlags}, {"ifa_scope", Enum, 1, setRTScopes}, {"ifa_index", Interface, 4, nil},
	}}
	route := &nlType{size: 12, family: "rtm_family", attrs: routeAttrs, rows: []field{
		u8("rtm_dst_len"), u8("rtm_src_len"), u8("rtm_tos"), {"rtm_table", Enum, 1, setRTTables}, {"rtm_protocol", Enum, 1, SetByName("rtprot")},
		{"rtm_scope", Enum, 1, setRTScopes}, {"rtm_type", Enum, 1, setRTN}, {"rtm_flags", Flags, 4, SetByName("rtm_flags")},
	}}
	neighbour := &nlType{size: 12, family: "ndm_family", attrs: neighbourAttrs, rows: []field{
		{size: 1}, {size: 2}, {"ndm_ifindex", Interface, 4, nil}, {"ndm_state", Flags, 2, SetByName("nud")}, {"ndm_flags", Flags, 1, SetByName("ntf")}, {"ndm_type", Enum, 1, setRTN},
	}}
	rule := &nlType{size: 12, family: "family", attrs: ruleAttrs, rows: []field{
		u8("dst_len"), u8("src_len"), u8("tos"), {"table", Enum, 1, setRTTables}, {size: 1}, {size: 1}, {"action", Enum, 1, SetByName("fr_act")}, {"flags", Flags, 4, SetByName("fib_rule_flags")},
	}}
	traffic := &nlType{size: 20, family: "tcm_family", attrs: trafficAttrs, rows: []field{
		{size: 1}, {size: 2}, {"tcm_ifindex", Interface, 4, nil}, u32("tcm_handle"), u32("tcm_parent"), u32("tcm_info"),
	}}
	types := func(t *nlType, numbers ...uint64) {
		for _, n := range numbers {
			nlRoute[n] = t
		}
	}
	types(link, 16, 17, 18, 19, 108, 109, 110)
	types(address, 20, 21, 22, 58, 62)
	types(route, 24, 25, 26)
	types(neighbour, 28, 29, 30)
	types(rule, 32, 33, 34)
	netconf := &nlType{size: 1, family: "ncm_family", attrs: &nlAttrs{names: SetByName("netconfa"), forms: map[uint16]nlForm{
		1: nlIfindex, 2: nlS32, 3: nlS32, 4: nlS32, 5: nlS32, 6: nlS32, 7: nlS32, 8: nlS32,
	}}}
	types(netconf, 80, 81, 82)
	types(traffic, 36, 37, 38, 40, 41, 42, 44, 45, 46, 100, 101, 102)
}

// linkCounters are the members of struct rtnl_link_stats, and of its 64-bit brother.
func linkCounters(size width, more ...string) (rows []field) {
	for _, name := range append([]string{
		"rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "multicast", "collisions",
		"rx_length_errors", "rx_over_errors", "rx_crc_errors", "rx_frame_errors", "rx_fifo_errors", "rx_missed_errors",
		"tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors", "tx_heartbeat_errors", "tx_window_errors",
		"rx_compressed", "tx_compressed", "rx_nohandler",
	}, more...) {
		rows = append(rows, field{name, Uint, size, nil})
	}
	return rows
}

var linkAttrs = &nlAttrs{names: SetByName("ifla"), forms: map[uint16]nlForm{
	1: nlHWAddr, 2: nlHWAddr, // IFLA_ADDRESS, IFLA_BROADCAST
	3: nlString, 4: nlU32, 5: nlIfindex, 6: nlString, // IFNAME, MTU, LINK, QDISC
	7: nlRecord(92, linkCounters(4)...),      // STATS
	8: nlU32, 9: nlU32, 10: nlU32, 13: nlU32, // COST, PRIORITY, MASTER, TXQLEN
	14: nlRecord(28, field{"mem_start", Hex, 8, nil}, field{"mem_end", Hex, 8, nil}, field{"base_addr", Hex, 8, nil}, field{"irq", Uint, 2, nil}, field{"dma", Uint, 1, nil}, field{"port", Uint, 1, nil}),
	15: nlU32, 16: nlU8, 17: nlU8, // WEIGHT, OPERSTATE, LINKMODE
	18: nlNested(&nlAttrs{names: SetByName("ifla_info"), forms: map[uint16]nlForm{1: nlString, 4: nlString}}), // LINKINFO
	19: nlU32, 20: nlString, 21: nlU32,                                                                        // NET_NS_PID, IFALIAS, NUM_VF
	23: nlRecord(184, linkCounters(8, "rx_otherhost_dropped")...),                                     // STATS64
	27: nlU32, 28: nlU32, 29: nlNumber(Flags, 4, SetByName("rtext")), 30: nlU32, 31: nlU32, 32: nlU32, // GROUP, NET_NS_FD, EXT_MASK, PROMISCUITY, NUM_TX_QUEUES, NUM_RX_QUEUES
	33: nlU8, 35: nlU32, 37: nlS32, 38: nlString, 39: nlU8, 40: nlU32, 41: nlU32, // CARRIER, CARRIER_CHANGES, LINK_NETNSID, PHYS_PORT_NAME, PROTO_DOWN, GSO_MAX_SEGS, GSO_MAX_SIZE
	44: nlU32, 45: nlS32, 46: nlS32, 47: nlU32, 48: nlU32, 49: nlS32, 50: nlU32, 51: nlU32, // EVENT, NEW_NETNSID, IF_NETNSID, CARRIER_UP_COUNT, -DOWN_COUNT, NEW_IFINDEX, MIN_MTU, MAX_MTU
	53: nlString, 54: nlHWAddr, 56: nlString, 57: nlString, 58: nlU32, 59: nlU32, 60: nlU32, 61: nlU32, // ALT_IFNAME, PERM_ADDRESS, PARENT_DEV_NAME, -BUS_NAME, GRO_MAX_SIZE, TSO_MAX_SIZE, TSO_MAX_SEGS, ALLMULTI
}}

var addressAttrs = &nlAttrs{names: SetByName("ifa"), forms: map[uint16]nlForm{
	1: nlAddress, 2: nlAddress, 3: nlString, 4: nlAddress, 5: nlAddress, // ADDRESS, LOCAL, LABEL, BROADCAST, ANYCAST
	6: nlRecord(16, field{"ifa_prefered", Uint, 4, nil}, field{"ifa_valid", Uint, 4, nil}, field{"cstamp", Uint, 4, nil}, field{"tstamp", Uint, 4, nil}), // CACHEINFO
	7: nlAddress, 8: nlNumber(Flags, 4, setIfaFlags), 9: nlU32, 10: nlS32,                                                                                // MULTICAST, FLAGS, RT_PRIORITY, TARGET_NETNSID
}}

var routeAttrs = &nlAttrs{names: SetByName("rta"), forms: map[uint16]nlForm{
	1: nlAddress, 2: nlAddress, 3: nlIfindex, 4: nlIfindex, 5: nlAddress, 6: nlU32, 7: nlAddress, // DST, SRC, IIF, OIF, GATEWAY, PRIORITY, PREFSRC
	8:  nlNested(&nlAttrs{names: SetByName("rta_metric"), forms: metricForms()}), // METRICS
	11: nlU32,                                                                    // FLOW
	12: nlRecord(32, field{"rta_clntref", Uint, 4, nil}, field{"rta_lastuse", Uint, 4, nil}, field{"rta_expires", Int, 4, nil}, field{"rta_error", Uint, 4, nil},
		field{"rta_used", Uint, 4, nil}, field{"rta_id", Hex, 4, nil}, field{"rta_ts", Uint, 4, nil}, field{"rta_tsage", Uint, 4, nil}), // CACHEINFO
	15: nlNumber(Enum, 4, setRTTables), 16: nlU32, // TABLE, MARK
	20: nlU8, 23: nlU64, 25: nlUID, 26: nlU8, // PREF, EXPIRES, UID, TTL_PROPAGATE
	27: nlNumber(Enum, 1, setIPProtocols), 30: nlU32, // IP_PROTO, NH_ID
}}

// metricForms: all but the name of the congestion control are numbers.
func metricForms() map[uint16]nlForm {
	forms := map[uint16]nlForm{16: nlString}
	for i := uint16(1); i < 16; i++ {
		forms[i] = nlU32
	}
	return forms
}

var neighbourAttrs = &nlAttrs{names: SetByName("nda"), forms: map[uint16]nlForm{
	1: nlAddress, 2: nlHWAddr, // DST, LLADDR
	3: nlRecord(16, field{"ndm_confirmed", Uint, 4, nil}, field{"ndm_used", Uint, 4, nil}, field{"ndm_updated", Uint, 4, nil}, field{"ndm_refcnt", Uint, 4, nil}),
	4: nlU32, 5: nlU16, 7: nlU32, 8: nlIfindex, 9: nlIfindex, 10: nlS32, 11: nlU32, // PROBES, VLAN, VNI, IFINDEX, MASTER, LINK_NETNSID, SRC_VNI
}}

var ruleAttrs = &nlAttrs{names: SetByName("fra"), forms: map[uint16]nlForm{
	1: nlAddress, 2: nlAddress, 3: nlString, 4: nlU32, 6: nlU32, 10: nlU32, 11: nlU32, 13: nlU32, 14: nlU32, // DST, SRC, IIFNAME, GOTO, PRIORITY, FWMARK, FLOW, SUPPRESS_...
	15: nlNumber(Enum, 4, setRTTables), 16: nlU32, 17: nlString, 19: nlU8, // TABLE, FWMASK, OIFNAME, L3MDEV
	20: nlRecord(8, field{"start", Uint, 4, nil}, field{"end", Uint, 4, nil}),         // UID_RANGE
	21: nlNumber(Enum, 1, SetByName("rtprot")), 22: nlNumber(Enum, 1, setIPProtocols), // PROTOCOL, IP_PROTO
}}

var trafficAttrs = &nlAttrs{names: SetByName("tca"), forms: map[uint16]nlForm{
	7: nlNested(&nlAttrs{names: SetByName("tca_stats"), forms: map[uint16]nlForm{
		1: nlRecord(12, field{"bytes", Uint, 8, nil}, field{"packets", Uint, 4, nil}),
		3: nlRecord(20, field{"qlen", Uint, 4, nil}, field{"backlog", Uint, 4, nil}, field{"drops", Uint, 4, nil}, field{"requeues", Uint, 4, nil}, field{"overlimits", Uint, 4, nil}),
	}}), // STATS2
	1: nlString, 11: nlU32, 12: nlU8, 13: nlU32, 14: nlU32, // KIND, CHAIN, HW_OFFLOAD, INGRESS_BLOCK, EGRESS_BLOCK
}}
