package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/resultjson"
)

// resultsJSON is how a poll stands, as clients see it.
type resultsJSON struct {
	Poll        string       `json:"poll"`
	Method      string       `json:"method"`
	State       string       `json:"state"`
	Index       uint64       `json:"index"`
	Ballots     uint64       `json:"ballots"`
	Certified   bool         `json:"certified"`
	ClosedIndex uint64       `json:"closed_index,omitzero"`
	Weight      *uint64      `json:"weight,omitzero"`  // with a roll
	Turnout     *turnoutJSON `json:"turnout,omitzero"` // with a roll
	Quorum      *quorumJSON  `json:"quorum,omitzero"`  // if the poll has one
	Seats       int          `json:"seats,omitzero"`   // if there are several
	resultjson.Outcome
}

// turnoutJSON is how many of those on the roll have voted.
type turnoutJSON struct {
	Eligible       uint64 `json:"eligible"`
	Voted          uint64 `json:"voted"`
	EligibleWeight uint64 `json:"eligible_weight"`
	VotedWeight    uint64 `json:"voted_weight"`
}

// quorumJSON is how many voters are needed, and whether as many have voted, once that is
// certain.
type quorumJSON struct {
	Needed uint64 `json:"needed"`
	Met    *bool  `json:"met,omitzero"`
}

// appendJSON appends the results as one line.
func (s *standing) appendJSON(b []byte) []byte {
	text, err := json.Marshal(s.json(), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic("api: results cannot be written: " + err.Error())
	}
	return append(append(b, text...), '\n')
}

func (s *standing) json() resultsJSON {
	out := resultsJSON{
		Poll: s.Rules.ID, Method: s.Rules.Method, State: s.Phase.String(), Index: s.index, Ballots: s.Ballots,
		Certified: s.Phase == poll.Closed, ClosedIndex: s.ClosedIndex, Seats: s.Rules.Counting.Seats,
		Outcome: resultjson.Of(&s.result, s.Rules.Form(), s.ids()),
	}
	if t := s.Turnout; s.Rules.Eligibility == poll.OnRoll {
		out.Weight, out.Turnout = &t.VotedWeight, &turnoutJSON{t.Eligible, t.Voted, t.EligibleWeight, t.VotedWeight}
	}
	if s.Rules.Quorum > 0 {
		out.Quorum = &quorumJSON{Needed: s.Rules.Quorum}
		if s.Phase == poll.Closed {
			out.Quorum.Met = new(s.QuorumMet())
		}
	}
	return out
}

// ids returns the ids of the options.
func (s *standing) ids() []string {
	ids := make([]string, len(s.Rules.Options))
	for i, o := range s.Rules.Options {
		ids[i] = o.ID
	}
	return ids
}
