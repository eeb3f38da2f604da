package public

import (
	"net/http"
	"net/url"
	"time"

	"voted/internal/resultjson"
	"voted/internal/web/frame"
)

// poll is a poll as the API shows it, as far as pages show it.
type poll struct {
	ID            string         `json:"id"`
	Title         string         `json:"title"`
	Description   string         `json:"description"`
	Contact       string         `json:"contact"`
	Options       []option       `json:"options"`
	Method        string         `json:"method"`
	MinSelections int            `json:"min_selections"`
	MaxSelections int            `json:"max_selections"`
	MaxScore      int            `json:"max_score"`
	Seats         int            `json:"seats"`
	TieBreak      string         `json:"tie_break"`
	Rules         map[string]any `json:"rules"`
	Revote        string         `json:"revote"`
	Results       string         `json:"results"`
	Secrecy       string         `json:"secrecy"`
	Disclosure    string         `json:"disclosure"`
	Eligibility   string         `json:"eligibility"`
	Audience      string         `json:"audience"`
	Quorum        uint64         `json:"quorum"`
	State         string         `json:"state"`
	OpensAt       time.Time      `json:"opens_at"`
	ClosesAt      time.Time      `json:"closes_at"`
	CreatedAt     time.Time      `json:"created_at"`
	ClosedAt      time.Time      `json:"closed_at"`
	Lot           *struct {
		Order []string
		Seed  string
	} `json:"lot"`
}

type option struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// The states of a poll.
const (
	scheduled = "scheduled"
	open      = "open"
	closed    = "closed"
)

// shown is the title of a poll, or its id.
func (p *poll) shown() string {
	if p.Title != "" {
		return p.Title
	}
	return p.ID
}

// names are the titles of the options by their ids.
func (p *poll) names() map[string]string {
	names := make(map[string]string, len(p.Options))
	for _, o := range p.Options {
		if names[o.ID] = o.Title; o.Title == "" {
			names[o.ID] = o.ID
		}
	}
	return names
}

// exports reports whether the poll shows everybody how many ballots hold each choice.
func (p *poll) exports() bool {
	return p.State == closed && p.Secrecy == "secret" && p.Disclosure != "ballots"
}

// results are the results of a poll as the API shows them.
type results struct {
	State       string   `json:"state"`
	Index       uint64   `json:"index"`
	Ballots     uint64   `json:"ballots"`
	Certified   bool     `json:"certified"`
	ClosedIndex uint64   `json:"closed_index"`
	Digest      string   `json:"digest"`
	Weight      *uint64  `json:"weight"`
	Turnout     *turnout `json:"turnout"`
	Quorum      *quorum  `json:"quorum"`
	Seats       int      `json:"seats"`
	resultjson.Outcome
}

type turnout struct {
	Eligible       uint64 `json:"eligible"`
	Voted          uint64 `json:"voted"`
	EligibleWeight uint64 `json:"eligible_weight"`
	VotedWeight    uint64 `json:"voted_weight"`
}

type quorum struct {
	Needed uint64 `json:"needed"`
	Met    *bool  `json:"met"`
}

// whole is what all votes are parts of: ballots, or their weights.
func (r *results) whole() uint64 {
	if r.Weight != nil {
		return *r.Weight
	}
	return r.Ballots
}

// look is what a request sees of a poll.
type look struct {
	poll    poll
	results *results // nil: they are hidden, or voting has not begun
	hidden  bool
	age     string // seconds that the node has not heard from the others for; empty: it is up to date
	base    string // the path of the poll's pages for this visitor
}

// pathOf is the path of a poll in the API.
func pathOf(r *http.Request) string { return "/v1/polls/" + url.PathEscape(r.PathValue("poll")) }

// baseOf is the path of the poll's pages.
func baseOf(r *http.Request) string { return "/polls/" + url.PathEscape(r.PathValue("poll")) }

// ask is a GET of the API in the name of the visitor.
func (m *Room) ask(r *http.Request, path string, into any) (*frame.Answer, error) {
	a, err := m.f.Ask(r, frame.Call{Path: path})
	if err != nil {
		return nil, err
	}
	return a, a.Into(into)
}

// look reads a poll and how it stands. Where the node cannot reach the others it shows what it has, and for how long it
// has not heard from them.
func (m *Room) look(r *http.Request) (*look, error) {
	l, err := m.lookAt(r, "")
	if frame.Is(err, "unavailable") {
		return m.lookAt(r, "?consistency=stale")
	}
	return l, err
}

func (m *Room) lookAt(r *http.Request, how string) (*look, error) {
	l := &look{base: baseOf(r)}
	if _, err := m.ask(r, pathOf(r)+how, &l.poll); err != nil {
		return nil, err
	}
	if l.poll.State == scheduled {
		return l, nil
	}
	var res results
	a, err := m.ask(r, pathOf(r)+"/results"+how, &res)
	switch {
	case frame.Is(err, "results_hidden"):
		l.hidden = true
		return l, nil
	case err != nil:
		return nil, err
	}
	l.results, l.poll.State = &res, res.State // it may have closed between the two
	if age := a.Header.Get("Voted-Age"); how != "" && age != "" {
		l.age = age
	}
	return l, nil
}
