package prover

import "time"

// waiting are the polls whose newest records no head covers yet, the oldest first. The
// caller guards it with a lock.
type waiting struct {
	polls map[string]*wait
	// queue has them in the order in which they began to wait; an entry whose turn is not
	// that of its poll is old.
	queue []turn
	turns uint64
	// closings are those that closed, whose last head comes first and at once.
	closings []string
}

// wait is one poll that waits.
type wait struct {
	turn    uint64
	size    uint64    // of its box, as last seen
	covered uint64    // by its newest head
	since   time.Time // when the oldest record that waits was seen
}

type turn struct {
	poll string
	turn uint64
}

func newWaiting() *waiting { return &waiting{polls: map[string]*wait{}} }

// note takes in that a poll's box has a size, and its newest head another one. closing: the
// last leaf waits.
func (w *waiting) note(poll string, size, covered uint64, closing bool, now time.Time) {
	x := w.polls[poll]
	if size <= covered {
		delete(w.polls, poll)
		return
	}
	if x == nil {
		x = &wait{since: now}
		w.polls[poll] = x
		w.enqueue(poll, x)
	}
	ended := closing && x.size < size
	x.size, x.covered = size, covered
	if ended {
		w.closings = append(w.closings, poll)
	}
}

func (w *waiting) enqueue(poll string, x *wait) {
	w.turns++
	x.turn = w.turns
	w.queue = append(w.queue, turn{poll, x.turn})
}

// cover takes in that there is a head of a poll.
func (w *waiting) cover(poll string, size uint64, now time.Time) {
	x := w.polls[poll]
	if x == nil || size <= x.covered {
		return
	}
	x.covered = size
	if x.size <= size {
		delete(w.polls, poll)
		return
	}
	x.since = now
	w.enqueue(poll, x)
}

// forget drops a poll.
func (w *waiting) forget(poll string) { delete(w.polls, poll) }

// next takes up to limit polls that began to wait before an instant off the queue, the
// oldest first. They come last of all from then on, until they are covered.
func (w *waiting) next(limit int, before time.Time) (polls []string) {
	var again []turn
	n := 0
	for _, t := range w.queue {
		x := w.polls[t.poll]
		if x != nil && x.turn == t.turn {
			if len(polls) == limit || x.since.After(before) {
				break
			}
			polls = append(polls, t.poll)
			again = append(again, t)
		}
		n++
	}
	if w.queue = w.queue[n:]; len(w.queue)+len(again) == 0 {
		w.queue = nil // the memory of a long list goes
	}
	for _, t := range again {
		w.enqueue(t.poll, w.polls[t.poll])
	}
	return polls
}

// closed takes up to limit polls off the queue of those that closed. If they are not
// covered then, their turn comes with the others.
func (w *waiting) closed(limit int) (polls []string) {
	n := 0
	for ; n < len(w.closings) && len(polls) < limit; n++ {
		if poll := w.closings[n]; w.polls[poll] != nil {
			polls = append(polls, poll)
		}
	}
	if w.closings = w.closings[n:]; len(w.closings) == 0 {
		w.closings = nil
	}
	return polls
}

// behind returns how many leaves wait, and since when the oldest does; zero: none does.
func (w *waiting) behind() (leaves uint64, oldest time.Time) {
	for _, x := range w.polls {
		leaves += x.size - x.covered
		if oldest.IsZero() || x.since.Before(oldest) {
			oldest = x.since
		}
	}
	return leaves, oldest
}
