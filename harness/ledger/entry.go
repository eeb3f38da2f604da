package ledger

import "voted/harness/workload"

// Entry is one request and its final answer, a line of the request log. Times are
// microseconds since the start of the load.
type Entry struct {
	Vote      uint64        `json:"vote"`
	Poll      string        `json:"poll"`
	Voter     string        `json:"voter"`
	Kind      workload.Kind `json:"kind"`
	Choice    uint8         `json:"choice"`
	IfVersion uint64        `json:"if_version,omitempty"`
	// Intended is when it was to be sent, Sent when the client was called.
	Intended int64 `json:"intended_us"`
	Sent     int64 `json:"sent_us"`
	End      int64 `json:"end_us"`
	// Outcome is set if it was accepted, Code if it was refused. If neither is set there
	// was no answer, and Error says why.
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	Ballot  uint64 `json:"ballot,omitempty"`
	Version uint64 `json:"version,omitempty"`
	Index   uint64 `json:"index,omitempty"` // 0 in bulk, whose answers do not name it
	Node    string `json:"node,omitempty"`
	// Unknown says that it may have been counted although no answer says so.
	Unknown bool   `json:"unknown,omitempty"`
	Error   string `json:"error,omitempty"`
	// Tries lists the client's attempts if there were several, or if the last one failed.
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

// Accepted reports whether the service acknowledged the ballot.
func (e *Entry) Accepted() bool { return e.Outcome != "" }

// Final reports whether the answer decides about the ballot: it was acknowledged, or
// refused for what it is. A refusal that is about the moment (no leader, a limit of rates,
// a full disk) does not decide, and neither does silence.
func (e *Entry) Final() bool { return e.Accepted() || !e.Unknown && e.Code != "" && !transient(e.Code) }

// transient reports whether a refusal is about the moment, not about the ballot.
func transient(code string) bool {
	switch code {
	case "unavailable", "upgrade_pending", "too_many_requests", "storage_full", "internal":
		return true
	}
	return false
}

// Committed reports whether the answer took a commit: a replay may be answered from
// what a node already holds.
func (e *Entry) Committed() bool { return e.Outcome == "counted" || e.Outcome == "replaced" }

// retries returns how many further attempts the client made.
func (e *Entry) retries() uint64 {
	if len(e.Tries) > 1 {
		return uint64(len(e.Tries) - 1)
	}
	return 0
}
