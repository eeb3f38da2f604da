package prover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"voted/internal/pause"
	"voted/internal/witness"
	"voted/proof"
)

// Witness is a cosigner outside of the cluster. witness.Client is one; the errors of Add are
// those of its.
type Witness interface {
	// Name is for people: as the policy has it.
	Name() string
	// Key is what it signs with.
	Key() proof.Verifier
	// Add asks for the cosignature of a head, by the proof that it continues the one of size
	// old. What it returns was checked.
	Add(ctx context.Context, old uint64, path []proof.Hash, note []byte) (proof.Signature, error)
}

const (
	// feedTimeout bounds one request to a witness, and what it takes to make its proof.
	feedTimeout = 5 * time.Second
	// feedLook is how often a feeder looks whether this member leads.
	feedLook = time.Second
	// feedRest is how long a witness that cannot be used is left alone, at first and at most.
	feedRest    = time.Second
	feedRestMax = time.Minute
	// feedRefused is how long a log is not given to a witness that has refused it.
	feedRefused = 10 * time.Minute
	// feedAhead is how long a witness may have more of a log than this member, which leads: one that
	// has just begun to lead may not have applied all of its own log yet.
	feedAhead = 10 * time.Second
	// feedBatch and feedSpan are how many cosignatures are kept in one sync, and how long the
	// first of them waits for others.
	feedBatch = 64
	feedSpan  = 100 * time.Millisecond
)

// feeder gives the newest heads to one witness, while this member leads, and adds the
// cosignatures that come back. It has a goroutine of its own, so a witness that hangs holds up
// nobody else's, and no head waits for it.
type feeder struct {
	p    *Prover
	w    Witness
	wake chan struct{} // of capacity 1: something is due

	mu    sync.Mutex
	queue []due           // the longest first; guarded by mu
	has   map[logKey]bool // what the queue has; guarded by mu

	// Of its goroutine alone.
	seen    map[logKey]uint64    // size of the last head that the witness cosigned, as far as known
	refused map[logKey]time.Time // until when a log is not given to it
	ahead   map[logKey]*ahead    // logs of which it has more than this member
	scanned bool                 // all heads that were there when this member began to lead were looked at
	from    logKey               // the last of them that was
	until   time.Time            // rests until then
	rest    time.Duration        // for so long, the next time
	done    []cosignature
	since   time.Time // of the first of done
	failed  string    // why it was last, for the log
}

// due is a log whose newest head the witness may not have cosigned.
type due struct {
	origin proof.Origin
	since  time.Time
}

// ahead is a log of which a witness has more than this member, which leads.
type ahead struct {
	origin proof.Origin
	since  time.Time
	again  bool // it was given once more after feedAhead
}

func newFeeder(p *Prover, w Witness) *feeder {
	return &feeder{
		p: p, w: w, wake: make(chan struct{}, 1), has: map[logKey]bool{},
		seen: map[logKey]uint64{}, refused: map[logKey]time.Time{}, ahead: map[logKey]*ahead{}, rest: feedRest,
	}
}

// feed tells all feeders that there are new heads. Those of a member that does not lead drop them.
func (p *Prover) feed(heads []Head) {
	for _, f := range p.feeders {
		now := time.Now()
		for i := range heads {
			f.add(heads[i].Origin, now)
		}
	}
}

// remind takes in heads of another member. Where the same head here bears the signature of a witness and theirs does
// not, this one is sent again: that member missed it, and collected signatures itself.
func (p *Prover) remind(heads []Head) {
	for _, f := range p.feeders {
		key := f.w.Key()
		for i := range heads {
			h := &heads[i]
			if own := p.newest(h.Origin); own.Point == h.Point && signedBy(own.Note, key.Name(), key.ID()) && !signedBy(h.Note, key.Name(), key.ID()) {
				f.add(h.Origin, time.Now())
			}
		}
	}
}

// add notes that a log has a newer head, or one that other members lack.
func (f *feeder) add(o proof.Origin, now time.Time) {
	f.mu.Lock()
	if key := keyOf(o); !f.has[key] {
		f.has[key] = true
		f.queue = append(f.queue, due{o, now})
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// next takes the log that waits longest off the queue.
func (f *feeder) next() (d due, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		f.queue = nil // the memory of a long queue goes
		return d, false
	}
	d = f.queue[0]
	f.queue = f.queue[1:]
	delete(f.has, keyOf(d.origin))
	return d, true
}

// back puts a log first in the queue again, unless a newer head of it is there.
func (f *feeder) back(d due) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := keyOf(d.origin); !f.has[key] {
		f.has[key] = true
		f.queue = slices.Insert(f.queue, 0, d)
	}
}

