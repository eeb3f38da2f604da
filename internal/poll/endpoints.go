package poll

import (
	"cmp"
	"slices"

	"voted/internal/refusal"
)

// Ask names a request about an endpoint, so that a duplicate of it that comes late is
// recognised: it must not undo what came in between, or bring back an endpoint that was
// deleted. Request is drawn once for each request, or made of the client's name and
// Idempotency-Key; the zero value is not remembered. Fingerprint is of what was asked for.
type Ask struct{ Request, Fingerprint [16]byte }

// From says with which event a new endpoint begins: its number, or one of these.
const (
	FromNow    = 0
	FromOldest = 1<<64 - 1 // that is kept
)

// PutEndpoint is the command that makes an endpoint, or changes one. A retry is recognised
// by its name, and by an equal definition.
type PutEndpoint struct {
	ID string
	Ask
	Webhook    Webhook
	From       uint64 // of a new endpoint
	IfRevision uint32 // the revision that the client saw and changes; 0: the endpoint is new
}

// PatchEndpoint is the command that changes an endpoint, pauses it, or lets it go on where
// it stopped. Nil fields stay as they are.
type PatchEndpoint struct {
	ID string
	Ask
	IfRevision uint32 // the revision that the client saw, 0 for any
	URL        *string
	Kinds      *KindSet
	Polls      *[]string
	Rate       *uint16
	Paused     *bool // false lets a disabled endpoint go on too
}

// DropEndpoint is the command that deletes an endpoint; one that is not there stays so.
type DropEndpoint struct {
	ID string
	Ask
	IfRevision uint32 // the revision that the client saw, 0 for any
}

// RotateKey is the command that gives an endpoint a new key. The one before signs too for
// Overlap milliseconds.
type RotateKey struct {
	ID string
	Ask
	Overlap int64
}

func (c PutEndpoint) apply(s *State) Result   { return s.putEndpoint(c) }
func (c PatchEndpoint) apply(s *State) Result { return s.patchEndpoint(c) }
func (c DropEndpoint) apply(s *State) Result  { return s.dropEndpoint(c) }
func (c RotateKey) apply(s *State) Result     { return s.rotateKey(c) }

// askMark remembers a request.
type askMark struct {
	Ask
	endpoint uint64 // its number; 0: there was none
	at       int64
}

// endpointTable holds the endpoints in the order of creation. Its slices and endpoints are
// never changed in place: views hold them.
type endpointTable struct {
	all []*Endpoint
	// last was drawn last. Numbers of endpoints, revisions and keys come from one counter, so
	// none ever has a second meaning, also where an endpoint is made again under an id.
	last uint32
	asks []askMark
}

// draw returns a number that was never drawn before.
func (t *endpointTable) draw() uint32 {
	t.last++
	return t.last
}

func (t *endpointTable) find(id string) int {
	return slices.IndexFunc(t.all, func(e *Endpoint) bool { return e.ID == id })
}

func (t *endpointTable) number(n uint64) (at int, ok bool) {
	return slices.BinarySearchFunc(t.all, n, func(e *Endpoint, n uint64) int { return cmp.Compare(e.Number, n) })
}

// set replaces the endpoint at a place.
func (t *endpointTable) set(i int, e *Endpoint) {
	t.all = slices.Clone(t.all)
	t.all[i] = e
}

// deadLimit is how many dead letters an endpoint lists.
func (t *endpointTable) deadLimit() int {
	return min(MaxDeadLetters, maxAllDeadLetters/max(1, len(t.all)))
}

// expire forgets the requests of yesterday.
func (t *endpointTable) expire(clock int64) {
	n := 0
	for n < len(t.asks) && t.asks[n].at+IdempotencyTTL <= clock {
		n++
	}
	t.asks = t.asks[n:]
}

