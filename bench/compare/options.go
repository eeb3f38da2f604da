package compare

import (
	"errors"
	"fmt"
	"slices"

	"voted/bench/measurement"
)

// The systems that can be compared.
const (
	systemVoted    = "voted"
	systemProofs   = "proofs" // voted with the logs that prove what was counted
	systemHooks    = "hooks"  // voted with a thousand webhooks that get nothing
	systemBare     = "bare"
	systemEtcd     = "etcd"
	systemPostgres = "postgres"
)

// Options are the flags of the comparison.
type Options struct {
	Rounds      int      `help:"Rounds; in each every system does all the work once." default:"5" placeholder:"N"`
	Seconds     float64  `help:"Length of one phase: one system, one number of connections." default:"5" placeholder:"SECONDS"`
	Connections []int    `help:"Numbers of clients at the same time, spread over all nodes." default:"1,8,64,512" placeholder:"N,…"`
	Streams     []int    `help:"Numbers of bulk streams at the same time." default:"1,3" placeholder:"N,…"`
	Replays     bool     `help:"Compare ballots that were cast before too, with the largest number of clients." default:"true" negatable:""`
	Bulk        bool     `help:"Compare bulk work too." default:"true" negatable:""`
	TLS         bool     `help:"Compare under TLS: every system gets certificates of a CA that voted ca makes." name:"tls"`
	Systems     []string `help:"What to compare: voted with proofs, with idle webhooks, bare, etcd, postgres." default:"voted,bare,etcd,postgres" enum:"voted,proofs,hooks,bare,etcd,postgres" placeholder:"NAME,…"`

	measurement.Options
}

func (o Options) check() error {
	switch {
	case o.Rounds < 1 || o.Rounds > maxRounds:
		return fmt.Errorf("--rounds is 1 to %d", maxRounds)
	case o.Seconds <= 0 || o.Seconds > maxSeconds:
		return fmt.Errorf("--seconds is above 0 and at most %d", maxSeconds)
	case len(o.Connections) == 0 || slices.Min(o.Connections) < 1 || slices.Max(o.Connections) > maxClients:
		return fmt.Errorf("--connections are 1 to %d", maxClients)
	case o.Bulk && (len(o.Streams) == 0 || slices.Min(o.Streams) < 1 || slices.Max(o.Streams) > maxStreams):
		return fmt.Errorf("--streams are 1 to %d", maxStreams)
	case !slices.Contains(o.Systems, systemVoted):
		return errors.New("--systems needs voted, which the others are compared with")
	}
	return nil
}
