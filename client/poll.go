package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Definition is what a poll asks and its rules. Only Options is required; the service
// fills in the rest.
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
	// Secrecy is Secret (the default) or Open. A secret ballot is secret from those who cannot
	// cast for its voter: whoever can learns the choice by casting again, since the same choice
	// is answered as a repetition and another one is refused.
	Secrecy string `json:"secrecy,omitempty"`
	// Disclosure is what readers of a secret poll's ballots are shown: DiscloseProfile
	// (default) or DiscloseBallots. An open poll discloses its ballots.
	Disclosure string `json:"disclosure,omitempty"`
	// Receipt is what proofs for voters show: ReceiptCounted (default), that a ballot of
	// theirs counts; ReceiptOpened, also what it says. An open poll's are opened.
	Receipt string `json:"receipt,omitempty"`
	// Audience is who may see the results: AudienceRoles (default), whoever has a credential
	// for it, or AudienceAnyone, everybody.
	Audience string `json:"audience,omitempty"`
	// OptionOrder is the order of the options on ballots: OrderListed (default), or
	// OrderShuffled, one for each voter.
	OptionOrder string `json:"option_order,omitempty"`
	// Description is plain text of up to 4 KiB that voters read; lines end with \n.
	Description string `json:"description,omitempty"`
	// Contact is a line about whom voters ask.
	Contact string `json:"contact,omitempty"`
	// OpensAt and ClosesAt are optional. Without them a poll opens at once, and closes
	// only by ClosePoll.
	OpensAt  time.Time `json:"opens_at,omitzero"`
	ClosesAt time.Time `json:"closes_at,omitzero"`
	// MaxBallots is a cap; 0: none.
	MaxBallots uint64 `json:"max_ballots,omitempty"`
	// Eligibility is Anyone (default) or OnRoll: then only voters that LoadRoll has
	// named may vote, each with their weight.
	Eligibility string `json:"eligibility,omitempty"`
	// Quorum is how many voters must have voted for the result to bind; 0: none.
	Quorum uint64 `json:"quorum,omitempty"`
	// Marking is Strict (default), or AsMarked: as on paper, overvotes, skipped ranks and
	// options at two ranks are taken, and counted by the rules.
	Marking string `json:"ballots,omitempty"`
	// Seats is how many options are elected; 0: one.
	Seats int `json:"seats,omitempty"`
	// TieBreak decides what the method leaves equal: TiesListed, TiesByLot, TiesReported;
	// empty: as the method does it.
	TieBreak string `json:"tie_break,omitempty"`
	// Rules are the choices within the method, by name: a string, a number, or the ids of
	// options. "lot" is an order of all options that was drawn beforehand.
	Rules map[string]any `json:"rules,omitempty"`
}

// Method is how ballots are tabulated.
type Method string

// The methods.
const (
	Plurality   Method = "plurality"
	Approval    Method = "approval"
	ScoreVoting Method = "score"
	IRV         Method = "irv"
	STAR        Method = "star"
	STARPR      Method = "star_pr" // proportional, by allocated score
	STV         Method = "stv"
	Borda       Method = "borda"
	Schulze     Method = "schulze"
	RankedPairs Method = "ranked_pairs"
	Minimax     Method = "minimax"
	Copeland    Method = "copeland"
)

// Methods lists all methods, in the order to show them.
func Methods() []Method {
	return []Method{Plurality, Approval, ScoreVoting, STAR, STARPR, IRV, STV, Borda, Schulze, RankedPairs, Minimax, Copeland}
}

// The values of Definition's Revote, Results, Secrecy, Disclosure, Receipt, Audience,
// OptionOrder, Eligibility, Marking and TieBreak.
const (
	RevoteNever       = "never"
	RevoteUntilClose  = "until_close"
	ResultsLive       = "live"
	ResultsAfterClose = "after_close"
	Secret            = "secret"
	Open              = "open"
	DiscloseProfile   = "profile" // how many ballots hold each choice
	DiscloseBallots   = "ballots" // each ballot, with the key of its voter
	ReceiptCounted    = "counted"
	ReceiptOpened     = "opened"
	AudienceRoles     = "roles"
	AudienceAnyone    = "anyone"
	OrderListed       = "listed"
	OrderShuffled     = "shuffled"
	Anyone            = "anyone"
	OnRoll            = "roll"
	Strict            = "strict"
	AsMarked          = "as_marked"
	TiesListed        = "listed" // by the order of the options
	TiesByLot         = "lot"    // by the rule "lot", or by DrawLot after the close
	TiesReported      = "report" // not at all
)

