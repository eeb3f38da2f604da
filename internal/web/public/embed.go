package public

import (
	"net/http"
	"strconv"

	"voted/internal/web/frame"
)

// embedPage is what a frame of another page shows.
type embedPage struct {
	*standing
	Theme string
	Last  int // how many of the last rounds are shown; 0: all
}

// embed serves results for a frame of another site. It looks as a stranger: a page of another site must not show what
// only its visitor may see.
func (m *Room) embed(w http.ResponseWriter, r *http.Request) error {
	stranger := r.Clone(r.Context())
	stranger.Header.Del("Cookie")
	stranger.TLS = nil // neither a certificate counts
	l, err := m.look(stranger)
	if frame.Is(err, "unauthenticated") || err == nil && l.poll.Audience != "anyone" {
		err = &frame.Problem{Status: http.StatusNotFound, Code: "poll_not_found"}
	}
	if err != nil {
		return notThere(err)
	}
	e := &embedPage{standing: m.standing(stranger, l)}
	query := r.URL.Query()
	if theme := query.Get("theme"); theme == "dark" || theme == "light" {
		e.Theme = theme
	}
	if last, err := strconv.Atoi(query.Get("last")); err == nil && last > 0 && e.Rounds != nil {
		e.Rounds.keep(last)
	}
	return m.pages.Show(w, r, frame.Page{
		Template: "embed", Data: e, Bare: true, Public: true, Frames: m.embedFrom, Scripts: []string{"live.js", "times.js"},
		Refresh: l.refresh(timeNow()),
	})
}
