package public

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"voted/internal/web/frame"
)

// timeNow is the clock of pages: they say when something comes.
func timeNow() time.Time { return time.Now() }

// certificate is a closed poll on one sheet of paper.
type certificate struct {
	*standing
	Definition []fact
	Facts      []fact
	Digest     string
	Members    []member
	Exports    bool
	URL        string
}

// fact is a name and what it is.
type fact struct {
	Name  string
	Value template.HTML
}

// member is a member of the cluster, for visitors who may see the cluster.
type member struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// certificate serves the certificate of a closed poll.
func (m *Room) certificate(w http.ResponseWriter, r *http.Request) error {
	l, err := m.look(r)
	if err != nil {
		return notThere(err)
	}
	if l.poll.State != closed || l.results == nil {
		return &frame.Problem{Status: http.StatusConflict, Code: "poll_not_closed"}
	}
	s := l.speaker(frame.Words(r))
	c := &certificate{standing: m.standing(r, l), Digest: l.results.Digest, Exports: l.poll.exports()}
	c.Definition, c.Facts = s.definition(&l.poll), s.closing(&l.poll, l.results)
	c.Members = m.members(r)
	c.URL = m.f.Origin(r)
	return m.pages.Show(w, r, frame.Page{
		Template: "certificate", Data: c, Public: l.poll.Audience == "anyone", Scripts: []string{"times.js", "print.js"},
	})
}

// members are those of the cluster, nil if the visitor may not see them.
func (m *Room) members(r *http.Request) []member {
	var cluster struct {
		Members []member `json:"members"`
	}
	if _, err := m.ask(r, "/v1/cluster", &cluster); err != nil {
		return nil
	}
	return cluster.Members
}

// definition says the rules of the poll.
func (s *speaker) definition(p *poll) []fact {
	word := func(key string) template.HTML { return s.T("public.certificate." + key) }
	facts := []fact{
		{s.Text("public.certificate.id"), template.HTML("<code>" + template.HTMLEscapeString(p.ID) + "</code>")},
		{s.Text("public.certificate.method"), s.T("public.certificate.method.seats", s.method(p), max(p.Seats, 1))},
		{s.Text("public.certificate.choices"), s.T("public.certificate.choices.range", p.MinSelections, p.MaxSelections)},
		{s.Text("public.certificate.secrecy"), word("secrecy." + p.Secrecy)},
		{s.Text("public.certificate.eligibility"), word("eligibility." + p.Eligibility)},
		{s.Text("public.certificate.revote"), word("revote." + p.Revote)},
		{s.Text("public.certificate.results"), word("results." + p.Results)},
	}
	if p.MaxScore > 0 {
		facts = append(facts, fact{s.Text("public.certificate.scores"), s.T("public.certificate.scores.range", p.MaxScore)})
	}
	return facts
}

// closing says how the poll ended.
func (s *speaker) closing(p *poll, r *results) []fact {
	opened := p.OpensAt
	if opened.IsZero() {
		opened = p.CreatedAt
	}
	facts := []fact{
		{s.Text("public.certificate.opened"), s.WhenExactly(opened)},
		{s.Text("public.certificate.closed"), s.WhenExactly(p.ClosedAt)},
		{s.Text("public.certificate.entry"), s.T("public.plain", s.Number(r.ClosedIndex))},
		{s.Text("public.certificate.ballots"), s.T("public.plain", s.Number(r.Ballots))},
	}
	if r.Turnout != nil {
		facts = append(facts, fact{s.Text("public.certificate.turnout"), s.T("public.plain", s.turnout(r)[0])})
		if lines := s.turnout(r); len(lines) > 1 {
			facts = append(facts, fact{s.Text("public.certificate.weights"), s.T("public.plain", lines[1])})
		}
	}
	if r.Quorum != nil {
		facts = append(facts, fact{s.Text("public.certificate.quorum"), s.T("public.plain", s.quorum(r).Text)})
	}
	if r.Blank > 0 {
		facts = append(facts, fact{s.Text("public.certificate.blank"), s.T("public.plain", s.Number(r.Blank))})
	}
	if r.Overvoted > 0 {
		facts = append(facts, fact{s.Text("public.certificate.overvoted"), s.T("public.plain", s.Number(r.Overvoted))})
	}
	if p.Lot != nil {
		facts = append(facts, fact{s.Text("public.certificate.lot"), s.T("public.plain", s.list(p.Lot.Order, "public.and"))})
		if p.Lot.Seed != "" {
			facts = append(facts, fact{s.Text("public.certificate.seed"), s.T("public.plain", strconv.Quote(p.Lot.Seed))})
		}
	}
	return facts
}
