package execso

import "bytes"

// Sites' records: what the near trampoline of a rewritten site jumps to.

// NewSite makes the record of the system-call instruction at address call. ok is
// false if there is room for no more.
func (r *Region) NewSite(call uint64) (site uint64, ok bool) {
	i := len(r.calls)
	if n := len(r.freeSites); n > 0 {
		i, r.freeSites = r.freeSites[n-1], r.freeSites[:n-1]
	} else if i == maxSites || !r.code.reach(SitesOffset+int64(i+1)*SiteSize) {
		return 0, false
	} else {
		r.calls = append(r.calls, 0)
	}
	r.calls[i] = call
	site = Base + SitesOffset + uint64(i)*SiteSize
	off := SitesOffset + i*SiteSize
	rec := r.code.mem[off : off+SiteSize]
	// syscall; jmp *BACK(%rip)
	copy(rec[sitePass:], []byte{0x0f, 0x05, 0xff, 0x25})
	le.PutUint32(rec[sitePass+4:], siteBack-(sitePass+8))
	// syscall; mov $site,%ecx; jmp exit
	copy(rec[siteObserved:], []byte{0x0f, 0x05})
	rec[siteReturn] = 0xb9
	le.PutUint32(rec[siteReturn+1:], uint32(site))
	rec[siteReturn+5] = 0xe9
	le.PutUint32(rec[siteReturn+6:], uint32(atExit.address()-(site+siteReturn+10)))
	poke(r.code.mem, off+siteBack, call) // until SetBack, as if nothing had been done
	poke(r.code.mem, off+siteCall, call)
	return site, true
}

// SetBack says where a site's calls go on: the tail of its near trampoline. It must
// be called before anything leads to the site.
func (r *Region) SetBack(site, back uint64) {
	if i, ok := r.siteIndex(site); ok {
		poke(r.code.mem, SitesOffset+i*SiteSize+siteBack, back)
	}
}

// FreeSite gives a site's record back. Nothing may lead to it any more, in any
// process.
func (r *Region) FreeSite(site uint64) {
	i, ok := r.siteIndex(site)
	if !ok {
		return
	}
	r.calls[i] = 0
	off := SitesOffset + i*SiteSize
	copy(r.code.mem[off:off+SiteSize], bytes.Repeat([]byte{0xcc}, SiteSize))
	r.freeSites = append(r.freeSites, i)
}

// CallOf returns the address of the system-call instruction whose record is at
// site, 0 if there is none. site may be any number.
func (r *Region) CallOf(site uint64) uint64 {
	if i, ok := r.siteIndex(site); ok {
		return r.calls[i]
	}
	return 0
}

// IsSite reports whether ip is behind a call that exec.so makes.
func (r *Region) IsSite(ip uint64) bool {
	start, end := r.Exempt()
	return ip >= start && ip < end
}

// siteIndex returns which record is at site, if one is in use there.
func (r *Region) siteIndex(site uint64) (i int, ok bool) {
	off := site - (Base + SitesOffset)
	if off%SiteSize != 0 || off/SiteSize >= uint64(len(r.calls)) {
		return 0, false
	}
	i = int(off / SiteSize)
	return i, r.calls[i] != 0
}