// waits returns since when the log waits that waits longest; zero: none does.
func (f *feeder) waits() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return time.Time{}
	}
	return f.queue[0].since
}

// idle forgets what is due: another member leads, and gives it to the witness.
func (f *feeder) idle() {
	f.mu.Lock()
	f.queue = nil
	clear(f.has)
	f.mu.Unlock()
	f.scanned, f.from = false, logKey{}
	clear(f.ahead)
}

// run is the feeder's goroutine. It ends with the prover.
func (f *feeder) run() {
	for f.p.ctx.Err() == nil {
		timer := time.NewTimer(feedLook)
		select {
		case <-f.wake:
		case <-timer.C:
		case <-f.p.ctx.Done():
		}
		timer.Stop()
		if !f.p.cluster.Leads() {
			f.idle()
			continue
		}
		f.round()
	}
}

// round gives the witness what is due, until nothing is, or the witness fails.
func (f *feeder) round() {
	defer f.flush()
	for f.p.ctx.Err() == nil && f.p.cluster.Leads() {
		if rest := time.Until(f.until); rest > 0 {
			f.flush()
			if pause.For(f.p.ctx, min(rest, feedLook)) != nil {
				return
			}
			continue
		}
		d, ok := f.next()
		if !ok {
			if f.scan() || f.askAgain() {
				continue
			}
			return
		}
		if !f.give(d) {
			f.back(d)
		}
		if len(f.done) >= feedBatch || len(f.done) > 0 && time.Since(f.since) >= feedSpan {
			f.flush()
		}
	}
}

// scan takes in some of the heads that this member had when it began to lead and that the
// witness has not cosigned. It reports whether there may be something to do now.
func (f *feeder) scan() bool {
	if f.scanned {
		return false
	}
	key := f.w.Key()
	f.p.mu.Lock()
	var heads []Head
	var more bool
	var err error
	if f.p.heads != nil {
		heads, f.from, more, err = f.p.heads.after(f.from, func(h *Head) bool { return !signedBy(h.Note, key.Name(), key.ID()) })
	}
	f.p.mu.Unlock()
	if err != nil {
		f.p.log.Error("heads cannot be read, so they are not given to a witness", "witness", f.w.Name(), "error", err)
	}
	f.scanned = !more
	now := time.Now()
	for i := range heads {
		f.add(heads[i].Origin, now)
	}
	return more || len(heads) > 0
}

// signedBy reports whether a note bears a signature of a key. Notes that this member keeps were
// checked.
func signedBy(note []byte, name string, id uint32) bool {
	n, err := proof.ParseNote(note)
	return err == nil && slices.ContainsFunc(n.Signatures, func(s proof.Signature) bool { return s.Name == name && s.ID == id })
}

// give gives the newest head of a log to the witness. It reports false where the witness cannot
// be used now, and the log is to be given again.
func (f *feeder) give(d due) bool {
	key := keyOf(d.origin)
	if time.Now().Before(f.refused[key]) {
		return true
	}
	delete(f.refused, key)
	if b, _ := f.p.state.Box(d.origin.Poll); b.Hidden {
		return true // a head shows how many have voted; that of the closing comes to it
	}
	h, ok := f.p.Head(d.origin.Poll)
	if !ok || h.Origin != d.origin {
		return true // it was deleted, or another log took its place
	}
	if signedBy(h.Note, f.w.Key().Name(), f.w.Key().ID()) {
		f.seen[key] = h.Size
		f.p.push([]Head{h})
		return true
	}
	s, err := f.ask(h, f.seen[key])
	if size := new(witness.SizeError); errors.As(err, &size) && size.Size <= h.Size {
		s, err = f.ask(h, size.Size)
	}
	return f.took(d, h, s, err)
}

// ask makes one request.
func (f *feeder) ask(h Head, old uint64) (s proof.Signature, err error) {
	ctx, cancel := context.WithTimeout(f.p.ctx, feedTimeout)
	defer cancel()
	var path []proof.Hash
	if old > 0 && old < h.Size {
		v, err := f.p.View(ctx, h)
		if err != nil {
			return s, errors.Join(errOwn, err)
		}
		if path, err = v.Consistency(old); err != nil {
			return s, errors.Join(errOwn, err)
		}
	}
	return f.w.Add(ctx, old, path, h.Note)
}

