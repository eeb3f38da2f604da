package organiser

import (
	"html/template"
	"net/http"
	"net/url"

	"voted/internal/web/frame"
)

// pageSize is how many polls stand on one page of the list: as many as a page of 24 KiB holds.
const pageSize = "40"

// states are what the list can be narrowed to; "" is all.
var states = []string{"", "scheduled", "open", "closed"}

// listed is the page of a list of polls.
type listed struct {
	Polls  []poll
	State  string
	States []string
	Next   template.URL // the query of the next page; "" on the last one
	Later  bool         // it is not the first page
	Desk   bool         // for organisers: polls lead to where they are managed
	Gone   string       // the id of a poll that was deleted just now
	Wrong  string       // an id that was asked for and that there is not
}

// list serves the polls that the visitor may see.
func (o *Room) list(w http.ResponseWriter, r *http.Request) error { return o.polls(w, r, false) }

// desk serves the same list to organisers, with what they can do.
func (o *Room) desk(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	return o.polls(w, r, true)
}

func (o *Room) polls(w http.ResponseWriter, r *http.Request, desk bool) error {
	asked := r.URL.Query()
	page := listed{State: asked.Get("state"), States: states, Later: asked.Get("page_token") != "", Desk: desk, Gone: asked.Get("gone")}
	if poll := asked.Get("id"); poll != "" {
		_, err := o.f.Ask(r, frame.Call{Path: "/v1/polls/" + url.PathEscape(poll)})
		switch {
		case err == nil && desk:
			return frame.SeeOther(w, r, at(poll, ""))
		case err == nil:
			return frame.SeeOther(w, r, "/polls/"+url.PathEscape(poll))
		case !frame.Is(err, "poll_not_found", "not_found", "malformed_request"):
			return err
		}
		page.Wrong = poll
	}
	query := url.Values{"page_size": {pageSize}}
	for _, name := range []string{"state", "page_token"} {
		if v := asked.Get(name); v != "" {
			query.Set(name, v)
		}
	}
	a, err := o.f.Ask(r, frame.Call{Path: "/v1/polls?" + query.Encode()})
	if err != nil {
		return err
	}
	var found struct {
		Polls []poll `json:"polls"`
		Next  string `json:"next_page_token"`
	}
	if err := a.Into(&found); err != nil {
		return err
	}
	page.Polls = found.Polls
	if found.Next != "" {
		next := url.Values{"page_token": {found.Next}}
		if page.State != "" {
			next.Set("state", page.State)
		}
		page.Next = template.URL(next.Encode()) // escaped
	}
	return o.show(w, r, "list", http.StatusOK, page)
}
