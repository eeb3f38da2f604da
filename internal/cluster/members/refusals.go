package members

import (
	"strings"
	"sync"
	"time"
	"unicode"
)

// When refusals that go on are logged.
const (
	// refusedEvery is how often the same refusal is logged again.
	refusedEvery = 10 * time.Minute
	// A refusal has ended when it was not repeated for refusedEnds: far longer than the half
	// second after which a member asks again.
	refusedEnds = time.Minute
	// maxRefused bounds how many are remembered; without TLS anyone may ask.
	maxRefused = 64
)

// refusals are requests that are repeated and refused each time. A line is logged when
// that begins, when the reason changes, and seldom while it goes on. The zero value is
// ready.
type refusals struct {
	mu  sync.Mutex
	all map[asker]*refused // guarded by mu
	now func() time.Time   // nil: time.Now
}

type asker struct{ id, addr string }

type refused struct {
	why               string // without figures
	began, said, last time.Time
	times             int // in all
}

func (r *refusals) clock() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}

// countAndLog counts a refusal, and calls line if it is to be logged, with the figures of
// those before.
func (r *refusals) countAndLog(id, addr, why string, line func(again ...any)) {
	if again, due := r.note(asker{id, addr}, wordsOf(why)); due {
		line(again...)
	}
}

func (r *refusals) note(a asker, why string) (again []any, due bool) {
	now := r.clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.all[a]
	if f == nil {
		r.make(a, &refused{why: why, began: now, said: now, last: now, times: 1})
		return nil, true
	}
	f.times++
	f.last = now
	if f.why == why && now.Sub(f.said) < refusedEvery {
		return nil, false
	}
	f.why, f.said = why, now
	return f.sofar(now), true
}

// sofar returns the figures of all refusals for a line.
func (f *refused) sofar(now time.Time) []any {
	return []any{"times", f.times, "for", now.Sub(f.began).Round(time.Second)}
}

// make remembers an asker; if there are too many, it forgets the one that was silent for
// longest. The caller holds mu.
func (r *refusals) make(a asker, f *refused) {
	if r.all == nil {
		r.all = map[asker]*refused{}
	}
	if len(r.all) >= maxRefused {
		var oldest asker
		for b, g := range r.all {
			if o := r.all[oldest]; o == nil || g.last.Before(o.last) {
				oldest = b
			}
		}
		delete(r.all, oldest)
	}
	r.all[a] = f
}

// forget forgets an asker, and reports whether it was refused before.
func (r *refusals) forget(id, addr string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, was := r.all[asker{id, addr}]
	delete(r.all, asker{id, addr})
	return was
}

// ended calls line for each asker that has not asked for a while, and forgets it.
func (r *refusals) ended(line func(id, addr string, sofar []any)) {
	now := r.clock()
	over := map[asker]*refused{}
	r.mu.Lock()
	for a, f := range r.all {
		if now.Sub(f.last) >= refusedEnds {
			over[a] = f
			delete(r.all, a)
		}
	}
	r.mu.Unlock()
	for a, f := range over {
		line(a.id, a.addr, f.sofar(f.last))
	}
}

// wordsOf removes figures: the port from which a call was made differs each time.
func wordsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}

// logEndedRefusals logs which members that were refused no longer ask.
func (ms *Members) logEndedRefusals() {
	ms.refused.ended(func(id, addr string, sofar []any) {
		ms.log.Info("a member that was refused no longer asks", append([]any{"member", id, "peer", addr}, sofar...)...)
	})
}
