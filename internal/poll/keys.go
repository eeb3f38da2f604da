package poll

// keyTable remembers Idempotency-Keys with their fingerprint and answer until
// they expire by the replicated clock. All keys live equally long, so they expire
// in the order in which they came.
type keyTable struct {
	entries map[string]keyEntry
	queue   []keyEntry // append-only between expiries: captured by its header
}

type keyEntry struct {
	key         string
	fingerprint Digest
	poll        string
	expires     int64
}

func (t *keyTable) expire(clock int64) {
	for len(t.queue) > 0 && t.queue[0].expires <= clock {
		delete(t.entries, t.queue[0].key)
		t.queue = t.queue[1:]
	}
}

func (t *keyTable) put(e keyEntry) {
	if t.entries == nil {
		t.entries = map[string]keyEntry{}
	}
	t.entries[e.key] = e
	t.queue = append(t.queue, e)
}

// keyed answers a create whose key is known, or for which there is no room.
func (s *State) keyed(c Create) (Result, bool) {
	e, seen := s.keys.entries[c.Key]
	switch {
	case seen && e.fingerprint != c.Fingerprint:
		return s.fail("", Refuse(CodeIdempotencyKeyReused, "This Idempotency-Key came with a different request before; use a fresh key for each request.")), true
	case seen:
		return Result{Poll: e.poll, Index: s.index, Replayed: true}, true
	case len(s.keys.queue) >= MaxIdempotencyKeys:
		return s.fail("", Refuse(CodeTooManyRequests, "Too many Idempotency-Keys are in use; create the poll under an id of your own with PUT.")), true
	}
	return Result{}, false
}

func (s *State) remember(c Create) {
	s.keys.put(keyEntry{c.Key, c.Fingerprint, c.Definition.ID, s.clock + IdempotencyTTL})
	s.event(eventKey, c.Key, c.Fingerprint[:])
}
