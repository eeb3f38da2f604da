package history

import (
	"strings"
	"sync"
	"time"
)

// The limits of what is kept: about 150 bytes a sample and 250 an event, 0.4 MB in all.
const (
	// SampleEvery is the time that a sample covers.
	SampleEvery = time.Second
	maxSamples  = 15 * 60
	maxEvents   = 1000
	// maxTextBytes bounds an event's sentence; findings may quote errors of any length.
	maxTextBytes = 1000
	// rateOver is the time over which the rates of a node are taken.
	rateOver = 10 * time.Second
)

// Recorder keeps the history of one node. Its methods may be called concurrently.
type Recorder struct {
	mu      sync.Mutex
	samples *ring[Sample]  // guarded by mu
	events  *ring[Event]   // guarded by mu
	seq     uint64         // of the last event; guarded by mu
	reads   *ring[Reading] // of the last rateOver; guarded by mu
	last    time.Time      // of the last reading; guarded by mu
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{samples: newRing[Sample](maxSamples), events: newRing[Event](maxEvents), reads: newRing[Reading](int(rateOver/SampleEvery) + 1)}
}

// Sample enters what the node has done since its start until now. The first reading begins
// the first sample.
func (r *Recorder) Sample(now Reading, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.reads.from(func(*Reading) bool { return true })
	if n := len(all); n > 0 {
		r.samples.add(now.since(&all[n-1], at))
	}
	r.reads.add(now)
	r.last = at
}

// Note enters an event. Seq is set here, and At, if it is zero, to now.
func (r *Recorder) Note(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if len(e.Text) > maxTextBytes {
		e.Text = strings.ToValidUTF8(e.Text[:maxTextBytes], "") + "…"
	}
	r.seq++
	e.Seq = r.seq
	r.events.add(e)
}

// History is what a node did and saw lately, the oldest first.
type History struct {
	Samples []Sample `json:"samples"`
	Events  []Event  `json:"events"`
}

// Since returns the samples and events after an instant, all of them if it is zero.
func (r *Recorder) Since(t time.Time) History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return History{
		Samples: r.samples.from(func(s *Sample) bool { return s.At.After(t) }),
		Events:  r.events.from(func(e *Event) bool { return e.At.After(t) }),
	}
}

// Rates are what a node answered in the last ten seconds.
type Rates struct {
	Ballots float64 // a second, decided by this node
	Cast    *Times  // of single ballots; nil: there was none
}

// Rates returns them; zero before the second sample.
func (r *Recorder) Rates() Rates {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.reads.from(func(*Reading) bool { return true })
	if len(all) < 2 {
		return Rates{}
	}
	first, last := &all[0], &all[len(all)-1]
	s := last.since(first, r.last)
	return Rates{Ballots: float64(s.ballots()) / (float64(len(all)-1) * SampleEvery.Seconds()), Cast: s.Cast}
}
