package poll

import (
	"slices"

	"voted/internal/tally"
)

// Comparisons are the pairwise comparisons of a poll's ballots as they were at one count.
// They are sums, so the next count only adds what has changed since: it compares the
// weights of all distinct selections, which is quick, and looks only at those that differ.
// The state does not keep them, so no ballot waits for them. The zero Comparisons are of
// no ballot. They may be used by one goroutine at a time, for one poll.
type Comparisons struct {
	entries []string // as in profile, at the last count
	counts  []int64
	pairs   *tally.PairCounts
}

// follow brings the comparisons to a count, and returns what else its method needs: the
// groups, unless it decides by comparisons alone.
func (k *Comparisons) follow(c *Count) (groups tally.Profile) {
	now := &c.profile
	if !k.precede(now) {
		*k = Comparisons{pairs: tally.NewPairCounts(len(c.Rules.Options))}
	}
	whole := !c.Rules.method.Compares()
	groups.Options = len(c.Rules.Options)
	if whole {
		groups.Groups = make([]tally.Group, 0, len(now.entries))
	}
	for i, weight := range now.counts {
		by := weight
		if i < len(k.counts) {
			by -= k.counts[i]
		}
		needed := whole && weight != 0
		if by == 0 && !needed {
			continue
		}
		pref := now.preference(c.Rules, i)
		if by != 0 {
			k.pairs.Add(tally.Group{Preference: pref, Weight: by})
		}
		if needed {
			groups.Groups = append(groups.Groups, tally.Group{Preference: pref, Weight: weight})
		}
	}
	k.entries, k.counts = now.entries, now.counts
	return groups
}

// precede reports whether the comparisons are of an earlier state of the poll: entries are
// never removed. They are not if the poll was restored from a backup meanwhile.
func (k *Comparisons) precede(now *profile) bool {
	n := len(k.entries)
	return k.pairs != nil && n <= len(now.entries) && slices.Equal(k.entries, now.entries[:n])
}

// Bytes is about how much memory the comparisons hold.
func (k *Comparisons) Bytes() int {
	if k.pairs == nil {
		return 0
	}
	const entryBytes = 16 + 8 // a string's header and a count
	return len(k.counts)*entryBytes + k.pairs.Bytes()
}