// recall answers a request that was carried out before.
func (s *State) recall(a Ask) (r Result, seen bool) {
	if a.Request == [16]byte{} {
		return r, false
	}
	for _, m := range s.endpoints.asks {
		if m.Request != a.Request {
			continue
		}
		if m.Fingerprint != a.Fingerprint {
			return s.fail("", refusal.Of(refusal.IdempotencyKeyReused)), true
		}
		if _, there := s.endpoints.number(m.endpoint); !there && m.endpoint != 0 {
			return s.fail("", refusal.For(refusal.WebhookDropped)), true
		}
		return Result{Index: s.index, Replayed: true}, true
	}
	return r, false
}

// roomToRemember is the refusal of a request that could not be remembered, nil if it can.
func (s *State) roomToRemember() *refusal.Error {
	asks := s.endpoints.asks
	if len(asks) < maxEndpointAsks {
		return nil
	}
	if wait := asks[0].at + patchHold - s.clock; wait > 0 {
		e := refusal.For(refusal.WebhooksChangedTooOften)
		e.RetryAfter = wait
		return e
	}
	return nil
}

// remembered notes a request that was carried out, even if it changed nothing now.
func (s *State) remembered(a Ask, endpoint uint64) Result {
	if a.Request != [16]byte{} {
		t := &s.endpoints
		if len(t.asks) >= maxEndpointAsks {
			t.asks = t.asks[1:]
		}
		t.asks = append(t.asks, askMark{a, endpoint, s.clock})
		s.fold(foldEndpointAsk, string(a.Request[:]), a.Fingerprint[:])
	}
	return Result{Index: s.index}
}

// putEndpoint makes an endpoint, changes it, or finds that it is as asked for.
func (s *State) putEndpoint(c PutEndpoint) Result {
	if r, seen := s.recall(c.Ask); seen {
		return r
	}
	w := c.Webhook.sorted()
	i := s.endpoints.find(c.ID)
	switch {
	case i < 0 && c.IfRevision != 0:
		return s.fail("", refusal.Of(refusal.WebhookNotFound))
	case i < 0:
		return s.newEndpoint(c, w)
	case c.IfRevision == 0 && !w.same(&s.endpoints.all[i].Webhook):
		return s.fail("", refusal.Of(refusal.WebhookExists))
	}
	return s.changeEndpoint(i, c.Ask, c.IfRevision, func(e *Endpoint) { e.Webhook = w })
}

// newEndpoint makes an endpoint.
func (s *State) newEndpoint(c PutEndpoint, w Webhook) Result {
	t := &s.endpoints
	if err := s.unfitEndpoint(c, &w); err != nil {
		return s.fail("", err)
	}
	drawn := t.draw()
	e := &Endpoint{ID: c.ID, Number: uint64(drawn), Webhook: w, Revision: drawn, CreatedAt: s.clock, Key: drawn}
	switch oldest, newest := s.EventSpan(); c.From {
	case FromNow:
		e.Cursor = newest
	case FromOldest:
		e.Cursor = oldest - 1
	default:
		e.Cursor = c.From - 1
	}
	t.all = append(slices.Clone(t.all), e)
	s.trimDead()
	s.foldEndpoint(e, nil, nil)
	r := s.remembered(c.Ask, e.Number)
	r.Created = true
	return r
}

// unfitEndpoint is why an endpoint cannot be made, nil if it can.
func (s *State) unfitEndpoint(c PutEndpoint, w *Webhook) *refusal.Error {
	errs := w.Validate()
	if !ValidID(c.ID) {
		errs = append(errs, refusal.FieldError{Field: "id", Detail: idRule})
	}
	if c.From != FromOldest && c.From > s.journal.newest+1 {
		errs = append(errs, refusal.FieldError{Field: "from", Detail: "There is no such event yet; use now, oldest, or the number of one that happened."})
	}
	if errs != nil {
		return &refusal.Error{Code: refusal.InvalidWebhook, Fields: errs}
	}
	if len(s.endpoints.all) >= MaxEndpoints || s.endpoints.bytes(-1)+w.bytes() > MaxEndpointBytes {
		return refusal.For(refusal.WebhooksFull)
	}
	return s.roomToRemember()
}

