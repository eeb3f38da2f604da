package client

import (
	"encoding/json"
	"errors"
	"time"
)

// Definition is what a poll asks and by which rules. Only Options is required;
// the service fills in the rest.
type Definition struct {
	// ID has up to 64 of A-Z a-z 0-9 . _ ~ - and starts with a letter or digit.
	ID      string       `json:"id,omitempty"`
	Title   string       `json:"title,omitempty"`
	Options []PollOption `json:"options"`
	Method  Method       `json:"method,omitempty"`
	// MinSelections is a pointer because 0, which allows blank ballots, is not
	// the default: new(0).
	MinSelections *int `json:"min_selections,omitempty"`
	MaxSelections int  `json:"max_selections,omitempty"`
	// MaxScore is the highest score an option can get, where scores are used.
	MaxScore int    `json:"max_score,omitempty"`
	Revote   string `json:"revote,omitempty"`  // RevoteNever (default), RevoteUntilClose
	Results  string `json:"results,omitempty"` // ResultsLive (default), ResultsAfterClose
	Secrecy  string `json:"secrecy,omitempty"` // Secret (default), Open
	// OpensAt and ClosesAt are optional: at once, and only when told.
	OpensAt  time.Time `json:"opens_at,omitzero"`
	ClosesAt time.Time `json:"closes_at,omitzero"`
	// MaxBallots is a cap; 0: none.
	MaxBallots uint64 `json:"max_ballots,omitempty"`
	// Eligibility is Anyone (default) or OnRoll: only those whom LoadRoll has named
	// may vote, each with their weight.
	Eligibility string `json:"eligibility,omitempty"`
	// Quorum is how many voters must have voted for the result to bind; 0: none.
	Quorum uint64 `json:"quorum,omitempty"`
}

// Method is how ballots are tabulated.
type Method string

// The methods.
const (
	Plurality   Method = "plurality"
	Approval    Method = "approval"
	ScoreVoting Method = "score"
	Star        Method = "star"
	Borda       Method = "borda"
	IRV         Method = "irv"
	STV         Method = "stv"
	Schulze     Method = "schulze"
	RankedPairs Method = "ranked_pairs"
)

// The values of Definition's Revote, Results, Secrecy and Eligibility.
const (
	RevoteNever       = "never"
	RevoteUntilClose  = "until_close"
	ResultsLive       = "live"
	ResultsAfterClose = "after_close"
	Secret            = "secret"
	Open              = "open"
	Anyone            = "anyone"
	OnRoll            = "roll"
)

// PollOption is one thing that can be chosen.
type PollOption struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
}

// Options makes options whose ids are also their titles.
func Options(ids ...string) []PollOption {
	all := make([]PollOption, len(ids))
	for i, id := range ids {
		all[i] = PollOption{ID: id, Title: id}
	}
	return all
}

// UnmarshalJSON accepts an object, or a string that is id and title.
func (o *PollOption) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*o = PollOption{ID: s, Title: s}
		return nil
	}
	type plain PollOption
	return json.Unmarshal(data, (*plain)(o))
}

// State is where a poll is in its life.
type State string

// The states.
const (
	StateScheduled State = "scheduled"
	StateOpen      State = "open"
	StateClosed    State = "closed"
)

// Poll is a definition and where it stands.
type Poll struct {
	Definition
	State State `json:"state"`
	// Ballots counted; nil where that is not visible yet.
	Ballots *uint64 `json:"ballots,omitempty"`
	// Revision counts the changes of the definition; Patch.IfRevision names it.
	Revision  uint64    `json:"revision"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	// ClosedIndex is the log index at which it closed; 0 before.
	ClosedIndex uint64 `json:"closed_index,omitempty"`
	Meta        Meta   `json:"-"`
}

// Patch changes a poll that is not closed. Nil fields stay as they are; a
// pointer to the zero time removes the time.
type Patch struct {
	Title    *string
	OpensAt  *time.Time
	ClosesAt *time.Time
	// IfRevision refuses the patch, with CodeVersionMismatch, unless the poll is
	// at this revision; 0: whatever it is.
	IfRevision uint64
}

// MarshalJSON makes a JSON merge patch (RFC 7396).
func (p Patch) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	if p.Title != nil {
		m["title"] = *p.Title
	}
	for name, t := range map[string]*time.Time{"opens_at": p.OpensAt, "closes_at": p.ClosesAt} {
		switch {
		case t == nil:
		case t.IsZero():
			m[name] = nil
		default:
			m[name] = t
		}
	}
	if len(m) == 0 {
		return nil, errors.New("a patch must change something")
	}
	return json.Marshal(m)
}
