package organiser

import (
	"net/http"
	"time"

	"voted/internal/web/frame"
)

// terms are what a poll's definition and the poll itself have alike, as the API writes them.
type terms struct {
	ID            string         `json:"id,omitempty"`
	Title         string         `json:"title,omitempty"`
	Description   string         `json:"description,omitempty"`
	Contact       string         `json:"contact,omitempty"`
	Options       []option       `json:"options"`
	OptionOrder   string         `json:"option_order,omitempty"`
	Method        string         `json:"method,omitempty"`
	MinSelections *int           `json:"min_selections,omitempty"`
	MaxSelections int            `json:"max_selections,omitzero"`
	MaxScore      int            `json:"max_score,omitzero"`
	Revote        string         `json:"revote,omitempty"`
	Results       string         `json:"results,omitempty"`
	Audience      string         `json:"audience,omitempty"`
	Secrecy       string         `json:"secrecy,omitempty"`
	Disclosure    string         `json:"disclosure,omitempty"`
	Receipt       string         `json:"receipt,omitempty"`
	OpensAt       time.Time      `json:"opens_at,omitzero"`
	ClosesAt      time.Time      `json:"closes_at,omitzero"`
	MaxBallots    int            `json:"max_ballots,omitzero"`
	Eligibility   string         `json:"eligibility,omitempty"`
	Quorum        int            `json:"quorum,omitzero"`
	Seats         int            `json:"seats,omitzero"`
	TieBreak      string         `json:"tie_break,omitempty"`
	Rules         map[string]any `json:"rules,omitempty"`
}

// option is one thing that can be voted for.
type option struct {
	ID          string `json:"id"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Text is what people read.
func (o option) Text() string {
	if o.Title == "" {
		return o.ID
	}
	return o.Title
}

// poll is a poll as the API shows it.
type poll struct {
	terms
	Marking  string    `json:"marking"`
	State    string    `json:"state"`   // scheduled, open, closed
	Ballots  *int      `json:"ballots"` // nil while results are hidden
	Revision int       `json:"revision"`
	ClosedAt time.Time `json:"closed_at"`
	Lot      *lot      `json:"lot"`
}

// lot is the order of options that was drawn.
type lot struct {
	Order []string `json:"order"`
	Seed  string   `json:"seed"`
}

// Name is the poll's title, or its id if it has none.
func (p *poll) Name() frame.Name {
	if p.Title == "" {
		return frame.Name(p.ID)
	}
	return frame.Name(p.Title)
}

// HasRoll reports whether only voters on a roll may vote.
func (p *poll) HasRoll() bool { return p.Eligibility == "roll" }

// Hidden reports whether nobody may see counts yet.
func (p *poll) Hidden() bool { return p.Ballots == nil }

// OptionText returns the text of the option with an id.
func (p *poll) OptionText(id string) string {
	for _, o := range p.Options {
		if o.ID == id {
			return o.Text()
		}
	}
	return id
}

// LotOpen reports whether a lot is still to be drawn.
func (p *poll) LotOpen() bool {
	_, drawnBefore := p.Rules["lot"]
	return p.State == "closed" && p.TieBreak == "lot" && p.Lot == nil && !drawnBefore
}

// rollNumbers is a roll in numbers, as the API shows it.
type rollNumbers struct {
	Index       int  `json:"index"`
	Eligible    int  `json:"eligible"`
	Weight      int  `json:"eligible_weight"`
	Voted       *int `json:"voted"` // nil while results are hidden
	VotedWeight *int `json:"voted_weight"`
}

// HaveVoted is how many have voted, 0 while that is hidden.
func (n *rollNumbers) HaveVoted() int { return shown(n.Voted) }

// HaveVotedWeight is their weight.
func (n *rollNumbers) HaveVotedWeight() int { return shown(n.VotedWeight) }

func shown(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// Turnout is how many of those who may vote have voted, in percent.
func (n *rollNumbers) Turnout() float64 {
	if n.Voted == nil || n.Eligible == 0 {
		return 0
	}
	return 100 * float64(*n.Voted) / float64(n.Eligible)
}

// Weighted reports whether some voter's weight is more than 1.
func (n *rollNumbers) Weighted() bool { return n.Weight != n.Eligible }

// read asks the API for the poll in the path.
func (o *Room) read(r *http.Request) (*poll, error) {
	a, err := o.f.Ask(r, frame.Call{Path: "/v1/polls/" + id(r)})
	if err != nil {
		return nil, err
	}
	var p poll
	return &p, a.Into(&p)
}

// readRoll asks the API for the roll of a poll; nil if it has none.
func (o *Room) readRoll(r *http.Request, p *poll) (*rollNumbers, error) {
	if !p.HasRoll() {
		return nil, nil
	}
	a, err := o.f.Ask(r, frame.Call{Path: "/v1/polls/" + id(r) + "/roll"})
	if err != nil {
		return nil, err
	}
	var n rollNumbers
	return &n, a.Into(&n)
}