// bytes returns about how much memory the definitions take, without the one at a place.
func (t *endpointTable) bytes(but int) (n int) {
	for i, e := range t.all {
		if i != but {
			n += e.Webhook.bytes()
		}
	}
	return n
}

// changeEndpoint changes the endpoint at a place, or finds that nothing is to be changed.
func (s *State) changeEndpoint(i int, a Ask, ifRevision uint32, change func(e *Endpoint)) Result {
	old := s.endpoints.all[i]
	if err := old.unmet(ifRevision); err != nil {
		return s.fail("", err)
	}
	e := *old
	change(&e)
	if e.URL != old.URL {
		e.unverified()
	}
	if errs := e.Validate(); errs != nil {
		return s.fail("", &refusal.Error{Code: refusal.InvalidWebhook, Fields: errs})
	}
	if s.endpoints.bytes(i)+e.Webhook.bytes() > MaxEndpointBytes {
		return s.fail("", refusal.For(refusal.WebhooksFull))
	}
	if err := s.roomToRemember(); err != nil {
		return s.fail("", err)
	}
	if !e.same(&old.Webhook) || e.State != old.State || e.Reason != old.Reason {
		e.revise(s.endpoints.draw())
		s.endpoints.set(i, &e)
		s.foldEndpoint(&e, nil, nil)
	}
	return s.remembered(a, e.Number)
}

// unmet is the refusal of a change that is meant for another revision, nil for this one
// and for 0.
func (e *Endpoint) unmet(revision uint32) *refusal.Error {
	if revision == 0 || revision == e.Revision {
		return nil
	}
	return &refusal.Error{Code: refusal.VersionMismatch, Version: e.Revision}
}

// revise begins a new revision: what was said of the one before no longer disables it.
func (e *Endpoint) revise(revision uint32) {
	e.Revision = revision
	e.FailingSince = 0
}

// unverified lets the endpoint answer a ping before anything else is sent to it, now or once
// it goes on.
func (e *Endpoint) unverified() {
	e.Verified = false
	if e.State != EndpointPaused {
		e.State, e.Reason = EndpointVerifying, ReasonNone
	}
}

// pause stops the deliveries. pause and resume do not change an endpoint that is so already.
func (e *Endpoint) pause(why EndpointReason) {
	if e.State != EndpointPaused {
		e.State, e.Reason = EndpointPaused, why
	}
}

// resume lets deliveries go on where they stopped.
func (e *Endpoint) resume() {
	switch {
	case e.State != EndpointPaused && e.State != EndpointStopped:
	case e.Verified:
		e.State, e.Reason = EndpointEnabled, ReasonNone
	default:
		e.State, e.Reason = EndpointVerifying, ReasonNone
	}
}

