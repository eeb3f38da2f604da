package api

import (
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/resultjson"
	"voted/internal/tally"
)

// standing is how a poll stands at a log index. It is immutable.
type standing struct {
	poll.Info
	index   uint64
	outcome []byte // what was counted, as JSON: rendered once for all who ask
}

func newStanding(info poll.Info, index uint64, result tally.Result) *standing {
	outcome := resultjson.Of(&result, info.Rules.Form(), optionIDs(info.Rules))
	return &standing{Info: info, index: index, outcome: marshal(outcome)}
}

// at returns how the poll stands at a later index, if nothing has changed until then:
// otherwise it stays what it is.
func (s *standing) at(info poll.Info, index uint64) *standing {
	if s.Changed != info.Changed {
		return s
	}
	return &standing{Info: info, index: index, outcome: s.outcome}
}

// resultsJSON is how a poll stands, as clients see it. The outcome follows in the same
// object.
type resultsJSON struct {
	Poll        string       `json:"poll"`
	Method      string       `json:"method"`
	State       string       `json:"state"`
	Index       uint64       `json:"index"`
	Ballots     uint64       `json:"ballots"`
	Certified   bool         `json:"certified"`
	ClosedIndex uint64       `json:"closed_index,omitzero"`
	Digest      string       `json:"digest,omitzero"`  // of the poll once it is certified, as voted verify prints it
	Weight      *uint64      `json:"weight,omitzero"`  // with a roll
	Turnout     *turnoutJSON `json:"turnout,omitzero"` // with a roll
	Quorum      *quorumJSON  `json:"quorum,omitzero"`  // if the poll has one
	Seats       int          `json:"seats,omitzero"`   // if there are several
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
	head := marshal(s.json())
	b = slices.Grow(b, len(head)+len(s.outcome)+1)
	b = append(append(b, head[:len(head)-1]...), ',') // neither of the objects is empty
	return append(append(b, s.outcome[1:]...), '\n')
}

func marshal(v any) []byte {
	text, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic("api: results cannot be written: " + err.Error())
	}
	return text
}

func (s *standing) json() resultsJSON {
	out := resultsJSON{
		Poll: s.Rules.ID, Method: s.Rules.Method, State: s.Phase.String(), Index: s.index, Ballots: s.Ballots,
		Certified: s.Phase == poll.Closed, ClosedIndex: s.ClosedIndex, Seats: s.Rules.Counting.Seats,
	}
	if t := s.Turnout; s.Rules.Eligibility == poll.OnRoll {
		out.Weight, out.Turnout = &t.VotedWeight, &turnoutJSON{t.Eligible, t.Voted, t.EligibleWeight, t.VotedWeight}
	}
	if out.Certified {
		out.Digest = hex.EncodeToString(s.Digest[:])
	}
	if s.Rules.Quorum > 0 {
		out.Quorum = &quorumJSON{Needed: s.Rules.Quorum}
		if s.Phase == poll.Closed {
			out.Quorum.Met = new(s.QuorumMet())
		}
	}
	return out
}

func optionIDs(r *poll.Rules) []string {
	ids := make([]string, len(r.Options))
	for i, o := range r.Options {
		ids[i] = o.ID
	}
	return ids
}
