package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"voted/internal/moment"
)

// Outcome says what happened to a ballot that was accepted.
type Outcome string

// The outcomes. A replayed ballot was counted or replaced before; its receipt
// has the first answer's number, version, index and time.
const (
	Counted  Outcome = "counted"
	Replaced Outcome = "replaced"
	Replayed Outcome = "replayed"
)

// Receipt says that a ballot is in the box, durable on a majority of the voting
// members.
type Receipt struct {
	Poll    string  `json:"poll"`
	Voter   string  `json:"voter"`
	Outcome Outcome `json:"outcome"`
	// Version counts the voter's ballots in the poll, from 1; Replace names it.
	Version uint64 `json:"version"`
	// Ballot is the record's number in the poll's box, from 1. It is 0 while the poll
	// hides its results, because the number shows how many have voted.
	Ballot uint64 `json:"ballot,omitempty"`
	// Index is the log index at which the ballot was applied.
	Index  uint64    `json:"index"`
	CastAt time.Time `json:"cast_at"`
	// Proof is the file that proves that the ballot is counted, with WithProof; it was checked.
	Proof string `json:"proof,omitempty"`
	// AsCast says that the proof shows the choice that was cast, as the client checked with
	// WithProof. It is false where that cannot be seen: in polls whose receipts show no choice, and
	// while a poll hides its log.
	AsCast bool `json:"-"`
	// Promise is the word of the node that answered, with WithPromise; it was checked.
	Promise *Promise `json:"promise,omitempty"`
	// Raw is the receipt as the node wrote it, with WithRawReceipts; nil otherwise.
	Raw json.RawMessage `json:"-"`
	// Meta is the answer's, not the ballot's.
	Meta Meta `json:"-"`
}

// receiptInto decodes a receipt. It knows the requested poll and voter, so it need not
// copy their ids.
type receiptInto struct {
	Receipt
	poll, voter string
	keep        bool // the answer as it came, in Raw
}

func (r *receiptInto) decode(body []byte) error {
	err := r.read(body)
	if err == nil && r.keep {
		r.Raw = bytes.Clone(bytes.TrimSpace(body))
	}
	return err
}

func (r *receiptInto) read(body []byte) error {
	r.Receipt = Receipt{}
	f := flat{rest: body}
	for {
		switch f.next() {
		case stepMember:
			if !r.member(&f) {
				return r.decodeSlowly(body)
			}
		case stepEnd:
			return r.complete()
		default:
			return r.decodeSlowly(body)
		}
	}
}

// member takes one member of the usual form; it reports false for any other.
func (r *receiptInto) member(f *flat) (ok bool) {
	switch string(f.key) {
	case "poll":
		r.Poll = known(f.val, r.poll)
		return f.quoted
	case "voter":
		r.Voter = known(f.val, r.voter)
		return f.quoted
	case "outcome":
		r.Outcome = outcomeOf(f.val)
		return f.quoted
	case "version":
		r.Version, ok = f.number()
	case "ballot":
		r.Ballot, ok = f.number()
	case "index":
		r.Index, ok = f.number()
	case "proof", "promise":
		return false // they have escapes
	case "cast_at":
		var err error
		r.CastAt, err = moment.Parse(f.val)
		return f.quoted && err == nil
	default:
		return true
	}
	return ok
}

func (r *receiptInto) decodeSlowly(body []byte) error {
	r.Receipt = Receipt{}
	if err := decodeJSON(body, &r.Receipt); err != nil {
		return err
	}
	return r.complete()
}

// complete refuses an answer that is JSON but no receipt.
func (r *receiptInto) complete() error {
	if r.Outcome == "" && r.Version == 0 {
		return errors.New("it is not a receipt")
	}
	return nil
}

// known returns b as a string; if it equals s, without a copy.
func known(b []byte, s string) string {
	if string(b) == s {
		return s
	}
	return string(b)
}

func outcomeOf(b []byte) Outcome {
	switch string(b) {
	case string(Counted):
		return Counted
	case string(Replaced):
		return Replaced
	case string(Replayed):
		return Replayed
	}
	return Outcome(b)
}
