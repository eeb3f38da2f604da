package poll

import "voted/internal/refusal"

// keyTable remembers Idempotency-Keys with their fingerprint and answer until
// they expire by the replicated clock. All keys live equally long, so they expire
// in the order in which they came.
type keyTable struct {
	entries map[clientKey]keyEntry
	queue   []keyEntry // append-only between expiries: captured by its header
}

// clientKey is an Idempotency-Key of one client: two clients may draw the same one.
type clientKey struct {
	client string // name of the credential; empty without authentication
	key    string
}

type keyEntry struct {
	clientKey
	fingerprint Digest
	poll        string
	expires     int64
}

func (t *keyTable) expire(clock int64) {
	for len(t.queue) > 0 && t.queue[0].expires <= clock {
		delete(t.entries, t.queue[0].clientKey)
		t.queue = t.queue[1:]
	}
}

func (t *keyTable) put(e keyEntry) {
	if t.entries == nil {
		t.entries = map[clientKey]keyEntry{}
	}
	t.entries[e.clientKey] = e
	t.queue = append(t.queue, e)
}

// keyed answers a create if its key is known, or if there is no room for it.
func (s *State) keyed(c Create) (Result, bool) {
	e, seen := s.keys.entries[clientKey{c.Client, c.Key}]
	switch {
	case seen && e.fingerprint != c.Fingerprint:
		return s.fail("", refusal.Of(refusal.IdempotencyKeyReused)), true
	case seen && s.Find(e.poll) == nil:
		gone := refusal.For(refusal.KeyOfDeletedPoll)
		gone.Subject = e.poll
		return s.fail(e.poll, gone), true
	case seen:
		return Result{Poll: e.poll, Index: s.index, Replayed: true}, true
	case len(s.keys.queue) >= MaxIdempotencyKeys:
		e := refusal.For(refusal.KeysFull)
		e.RetryAfter = s.keys.queue[0].expires - s.clock
		return s.fail("", e), true
	}
	return Result{}, false
}

func (s *State) remember(c Create) {
	s.keys.put(keyEntry{clientKey{c.Client, c.Key}, c.Fingerprint, c.Definition.ID, s.clock + IdempotencyTTL})
	s.fold(foldKey, c.Key, append(c.Fingerprint[:], c.Client...))
}
