package workload

import "fmt"

// Kind says why a request is sent. Kinds after Replacement are duplicates.
type Kind uint8

// The kinds.
const (
	// First is a voter's first ballot, at its time in the open schedule.
	First Kind = iota
	// Rival is another choice of the same voter, sent at the same moment as First:
	// one of the two must be counted, and the other refused.
	Rival
	// Replacement replaces version 1, in a poll that allows it.
	Replacement

	Immediate     // the same ballot again, as soon as the answer is there
	Concurrent    // the same at the same moment, on another connection
	OtherNode     // the same after the answer, to a node that did not give it
	AfterFailover // the same after the next failover
	AfterRestart  // the same after all nodes were restarted
	Late          // the first ballot once more, after its replacement
	Conflict      // another choice, after the first was acknowledged
	Unanswered    // the same, because its outcome had stayed unknown

	kinds
)

var kindNames = [kinds]string{
	"first", "rival", "replacement", "immediate", "concurrent", "other_node",
	"after_failover", "after_restart", "late", "conflict", "unanswered",
}

// Kinds returns all kinds in order.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// String returns the kind's name in logs and reports.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Duplicate reports whether the kind sends again what was sent before.
func (k Kind) Duplicate() bool { return k >= Immediate }

// Scheduled reports whether the kind's time is fixed in advance, by the open
// schedule alone: only such requests count for latency, because the others are
// sent when an answer arrives, and so never wait while nothing answers.
func (k Kind) Scheduled() bool { return k == First || k == Rival || k == Concurrent }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) {
	if k >= kinds {
		return nil, fmt.Errorf("there is no %v of request", k)
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a kind of request", text)
}
