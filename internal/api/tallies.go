package api

import (
	"context"
	"sync"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// tallies makes tallies and keeps those of polls that are not additive, where the cost of
// tabulation grows with the number of distinct ballots. Of each poll at most one is being made at a
// time: requests that come while it is made wait for it, and, if it is too old for them,
// for the next one, which then serves them all.
type tallies struct {
	mu    sync.Mutex
	polls map[string]*tallied // guarded by mu
}

// tallied is one poll's entry. tallies.mu guards its fields; what they point to
// is immutable.
type tallied struct {
	latest *standing
	making chan struct{} // closed when the tally under way is done; nil: none is
}

// standing is how a poll stands at a log index.
type standing struct {
	poll.Info
	index  uint64
	result tally.Result
}

func newTallies() *tallies { return &tallies{polls: map[string]*tallied{}} }

// standing returns how a poll stands at info or later. info and index were read
// together, just before.
func (h *Handler) standing(ctx context.Context, info poll.Info, index uint64) (*standing, error) {
	if info.Rules.Additive() {
		return h.tally(info.Rules.ID)
	}
	for {
		found, wait, mine := h.tallies.look(info)
		switch {
		case found != nil && found.Changed == info.Changed:
			// Nothing has changed since: it reflects the later index as well.
			return &standing{Info: info, index: index, result: found.result}, nil
		case found != nil:
			return found, nil
		case mine:
			return h.tallyFor(info.Rules.ID)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, inTime(ctx.Err(), refusal.Unavailable)
		}
	}
}

// look returns a tally that is new enough, or a channel to wait for. mine: the caller
// must make the tally.
func (t *tallies) look(info poll.Info) (found *standing, wait chan struct{}, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.polls[info.Rules.ID]
	if e == nil {
		t.makeRoom()
		e = &tallied{}
		t.polls[info.Rules.ID] = e
	}
	if e.latest != nil && e.latest.Changed >= info.Changed {
		return e.latest, nil, false
	}
	if e.making != nil {
		return nil, e.making, false
	}
	e.making = make(chan struct{})
	return nil, nil, true
}

// makeRoom forgets some poll's tally when there are too many.
func (t *tallies) makeRoom() {
	if len(t.polls) < maxCachedTallies {
		return
	}
	for id, e := range t.polls {
		if e.making == nil {
			delete(t.polls, id)
			return
		}
	}
}

// tallyFor makes a tally for all requests that wait for it.
func (h *Handler) tallyFor(id string) (made *standing, err error) {
	defer func() {
		t := h.tallies
		t.mu.Lock()
		defer t.mu.Unlock()
		e := t.polls[id]
		if made != nil {
			e.latest = made
		}
		close(e.making)
		e.making = nil
	}()
	return h.tally(id)
}

// tally counts a poll as it is now.
func (h *Handler) tally(id string) (*standing, error) {
	var count poll.Count
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) { count, refused = s.Count(id) })
	if refused != nil {
		return nil, refused
	}
	return &standing{Info: count.Info, index: count.Index, result: count.Tabulate()}, nil
}
