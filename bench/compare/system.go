package compare

import (
	"context"
	"errors"
	"fmt"

	"voted/bench/closedloop"
)

// Mode is the kind of work in a phase.
type Mode string

// Modes: one ballot a request, the same for ballots that were cast before, or many
// ballots a request.
const (
	ModeSingle Mode = "single"
	ModeReplay Mode = "replay"
	ModeBulk   Mode = "bulk"
)

// phase is one measurement of one system.
type phase struct {
	mode        Mode
	connections int
	seconds     float64
	poll        string // new for each phase
}

// system is a system that runs and is compared.
type system interface {
	name() string
	// about says in a line what it is and how it is set up.
	about() string
	// does reports whether it can do work of that mode.
	does(Mode) bool
	// measure carries out one phase. It calls begin just before the load and end
	// just after it.
	measure(ctx context.Context, p phase, begin, end func()) (Figures, error)
	// pids are its processes, one for each node.
	pids() []int
}

// Figures are what one phase measured.
type Figures struct {
	Round  int     `json:"round"`
	Rate   float64 `json:"per_second"`
	P50    float64 `json:"p50_ms"` // of single requests, or of bulk statements
	P99    float64 `json:"p99_ms"`
	Acked  uint64  `json:"acknowledged"`
	Stored uint64  `json:"stored"` // of this phase, as the system counts them afterwards
	// Replayed are acknowledged ballots that a node had to submit again, through
	// an election. Refused and Unknown ones should be none.
	Replayed uint64 `json:"replayed,omitempty"`
	Refused  uint64 `json:"refused"`
	Unknown  uint64 `json:"unknown"`
	Problem  string `json:"problem,omitempty"`
	// Written is how many bytes went to the disk during the load, for each ballot acknowledged
	// and each node. What other programs wrote counts too.
	Written float64 `json:"written_bytes_a_ballot"`
	// Shares of all processors during the load: of the system itself, of the load
	// generator, of all other programs, and idle.
	System    float64 `json:"cpu_system"`
	Generator float64 `json:"cpu_generator"`
	Others    float64 `json:"cpu_others"`
	Idle      float64 `json:"cpu_idle"`
}

// ErrNotExact marks a comparison in which a system counted other ballots than it
// acknowledged.
var ErrNotExact = errors.New("NOT EXACT")

// check compares the figures with what was stored. It fails if an acknowledged ballot is
// missing, or if more ballots are there than were sent.
func (f Figures) check() error {
	switch {
	case f.Stored < f.Acked:
		return fmt.Errorf("%w: %d ballots were acknowledged, only %d are there", ErrNotExact, f.Acked, f.Stored)
	case f.Stored > f.Acked+f.Unknown:
		return fmt.Errorf("%w: %d ballots were acknowledged, %d refused and %d not answered, but %d are there; the first problem: %s", ErrNotExact, f.Acked, f.Refused, f.Unknown, f.Stored, f.Problem)
	case f.Acked == 0:
		return fmt.Errorf("no ballot was acknowledged: %s", f.Problem)
	}
	return nil
}

// figures returns what the load generator measured.
func figures(r closedloop.Result) Figures {
	return Figures{
		Rate: r.PerSecond(), P50: millis(r.Quantile(0.50)), P99: millis(r.Quantile(0.99)),
		Acked: r.Acknowledged, Replayed: r.Replayed, Refused: r.Refused, Unknown: r.Unknown, Problem: r.Problem,
	}
}
