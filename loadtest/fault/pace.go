package fault

import "time"

// Pace is how long the parts of a fault take.
type Pace struct {
	Down   time.Duration // how long a killed node stays down
	Hold   time.Duration // how long a pause or a cut lasts
	Cut    time.Duration // how long answers are cut off
	Steady time.Duration // how long the cluster is whole again before the fault is over
}

// The paces.
var (
	// Usual gives each effect the time to be seen: a killed node stays down longer than an
	// election, so that it returns only after it; a cut lasts several election timeouts; the
	// return itself may cost another change of leader. The texts in about have the same
	// times.
	Usual = Pace{Down: time.Second, Hold: 3 * time.Second, Cut: 2 * time.Second, Steady: 500 * time.Millisecond}
	// Brisk is for many faults in little time: each lasts just longer than an election.
	Brisk = Pace{Down: 300 * time.Millisecond, Hold: 1500 * time.Millisecond, Cut: time.Second, Steady: 150 * time.Millisecond}
)

const (
	// CutShare of the answers are lost while answers are cut off.
	CutShare = 0.2
	// returnTime is how long a node may take to come back before the run is
	// inconclusive.
	returnTime = 30 * time.Second
)
