package client

import (
	"context"
	"net/http"
	"time"
)

// Holders says which voting members have counted a voter's ballot.
type Holders struct {
	Poll    string   `json:"poll"`
	Voter   string   `json:"voter"`
	Version uint64   `json:"version"`
	Index   uint64   `json:"index"`   // log index at which it was counted
	Holders []string `json:"holders"` // that have applied that entry
	Others  []string `json:"others"`  // that have not yet, or do not answer
	Needed  int      `json:"needed"`  // so many keep it, whatever happens to the others
	Meta    Meta     `json:"-"`
}

// Holders returns which members hold a voter's ballot. A node that has the ballot answers
// without a leader.
func (c *Client) Holders(ctx context.Context, poll, voter string) (Holders, error) {
	var h Holders
	voter, err := canonical(voter)
	if err != nil {
		return h, err
	}
	k := call{method: http.MethodGet, into: jsonInto{&h}}
	if err := k.route("/v1/polls/", poll, "/ballots/", voter, "/holders"); err != nil {
		return h, err
	}
	h.Meta, err = c.do(ctx, &k)
	return h, err
}

// Repeats is how many requests repeated a ballot that had been counted, and were answered
// with its receipt.
type Repeats struct {
	Poll       string `json:"poll"`
	Recognised uint64 `json:"recognised"`
	// Since is from when on none is missing, if all members answered.
	Since    time.Time `json:"since"`
	Members  int       `json:"members"`
	Answered int       `json:"answered"`
	Meta     Meta      `json:"-"`
}

// Repeats returns how many repetitions the members recognised. It is refused while the poll
// hides its results.
func (c *Client) Repeats(ctx context.Context, poll string) (Repeats, error) {
	var r Repeats
	k := call{method: http.MethodGet, into: jsonInto{&r}}
	if err := k.route("/v1/polls/", poll, "/results/repeats"); err != nil {
		return r, err
	}
	var err error
	r.Meta, err = c.do(ctx, &k)
	return r, err
}
