package api

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// Repeats is how many requests to count a ballot of a poll one process recognised as
// repetitions of one that had been counted.
type Repeats struct {
	Run        string    `json:"run"`   // of the process; drawn at its start
	Since      time.Time `json:"since"` // its start
	Recognised uint64    `json:"recognised"`
}

// Elsewhere asks the other members of the cluster.
type Elsewhere interface {
	// Repeats returns what each of the other members has recognised, by member, without those
	// that do not answer in time; and how many other members there are.
	Repeats(ctx context.Context, poll string) (answers map[string]Repeats, others int)
}

// repeats counts the repetitions that this process recognised, by poll. It is off the way of
// ballots that are new.
type repeats struct {
	run   string
	since time.Time
	polls sync.Map // id to *atomic.Uint64
	size  atomic.Int64
}

// add counts n repetitions.
func (r *repeats) add(id string, n uint64) {
	if n == 0 {
		return
	}
	count, known := r.polls.Load(id)
	if !known {
		if r.size.Load() >= maxRepeatedPolls {
			return
		}
		if count, known = r.polls.LoadOrStore(id, new(atomic.Uint64)); !known {
			r.size.Add(1)
		}
	}
	count.(*atomic.Uint64).Add(n)
}

// Repeats returns what this process recognised.
func (h *Handler) Repeats(id string) Repeats {
	now := Repeats{Run: h.repeats.run, Since: h.repeats.since}
	if count, known := h.repeats.polls.Load(id); known {
		now.Recognised = count.(*atomic.Uint64).Load()
	}
	return now
}

// sums remembers what members have said of a poll's repetitions, so that the sum does not
// fall when one of them ends, and asks them once a second at most, however many want to know.
type sums struct {
	mu    sync.Mutex
	polls map[string]*sum // guarded by mu
}

// sum is one poll's.
type sum struct {
	mu   sync.Mutex
	at   time.Time          // when the members were asked; guarded by mu
	runs map[string]Repeats // newest answer of each process, also of those that have ended; guarded by mu
	last repeatsJSON        // guarded by mu
}

// repeatsJSON is the sum as clients see it.
type repeatsJSON struct {
	Poll       string `json:"poll"`
	Recognised uint64 `json:"recognised"`
	// Since is from when on none is missing, if all members answer: when the youngest of
	// their processes began.
	Since    time.Time `json:"since"`
	Members  int       `json:"members"`
	Answered int       `json:"answered"`
}

// of returns the entry of a poll. Beyond maxSums one is forgotten: what its processes said
// before they ended is no longer in it.
func (s *sums) of(id string) *sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.polls[id]; known != nil {
		return known
	}
	for other := range s.polls {
		if len(s.polls) < maxSums {
			break
		}
		delete(s.polls, other)
	}
	s.polls[id] = &sum{runs: map[string]Repeats{}}
	return s.polls[id]
}

// getRepeats serves how many requests of all members' clients were recognised as repetitions.
// Who may not see the results may not see it: it grows with the ballots.
func (h *Handler) getRepeats(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	info, index, err := h.info(id)
	w.saw(index)
	if err == nil && !info.Visible() {
		err = refusal.Of(refusal.ResultsHidden)
	}
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	out := h.sumOf(ctx, id)
	return w.sendJSON(&out)
}

func (h *Handler) sumOf(ctx context.Context, id string) repeatsJSON {
	s := h.sums.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < repeatsEvery {
		return s.last
	}
	answers, others := map[string]Repeats{}, 0
	if h.elsewhere != nil {
		// Those who wait for the lock need the answer as much as the one that asks.
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), repeatsTimeout)
		answers, others = h.elsewhere.Repeats(asking, id)
		cancel()
	}
	answers[h.cluster.ID()] = h.Repeats(id)
	s.last = repeatsJSON{Poll: id, Members: others + 1, Answered: len(answers)}
	for _, a := range answers {
		s.runs[a.Run] = a
		if a.Since.After(s.last.Since) {
			s.last.Since = a.Since
		}
	}
	for _, a := range s.runs {
		s.last.Recognised += a.Recognised
	}
	s.at = time.Now()
	return s.last
}

// replayedIn counts the repetitions among outcomes.
func replayedIn(outcomes []poll.Outcome) (n uint64) {
	for i := range outcomes {
		if outcomes[i].Kind == poll.Replayed {
			n++
		}
	}
	return n
}