// PollOption is one thing that can be chosen.
type PollOption struct {
	// ID may be empty in a definition that is sent. The service then derives it from
	// the title, always the same for the same definition.
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
	// Description is plain text of up to 4 KiB. An option that has one needs an id.
	Description string `json:"description,omitempty"`
}

// Options makes options from their titles. A title that is a valid id is also the
// option's id; for the others the service makes ids.
func Options(titles ...string) []PollOption {
	all := make([]PollOption, len(titles))
	for i, title := range titles {
		all[i] = optionOf(title)
	}
	return all
}

func optionOf(title string) PollOption {
	if validID(title) {
		return PollOption{ID: title, Title: title}
	}
	return PollOption{Title: title}
}

// validID reports whether s can be the id of a poll or an option.
func validID(s string) bool {
	if s == "" || len(s) > maxIDBytes || !unreserved(s) {
		return false
	}
	return !strings.ContainsRune("._~-", rune(s[0]))
}

// MarshalJSON writes an option without an id as a string, its title.
func (o PollOption) MarshalJSON() ([]byte, error) {
	if o.ID == "" {
		return json.Marshal(o.Title)
	}
	type plain PollOption
	return json.Marshal(plain(o))
}

// UnmarshalJSON accepts an object, or a string that is the title.
func (o *PollOption) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*o = optionOf(s)
		return nil
	}
	type plain PollOption
	return json.Unmarshal(data, (*plain)(o))
}

// State is the stage of a poll's life.
type State string

// The states.
const (
	StateScheduled State = "scheduled"
	StateOpen      State = "open"
	StateClosed    State = "closed"
)

// Poll is a definition and its present state.
type Poll struct {
	Definition
	State State `json:"state"`
	// Ballots is how many were counted; nil while that is not visible.
	Ballots *uint64 `json:"ballots,omitempty"`
	// Revision counts the changes of the definition; Patch.IfRevision names it.
	Revision  uint64    `json:"revision"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	// ClosedIndex is the log index at which it closed; 0 while it is open.
	ClosedIndex uint64 `json:"closed_index,omitempty"`
	// Lot is what DrawLot has entered; nil while it has not.
	Lot *Lot `json:"lot,omitempty"`
	// Raw is the poll as the node wrote it.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// Lot decides ties that a poll leaves to a lot. In DrawLot either field is set.
type Lot struct {
	// Order has the id of each option once; earlier ones stay or win.
	Order []string `json:"order,omitempty"`
	// Seed makes the order: that of the options by the SHA-256 of the seed and their id.
	Seed string `json:"seed,omitempty"`
}

// pollInto decodes a poll and keeps the answer as it came.
type pollInto struct{ Poll }

func (p *pollInto) decode(body []byte) error {
	var shown struct {
		Poll
		// As definitions have it, "ballots" would be the number of ballots.
		Marking string `json:"marking"`
	}
	if err := decodeJSON(body, &shown); err != nil {
		return err
	}
	p.Poll = shown.Poll
	p.Definition.Marking = shown.Marking
	p.Raw = bytes.Clone(bytes.TrimSpace(body))
	return nil
}

// Patch changes a poll that is not closed. Nil fields change nothing; a pointer to the
// zero time removes the time.
type Patch struct {
	Title    *string
	OpensAt  *time.Time
	ClosesAt *time.Time
	// IfRevision refuses the patch, with CodeVersionMismatch, unless the poll is at
	// this revision; 0: any revision.
	IfRevision uint64
	// Key names the change, so that the same call may be made again: the service
	// remembers the key for a day. Use another key for another change. Empty: a random
	// key, which makes the call's own retries safe.
	Key string
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
