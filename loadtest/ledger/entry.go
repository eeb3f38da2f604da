package ledger

import "voted/loadtest/workload"

// Entry is one request and its final answer, a line of the request log. Times are
// microseconds since the start of the load.
type Entry struct {
	Vote      uint64        `json:"vote"`
	Poll      string        `json:"poll"`
	Voter     string        `json:"voter"`
	Kind      workload.Kind `json:"kind"`
	Choice    uint8         `json:"choice"`
	IfVersion uint64        `json:"if_version,omitempty"`
	// Intended is when it was to be sent; Sent when the client got it.
	Intended int64 `json:"intended_us"`
	Sent     int64 `json:"sent_us"`
	End      int64 `json:"end_us"`
	// Outcome is set where it was accepted, Code where it was refused; neither:
	// nobody answered, and Error says why.
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	Ballot  uint64 `json:"ballot,omitempty"`
	Version uint64 `json:"version,omitempty"`
	Index   uint64 `json:"index,omitempty"` // 0 in bulk, whose answers do not name it
	Node    string `json:"node,omitempty"`
	// Unknown: it may have been counted without an answer.
	Unknown bool   `json:"unknown,omitempty"`
	Error   string `json:"error,omitempty"`
	// Tries lists the client's attempts, where there were several.
	Tries []Try `json:"tries,omitempty"`
}

// Try is one attempt of the client at one node.
type Try struct {
	Endpoint string `json:"endpoint"`
	Start    int64  `json:"start_us"`
	End      int64  `json:"end_us"`
	Status   int    `json:"status,omitempty"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Accepted tells whether the service acknowledged the ballot.
func (e *Entry) Accepted() bool { return e.Outcome != "" }

// Final tells whether the answer decides about the ballot: it was acknowledged, or
// refused for what it is. What is about the moment (no leader, a limit of rates, a full
// disk) is none, and neither is silence.
func (e *Entry) Final() bool { return e.Accepted() || !e.Unknown && e.Code != "" && !transient(e.Code) }

// transient are refusals that are about the moment, not about the ballot.
func transient(code string) bool {
	switch code {
	case "unavailable", "too_many_requests", "storage_full", "internal":
		return true
	}
	return false
}

// Committed tells whether the answer took a commit: a replay may be answered from
// what a node already holds.
func (e *Entry) Committed() bool { return e.Outcome == "counted" || e.Outcome == "replaced" }

// retries returns how many further attempts the client made.
func (e *Entry) retries() uint64 {
	if len(e.Tries) > 1 {
		return uint64(len(e.Tries) - 1)
	}
	return 0
}
