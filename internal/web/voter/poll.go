package voter

import (
	"time"

	"voted/internal/optionorder"
)

// form is what a ballot of a method holds.
type form uint8

const (
	choice form = iota
	ranking
	scores
)

// method is what the pages must know of a counting method. A test holds the table to package tally.
type method struct {
	form form
	ties bool // whether several options may share a rank
}

var methods = map[string]method{
	"plurality":    {form: choice},
	"approval":     {form: choice},
	"score":        {form: scores},
	"star":         {form: scores},
	"star_pr":      {form: scores},
	"irv":          {form: ranking},
	"stv":          {form: ranking},
	"borda":        {form: ranking, ties: true},
	"schulze":      {form: ranking, ties: true},
	"ranked_pairs": {form: ranking, ties: true},
	"minimax":      {form: ranking, ties: true},
	"copeland":     {form: ranking, ties: true},
}

// poll is what the pages show of a poll.
type poll struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Description   string    `json:"description"`
	Contact       string    `json:"contact"`
	Options       []option  `json:"options"`
	OptionOrder   string    `json:"option_order"`
	Method        string    `json:"method"`
	MinSelections int       `json:"min_selections"`
	MaxSelections int       `json:"max_selections"`
	MaxScore      int       `json:"max_score"`
	Revote        string    `json:"revote"`
	Results       string    `json:"results"`
	Secrecy       string    `json:"secrecy"`
	Receipt       string    `json:"receipt"`
	Marking       string    `json:"marking"`
	Eligibility   string    `json:"eligibility"`
	State         string    `json:"state"`
	OpensAt       time.Time `json:"opens_at"`
	ClosesAt      time.Time `json:"closes_at"`
	ClosedAt      time.Time `json:"closed_at"`
}

type option struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// Name is what people call the poll.
func (p *poll) Name() string {
	if p.Title == "" {
		return p.ID
	}
	return p.Title
}

// Name is what people call the option.
func (o option) Name() string {
	if o.Title == "" {
		return o.ID
	}
	return o.Title
}

func (p *poll) method() method { return methods[p.Method] }

// asMarked reports whether the poll takes ballots as they are marked, as on paper: its rules then say what counts.
func (p *poll) asMarked() bool { return p.Marking == "as_marked" }

// least is how many options a ballot must name.
func (p *poll) least() int {
	if p.asMarked() {
		return 0
	}
	return p.MinSelections
}

// Revotes reports whether a ballot may be replaced.
func (p *poll) Revotes() bool { return p.Revote == "until_close" }

// Secret reports whether names are not kept with ballots.
func (p *poll) Secret() bool { return p.Secrecy != "open" }

// ShowsChoice reports whether a proof of a ballot shows what was chosen.
func (p *poll) ShowsChoice() bool { return !p.Secret() || p.Receipt == "opened" }

// option returns an option by its id.
func (p *poll) option(id string) (option, bool) {
	for _, o := range p.Options {
		if o.ID == id {
			return o, true
		}
	}
	return option{}, false
}

// listed are the options in the order in which this voter sees them: the definition's, or one that is shuffled, and for
// one voter always the same.
func (p *poll) listed(voter string) []option {
	if p.OptionOrder != "shuffled" {
		return p.Options
	}
	ids := make([]string, len(p.Options))
	for i, o := range p.Options {
		ids[i] = o.ID
	}
	shuffled := make([]option, len(ids))
	for i, at := range optionorder.Of(p.ID, voter, ids) {
		shuffled[i] = p.Options[at]
	}
	return shuffled
}

// receipt is the API's receipt.
type receipt struct {
	Outcome string    `json:"outcome"`
	Version uint32    `json:"version"`
	Ballot  uint64    `json:"ballot"`
	Index   uint64    `json:"index"`
	CastAt  time.Time `json:"cast_at"`
}
