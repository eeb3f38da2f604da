package public

import (
	"html/template"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"voted/internal/web/chart"
	"voted/internal/web/frame"
)

// standing is how a poll stands, ready to be shown.
type standing struct {
	ID, Title, Base string
	Description     string
	Contact         string
	State           string
	Band            band
	Hidden          template.HTML // why there is nothing to see; empty if there is
	Answer          string
	Ballots         uint64
	Turnout         []string
	Quorum          quorumLine
	Options         []option // before the poll opens
	View            string
	Views           []viewLink
	Table           table
	Rounds          *rounds
	Scores          *scores
	Pairs           *pairs
	Split           template.HTML // the two of a runoff
	SplitText       []string
	Drawing         template.HTML // a view that is one drawing
	Count           *counting
	Downloads       []link
	Live            string // where changes come from; empty: nothing changes any more
	Poll            string // where single answers come from, if the stream is not to be had
	Shape           string
	Index           uint64
	Later           bool   // the entry that was asked for is not there yet
	Asked           uint64 // by ?at=
	Age             string
	Ledger          *ledger
}

// band is the state of a poll: a sign, a word and a border say the same.
type band struct {
	Class string
	Sign  string
	Text  template.HTML
}

type quorumLine struct {
	Text   string
	Missed bool // for good
	Share  string
}

type viewLink struct {
	Name, URL string
	Current   bool
}

type link struct{ Name, URL, About string }

// results serves the page of a poll's results.
func (m *Room) results(w http.ResponseWriter, r *http.Request) error {
	l, err := m.look(r)
	if err != nil {
		return notThere(err)
	}
	s := m.standing(r, l)
	page := frame.Page{Template: "results", Data: s, Public: l.poll.Audience == "anyone", Wide: true, Refresh: l.refresh(timeNow())}
	if s.Later {
		page.Refresh = 2
	}
	page.Scripts = []string{"times.js"}
	if s.Live != "" {
		page.Scripts = append(page.Scripts, "live.js")
	}
	return m.pages.Show(w, r, page)
}

// notThere makes one answer of all that a visitor may not see: the words do not tell whether there is such a poll.
func notThere(err error) error {
	if frame.Is(err, "forbidden", "poll_not_found") {
		return &frame.Problem{Status: http.StatusNotFound, Code: "poll_not_found"}
	}
	return err
}

// refresh is after how many seconds the page loads itself again, for a poll that opens or shows its results at a known
// time: within five seconds after it, so that not all visitors come at once.
func (l *look) refresh(now time.Time) int {
	at := l.poll.OpensAt
	switch {
	case l.poll.State == open && l.hidden:
		at = l.poll.ClosesAt
	case l.poll.State != scheduled:
		return 0
	}
	if wait := at.Sub(now); !at.IsZero() && wait < 12*time.Hour {
		return int(max(wait, 0)/time.Second) + 1 + rand.IntN(5)
	}
	return 0
}

// standing makes what the page shows.
func (m *Room) standing(r *http.Request, l *look) *standing {
	words := frame.Words(r)
	s := l.speaker(words)
	p := &l.poll
	out := &standing{
		ID: p.ID, Title: p.shown(), Base: l.base, Description: p.Description, Contact: p.Contact, State: p.State,
		Band: s.band(l), Age: l.age,
	}
	switch {
	case p.State == scheduled:
		out.Options = p.Options
		return out
	case l.hidden:
		out.Hidden = s.hidden(p)
		return out
	}
	res := l.results
	out.fill(s, p, res)
	out.explain(s, p, res)
	out.choose(s, res, r.URL.Query().Get("view"), r.URL.Query().Get("sort"))
	out.Downloads = s.downloads(l)
	if p.State == open {
		query := "?view=" + out.View + "&lang=" + words.Code
		out.Live, out.Poll = l.base+"/live"+query, l.base+"/live.json"+query
	}
	if at, err := strconv.ParseUint(r.URL.Query().Get("at"), 10, 64); err == nil {
		out.Asked, out.Later = at, at > res.Index
	}
	return out
}

// fill sets what a page and a fragment have alike; it does not depend on the view.
func (out *standing) fill(s *speaker, p *poll, r *results) {
	out.Ballots, out.Index = r.Ballots, r.Index
	out.Turnout, out.Quorum = s.turnout(r), s.quorum(r)
	if r.Ballots == 0 {
		out.Answer = s.Text("public.answer.empty." + r.State)
	} else {
		out.Answer = s.answer(p, r)
	}
	out.Rounds, out.Scores = s.rounds(r), s.scores(r)
}

// explain sets what stays as it is until the page is loaded again.
func (out *standing) explain(s *speaker, p *poll, r *results) {
	if r.Ballots > 0 {
		out.Count = new(s.counting(p, r))
	}
	out.Pairs = s.pairs(r)
	if r.Runoff != nil && len(r.Finalists) == 2 {
		out.Split, out.SplitText = s.split(r)
	}
}

