package demo

import (
	"fmt"
	"sync"
	"time"

	"voted/client"
)

// maxComplaints bounds how many differences are kept; one is enough to fail.
const maxComplaints = 10

// watchFor is how long after the kill a gap counts as caused by it: longer than any
// election, and short enough to end before the last ballot.
const watchFor = 2 * time.Second

// receipt is what a voter holds: enough to find the ballot in an export.
type receipt struct {
	Ballot, Index, Version uint64
	CastAt                 time.Time
	Node                   string // that answered
	counted                bool   // one of the answers had the outcome counted
}

// tallyOfAnswers is what the senders have seen so far.
type tallyOfAnswers struct {
	Sent, Counted, Replayed, Failed int
	Retries                         int // further tries of the client for one request
	Elsewhere                       int // repetitions answered by another node than the first
	Leader                          string
	Nodes                           map[string]int // answers by node
}

// ledger keeps the first receipt of each voter, and compares all others to it.
// It is safe for concurrent use.
type ledger struct {
	mu         sync.Mutex
	receipts   []receipt // by voter; Ballot 0: none yet
	answers    tallyOfAnswers
	complaints []string

	// The gap is watched from the kill on: the longest time without a ballot
	// that is newly counted.
	watching     bool
	deposed      string // who led before the kill, if another leader must follow
	killed       time.Time
	last         time.Time
	gap          time.Duration
	resumed      chan struct{} // closed with the first ballot that the next leader counts
	resumedBy    string
	resumedAfter time.Duration // the kill

	shown  uint32 // a voter whose ballot was cast at an interesting moment
	moment moment // that moment
}

// moment is when a ballot was cast. Later ones in this list make better examples.
type moment int

const (
	anyTime moment = iota
	afterKill
	onItsWay
	sentAgain
)

// String goes on after "whose ballot".
func (m moment) String() string {
	return [...]string{"was counted", "was cast after the leader was killed", "was on its way when the leader was killed", "was on its way when the leader was killed, and was sent again"}[m]
}

func newLedger(voters int) *ledger {
	return &ledger{
		receipts: make([]receipt, voters), resumed: make(chan struct{}),
		answers: tallyOfAnswers{Nodes: map[string]int{}},
	}
}

// record takes the answer to a request that began at some time.
func (l *ledger) record(voter uint32, began time.Time, r client.Receipt, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers.Sent++
	l.answers.Retries += max(0, r.Meta.Attempts-1)
	if err != nil {
		l.answers.Failed++
		l.complain("the ballot of %s was not accepted: %v", voterID(voter), err)
		return
	}
	l.answers.Nodes[r.Meta.Node]++
	if r.Meta.Leader != "" {
		l.answers.Leader = r.Meta.Leader
	}
	counted := r.Outcome == client.Counted
	if counted {
		l.answers.Counted++
		l.seen(now, r.Meta)
		l.show(voter, began, r.Meta)
	} else {
		l.answers.Replayed++
	}
	l.compare(voter, r, counted)
}

// seen measures the gaps between newly counted ballots.
func (l *ledger) seen(now time.Time, by client.Meta) {
	if !l.watching || now.Sub(l.killed) > watchFor && l.resumedBy != "" {
		return
	}
	l.gap = max(l.gap, now.Sub(l.last))
	l.last = now
	if l.resumedBy == "" && by.Leader != "" && by.Leader != l.deposed {
		l.resumedBy, l.resumedAfter = by.Leader, now.Sub(l.killed)
		close(l.resumed)
	}
}

// show remembers the voter whose ballot was cast at the most interesting moment.
func (l *ledger) show(voter uint32, began time.Time, by client.Meta) {
	at := anyTime
	switch {
	case l.watching && began.After(l.killed):
		at = afterKill
	case l.watching && by.Attempts > 1:
		at = sentAgain
	case l.watching:
		at = onItsWay
	}
	if at > l.moment {
		l.shown, l.moment = voter, at
	}
}

// example returns the voter whose ballot was cast at the most interesting moment, and says which one that was.
func (l *ledger) example() (voter uint32, at string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown, l.moment.String()
}

func (l *ledger) compare(voter uint32, r client.Receipt, counted bool) {
	first := &l.receipts[voter]
	if first.Ballot == 0 {
		*first = receipt{r.Ballot, r.Index, r.Version, r.CastAt, r.Meta.Node, counted}
		return
	}
	if first.Node != r.Meta.Node {
		l.answers.Elsewhere++
	}
	if counted && first.counted {
		l.complain("the ballot of %s was counted twice, as number %d and %d", voterID(voter), first.Ballot, r.Ballot)
	}
	first.counted = first.counted || counted
	if r.Ballot != first.Ballot || r.Index != first.Index || r.Version != first.Version || !r.CastAt.Equal(first.CastAt) {
		l.complain("%s holds two different receipts: ballot %d at index %d, and ballot %d at index %d",
			voterID(voter), first.Ballot, first.Index, r.Ballot, r.Index)
	}
}

func (l *ledger) complain(format string, args ...any) {
	if len(l.complaints) < maxComplaints {
		l.complaints = append(l.complaints, fmt.Sprintf(format, args...))
	}
}

// watch begins to measure gaps, at the moment of the kill. Answers that were on
// their way then are not taken for the new leader's.
func (l *ledger) watch(from time.Time, deposed string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watching, l.killed, l.last, l.deposed = true, from, from, deposed
}

// outage returns the longest time since the kill without a newly counted ballot,
// up to the end of the watch.
func (l *ledger) outage() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gap
}

// look returns what has been seen so far.
func (l *ledger) look() tallyOfAnswers {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers
}
