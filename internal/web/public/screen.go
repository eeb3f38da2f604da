package public

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"

	"rsc.io/qr"

	"voted/internal/web/frame"
)

// screenPage is what a projector shows.
type screenPage struct {
	*standing
	Pages    [][]row // of options, as many as fit at a time
	Repeats  string
	Width    string // of the bar of the turnout; empty if there is no whole
	ClosesAt string // RFC 3339; empty if it is not known
	OpensAt  string
	Vote     string        // where to vote, as people type it; empty once it has closed
	Code     template.HTML // the same as a QR code
}

// ledger is the sum that must always be right: voters with a ballot, and ballots that count.
type ledger struct {
	Voters, Ballots, Twice int
}

func (r *results) ledger() *ledger {
	l := &ledger{Voters: int(r.Ballots), Ballots: int(r.Ballots)}
	if r.Turnout != nil {
		l.Voters = int(r.Turnout.Voted)
	}
	l.Twice = max(l.Ballots-l.Voters, 0)
	return l
}

// repeated says how many requests were recognised as repetitions of a ballot that had been counted; empty if that is
// not known.
func (m *Room) repeated(r *http.Request) (string, error) {
	var all struct {
		Recognised int `json:"recognised"`
	}
	if _, err := m.ask(r, pathOf(r)+"/results/repeats", &all); err != nil {
		return "", err
	}
	return frame.Words(r).TextN("public.ledger.repeats", all.Recognised), nil
}

// repeats serves the same for a screen that is up to date.
func (m *Room) repeats(w http.ResponseWriter, r *http.Request) error {
	text, err := m.repeated(r)
	if err != nil {
		return notThere(err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // a browser that has gone away gets nothing
	return nil
}

// perScreen is how many options a screen shows at a time.
const perScreen = 8

// screen serves the page for a projector.
func (m *Room) screen(w http.ResponseWriter, r *http.Request) error {
	l, err := m.look(r)
	if err != nil {
		return notThere(err)
	}
	s := &screenPage{standing: m.standing(r, l)}
	for rows := s.Table.Rows; len(rows) > 0; rows = rows[min(perScreen, len(rows)):] {
		s.Pages = append(s.Pages, rows[:min(perScreen, len(rows))])
	}
	if l.results != nil {
		s.Ledger = l.results.ledger()
		s.Repeats, _ = m.repeated(r) // without it the line says the rest
		if turnoutWhole(l.results) > 0 {
			s.Width = widthOfTurnout(l.results)
		}
	}
	if at := l.poll.ClosesAt; !at.IsZero() && l.poll.State != closed {
		s.ClosesAt = at.UTC().Format("2006-01-02T15:04:05Z07:00")
	}
	if l.poll.State == scheduled && !l.poll.OpensAt.IsZero() {
		s.OpensAt = l.poll.OpensAt.UTC().Format("2006-01-02T15:04:05Z07:00")
	}
	if l.poll.State != closed {
		if s.Vote, s.Code, err = m.voteAt(r, l.poll.ID); err != nil {
			return err
		}
	}
	return m.pages.Show(w, r, frame.Page{
		Template: "screen", Data: s, Bare: true, Public: l.poll.Audience == "anyone", Refresh: l.refresh(timeNow()),
		Scripts: []string{"live.js", "screen.js"},
	})
}

// voteAt is the address at which people vote, as text and as a QR code.
func (m *Room) voteAt(r *http.Request, id string) (string, template.HTML, error) {
	path := "/vote/" + id
	code, err := qr.Encode(m.f.Origin(r)+path, qr.M)
	if err != nil {
		return "", "", err
	}
	return r.Host + path, drawnCode(code), nil
}

// drawnCode draws a QR code, with the quiet zone around it that readers need.
func drawnCode(code *qr.Code) template.HTML {
	const quiet = 4
	var d strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			if from := x; code.Black(x, y) {
				for x < code.Size && code.Black(x, y) {
					x++
				}
				fmt.Fprintf(&d, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	side := code.Size + 2*quiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" viewBox="0 0 %d %d" aria-hidden="true" focusable="false" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#ffffff"/><path fill="#000000" d="%s"/></svg>`, side, side, side, side, d.String()))
}
