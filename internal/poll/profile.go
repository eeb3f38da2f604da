package poll

import "voted/internal/tally"

// profile counts, for each distinct selections, the current ballots that hold them, each
// with its voter's weight. Entries are numbered in the order of their first appearance
// and never removed, so a record can name its selections by number.
type profile struct {
	entries []string // canonical selections; append-only, captured by header
	counts  []int64  // weight of the current ballots that hold entries[i]
	numbers map[string]uint32
	totals  tally.Totals // kept for additive methods
}

// scanEntries is up to how many entries a linear search beats a map.
const scanEntries = 8

// find returns the number of selections that some ballot has held.
func (p *profile) find(sel []byte) (uint32, bool) {
	if p.numbers != nil {
		n, ok := p.numbers[string(sel)]
		return n, ok
	}
	for i, e := range p.entries {
		if e == string(sel) {
			return uint32(i), true
		}
	}
	return 0, false
}

// add gives selections that are new to the poll a number.
func (p *profile) add(sel string) uint32 {
	n := uint32(len(p.entries))
	p.entries = append(p.entries, sel)
	p.counts = append(p.counts, 0)
	switch {
	case p.numbers != nil:
		p.numbers[sel] = n
	case len(p.entries) > scanEntries:
		p.numbers = make(map[string]uint32, 2*len(p.entries))
		for i, e := range p.entries {
			p.numbers[e] = uint32(i)
		}
	}
	return n
}

// weigh adds a weight (which may be negative) to an entry.
func (p *profile) weigh(r *Rules, n uint32, by int64) {
	p.counts[n] += by
	if r.method.Additive() {
		r.addTotals(&p.totals, p.entries[n], by)
	}
}

// addTotals adds a weight of ballots with these selections to running totals.
func (r *Rules) addTotals(t *tally.Totals, sel string, by int64) {
	if t.Points == nil {
		t.Points = make([]int64, len(r.Options))
		t.Marks = make([]int64, len(r.Options))
	}
	t.Ballots += by
	if sel == "" {
		t.Blank += by
	}
	if r.overvoted(sel) {
		t.Overvoted += by
		return
	}
	switch r.method.Form {
	case tally.Choice:
		for v := range uvarints(sel) {
			t.Points[v] += by
			t.Marks[v] += by
		}
	case tally.Scores:
		option, isOption := 0, true
		for v := range uvarints(sel) {
			if isOption {
				option = v
				t.Marks[option] += by
			} else {
				t.Points[option] += by * int64(v)
			}
			isOption = !isOption
		}
	case tally.Ranking: // no additive method ranks
	}
}

// overvoted reports whether a ballot as marked chooses more options than it may.
func (r *Rules) overvoted(sel string) bool {
	if r.Ballots == Strict || r.method.Form != tally.Choice {
		return false
	}
	n := 0
	for range uvarints(sel) {
		n++
	}
	return n > r.MaxSelections
}

// uvarints yields the numbers of a canonical encoding.
func uvarints(s string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < len(s); {
			v, shift := 0, 0
			for {
				c := s[i]
				i++
				v |= int(c&0x7f) << shift
				if c < 0x80 {
					break
				}
				shift += 7
			}
			if !yield(v) {
				return
			}
		}
	}
}

// groups returns the profile as tabulation methods read it.
func (p *profile) groups(r *Rules) tally.Profile {
	t := tally.Profile{Options: len(r.Options), Groups: make([]tally.Group, 0, len(p.entries))}
	for i := range p.entries {
		if p.counts[i] != 0 {
			t.Groups = append(t.Groups, tally.Group{Preference: p.preference(r, i), Weight: p.counts[i]})
		}
	}
	return t
}

// preference decodes an entry.
func (p *profile) preference(r *Rules, entry int) tally.Preference {
	pref, ok := r.Decode([]byte(p.entries[entry]))
	if !ok {
		panic("poll " + r.ID + ": the profile holds selections that its rules refuse")
	}
	return pref
}
