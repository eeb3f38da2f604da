package client

import (
	"encoding/json"
	"errors"
	"time"
)

// Outcome is what became of a ballot that was accepted.
type Outcome string

// The outcomes. A replayed ballot was counted or replaced before; its receipt
// has the first answer's number, version, index and time.
const (
	Counted  Outcome = "counted"
	Replaced Outcome = "replaced"
	Replayed Outcome = "replayed"
)

// Receipt says that a ballot is in the box, durably on a majority of members.
type Receipt struct {
	Poll    string  `json:"poll"`
	Voter   string  `json:"voter"`
	Outcome Outcome `json:"outcome"`
	// Version counts the voter's ballots in the poll, from 1; Replace names it.
	Version uint64 `json:"version"`
	// Ballot is the record's number in the poll's box, from 1.
	Ballot uint64 `json:"ballot"`
	// Index is the log index at which it was applied.
	Index  uint64    `json:"index"`
	CastAt time.Time `json:"cast_at"`
	// Meta is of the answer, not of the ballot.
	Meta Meta `json:"-"`
}

// receiptInto decodes a receipt. It knows the poll and voter that were asked
// for, which spares their copies.
type receiptInto struct {
	Receipt
	poll, voter string
}

func (r *receiptInto) decode(body []byte) error {
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

// member takes one member of the usual form; false: it is of another one.
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
	case "cast_at":
		return f.quoted && r.CastAt.UnmarshalText(f.val) == nil
	default:
		return true
	}
	return ok
}

func (r *receiptInto) decodeSlowly(body []byte) error {
	r.Receipt = Receipt{}
	if err := json.Unmarshal(body, &r.Receipt); err != nil {
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

// known returns b as a string, without a copy where it is s.
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
