package hooks

import (
	"fmt"
	"time"

	"voted/bench/measurement"
)

// Options are the flags of the measurement.
type Options struct {
	Hanging int     `help:"Receivers that take connections and never answer." default:"990" placeholder:"N"`
	Healthy int     `help:"Receivers that answer at once." default:"10" placeholder:"N"`
	Rate    int     `help:"Events a second." default:"5" placeholder:"N"`
	Seconds float64 `help:"Length of the measurement." default:"20" placeholder:"SECONDS"`

	measurement.Options
}

const (
	nodes = 3
	// maxReceivers is how many endpoints a cluster has at most.
	maxReceivers = 1024
	maxRate      = 20 // what an endpoint gets by default
	maxSeconds   = 600
	// startTimeout bounds the start of the cluster and of all endpoints.
	startTimeout = 2 * time.Minute
	// endTimeout bounds the wait for the last events.
	endTimeout = time.Minute
	// worst is the part of the measurement in which all connections are made.
	worst = time.Second
)

func (o Options) check() error {
	switch {
	case o.Healthy < 1 || o.Hanging < 0 || o.Hanging+o.Healthy > maxReceivers:
		return fmt.Errorf("--healthy is at least 1, and with --hanging at most %d", maxReceivers)
	case o.Rate < 1 || o.Rate > maxRate:
		return fmt.Errorf("--rate is 1 to %d", maxRate)
	case o.Seconds <= 0 || o.Seconds > maxSeconds:
		return fmt.Errorf("--seconds is above 0 and at most %d", maxSeconds)
	}
	return nil
}

func (o Options) length() time.Duration { return time.Duration(o.Seconds * float64(time.Second)) }
