package viewers

import (
	"cmp"
	"slices"
	"time"
)

// moment is when something was seen: the answer to the ballot at a log index, or an event
// that reflects one.
type moment struct {
	index uint64
	at    time.Time
}

// behind returns, for each event but a stream's first, how long the oldest ballot that is
// new in it had been acknowledged: so far behind the leader was that viewer just before.
// acknowledged must be in the order of the indexes.
func behind(acknowledged []moment, events []moment) (all []time.Duration) {
	for i := 1; i < len(events); i++ {
		first, _ := slices.BinarySearchFunc(acknowledged, events[i-1].index+1, func(m moment, index uint64) int { return cmp.Compare(m.index, index) })
		if first == len(acknowledged) || acknowledged[first].index > events[i].index {
			continue // it brings the opening or the closing
		}
		all = append(all, max(0, events[i].at.Sub(acknowledged[first].at)))
	}
	return all
}

// quantile returns the value below which a share of all lies; all must be sorted.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return all[min(len(all)-1, int(share*float64(len(all))))]
}
