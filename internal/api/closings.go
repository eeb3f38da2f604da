package api

import (
	"sync"

	"voted/internal/poll"
	"voted/proof"
)

// maxClosings bounds how many closed polls' last entries are remembered; each has a bit for
// each ballot of its poll.
const maxClosings = 16

// ending tells the ends of logs apart. A digest alone is that of many: polls without a ballot
// share theirs, and a poll that a restore opened again may close once more with the same ballots.
type ending struct {
	poll   string
	closed poll.Stamp
	digest poll.Digest
}

// closing is the end of a closed poll's log.
type closing struct {
	once       sync.Once
	entry      proof.ClosingEntry
	superseded *proof.Superseded
}

// closings remembers the ends of logs, since each takes a pass over all ballots of its poll.
type closings struct {
	mu    sync.Mutex
	known map[ending]*closing // guarded by mu
}

// of returns the end of a closed poll's log, if the head covers it. Requests that come at the
// same time wait for one pass.
func (k *closings) of(l *logged) (*closing, bool) {
	if !l.Closed() || l.head.Size != l.LogSize() {
		return nil, false
	}
	end := ending{l.Rules().ID, l.ClosedAt(), l.Digest()}
	k.mu.Lock()
	if k.known == nil {
		k.known = map[ending]*closing{}
	}
	c := k.known[end]
	if c == nil {
		if len(k.known) >= maxClosings {
			clear(k.known)
		}
		c = &closing{}
		k.known[end] = c
	}
	k.mu.Unlock()
	c.once.Do(func() { c.entry, c.superseded = l.Closing(), l.Superseded() })
	return c, true
}
