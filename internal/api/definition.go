package api

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/tally"
)

// definitionBody is a poll's definition as clients write it.
type definitionBody struct {
	ID            string       `json:"id"`
	Title         string       `json:"title"`
	Options       []optionBody `json:"options"`
	Method        string       `json:"method"`
	MinSelections *int         `json:"min_selections"`
	MaxSelections int          `json:"max_selections"`
	MaxScore      int          `json:"max_score"`
	Revote        string       `json:"revote"`
	Results       string       `json:"results"`
	Secrecy       string       `json:"secrecy"`
	OpensAt       *time.Time   `json:"opens_at"`
	ClosesAt      *time.Time   `json:"closes_at"`
	MaxBallots    uint64       `json:"max_ballots"`
	Eligibility   string       `json:"eligibility"`
	Quorum        uint64       `json:"quorum"`
}

// optionBody is an option: an object, or a string that is both id and title.
type optionBody struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *optionBody) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		o.ID = token.String()
		o.Title = o.ID
		return nil
	}
	type plain optionBody
	return json.UnmarshalDecode(d, (*plain)(o))
}

// The words of a definition, by their numbers in package poll.
var (
	revoteWords  = []string{poll.RevoteNever: "never", poll.RevoteUntilClose: "until_close"}
	resultsWords = []string{poll.ResultsLive: "live", poll.ResultsAfterClose: "after_close"}
	secrecyWords = []string{poll.Secret: "secret", poll.Open: "open"}

	eligibilityWords = []string{poll.Anyone: "anyone", poll.OnRoll: "roll"}
)

// word finds a word's number; none means the default, the first one. What is not
// a word becomes a number that validation refuses.
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

// definition completes what the client left out and checks everything that does
// not depend on the state: what cannot be used need not go through the log.
func (b *definitionBody) definition(id string) (poll.Definition, error) {
	d := poll.Definition{
		ID: id, Title: b.Title, Method: b.Method,
		MinSelections: 1, MaxSelections: b.MaxSelections, MaxScore: b.MaxScore,
		Revote:  poll.Revote(word(revoteWords, b.Revote)),
		Results: poll.Visibility(word(resultsWords, b.Results)),
		Secrecy: poll.Secrecy(word(secrecyWords, b.Secrecy)),
		OpensAt: millis(b.OpensAt), ClosesAt: millis(b.ClosesAt), MaxBallots: b.MaxBallots,
		Eligibility: poll.Eligibility(word(eligibilityWords, b.Eligibility)), Quorum: b.Quorum,
	}
	if b.MinSelections != nil {
		d.MinSelections = *b.MinSelections
	}
	for _, o := range b.Options {
		d.Options = append(d.Options, poll.Option{ID: o.ID, Title: o.Title})
	}
	d = d.WithDefaults()
	if errs := d.Validate(); errs != nil {
		return d, &poll.Error{Code: poll.CodeInvalidPoll, Detail: "The poll's definition cannot be used.", Fields: errs}
	}
	return d, nil
}

// millis turns a time into milliseconds since the Unix epoch, 0 where there is
// none. Zero itself would mean "none", so it goes the way of earlier times.
func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	if ms := t.UnixMilli(); ms > 0 {
		return ms
	}
	return -1
}

// pollJSON is a poll as it is shown.
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
	State         string       `json:"state"`
	Ballots       *uint64      `json:"ballots,omitzero"`
	Revision      uint32       `json:"revision"`
	CreatedAt     string       `json:"created_at"`
	ClosedAt      string       `json:"closed_at,omitzero"`
	ClosedIndex   uint64       `json:"closed_index,omitzero"`
}

type optionJSON struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func pollOf(i poll.Info) pollJSON {
	d := i.Rules
	p := pollJSON{
		ID: d.ID, Title: d.Title, Options: make([]optionJSON, len(d.Options)), Method: d.Method,
		MinSelections: d.MinSelections, MaxSelections: d.MaxSelections,
		Revote: revoteWords[d.Revote], Results: resultsWords[d.Results], Secrecy: secrecyWords[d.Secrecy],
		OpensAt: timeText(d.OpensAt), ClosesAt: timeText(d.ClosesAt), MaxBallots: d.MaxBallots,
		Eligibility: eligibilityWords[d.Eligibility], Quorum: d.Quorum,
		State: i.Phase.String(), Revision: i.Revision,
		CreatedAt: string(appendTime(nil, i.CreatedAt)), ClosedAt: timeText(i.ClosedAt), ClosedIndex: i.ClosedIndex,
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

// timeText writes a time, or nothing where there is none.
func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return string(appendTime(nil, ms))
}