// choose sets what the view shows, and the links to the others.
func (out *standing) choose(s *speaker, r *results, asked, sort string) {
	byValue := r.Certified
	if sort == "listed" || sort == "value" {
		byValue = sort == "value"
	}
	out.Table = s.options(r, byValue)
	views := r.views()
	if len(views) == 0 {
		out.Shape = s.shape(r, "")
		return
	}
	out.View = views[0]
	if slices.Contains(views, asked) {
		out.View = asked
	}
	for _, v := range views {
		out.Views = append(out.Views, viewLink{s.Text("public.view." + v), out.Base + "?view=" + v, v == out.View})
	}
	out.Shape = s.shape(r, out.View)
	if out.View == viewFlow || out.View == viewPairs {
		out.Drawing = safe(s.drawing(r, out.View).Inline())
	}
}

// band says in which state the poll is. That a quorum was missed comes first.
func (s *speaker) band(l *look) band {
	p := &l.poll
	switch {
	case p.State == scheduled && p.OpensAt.IsZero():
		return band{"waiting", "○", s.T("public.band.scheduled.unknown")}
	case p.State == scheduled:
		return band{"waiting", "○", s.T("public.band.scheduled", s.When(p.OpensAt))}
	case p.State == open && l.hidden && !p.ClosesAt.IsZero():
		return band{"open", "●", s.T("public.band.voting", s.When(p.ClosesAt))}
	case p.State == open && l.hidden:
		return band{"open", "●", s.T("public.band.voting.unknown")}
	case p.State == open && !p.ClosesAt.IsZero():
		return band{"open", "●", s.T("public.band.open", s.When(p.ClosesAt))}
	case p.State == open:
		return band{"open", "●", s.T("public.band.open.unknown")}
	}
	text := s.T("public.band.closed", s.WhenExactly(p.ClosedAt), l.results.ClosedIndex)
	if q := l.results.Quorum; q != nil && q.Met != nil && !*q.Met {
		return band{"missed", "■", s.T("public.band.missed") + " " + text}
	}
	return band{"final", "■", text}
}

// hidden says when results are shown.
func (s *speaker) hidden(p *poll) template.HTML {
	if p.ClosesAt.IsZero() {
		return s.T("public.hidden")
	}
	return s.T("public.hidden.until", s.When(p.ClosesAt))
}

// turnout says how many have voted, of how many.
func (s *speaker) turnout(r *results) []string {
	if r.Turnout == nil {
		return []string{s.TextN("public.ballots", int(r.Ballots))}
	}
	t := r.Turnout
	lines := []string{s.Text("public.turnout", s.Number(t.Voted), s.Number(t.Eligible), s.percent(float64(t.Voted), float64(t.Eligible)))}
	if t.EligibleWeight != t.Eligible || t.VotedWeight != t.Voted {
		lines = append(lines, s.Text("public.turnout.weight", s.Number(t.VotedWeight), s.Number(t.EligibleWeight), s.percent(float64(t.VotedWeight), float64(t.EligibleWeight))))
	}
	return lines
}

func (s *speaker) quorum(r *results) quorumLine {
	q := r.Quorum
	if q == nil {
		return quorumLine{}
	}
	line := quorumLine{Share: chart.Width(float64(q.Needed), turnoutWhole(r))}
	switch {
	case r.Ballots >= q.Needed:
		line.Text = s.Text("public.quorum.reached", s.Number(q.Needed))
	case r.Certified:
		line.Text, line.Missed = s.Text("public.quorum.missed", s.Number(q.Needed), s.Number(q.Needed-r.Ballots)), true
	default:
		line.Text = s.Text("public.quorum.missing", s.Number(q.Needed), s.Number(q.Needed-r.Ballots))
	}
	return line
}

// turnoutWhole is what turnout is a part of: those on the roll, or as many as are needed.
func turnoutWhole(r *results) float64 {
	switch {
	case r.Turnout != nil:
		return float64(r.Turnout.Eligible)
	case r.Quorum != nil:
		return float64(max(r.Quorum.Needed, r.Ballots))
	}
	return 0
}

// split draws the runoff of two, and says its numbers.
func (s *speaker) split(r *results) (template.HTML, []string) {
	a, _ := r.Runoff.Votes.Of(r.Finalists[0])
	b, _ := r.Runoff.Votes.Of(r.Finalists[1])
	none := r.Runoff.NoPreference
	drawing := chart.Split([]chart.Part{{Value: float(a)}, {Value: float64(none), Quiet: true}, {Value: float(b)}})
	return safe(drawing), []string{
		s.Text("public.split.side", s.name(r.Finalists[0]), s.number(a)),
		s.Text("public.split.none", s.Number(none)),
		s.Text("public.split.side", s.name(r.Finalists[1]), s.number(b)),
	}
}

// drawn reports whether a view is drawn as a whole.
func drawn(view string) bool { return view == viewFlow || view == viewPairs || view == viewScores }

// shape differs where a page cannot become the one of other results by changing texts and widths.
func (s *speaker) shape(r *results, view string) string {
	if r.Ballots > 0 && drawn(view) {
		return shortHash(s.drawing(r, view).Inline())
	}
	var b strings.Builder
	b.WriteString(strconv.FormatBool(r.Ballots > 0))
	b.WriteString(strconv.Itoa(len(r.Rounds)))
	for i := r.shownFrom(); i < len(r.Rounds); i++ {
		b.WriteString("/")
		for _, v := range valuesOf(&r.Rounds[i]) {
			b.WriteString(v.ID + " ")
		}
	}
	return shortHash(b.String())
}
