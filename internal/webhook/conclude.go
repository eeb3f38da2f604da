package webhook

import (
	"slices"
	"time"

	"voted/internal/poll"
)

// conclude draws the conclusion from an answer. It returns when the event is tried again, zero
// if it is not.
func (l *lane) conclude(j job, a Answer) (next time.Time) {
	now, at := l.t.d.state.Clock(), l.place()
	// A ping or a redelivery leaves the cursor as it is: what failed there could not be taken back.
	if a.Result() != OK && a.Fault != poll.FaultRender && at.failing == 0 && (j.kind == fresh || j.kind == missed) {
		at.failing = now
	}
	v, due := l.verdict(j, a, l.history(j, at, now)), time.Now()
	if a.Result() == OK {
		l.delays.Reset()
		l.taken(j, at.failing != 0, now)
		at.failing = 0
	}
	if v.step == bury && j.kind != redelivery && !l.waitsAfter(j) {
		l.delays.Reset()
		at.failing = 0 // days in which nothing is tried are no failure
	}
	if j.probe != nil && v.step == retry {
		due = l.due // that of the event itself holds
	}
	if v.wait > 0 {
		due = time.Now().Add(v.wait)
	}
	l.due = due
	l.report(j, v, at, now)
	if v.step == retry {
		return l.due
	}
	l.tries[j.kind] = tries{} // the same event may be delivered once more
	return time.Time{}
}

// waitsAfter reports whether the endpoint asks for an event after the job's, also for one that
// is no longer kept.
func (l *lane) waitsAfter(j job) (waits bool) {
	for number, more := j.event.Number, true; more && !waits; {
		l.t.d.state.Read(func(s *poll.State) {
			page, seen, ok := s.Events(number, 1, j.endpoint.Webhook.Wants)
			_, newest := s.EventSpan()
			waits = !ok || slices.ContainsFunc(page, j.endpoint.Wants)
			number, more = seen, seen < newest
		})
	}
	return waits
}

// taken measures how late an event was taken. One that waited because its receiver failed, was
// paused or was not there yet is not measured.
func (l *lane) taken(j job, failed bool, now int64) {
	switch sent := j.sent(); {
	case failed:
		l.well = now
	case j.kind == fresh && sent.At >= l.well:
		l.t.d.metrics.inTime(now - sent.At)
	}
}

// verdict says what follows from an answer.
func (l *lane) verdict(j job, a Answer, h history) (v verdict) {
	switch {
	case j.probe != nil:
		return judgeProbe(a)
	case j.kind == redelivery && j.event.Kind == 0:
		return verdict{step: bury} // it is no longer kept
	case j.kind == redelivery:
		return judgeAgain(a, h, l.delays.NextBackOff)
	}
	v = judge(a, h, l.delays.NextBackOff)
	if j.kind == fresh && v.step == retry && a.Result() != Refused && a.Wait == 0 {
		l.tries[fresh].probe = probes(h.attempts)
	}
	return v
}

// history is what is known of the job's event.
func (l *lane) history(j job, at place, now int64) history {
	x := l.tries[j.kind]
	h := history{attempts: x.n, since: time.Since(x.began)}
	if at.failing != 0 {
		h.failing = time.Duration(now-at.failing) * time.Millisecond
	}
	switch j.kind {
	case fresh:
		h.age = time.Duration(now-j.event.At) * time.Millisecond
	case ping:
		h.attempts = 1 // one that is refused is tried again, as a ping is never given up
		h.failing = h.since
	}
	return h
}

// report notes what follows from an answer, for the next commit.
func (l *lane) report(j job, v verdict, at place, now int64) {
	m := poll.Move{Endpoint: l.number, Revision: l.revision}
	switch {
	case v.step == disable:
		l.disabled, m.Disable = true, v.why
	case v.step == retry:
	case j.kind == ping:
		l.verified, m.Verified = true, true
	case j.kind == redelivery:
		l.done = append(l.done, j.asked)
		m.Done = []poll.Redone{{Redelivery: j.asked, Delivered: v.step == settle}}
	default:
		if j.kind == fresh && (v.step == bury || j.probe != nil) {
			m.Dead = []poll.DeadLetter{l.deadLetter(j, now)}
			at.deadEver++
		}
		if at.cursor = j.event.Number; v.step == settle {
			at.cursor = j.sent().Number
		}
		at.last = at.cursor
	}
	if !l.moved(at) && m.Disable == 0 && !m.Verified && m.Done == nil {
		return // it fails on, as is known
	}
	m.Cursor, m.Last, m.DeadEver, m.FailingSince = at.cursor, at.last, at.deadEver, at.failing
	l.t.progress.note(m)
}

// moved takes over a place, and reports whether it is another one.
func (l *lane) moved(at place) bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if at.cursor != l.at.cursor {
		l.waits = 0
	}
	was := l.at
	l.at = at
	return at != was
}

func (l *lane) deadLetter(j job, now int64) poll.DeadLetter {
	last := l.tries[fresh].last
	l.t.d.metrics.count(Dead)
	l.t.d.log.Warn("a webhook did not take an event; it is a dead letter, and the next one is sent",
		"webhook", j.endpoint.ID, "event", j.event.Number, "why", last.Failure)
	return poll.DeadLetter{Number: j.event.Number, At: now, Status: uint16(last.Status), Fault: last.Fault}
}
