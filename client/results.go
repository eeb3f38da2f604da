package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// Consistency says how fresh results must be.
type Consistency string

// Linearizable results (the default) include every ballot acknowledged before
// the call. Stale ones are the answering node's own, without asking the leader.
const (
	Linearizable Consistency = "linearizable"
	Stale        Consistency = "stale"
)

// Votes counts ballots. Methods that transfer surpluses have fractions.
type Votes float64

// UnmarshalJSON accepts a number, also as a string.
func (v *Votes) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	*v = Votes(f)
	return err
}

// Results is a tally at one log index.
type Results struct {
	Poll   string `json:"poll"`
	Method Method `json:"method"`
	State  State  `json:"state"`
	// Index is the log index that the tally reflects.
	Index uint64 `json:"index"`
	// Ballots counts voters, each once.
	Ballots uint64 `json:"ballots"`
	// Weight is that of the ballots together, where the poll has a roll; all votes
	// are then weighted.
	Weight uint64 `json:"weight,omitempty"`
	// Turnout is nil where the poll has no roll.
	Turnout *Turnout `json:"turnout,omitempty"`
	// Quorum is nil where the poll asks for none.
	Quorum *Quorum `json:"quorum,omitempty"`
	// Certified: the poll is closed and this is its final tally.
	Certified bool     `json:"certified"`
	Winners   []string `json:"winners"`
	// Options are in the order of the definition.
	Options     []OptionResult `json:"options"`
	Rounds      []Round        `json:"rounds,omitempty"`
	TieBreaking string         `json:"tie_breaking,omitempty"`
	// Raw is the whole answer, with what single methods add to it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// Turnout is how many may vote and how many have. A voter who was dropped from the
// roll after voting counts in both: the ballot stays.
type Turnout struct {
	Eligible       uint64 `json:"eligible"`
	Voted          uint64 `json:"voted"`
	EligibleWeight uint64 `json:"eligible_weight"`
	VotedWeight    uint64 `json:"voted_weight"`
}

// Quorum is how many voters must have voted for the result to bind.
type Quorum struct {
	Needed uint64 `json:"needed"`
	// Met is nil until the result is certified.
	Met *bool `json:"met,omitempty"`
}

// OptionResult is what one option received; what a method does not use is zero.
type OptionResult struct {
	ID    string  `json:"id"`
	Votes Votes   `json:"votes"`
	Score Votes   `json:"score,omitempty"`
	Mean  float64 `json:"mean,omitempty"`
}

// Round is one step of a count in rounds.
type Round struct {
	Votes      map[string]Votes `json:"votes"`
	Eliminated []string         `json:"eliminated,omitempty"`
	Elected    []string         `json:"elected,omitempty"`
	Exhausted  Votes            `json:"exhausted"`
}

// resultsInto decodes results and keeps the answer as it came.
type resultsInto struct{ Results }

func (r *resultsInto) decode(body []byte) error {
	r.Results = Results{}
	if err := json.Unmarshal(body, &r.Results); err != nil {
		return err
	}
	r.Raw = bytes.Clone(body)
	return nil
}

// Results returns the tally of a poll; an empty consistency is Linearizable. It
// is refused with CodeResultsHidden where the poll shows it after closing only.
func (c *Client) Results(ctx context.Context, poll string, consistency Consistency) (Results, error) {
	var into resultsInto
	k := call{method: http.MethodGet, into: &into}
	if err := k.route("/v1/polls/", poll, "/results"); err != nil {
		return Results{}, err
	}
	if consistency != "" {
		k.query = "consistency=" + string(appendEscaped(nil, string(consistency)))
	}
	meta, err := c.do(ctx, &k)
	into.Meta = meta
	return into.Results, err
}
