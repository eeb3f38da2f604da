package trial

import (
	"sync"
	"time"

	"voted/harness/ledger"
	"voted/loadtest/fault"
	"voted/loadtest/journal"
	"voted/loadtest/latency"
)

// books owns everything that is kept about the answers. One goroutine enters them.
type books struct {
	entries chan ledger.Entry
	done    chan struct{}
	meter   *fault.Meter

	mu         sync.Mutex // guards what follows, which progress reads
	ledger     *ledger.Ledger
	latency    *latency.Recorder
	journal    *journal.Writer
	loading    bool              // entries belong to the load, not to what is sent again afterwards
	answered   uint64            // requests of the schedule that have a final answer
	scheduled  uint64            // requests of the schedule that have ended
	loadErrors uint64            // requests of the load that ended without a final answer
	requests   uint64            // requests of the load that have ended
	committed  uint64            // ballots that were acknowledged by a commit
	window     *latency.Recorder // since the last look
	err        error             // why the books cannot be kept
}

// entriesWaiting is how many answers may wait to be entered; then Record blocks.
const entriesWaiting = 16 << 10

func openBooks(l *ledger.Ledger, path string, m *fault.Meter) (*books, error) {
	j, err := journal.Create(path)
	if err != nil {
		return nil, err
	}
	b := &books{
		entries: make(chan ledger.Entry, entriesWaiting), done: make(chan struct{}), meter: m,
		ledger: l, latency: latency.New(), journal: j, window: latency.New(),
	}
	go func() { // the bookkeeper; ends with entries
		defer close(b.done)
		for e := range b.entries {
			b.enter(&e)
		}
	}()
	return b, nil
}

// Record takes an entry.
func (b *books) Record(e ledger.Entry) {
	end := time.Duration(e.End) * time.Microsecond
	if e.Committed() {
		b.meter.Acknowledged(end, e.Node)
	} else if !e.Final() {
		b.meter.Failed()
	}
	b.entries <- e
}

// enter adds an answer to the ledger, the request log and the latencies.
func (b *books) enter(e *ledger.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ledger.Add(e); err != nil && b.err == nil {
		b.err = err
	}
	if err := b.journal.Add(e); err != nil && b.err == nil {
		b.err = err
	}
	if !b.loading {
		return
	}
	b.requests++
	end := time.Duration(e.End) * time.Microsecond
	final := e.Final()
	if !final {
		b.loadErrors++
	}
	if e.Committed() {
		b.committed++
		b.latency.Acknowledged(end)
	}
	if e.Kind.Scheduled() {
		b.scheduled++
		if final {
			b.answered++
		}
		intended := time.Duration(e.Intended) * time.Microsecond
		b.latency.Add(intended, end, final)
		b.window.Add(0, end-intended, final)
	}
}

// setLoading says whether answers belong to the load from now on.
func (b *books) setLoading(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loading = on
}

// close enters what waits, and completes the log. Record must no longer be called.
func (b *books) close() error {
	close(b.entries)
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.journal.Close(); err != nil && b.err == nil {
		b.err = err
	}
	return b.err
}

// failure returns why the books could not be kept, nil while they can.
func (b *books) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
