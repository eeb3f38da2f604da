package history

import "time"

// Sample is what a node did in the second before At.
type Sample struct {
	At time.Time `json:"at"`
	// Counted, Replaced, Replayed and Refused are the ballots that this node answered.
	Counted  uint64 `json:"counted"`
	Replaced uint64 `json:"replaced"`
	Replayed uint64 `json:"replayed"`
	Refused  uint64 `json:"refused"`
	Index    uint64 `json:"index"` // log index that it had applied
	// Cast is the time of a single ballot's request at this node, Commit that of an entry
	// which it proposed as the leader, Sync that of an append to its log. Nil: there was none.
	Cast   *Times `json:"cast,omitempty"`
	Commit *Times `json:"commit,omitempty"`
	Sync   *Times `json:"sync,omitempty"`
	// Clients are connected, Streams of them watch live results.
	Clients uint64 `json:"clients"`
	Streams uint64 `json:"streams"`
}

// Times are quantiles in milliseconds, interpolated within the buckets of a histogram.
type Times struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// Reading is what a node has done since its start. Samples are differences of two.
type Reading struct {
	Counted, Replaced, Replayed, Refused uint64
	Index                                uint64
	Cast, Commit, Sync                   Distribution
	Clients, Streams                     uint64
}

// since returns the sample between two readings.
func (r *Reading) since(earlier *Reading, at time.Time) Sample {
	return Sample{
		At: at, Counted: r.Counted - earlier.Counted, Replaced: r.Replaced - earlier.Replaced,
		Replayed: r.Replayed - earlier.Replayed, Refused: r.Refused - earlier.Refused, Index: r.Index,
		Cast: r.Cast.since(earlier.Cast).times(), Commit: r.Commit.since(earlier.Commit).times(), Sync: r.Sync.since(earlier.Sync).times(),
		Clients: r.Clients, Streams: r.Streams,
	}
}

// ballots is how many were decided.
func (s *Sample) ballots() uint64 { return s.Counted + s.Replaced + s.Replayed + s.Refused }

// Distribution is a histogram of times in seconds, as Prometheus has it.
type Distribution struct {
	Bounds []float64 // upper ones, rising; the last bucket has none
	Counts []uint64  // in the bucket below each bound and above the one before; one more for the last
}

// since returns what was added after earlier, which may be empty.
func (d Distribution) since(earlier Distribution) Distribution {
	if len(earlier.Counts) != len(d.Counts) {
		return d
	}
	added := Distribution{Bounds: d.Bounds, Counts: make([]uint64, len(d.Counts))}
	for i := range d.Counts {
		added.Counts[i] = d.Counts[i] - earlier.Counts[i]
	}
	return added
}

func (d Distribution) times() *Times {
	p50, ok := d.quantile(0.5)
	if !ok {
		return nil
	}
	p99, _ := d.quantile(0.99)
	return &Times{P50: 1000 * p50, P99: 1000 * p99}
}

// quantile returns the time below which a share of all lies, in seconds; ok is false if there
// are none. Within a bucket times count as spread evenly; those in the last one count as its
// lower bound, since it has no other.
func (d Distribution) quantile(share float64) (seconds float64, ok bool) {
	var all uint64
	for _, n := range d.Counts {
		all += n
	}
	if all == 0 {
		return 0, false
	}
	rank, below := share*float64(all), 0.0
	for i, n := range d.Counts {
		lower := 0.0
		if i > 0 {
			lower = d.Bounds[i-1]
		}
		if below+float64(n) < rank {
			below += float64(n)
			continue
		}
		if i == len(d.Bounds) {
			return lower, true
		}
		return lower + (d.Bounds[i]-lower)*(rank-below)/float64(n), true
	}
	return d.Bounds[len(d.Bounds)-1], true
}
