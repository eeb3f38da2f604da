package scale

import (
	"errors"
	"fmt"

	"voted/bench/measurement"
)

// Options are the flags of the measurement.
type Options struct {
	Polls         uint64  `help:"Polls; with more than one, all are made first and then filled." default:"1" placeholder:"N"`
	Voters        uint64  `help:"Voters in each poll." default:"10000000" placeholder:"N"`
	Step          uint64  `help:"Ballots, or polls, from one line of the table to the next (0: a tenth of all)." default:"0" placeholder:"N"`
	Seconds       float64 `help:"Length of a phase of single ballots." default:"10" placeholder:"SECONDS"`
	Connections   int     `help:"Clients at the same time in those phases." default:"512" placeholder:"N"`
	Streams       int     `help:"Bulk streams at the same time." default:"3" placeholder:"N"`
	Proofs        bool    `help:"Let the nodes keep the logs that prove what was counted, and measure heads and proofs too. With one poll."`
	SnapshotEvery uint64  `help:"Log entries between snapshots while their effect is measured." default:"2048" placeholder:"N"`

	measurement.Options
}

func (o Options) check() error {
	switch {
	case o.Polls < 1 || o.Polls > maxPolls:
		return fmt.Errorf("--polls is 1 to %d", maxPolls)
	case o.Voters < 1 || o.Voters*o.Polls > maxVoters:
		return fmt.Errorf("--voters is at least 1, and %d in all polls together at most", maxVoters)
	case o.Seconds <= 0 || o.Seconds > maxSeconds:
		return fmt.Errorf("--seconds is above 0 and at most %d", maxSeconds)
	case o.Connections < 1 || o.Connections > maxConnections || o.Streams < 1 || o.Streams > maxStreams:
		return fmt.Errorf("--connections is 1 to %d, --streams 1 to %d", maxConnections, maxStreams)
	case o.Proofs && o.Polls > 1:
		return errors.New("--proofs is about one poll; leave --polls out")
	case o.SnapshotEvery < 1:
		return fmt.Errorf("--snapshot-every is at least 1")
	}
	return nil
}

// step returns how many of all are done at a time.
func (o Options) step(all uint64) uint64 {
	if o.Step > 0 {
		return min(o.Step, all)
	}
	return max(1, all/10)
}
