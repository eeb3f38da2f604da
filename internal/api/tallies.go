package api

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// tallies makes and keeps the tallies of polls. Those of methods that are not additive can
// take seconds. Each is made once for all who ask, on a goroutine of its own:
//
//   - Requests wait for it. One that leaves ends nothing.
//   - Of each poll at most one tally is being made. Requests that need a later one wait for
//     the next, which serves them all.
//   - Of all polls that are not additive no more are made at a time than there are places.
//     The others wait, and read the state only when it is their turn, so that they show
//     what has come since.
//   - The state's lock is held only to copy how many ballots hold which selections.
type tallies struct {
	count  func(id string) (poll.Count, error) // of a poll as it is now
	log    *slog.Logger
	places chan struct{} // holds one for each tally that is being made
	makers sync.WaitGroup

	mu     sync.Mutex
	polls  map[string]*tallied // guarded by mu
	bytes  int                 // guarded by mu; of all polls
	uses   uint64              // guarded by mu; how often look was called
	closed bool                // guarded by mu; no further one is made
}

// tallied is one poll's entry.
type tallied struct {
	latest *standing // guarded by tallies.mu
	making *making   // guarded by tallies.mu; nil: none is being made
	bytes  int       // guarded by tallies.mu; about how much memory the entry holds
	used   uint64    // guarded by tallies.mu; tallies.uses when it was last asked for

	earlier poll.Comparisons // belongs to the goroutine that makes a tally
}

// making is a tally that is being made. made or err may be read once done is closed.
type making struct {
	done chan struct{}
	made *standing
	err  error
}

func newTallies(count func(id string) (poll.Count, error), log *slog.Logger) *tallies {
	return &tallies{count: count, log: log, places: make(chan struct{}, maxTalliesAtOnce), polls: map[string]*tallied{}}
}

// standing returns how a poll stands at info or later. info and index were read
// together, just before.
func (h *Handler) standing(ctx context.Context, info poll.Info, index uint64) (*standing, error) {
	for {
		found, next := h.tallies.look(info)
		switch {
		case found != nil:
			return found.at(info, index), nil
		case next == nil:
			return nil, refusal.Of(refusal.Unavailable)
		}
		select {
		case <-next.done:
		case <-ctx.Done():
			return nil, inTime(ctx.Err(), refusal.Unavailable)
		}
		switch {
		case next.err != nil:
			return nil, next.err
		case next.made.Changed >= info.Changed:
			return next.made.at(info, index), nil
		}
	}
}

// count takes what a tally is made from.
func (h *Handler) count(id string) (count poll.Count, err error) {
	var distinct int
	h.cluster.Read(func(s *poll.State) { distinct = s.Distinct(id) })
	var room poll.Room
	if distinct > 0 {
		room = poll.RoomFor(distinct)
	}
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) { count, refused = s.CountIn(id, room) })
	if refused != nil {
		return count, refused
	}
	return count, nil
}

// look returns a tally that is new enough, or the one that is being made next; or nothing,
// if none is made any more.
func (t *tallies) look(info poll.Info) (found *standing, next *making) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := info.Rules.ID
	e := t.polls[id]
	if e == nil {
		e = &tallied{}
		t.polls[id] = e
	}
	t.uses++
	e.used = t.uses
	if e.latest != nil && e.latest.Changed >= info.Changed {
		return e.latest, nil
	}
	if t.closed {
		return nil, nil
	}
	if e.making == nil {
		e.making = &making{done: make(chan struct{})}
		t.makers.Go(func() { t.make(info.Rules, e) })
	}
	return nil, e.making
}

// make makes a tally for all who wait for it.
func (t *tallies) make(rules *poll.Rules, e *tallied) {
	id := rules.ID
	if !rules.Additive() {
		t.places <- struct{}{}
		defer func() { <-t.places }()
	}
	made, err := t.tally(id, &e.earlier)
	t.mu.Lock()
	defer t.mu.Unlock()
	m := e.making
	m.made, m.err, e.making = made, err, nil
	t.bytes -= e.bytes
	if err != nil {
		delete(t.polls, id) // the poll was deleted, or what is kept of it cannot be relied on
	} else {
		e.latest, e.bytes = made, len(made.outcome)+e.earlier.Bytes()
		t.bytes += e.bytes
		t.makeRoom(e)
	}
	close(m.done)
}

// tally counts a poll as it is now. A panic is an error: it would end the process here,
// where no request recovers it.
func (t *tallies) tally(id string, earlier *poll.Comparisons) (made *standing, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			t.log.Error("counting a poll panicked", "poll", id, "panic", fault, "stack", string(debug.Stack()))
			made, err = nil, refusal.Of(refusal.Internal)
		}
	}()
	count, err := t.count(id)
	if err != nil {
		return nil, err
	}
	return newStanding(count.Info, count.Index, count.TabulateAfter(earlier)), nil
}

// makeRoom forgets the polls that were asked for longest ago, except one, while there are
// too many or they hold too much.
func (t *tallies) makeRoom(except *tallied) {
	for len(t.polls) > maxCachedTallies || t.bytes > maxCachedTallyBytes {
		oldest := ""
		for id, e := range t.polls {
			if e != except && e.making == nil && (oldest == "" || e.used < t.polls[oldest].used) {
				oldest = id
			}
		}
		if oldest == "" {
			return
		}
		t.bytes -= t.polls[oldest].bytes
		delete(t.polls, oldest)
	}
}

// close waits for the tallies that are being made, and lets none begin.
func (t *tallies) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.makers.Wait()
}
