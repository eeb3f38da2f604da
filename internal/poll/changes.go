package poll

import "strconv"

// Changes are polls whose logs may have grown.
type Changes struct {
	Lineage string // of all logs, where the cluster is known; see State.Lineage
	Index   uint64 // log index of the captures
	Polls   []Capture
	More    bool // more than these have changed: ask again
}

// Changes returns up to limit polls that changed since they were last returned; at first,
// and after a restore, all polls once. Deleted ones are among them. Only one caller can
// follow a state in this way.
//
// Nothing is kept for polls that were never returned, so a state that nobody follows pays
// one comparison a change.
func (s *State) Changes(limit int) Changes {
	c := Changes{Index: s.index}
	n := min(limit, len(s.fresh))
	for _, p := range s.fresh[:n] {
		p.fresh = false
		c.Polls = append(c.Polls, p.capture())
	}
	if s.fresh = s.fresh[n:]; len(s.fresh) == 0 {
		s.fresh = nil // the memory of a long list goes
	}
	for ; s.swept < len(s.order) && len(c.Polls) < limit; s.swept++ {
		c.Polls = append(c.Polls, s.order[s.swept].capture())
	}
	c.More = len(s.fresh) > 0 || s.swept < len(s.order)
	return c
}

// follow notes that a poll changes. Polls that Changes has not come to yet need no note.
func (s *State) follow(p *Poll) {
	if !p.fresh && int(p.number) < s.swept {
		p.fresh = true
		s.fresh = append(s.fresh, p)
	}
}

// lineageChars is how much of a cluster's id a lineage has: 30 bits tell clusters apart that one
// operator made of the same backup.
const lineageChars = 6

// Lineage names the past that the logs of this state stand for in a cluster, equal on all members:
// "1", or "r" and the log index of the last restore, or "c" and the log index at which the cluster
// was recovered, whichever came later, with "-" and the beginning of the cluster's id. Both may
// drop leaves that were signed, so what follows them is another log. The index alone would come
// again where one backup is restored into two empty clusters.
func (s *State) Lineage(cluster string) string {
	kind := "r"
	switch {
	case s.origin.Index == 0:
		return "1"
	case s.origin.Backup == Digest{}:
		kind = "c"
	}
	return kind + strconv.FormatUint(s.origin.Index, 10) + "-" + cluster[:min(len(cluster), lineageChars)]
}
