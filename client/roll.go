package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
)

// RollEntry is one voter who may vote in a poll with a roll.
type RollEntry struct {
	Voter string `json:"voter"`
	// Weight is from 1 to 1,000,000; 0 means 1.
	Weight uint32 `json:"weight,omitempty"`
}

// RollRefusal is one entry that was refused.
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

// RollSummary says what happened to the entries of one call. What an earlier try of the
// call has added counts as unchanged.
type RollSummary struct {
	Lines     uint64 `json:"lines"`
	Added     uint64 `json:"added"`
	Changed   uint64 `json:"changed"`
	Unchanged uint64 `json:"unchanged"`
	Refused   uint64 `json:"refused"`
	// Since is the log index up to which the call saw the roll. Changes after it were
	// not overridden.
	Since uint64 `json:"since"`
	// Index is the log index of the last change.
	Index uint64 `json:"index"`
}

// Roll is the totals of a poll's roll.
type Roll struct {
	Poll           string `json:"poll"`
	Index          uint64 `json:"index"`
	Eligible       uint64 `json:"eligible"`
	EligibleWeight uint64 `json:"eligible_weight"`
	// Voted and VotedWeight are nil while results are not visible.
	Voted       *uint64 `json:"voted,omitempty"`
	VotedWeight *uint64 `json:"voted_weight,omitempty"`
	// Raw is the answer as the node wrote it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// Enrolled is a voter's entry in a roll.
type Enrolled struct {
	Poll   string `json:"poll"`
	Voter  string `json:"voter"`
	Weight uint32 `json:"weight"`
	// Eligible is false for a voter who was dropped.
	Eligible bool `json:"eligible"`
	// Voted says that a ballot of this voter has been counted, so the weight is fixed.
	Voted bool `json:"voted"`
	// Index is the log index of the entry's last change.
	Index uint64 `json:"index"`
	// Raw is the answer as the node wrote it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// Roll returns the totals of a poll's roll. If anyone may vote, the error is
// CodeRollNotFound.
func (c *Client) Roll(ctx context.Context, poll string) (Roll, error) {
	var r Roll
	k := call{method: http.MethodGet, into: rawInto{&r, &r.Raw}}
	if err := k.route("/v1/polls/", poll, "/roll"); err != nil {
		return Roll{}, err
	}
	meta, err := c.do(ctx, &k)
	r.Meta = meta
	return r, err
}

// Enrolled returns a voter's entry in a roll. Without one the error is
// CodeVoterNotFound.
func (c *Client) Enrolled(ctx context.Context, poll, voter string) (Enrolled, error) {
	var e Enrolled
	voter, err := canonical(voter)
	if err != nil {
		return Enrolled{}, err
	}
	k := call{method: http.MethodGet, into: rawInto{&e, &e.Raw}}
	if err := k.route("/v1/polls/", poll, "/roll/", voter); err != nil {
		return Enrolled{}, err
	}
	meta, err := c.do(ctx, &k)
	e.Meta = meta
	return e, err
}

// DropVoter removes a voter from a roll. Further ballots of this voter are refused with
// CodeNotEligible; one that has been counted stays. Dropping again changes nothing. If
// others changed the entry after the call began, it is refused with CodeSuperseded, so
// no retry undoes such a change.
func (c *Client) DropVoter(ctx context.Context, poll, voter string) error {
	voter, err := canonical(voter)
	if err != nil {
		return err
	}
	before, err := c.Roll(ctx, poll)
	if err != nil {
		return err
	}
	k := call{method: http.MethodDelete, write: true, query: sinceQuery(before.Index)}
	if err := k.route("/v1/polls/", poll, "/roll/", voter); err != nil {
		return err
	}
	_, err = c.do(ctx, &k)
	return err
}

// sinceQuery sends the log index up to which a change of a roll has seen the roll.
func sinceQuery(index uint64) string { return "since=" + strconv.FormatUint(index, 10) }

// LoadRoll puts voters on a roll, or changes their weights; it removes no one. Entries
// go out in batches, and each batch is repeated until it is answered. So memory is
// bounded, and a failover costs only time. Entries that others changed after the call
// began are refused (CodeSuperseded), so no retry undoes such a change. refused, which
// may be nil, is called for each refused entry, in order; an entry with an invalid
// voter id (CodeInvalidVoter) is refused without being sent. After an error the same
// entries may be loaded again.
func (c *Client) LoadRoll(ctx context.Context, poll string, entries iter.Seq[RollEntry], refused func(RollRefusal)) (RollSummary, error) {
	before, err := c.Roll(ctx, poll)
	if err != nil {
		return RollSummary{}, err
	}
	l := rollLoad{client: c, poll: poll, refused: refused, sum: RollSummary{Since: before.Index, Index: before.Index}}
	for e := range entries {
		l.add(e)
		if l.entries == rollBatch {
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
	sum     RollSummary

	entries uint64 // of the batch
	body    bytes.Buffer
	sent    []RollRefusal // of the batch: the entries in body, in case they are refused
	unsent  []RollRefusal // of the batch: entries refused here, which are not in body
}

func (l *rollLoad) add(e RollEntry) {
	l.entries++
	r := RollRefusal{Line: l.sum.Lines + l.entries, Voter: e.Voter}
	voter, err := canonical(e.Voter)
	var why *Error
	if errors.As(err, &why) {
		r.Code, r.Detail = why.Code, why.Detail
		l.unsent = append(l.unsent, r)
		return
	}
	r.Voter = voter
	l.sent = append(l.sent, r)
	line := appendString(append(l.body.AvailableBuffer(), `{"voter":`...), voter)
	if e.Weight != 0 {
		line = strconv.AppendUint(append(line, `,"weight":`...), uint64(e.Weight), 10)
	}
	l.body.Write(append(line, '}', '\n'))
}

// send sends the batch until it is answered.
func (l *rollLoad) send(ctx context.Context) error {
	var answer rollAnswer
	if len(l.sent) > 0 {
		if err := l.exchange(ctx, &answer); err != nil {
			return fmt.Errorf("the roll was loaded up to entry %d: %w", l.sum.Lines, err)
		}
	}
	not := l.unsent
	for _, r := range answer.refused {
		if r.Line < 1 || r.Line > uint64(len(l.sent)) {
			continue
		}
		entry := l.sent[r.Line-1]
		entry.Code, entry.Detail = r.Code, r.Detail
		not = append(not, entry)
	}
	if l.refused != nil {
		slices.SortFunc(not, func(a, b RollRefusal) int { return cmp.Compare(a.Line, b.Line) })
		for _, r := range not {
			l.refused(r)
		}
	}
	l.sum.Lines += l.entries
	l.sum.Added += answer.sum.Added
	l.sum.Changed += answer.sum.Changed
	l.sum.Unchanged += answer.sum.Unchanged
	l.sum.Refused += answer.sum.Refused + uint64(len(l.unsent))
	l.sum.Index = max(l.sum.Index, answer.sum.Index)
	l.entries, l.sent, l.unsent = 0, l.sent[:0], l.unsent[:0]
	l.body.Reset()
	return nil
}

// exchange sends the batch's body and reads the answer.
func (l *rollLoad) exchange(ctx context.Context, answer *rollAnswer) error {
	k := call{
		method: http.MethodPut, write: true, batch: true, body: l.body.Bytes(), into: answer, mediaType: "application/x-ndjson",
		query: sinceQuery(l.sum.Since),
	}
	if err := k.route("/v1/polls/", l.poll, "/roll"); err != nil {
		return err
	}
	c := l.client
	k.header = c.header(c.preference(c.callDeadline(ctx)), "application/x-ndjson", "application/x-ndjson")
	c.authorize(k.header)
	_, err := c.do(ctx, &k)
	return err
}

// rollAnswer is the answer to one batch.
type rollAnswer struct {
	refused []RollRefusal
	sum     RollSummary
}

var errRollCut = errors.New("the answer ends before its last line")

// decode implements decoder. An answer without its summary is an error; the batch is
// then sent again.
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