// errOwn: it is this member that could not make a proof.
var errOwn = errors.New("the proof for a witness cannot be made now")

// isAhead reports whether the witness has had more of a log than this member for longer than a
// change of leaders explains. A majority signed what it has, so a leader has it too, unless all
// machines were set back together.
func (f *feeder) isAhead(o proof.Origin, size uint64) bool {
	key := keyOf(o)
	b, ok := f.p.state.Box(o.Poll)
	if !ok || f.p.origin(b) != o || b.Size >= size {
		delete(f.ahead, key)
		return false
	}
	a := f.ahead[key]
	if a == nil {
		a = &ahead{origin: o, since: time.Now()}
		f.ahead[key] = a
	}
	return time.Since(a.since) >= feedAhead
}

// askAgain takes in the logs of which the witness has had more for long: there may be no later
// head of them. It reports whether there are any.
func (f *feeder) askAgain() (due bool) {
	for _, a := range f.ahead {
		if !a.again && time.Since(a.since) >= feedAhead {
			a.again, due = true, true
			f.add(a.origin, a.since)
		}
	}
	return due
}

// took takes in the answer about a head.
func (f *feeder) took(d due, h Head, s proof.Signature, err error) (done bool) {
	key := keyOf(d.origin)
	var size *witness.SizeError
	var refused *witness.RefusedError
	switch {
	case err == nil:
		f.seen[key] = h.Size
		delete(f.ahead, key)
		if len(f.done) == 0 {
			f.since = time.Now()
		}
		f.done = append(f.done, cosignature{h.Origin, h.Point, s})
		f.rest = feedRest
		f.say("")
		return true
	case errors.As(err, &size) && f.isAhead(d.origin, size.Size), errors.Is(err, witness.ErrInconsistent), errors.Is(err, witness.ErrFork):
		f.refused[key] = time.Now().Add(feedRefused)
		f.p.metrics.witnessFailed(f.w.Name(), "inconsistent")
		f.p.log.Error("A witness has cosigned another log under this name: one of the two sides was set back, or members of this cluster have signed two logs. Compare its last head with this cluster's",
			"witness", f.w.Name(), "log", d.origin, "size_here", h.Size, "error", err)
		return true
	case errors.As(err, &size): // the witness is ahead of this member: a later head comes
		f.p.metrics.witnessFailed(f.w.Name(), "other_size")
		f.p.log.Debug("a witness has cosigned a head of another size", "witness", f.w.Name(), "log", d.origin, "size", size.Size)
		return true
	case errors.Is(err, errOwn): // this member is behind
		f.p.log.Debug("a head is not given to a witness", "witness", f.w.Name(), "log", d.origin, "error", err)
		return true
	case errors.As(err, &refused):
		f.refused[key] = time.Now().Add(feedRefused)
		f.p.metrics.witnessFailed(f.w.Name(), "refused")
		f.p.log.Warn("a witness does not cosign a log; it is asked again in ten minutes", "witness", f.w.Name(), "log", d.origin, "error", err)
		return true
	case f.p.ctx.Err() != nil:
		return true
	}
	reason := "unreachable"
	if errors.Is(err, witness.ErrGarbage) {
		reason = "garbage"
	}
	f.p.metrics.witnessFailed(f.w.Name(), reason)
	f.say(reason, "error", err)
	f.until, f.rest = time.Now().Add(f.rest), min(2*f.rest, feedRestMax)
	return false
}

// say logs that the witness cannot be used, or can again, once for each reason.
func (f *feeder) say(reason string, args ...any) {
	if f.failed == reason {
		return
	}
	f.failed = reason
	args = append(args, "witness", f.w.Name())
	if reason == "" {
		f.p.log.Info("a witness cosigns heads again", args...)
		return
	}
	f.p.log.Warn("a witness does not cosign heads; it is asked again, and heads are served without it", args...)
}

// flush adds the cosignatures that came to the heads that are served here, and on the other
// members.
func (f *feeder) flush() {
	if len(f.done) == 0 {
		return
	}
	heads := f.p.enrich(f.done)
	f.p.metrics.cosignatures(f.w.Name(), len(f.done))
	f.done = f.done[:0]
	if len(heads) > 0 {
		f.p.push(heads)
	}
}
