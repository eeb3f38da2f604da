package survey

import "slices"

// Comparison is what the digests of the members' states show.
type Comparison struct {
	Index   uint64   // the newest at which members differ; 0: none
	Differ  []string // members whose state there is not that of a majority of all voting members
	Dispute []string // members that differ, and no state has a majority
	Agreed  uint64   // the newest index at which a majority of all voting members is equal
	Held    []string // the members that are in that majority
}

// Digests finds who differs. Digests build on one another, so a difference at any index
// is one forever after; the newest index with a verdict decides.
func (l Look) Digests() (c Comparison) {
	for index, digests := range l.checkpoints() {
		truth := l.truth(digests)
		if truth != "" && index > c.Agreed {
			c.Agreed, c.Held = index, digests[truth]
		}
		// A verdict counts more than a dispute, even one at a newer index.
		older := index < c.Index && (truth == "") == (c.Differ == nil)
		if len(digests) < 2 || older || truth == "" && c.Differ != nil {
			continue
		}
		c.Index, c.Differ, c.Dispute = index, nil, nil
		for digest, who := range digests {
			switch {
			case truth == "":
				c.Dispute = append(c.Dispute, who...)
			case digest != truth:
				c.Differ = append(c.Differ, who...)
			}
		}
	}
	slices.Sort(c.Differ)
	slices.Sort(c.Dispute)
	return c
}

// checkpoints are the members that show a digest at an index: by index, then by digest.
func (l Look) checkpoints() map[uint64]map[string][]string {
	at := map[uint64]map[string][]string{}
	for _, m := range l {
		if m.Err != nil {
			continue
		}
		for _, p := range m.Report.Checkpoints {
			if at[p.Index] == nil {
				at[p.Index] = map[string][]string{}
			}
			// A member that shows a digest twice counts once.
			if !slices.Contains(at[p.Index][p.Digest], m.ID) {
				at[p.Index][p.Digest] = append(at[p.Index][p.Digest], m.ID)
			}
		}
	}
	return at
}

// truth is the digest that a majority of all voting members shows, empty if none does.
func (l Look) truth(digests map[string][]string) string {
	need := l.Turnout().Quorum()
	for digest, who := range digests {
		votes := 0
		for _, m := range l {
			if m.Votes && slices.Contains(who, m.ID) {
				votes++
			}
		}
		if votes >= need {
			return digest
		}
	}
	return ""
}
