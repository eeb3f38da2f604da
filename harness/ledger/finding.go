package ledger

import "fmt"

// Fault names what a finding is about.
type Fault string

// The faults. Each makes the verdict NOT EXACT.
const (
	Lost        Fault = "lost"          // acknowledged, and not there (O1)
	Changed     Fault = "changed"       // there, but not as it was acknowledged (O1)
	Twice       Fault = "counted_twice" // a voter counts more than once (O2)
	WrongTally  Fault = "wrong_tally"   // the tally is not the sum of the ballots (O2)
	Invented    Fault = "invented"      // no one sent it (O3)
	Diverged    Fault = "diverged"      // nodes hold different things (O4)
	WrongAnswer Fault = "wrong_answer"  // an answer contradicts another one or the rules
	Unproven    Fault = "unproven"      // acknowledged, and without a good proof that it is counted
)

// Finding is one reason why a run is not exact.
type Finding struct {
	Fault Fault  `json:"fault"`
	Node  string `json:"node,omitempty"`
	Poll  string `json:"poll,omitempty"`
	Voter string `json:"voter,omitempty"`
	What  string `json:"what"`
}

// String returns the finding as a line.
func (f Finding) String() string {
	s := string(f.Fault) + ":"
	if f.Voter != "" {
		s += " voter " + f.Voter
	}
	if f.Poll != "" {
		s += " in poll " + f.Poll
	}
	if f.Node != "" {
		s += " at node " + f.Node
	}
	return fmt.Sprintf("%s: %s", s, f.What)
}

// maxFindings bounds those that are kept; all are counted. A cluster that lost its data
// makes one for every ballot, of which the first hundred thousand are enough.
const maxFindings = 100_000

// findings collects findings.
type findings struct {
	kept   []Finding
	counts map[Fault]uint64
}

func (f *findings) add(x Finding) {
	if f.counts == nil {
		f.counts = map[Fault]uint64{}
	}
	f.counts[x.Fault]++
	if len(f.kept) < maxFindings {
		f.kept = append(f.kept, x)
	}
}

func (f *findings) total() (n uint64) {
	for _, c := range f.counts {
		n += c
	}
	return n
}
