package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
)

// RollEntry is one voter who may vote in a poll with a roll.
type RollEntry struct {
	Voter string `json:"voter"`
	// Weight is from 1 to 1,000,000; 0 means 1.
	Weight uint32 `json:"weight,omitempty"`
}

// RollRefusal is one entry that was not taken.
type RollRefusal struct {
	// Line numbers the entries of the call, from 1.
	Line   uint64
	Voter  string
	Code   Code
	Detail string
}

// Err returns the refusal as an *Error.
func (r RollRefusal) Err() error {
	return &Error{Status: http.StatusOK, Code: r.Code, Detail: r.Detail}
}

// RollSummary is what became of the entries of one call. What an earlier try of the
// call has added counts as unchanged.
type RollSummary struct {
	Lines     uint64 `json:"lines"`
	Added     uint64 `json:"added"`
	Changed   uint64 `json:"changed"`
	Unchanged uint64 `json:"unchanged"`
	Refused   uint64 `json:"refused"`
	// Since is the log index up to which the call saw the roll: what was changed
	// after it was not overridden.
	Since uint64 `json:"since"`
	// Index is the log index of the last change.
	Index uint64 `json:"index"`
}

// Roll is a poll's roll in numbers.
type Roll struct {
	Poll           string `json:"poll"`
	Index          uint64 `json:"index"`
	Eligible       uint64 `json:"eligible"`
	EligibleWeight uint64 `json:"eligible_weight"`
	// Voted and VotedWeight are nil where results are not visible yet.
	Voted       *uint64 `json:"voted,omitempty"`
	VotedWeight *uint64 `json:"voted_weight,omitempty"`
	Meta        Meta    `json:"-"`
}

// Enrolled is what a roll says of one voter.
type Enrolled struct {
	Poll   string `json:"poll"`
	Voter  string `json:"voter"`
	Weight uint32 `json:"weight"`
	// Eligible is false for a voter who was dropped.
	Eligible bool `json:"eligible"`
	// Voted: a ballot of theirs has been counted, so the weight is fixed.
	Voted bool `json:"voted"`
	// Index is the log index of the entry's last change.
	Index uint64 `json:"index"`
	Meta  Meta   `json:"-"`
}

// Roll returns a poll's roll in numbers; CodeRollNotFound where anyone may vote.
func (c *Client) Roll(ctx context.Context, poll string) (Roll, error) {
	var r Roll
	k := call{method: http.MethodGet, into: jsonInto{&r}}
	if err := k.route("/v1/polls/", poll, "/roll"); err != nil {
		return Roll{}, err
	}
	meta, err := c.do(ctx, &k)
	r.Meta = meta
	return r, err
}

// Enrolled returns what a roll says of a voter; CodeVoterNotFound where it does not
// name them.
func (c *Client) Enrolled(ctx context.Context, poll, voter string) (Enrolled, error) {
	var e Enrolled
	k := call{method: http.MethodGet, into: jsonInto{&e}}
	if err := k.route("/v1/polls/", poll, "/roll/", voter); err != nil {
		return Enrolled{}, err
	}
	meta, err := c.do(ctx, &k)
	e.Meta = meta
	return e, err
}

// DropVoter takes a voter off a roll: further ballots of theirs are refused with
// CodeNotEligible, one that has been counted stays. Again, it changes nothing.
func (c *Client) DropVoter(ctx context.Context, poll, voter string) error {
	k := call{method: http.MethodDelete, write: true}
	if err := k.route("/v1/polls/", poll, "/roll/", voter); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// LoadRoll puts voters on a roll, or changes their weights; nobody is taken off.
// Entries go out many at a time, each batch until it is answered, so memory is
// bounded and a failover costs time only. Entries that were changed by others after
// the call began are refused (CodeSuperseded), so no retry undoes such a change.
// refused, which may be nil, is called for each entry that is not taken, in order.
// After an error the same entries may be loaded again.
func (c *Client) LoadRoll(ctx context.Context, poll string, entries iter.Seq[RollEntry], refused func(RollRefusal)) (RollSummary, error) {
	before, err := c.Roll(ctx, poll)
	if err != nil {
		return RollSummary{}, err
	}
	l := rollLoad{client: c, poll: poll, refused: refused, sum: RollSummary{Since: before.Index, Index: before.Index}}
	for e := range entries {
		if err := l.add(e); err != nil {
			return l.sum, err
		}
		if len(l.voters) == rollBatch {
			if err := l.send(ctx); err != nil {
				return l.sum, err
			}
		}
	}
	return l.sum, l.send(ctx)
}

// rollLoad is one LoadRoll.
type rollLoad struct {
	client  *Client
	poll    string
	refused func(RollRefusal)
	body    bytes.Buffer
	voters  []string // of the batch
	sum     RollSummary
}

func (l *rollLoad) add(e RollEntry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return refused(CodeMalformedRequest, "entry %d cannot be written as JSON: %v", l.sum.Lines+uint64(len(l.voters))+1, err)
	}
	l.body.Write(line)
	l.body.WriteByte('\n')
	l.voters = append(l.voters, e.Voter)
	return nil
}

// send sends the batch until it is answered.
func (l *rollLoad) send(ctx context.Context) error {
	if len(l.voters) == 0 {
		return nil
	}
	var answer rollAnswer
	k := call{
		method: http.MethodPut, write: true, body: l.body.Bytes(), into: &answer, mediaType: "application/x-ndjson",
		query: "since=" + strconv.FormatUint(l.sum.Since, 10),
	}
	if err := k.route("/v1/polls/", l.poll, "/roll"); err != nil {
		return err
	}
	c := l.client
	k.header = c.header(c.preference(c.callDeadline(ctx)), "application/x-ndjson", "application/x-ndjson")
	c.authorize(k.header)
	if _, err := c.do(ctx, &k); err != nil {
		return fmt.Errorf("the roll was loaded up to entry %d: %w", l.sum.Lines, err)
	}
	for _, r := range answer.refused {
		if r.Line < 1 || r.Line > uint64(len(l.voters)) || l.refused == nil {
			continue
		}
		r.Voter = l.voters[r.Line-1]
		r.Line += l.sum.Lines
		l.refused(r)
	}
	l.sum.Lines += uint64(len(l.voters))
	l.sum.Added += answer.sum.Added
	l.sum.Changed += answer.sum.Changed
	l.sum.Unchanged += answer.sum.Unchanged
	l.sum.Refused += answer.sum.Refused
	l.sum.Index = max(l.sum.Index, answer.sum.Index)
	l.voters = l.voters[:0]
	l.body.Reset()
	return nil
}

// rollAnswer is the answer to one batch.
type rollAnswer struct {
	refused []RollRefusal
	sum     RollSummary
}

var errRollCut = errors.New("the answer ends before its last line")

// decode implements decoder. An answer without its summary is an error, and so the
// batch is sent again.
func (a *rollAnswer) decode(body []byte) error {
	*a = rollAnswer{}
	for line := range bytes.Lines(body) {
		var l struct {
			RollSummary
			Line   uint64 `json:"line"`
			Code   Code   `json:"code"`
			Detail string `json:"detail"`
			Poll   string `json:"poll"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return err
		}
		switch {
		case l.Poll != "":
			a.sum = l.RollSummary
			return nil
		case l.Line == 0:
			return &Error{Status: http.StatusOK, Code: l.Code, Detail: l.Detail, Retryable: true}
		}
		a.refused = append(a.refused, RollRefusal{Line: l.Line, Code: l.Code, Detail: l.Detail})
	}
	return errRollCut
}
