package webhook

import (
	"context"
	"errors"
	"slices"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

// jobKind is what a lane can do.
type jobKind uint8

const (
	nothing    jobKind = iota
	passed             // there were events that the endpoint does not ask for; look on
	ping               // until the endpoint has answered one, it gets nothing else
	missed             // it is told which events are no longer kept
	fresh              // the next event of the journal
	redelivery         // an event that somebody wants delivered once more
	jobKinds
)

// job is what a lane does next.
type job struct {
	kind     jobKind
	endpoint *poll.Endpoint
	event    poll.Event      // that it is about; of missed: Number is that of the newest one
	probe    *poll.Event     // the event after it, which is sent instead; nil: it itself is
	previous uint64          // see eventjson.Delivery
	from     uint64          // of missed
	asked    poll.Redelivery // of redelivery
}

// sent is the event that is sent.
func (j *job) sent() *poll.Event {
	if j.probe != nil {
		return j.probe
	}
	return &j.event
}

// look chooses what is to be done next, in one short read of the state.
func (l *lane) look() (j job) {
	l.t.d.state.Read(func(s *poll.State) {
		if e, ok := s.EndpointNumber(l.number); ok {
			j = l.choose(s, e)
			j.endpoint = e
		}
	})
	return j
}

func (l *lane) choose(s *poll.State, e *poll.Endpoint) job {
	known := e.Revision == l.revision
	switch {
	case e.State != poll.EndpointVerifying && e.State != poll.EndpointEnabled, known && l.disabled:
		return job{}
	case !known:
		return job{kind: passed} // the lane begins
	case e.State == poll.EndpointVerifying && !l.verified:
		return job{kind: ping}
	}
	at := l.catchUp(e)
	oldest, newest := s.EventSpan()
	if at.cursor+1 < oldest {
		return job{kind: missed, event: poll.Event{Number: oldest - 1}, from: at.cursor + 1, previous: at.last}
	}
	if r, ok := l.redelivery(e); ok && (l.turn != redelivery || at.cursor >= newest) {
		l.tries[fresh].probe = false
		return l.redeliver(s, r, oldest)
	}
	if at.cursor >= newest {
		return job{}
	}
	return l.fresh(s, e, at)
}

// catchUp takes over the endpoint's place where that is further: the leader before this one
// may have reported it late.
func (l *lane) catchUp(e *poll.Endpoint) place {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if e.Cursor > l.at.cursor {
		l.at = placeOf(e)
	}
	l.done = slices.DeleteFunc(l.done, func(r poll.Redelivery) bool { return !slices.Contains(e.Again, r) })
	return l.at
}

// redelivery returns the first one that is not settled.
func (l *lane) redelivery(e *poll.Endpoint) (poll.Redelivery, bool) {
	for _, r := range e.Again {
		if !slices.Contains(l.done, r) {
			return r, true
		}
	}
	return poll.Redelivery{}, false
}

func (l *lane) redeliver(s *poll.State, r poll.Redelivery, oldest uint64) job {
	j := job{kind: redelivery, asked: r, event: poll.Event{Number: r.Number}}
	if page, _, ok := s.Events(r.Number-1, 1, anything); ok && r.Number >= oldest && len(page) > 0 {
		j.event = page[0]
	}
	return j
}

func anything(poll.EventKind, string) bool { return true }

// fresh finds the next event that the endpoint asks for, and the one after it where that is
// tried instead.
func (l *lane) fresh(s *poll.State, e *poll.Endpoint, at place) job {
	page, seen, _ := s.Events(at.cursor, 2, e.Webhook.Wants)
	page = slices.DeleteFunc(page, func(v poll.Event) bool { return !e.Wants(v) })
	if len(page) == 0 {
		l.pass(seen)
		return job{kind: passed}
	}
	j := job{kind: fresh, event: page[0], previous: at.last}
	x := &l.tries[fresh]
	if x.probe = x.probe && x.event == j.event.Number && len(page) > 1 && page[1].Poll != page[0].Poll; x.probe {
		j.probe, j.previous = &page[1], j.event.Number
	}
	return j
}

// pass moves the cursor over events that the endpoint does not ask for.
func (l *lane) pass(cursor uint64) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if cursor > l.at.cursor {
		l.at.cursor, l.t.ahead = cursor, true
	}
}

// render renders what the job sends.
func (l *lane) render(ctx context.Context, j job) (eventjson.Delivery, error) {
	t := l.t
	switch j.kind {
	case ping:
		return t.d.ping()
	case missed:
		return t.d.events.Missed(j.from, j.event.Number, t.d.state.Clock())
	}
	e := *j.sent()
	if e.Kind == 0 {
		return eventjson.Delivery{}, errNoLongerKept
	}
	return t.bodies.of(ctx, e.Number, func() (eventjson.Delivery, error) {
		ctx, cancel := context.WithTimeout(t.ctx, renderTimeout) // for all who wait, not for this lane alone
		defer cancel()
		var about []eventjson.About
		t.d.state.Read(func(s *poll.State) { about = eventjson.Gather(s, []poll.Event{e}) })
		return t.d.events.Delivery(ctx, e, about[0])
	})
}

// errNoLongerKept is why a redelivery fails that was asked for in time.
var errNoLongerKept = errors.New("it is no longer kept")

// before returns the number of the event that came before another one for the endpoint: 0 if
// none did, or if it is no longer kept.
func (l *lane) before(e *poll.Endpoint, number uint64) (last uint64) {
	const window = 1000
	for to, oldest := number-1, uint64(0); last == 0 && to > 0 && to >= oldest; {
		l.t.d.state.Read(func(s *poll.State) {
			oldest, _ = s.EventSpan()
			from := max(to-min(to, window), oldest-1)
			page, _, ok := s.Events(from, window, func(k poll.EventKind, id string) bool { return e.Webhook.Wants(k, id) })
			for _, v := range page {
				if ok && v.Number <= to && e.Wants(v) {
					last = v.Number
				}
			}
			to = from
		})
	}
	return last
}
