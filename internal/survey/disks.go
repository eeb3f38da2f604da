package survey

// Disks returns on which disk each member was seen, from this look and what was known
// before. A disk counts only if it answers at the address that the membership names for
// its member.
func (l Look) Disks(was map[string]string) (known map[string]string) {
	known = map[string]string{}
	for _, m := range l {
		switch {
		case m.Err == nil && m.Report.Member && m.Where == m.Addr:
			known[m.ID] = m.Report.Disk
		case was[m.ID] != "":
			known[m.ID] = was[m.ID]
		}
	}
	return known
}

// DiskOf returns the disk on which another member has seen the member id, "" if none has.
func (l Look) DiskOf(id string) string {
	for i := range l {
		if disk := l[i].Report.Disks[id]; disk != "" {
			return disk
		}
	}
	return ""
}
