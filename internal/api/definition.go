package api

import (
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// definitionBody is a poll's definition as clients write it. A field is a pointer if its
// zero value is not the default.
type definitionBody struct {
	ID            string       `json:"id"`
	Title         string       `json:"title"`
	Options       []optionBody `json:"options"`
	Method        string       `json:"method"`
	MinSelections *int         `json:"min_selections"`
	MaxSelections *int         `json:"max_selections"`
	MaxScore      *int         `json:"max_score"`
	Revote        string       `json:"revote"`
	Results       string       `json:"results"`
	Secrecy       string       `json:"secrecy"`
	OpensAt       instant      `json:"opens_at"`
	ClosesAt      instant      `json:"closes_at"`
	MaxBallots    uint64       `json:"max_ballots"`
	Eligibility   string       `json:"eligibility"`
	Quorum        uint64       `json:"quorum"`
	Disclosure    string       `json:"disclosure"`
	Receipt       string       `json:"receipt"`
	Audience      string       `json:"audience"`
	OptionOrder   string       `json:"option_order"`
	Description   string       `json:"description"`
	Contact       string       `json:"contact"`
	countingBody
}

// The words of a definition, by their numbers in package poll.
var (
	revoteWords  = []string{poll.RevoteNever: "never", poll.RevoteUntilClose: "until_close"}
	resultsWords = []string{poll.ResultsLive: "live", poll.ResultsAfterClose: "after_close"}
	secrecyWords = []string{poll.Secret: "secret", poll.Open: "open"}

	markingWords     = []string{poll.Strict: "strict", poll.AsMarked: "as_marked"}
	eligibilityWords = []string{poll.Anyone: "anyone", poll.OnRoll: "roll"}
	disclosureWords  = []string{poll.DiscloseProfile: "profile", poll.DiscloseBallots: "ballots"}
	receiptWords     = []string{poll.ReceiptsCounted: "counted", poll.ReceiptsOpened: "opened"}
	audienceWords    = []string{poll.AudienceRoles: "roles", poll.AudienceAnyone: "anyone"}
	orderWords       = []string{poll.OrderListed: "listed", poll.OrderShuffled: "shuffled"}
)

// word finds a word's number; an empty word means the default, the first one. An unknown
// word becomes a number that validation refuses.
func word(words []string, s string) uint8 {
	if s == "" {
		return 0
	}
	for i, w := range words {
		if w == s {
			return uint8(i)
		}
	}
	return uint8(len(words))
}

// definition fills in what the client left out and checks everything that does not depend
// on the state, so that an invalid definition never goes through the log.
func (b *definitionBody) definition(id string) (poll.Definition, error) {
	d := poll.Definition{
		ID: id, Title: b.Title, Method: b.Method,
		MinSelections: 1, MaxSelections: given(b.MaxSelections), MaxScore: given(b.MaxScore),
		Revote:  poll.Revote(word(revoteWords, b.Revote)),
		Results: poll.Visibility(word(resultsWords, b.Results)),
		Secrecy: poll.Secrecy(word(secrecyWords, b.Secrecy)),
		OpensAt: int64(b.OpensAt), ClosesAt: int64(b.ClosesAt), MaxBallots: b.MaxBallots,
		Eligibility: poll.Eligibility(word(eligibilityWords, b.Eligibility)), Quorum: b.Quorum,
		Disclosure: poll.Disclosure(word(disclosureWords, b.Disclosure)), Receipts: poll.Receipts(word(receiptWords, b.Receipt)),
		Audience: poll.Audience(word(audienceWords, b.Audience)), Order: poll.OptionOrder(word(orderWords, b.OptionOrder)),
		Description: b.Description, Contact: b.Contact,
	}
	if b.MinSelections != nil {
		d.MinSelections = *b.MinSelections
	}
	var errs []refusal.FieldError
	d.Options, errs = named(b.Options)
	if d.Method == "" {
		d.Method = poll.DefaultMethod
	}
	if errs == nil {
		errs = b.counting(&d)
	}
	d = d.WithDefaults()
	if errs = append(errs, d.Acceptable()...); errs != nil {
		return d, &refusal.Error{Code: refusal.InvalidPoll, Fields: errs}
	}
	return d, nil
}

// given returns a number that was sent, 0 if none was. A 0 that was sent would mean the
// default, so it is refused like negative numbers.
func given(n *int) int {
	switch {
	case n == nil:
		return 0
	case *n == 0:
		return -1
	}
	return *n
}

// pollJSON is a poll as clients see it.
type pollJSON struct {
	ID            string       `json:"id"`
	Title         string       `json:"title"`
	Options       []optionJSON `json:"options"`
	Method        string       `json:"method"`
	MinSelections int          `json:"min_selections"`
	MaxSelections int          `json:"max_selections"`
	MaxScore      *int         `json:"max_score,omitzero"`
	Revote        string       `json:"revote"`
	Results       string       `json:"results"`
	Secrecy       string       `json:"secrecy"`
	OpensAt       string       `json:"opens_at,omitzero"`
	ClosesAt      string       `json:"closes_at,omitzero"`
	MaxBallots    uint64       `json:"max_ballots"`
	Eligibility   string       `json:"eligibility"`
	Quorum        uint64       `json:"quorum,omitzero"`
	Disclosure    string       `json:"disclosure,omitzero"`   // if it is not the default
	Receipt       string       `json:"receipt,omitzero"`      // likewise
	Audience      string       `json:"audience,omitzero"`     // likewise
	OptionOrder   string       `json:"option_order,omitzero"` // likewise
	Description   string       `json:"description,omitzero"`
	Contact       string       `json:"contact,omitzero"`
	State         string       `json:"state"`
	Ballots       *uint64      `json:"ballots,omitzero"`
	Revision      uint32       `json:"revision"`
	CreatedAt     string       `json:"created_at"`
	ClosedAt      string       `json:"closed_at,omitzero"`
	ClosedIndex   uint64       `json:"closed_index,omitzero"`
	countingJSON
}

type optionJSON struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitzero"`
}

func pollOf(i poll.Info) pollJSON {
	d := i.Rules
	p := pollJSON{
		ID: d.ID, Title: d.Title, Options: make([]optionJSON, len(d.Options)), Method: d.Method,
		MinSelections: d.MinSelections, MaxSelections: d.MaxSelections,
		Revote: revoteWords[d.Revote], Results: resultsWords[d.Results], Secrecy: secrecyWords[d.Secrecy],
		OpensAt: timeText(d.OpensAt), ClosesAt: timeText(d.ClosesAt), MaxBallots: d.MaxBallots,
		Eligibility: eligibilityWords[d.Eligibility], Quorum: d.Quorum,
		Disclosure: disclosureWords[d.Disclosure], Receipt: receiptWords[d.Receipts],
		Description: d.Description, Contact: d.Contact,
		State: i.Phase.String(), Revision: i.Revision,
		CreatedAt: string(appendTime(nil, i.CreatedAt)), ClosedAt: timeText(i.ClosedAt), ClosedIndex: i.ClosedIndex,
		countingJSON: countingOf(i),
	}
	if d.Audience != poll.AudienceRoles {
		p.Audience = audienceWords[d.Audience]
	}
	if d.Order != poll.OrderListed {
		p.OptionOrder = orderWords[d.Order]
	}
	for n, o := range d.Options {
		p.Options[n] = optionJSON(o)
	}
	if d.Form() == tally.Scores {
		p.MaxScore = &d.MaxScore
	}
	if i.Visible() {
		p.Ballots = &i.Ballots
	}
	return p
}

// timeText writes a time, "" for none.
func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return string(appendTime(nil, ms))
}
