package viewers

import (
	"fmt"
	"time"

	"voted/bench/measurement"
)

// Options are the flags of the measurement.
type Options struct {
	Viewers int     `help:"Live streams of the poll." default:"10000" placeholder:"N"`
	Rate    int     `help:"Ballots a second, on schedule, however long answers take." default:"1000" placeholder:"N"`
	Seconds float64 `help:"Length of each of the two phases." default:"30" placeholder:"SECONDS"`
	Spread  bool    `help:"Spread the streams over all nodes, instead of one that does not lead."`
	TLS     bool    `help:"Under TLS, with tokens." name:"tls"`

	measurement.Options
}

const (
	nodes = 3
	// maxViewers is how many streams a node serves by default.
	maxViewers = 10_000
	maxRate    = 20_000
	maxSeconds = 600
	// inFlight bounds the ballots whose answers are awaited at a time.
	inFlight = 512
	// opening is how many streams are opened at the same time.
	opening = 64
	// startTimeout bounds the start of the cluster and the opening of all streams.
	startTimeout = 2 * time.Minute
	// endTimeout bounds the wait of all streams for the certified result.
	endTimeout = time.Minute
	// sampleEvery is how often memory is looked at.
	sampleEvery = 500 * time.Millisecond
)

func (o Options) check() error {
	most := maxViewers
	if o.Spread {
		most *= nodes
	}
	switch {
	case o.Viewers < 1 || o.Viewers > most:
		return fmt.Errorf("--viewers is 1 to %d for one node, and %d with --spread", maxViewers, nodes*maxViewers)
	case o.Rate < 1 || o.Rate > maxRate:
		return fmt.Errorf("--rate is 1 to %d", maxRate)
	case o.Seconds <= 0 || o.Seconds > maxSeconds:
		return fmt.Errorf("--seconds is above 0 and at most %d", maxSeconds)
	}
	return nil
}

func (o Options) length() time.Duration { return time.Duration(o.Seconds * float64(time.Second)) }
