package api

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"voted/internal/poll"
)

// tellers tell the streams of each poll how it stands. A poll has one teller while anybody
// watches it:
//
//	applied entries ─► look, at most every pace ─► telling: encoded once ─► every stream of the poll
//
// The first stream starts it, the last one ends it. It looks at its poll when the state has
// moved on, and encodes only what has changed. Streams share the bytes, and each takes the
// newest that there is when it has written the one before: a slow one holds up no other.
type tellers struct {
	h       *Handler
	running sync.WaitGroup

	mu     sync.Mutex
	polls  map[string]*teller // guarded by mu
	closed bool               // guarded by mu; none begins any more
}

// teller is one poll's. What has no other note belongs to its goroutine.
type teller struct {
	all *tellers
	id  string
	end context.CancelFunc

	newest atomic.Pointer[telling] // nil: none yet
	over   chan struct{}           // closed when nothing newer comes

	audience map[*listener]struct{} // guarded by tellers.mu

	looked time.Time // when it last looked at the poll
	shown  *telling  // the last that everyone was woken for
	told   time.Time // when that was
}

// listener is a stream as its teller sees it.
type listener struct {
	teller *teller
	wake   chan struct{} // holds one; there is something newer
	// need is the log index of the poll's last change when the stream began, which its first
	// event must reflect. 0: whatever comes will do. Guarded by tellers.mu.
	need uint64
}

// join adds a stream to a poll's audience; nil: no more streams begin. The caller must call
// leave.
func (ts *tellers) join(id string, need uint64) *listener {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closed {
		return nil
	}
	t := ts.polls[id]
	if t == nil || t.isOver() || t.isForeign(ts.h.cluster.ClusterID()) {
		ctx, end := context.WithCancel(ts.h.draining)
		t = &teller{all: ts, id: id, end: end, over: make(chan struct{}), audience: map[*listener]struct{}{}}
		ts.polls[id] = t
		ts.running.Go(func() { t.run(ctx) })
	}
	l := &listener{teller: t, wake: make(chan struct{}, 1), need: need}
	t.audience[l] = struct{}{}
	return l
}

// leave takes a stream out of its audience.
func (ts *tellers) leave(l *listener) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := l.teller
	if delete(t.audience, l); len(t.audience) > 0 {
		return
	}
	t.end()
	if ts.polls[t.id] == t {
		delete(ts.polls, t.id)
	}
}

// close lets no teller begin and waits for those there are; draining ends them.
func (ts *tellers) close() {
	ts.mu.Lock()
	ts.closed = true
	ts.mu.Unlock()
	ts.running.Wait()
}

func (t *teller) isOver() bool {
	select {
	case <-t.over:
		return true
	default:
		return false
	}
}

// isForeign reports whether what was told last is of another cluster than life. Its streams go
// on, and new ones get a teller of their own.
func (t *teller) isForeign(life string) bool {
	now := t.newest.Load()
	return now != nil && now.life != life
}

// run looks at the poll whenever the state has moved on, at most once a pace. It ends with
// the certified result, with the poll, and when nobody watches.
func (t *teller) run(ctx context.Context) {
	h := t.all.h
	defer close(t.over)
	defer t.end()
	defer recovered(h.log, "telling results", t.id)
	for {
		index, owes, err := t.look(ctx)
		if err != nil || t.newest.Load().last() {
			return
		}
		if !owes && h.cluster.Changed(ctx, index) != nil {
			return
		}
		if !waitUntil(ctx, t.looked.Add(h.pace)) {
			return
		}
	}
}

// look tells what has changed, if that is due: at once when the poll opens or closes, to
// streams that begin at the next look, and to all others at the pace of their number. It
// returns the log index it looked at, and owes: something is still to be told.
func (t *teller) look(ctx context.Context) (index uint64, owes bool, err error) {
	h := t.all.h
	t.looked = time.Now()
	info, index, err := h.watchable(t.id)
	if err != nil {
		return index, false, err
	}
	now := t.newest.Load()
	turned := now == nil || now.phase != info.Phase
	old := turned || now.changed < info.Changed
	due := turned || t.looked.Sub(t.told) >= h.paceOf(t.size())
	if old && (due || t.waits(now.changed)) {
		if now, err = h.tell(ctx, info, index); err != nil {
			return index, false, err
		}
		t.newest.Store(now)
		old = false
	}
	if now != t.shown && due {
		t.shown, t.told = now, t.looked
		t.ring(ctx, t.those(func(*listener) bool { return true }))
	} else {
		t.ring(ctx, t.those(func(l *listener) bool { return l.need > 0 && l.need <= now.changed }))
	}
	return index, old || now != t.shown, ctx.Err()
}

// size is how many watch.
func (t *teller) size() int {
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	return len(t.audience)
}

// waits reports whether a stream has not begun because all that was told is too old for it.
func (t *teller) waits(told uint64) bool {
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	for l := range t.audience {
		if l.need > told {
			return true
		}
	}
	return false
}

// those returns some of the audience, which will be woken.
func (t *teller) those(which func(*listener) bool) (some []*listener) {
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	for l := range t.audience {
		if which(l) {
			l.need = 0
			some = append(some, l)
		}
	}
	return some
}

// ring wakes streams, in groups with pauses between them: thousands of writes at one moment
// would make ballots wait for a processor.
func (t *teller) ring(ctx context.Context, those []*listener) {
	for n, l := range those {
		select {
		case l.wake <- struct{}{}:
		default: // it was woken before, and will find the newest
		}
		if (n+1)%ringGroup == 0 && !waitUntil(ctx, time.Now().Add(ringPause)) {
			return
		}
	}
}

// watchable returns a poll whose results may be seen and relied on.
func (h *Handler) watchable(id string) (info poll.Info, index uint64, err error) {
	if err := h.cluster.Doubt(); err != nil {
		return info, 0, err
	}
	info, index, err = h.info(id)
	if err == nil && !info.Visible() {
		err = errHidden
	}
	return info, index, err
}

// paceOf is how often an audience of this size is told: the work of writing grows with it,
// and its bytes.
func (h *Handler) paceOf(audience int) time.Duration {
	switch {
	case audience <= smallAudience:
		return h.pace
	case audience <= largeAudience:
		return 4 * h.pace
	}
	return 8 * h.pace
}

// recovered ends a goroutine that panicked: it would end the process, and no request
// recovers it.
func recovered(log *slog.Logger, what, id string) {
	if fault := recover(); fault != nil {
		log.Error(what+" panicked", "poll", id, "panic", fault, "stack", string(debug.Stack()))
	}
}

// waitUntil reports whether t came before ctx ended.
func waitUntil(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