// patchEndpoint changes an endpoint.
func (s *State) patchEndpoint(c PatchEndpoint) Result {
	if r, seen := s.recall(c.Ask); seen {
		return r
	}
	i := s.endpoints.find(c.ID)
	if i < 0 {
		return s.fail("", refusal.Of(refusal.WebhookNotFound))
	}
	return s.changeEndpoint(i, c.Ask, c.IfRevision, func(e *Endpoint) {
		set(&e.URL, c.URL)
		set(&e.Kinds, c.Kinds)
		set(&e.Polls, c.Polls)
		set(&e.Rate, c.Rate)
		e.Webhook = e.sorted()
		switch {
		case c.Paused == nil:
		case *c.Paused:
			e.pause(ReasonAsked)
		default:
			e.resume()
		}
	})
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// dropEndpoint deletes an endpoint.
func (s *State) dropEndpoint(c DropEndpoint) Result {
	if r, seen := s.recall(c.Ask); seen {
		return r
	}
	if err := s.roomToRemember(); err != nil {
		return s.fail("", err)
	}
	i := s.endpoints.find(c.ID)
	if i < 0 {
		return s.remembered(c.Ask, 0)
	}
	e := s.endpoints.all[i]
	if err := e.unmet(c.IfRevision); err != nil {
		return s.fail("", err)
	}
	s.endpoints.all = slices.Delete(slices.Clone(s.endpoints.all), i, i+1)
	s.fold(foldEndpointDropped, e.ID, nil)
	return s.remembered(c.Ask, 0)
}

// rotateKey gives an endpoint a new key.
func (s *State) rotateKey(c RotateKey) Result {
	if r, seen := s.recall(c.Ask); seen {
		return r
	}
	i := s.endpoints.find(c.ID)
	if i < 0 {
		return s.fail("", refusal.Of(refusal.WebhookNotFound))
	}
	if c.Overlap < 0 || c.Overlap > MaxOverlap {
		return s.fail("", unfitWebhook("overlap_seconds", "Use a time up to a week; 0: the key before does not sign any more."))
	}
	if err := s.roomToRemember(); err != nil {
		return s.fail("", err)
	}
	e := *s.endpoints.all[i]
	e.PreviousKey, e.PreviousUntil, e.Key = e.Key, min(s.clock+c.Overlap, maxTime), s.endpoints.draw()
	s.endpoints.set(i, &e)
	s.foldEndpoint(&e, nil, nil)
	return s.remembered(c.Ask, e.Number)
}

// pauseEndpoints pauses all endpoints for a reason. Each must answer a ping before it goes on.
func (s *State) pauseEndpoints(why EndpointReason) {
	t := &s.endpoints
	t.all = slices.Clone(t.all)
	for i, e := range t.all {
		paused := *e
		paused.Verified = false
		if e.State == EndpointVerifying || e.State == EndpointEnabled {
			paused.State, paused.Reason = EndpointPaused, why
		}
		paused.revise(t.draw())
		t.all[i] = &paused
	}
}

// keepEndpoints pauses the endpoints of this cluster, and brings back those that only the
// backup has, paused too: a backup that is looked at elsewhere must not call anyone. The
// backup's begin after the events of this cluster: their cursors were of other events.
func (s *State) keepEndpoints(old *State) {
	theirs := s.endpoints
	s.endpoints, s.alarms = old.endpoints, old.alarms
	t := &s.endpoints
	t.last = max(t.last, theirs.last) // for their keys
	t.all = slices.Clone(t.all)
	for _, e := range theirs.all {
		if t.find(e.ID) >= 0 || len(t.all) >= MaxEndpoints || t.bytes(-1)+e.Webhook.bytes() > MaxEndpointBytes {
			continue
		}
		t.all = append(t.all, &Endpoint{
			ID: e.ID, Number: uint64(t.draw()), Webhook: e.Webhook, CreatedAt: e.CreatedAt, Cursor: old.journal.newest,
			Key: e.Key, PreviousKey: e.PreviousKey, PreviousUntil: e.PreviousUntil, State: e.State, Reason: e.Reason,
		})
	}
	s.pauseEndpoints(ReasonRestored)
	s.trimDead()
}

func unfitWebhook(field, rule string) *refusal.Error {
	return &refusal.Error{Code: refusal.InvalidWebhook, Fields: []refusal.FieldError{{Field: field, Detail: rule}}}
}

// Endpoints returns all endpoints in the order of creation. The caller must not change them.
func (s *State) Endpoints() []*Endpoint { return s.endpoints.all }

// Endpoint returns the endpoint with an id.
func (s *State) Endpoint(id string) (*Endpoint, *refusal.Error) {
	if i := s.endpoints.find(id); i >= 0 {
		return s.endpoints.all[i], nil
	}
	return nil, refusal.Of(refusal.WebhookNotFound)
}

// EndpointNumber returns the endpoint with a number; ok is false if it was deleted.
func (s *State) EndpointNumber(number uint64) (e *Endpoint, ok bool) {
	i, ok := s.endpoints.number(number)
	if !ok {
		return nil, false
	}
	return s.endpoints.all[i], true
}
