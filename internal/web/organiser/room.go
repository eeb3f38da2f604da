package organiser

import (
	"embed"
	"net/http"
	"net/url"

	"voted/internal/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Room serves the pages of organisers. Make one with New.
type Room struct {
	f     *frame.Frame
	pages *frame.Templates
}

// New makes the room.
func New(f *frame.Frame) *Room { return &Room{f: f, pages: f.Templates("organiser", files)} }

// Routes returns the pages and actions of the room.
func (o *Room) Routes() []frame.Route {
	route := func(group frame.Group, pattern string, serve frame.Serve) frame.Route {
		return frame.Route{Pattern: pattern, Group: group, Serve: serve}
	}
	return []frame.Route{
		route(frame.Results, "GET /polls", o.list),
		route(frame.Manage, "GET /manage", o.desk),
		route(frame.Manage, "GET /manage/new", o.blank),
		route(frame.Manage, "POST /manage/new", o.again),
		route(frame.Manage, "POST /manage/new/check", o.check),
		route(frame.Manage, "POST /manage/new/create", o.create),
		route(frame.Manage, "GET /manage/{poll}", o.poll),
		route(frame.Manage, "GET /manage/{poll}/{$}", o.poll), // for a poll with the id "new"
		route(frame.Manage, "GET /manage/{poll}/change", o.changing),
		route(frame.Manage, "POST /manage/{poll}/change", o.change),
		route(frame.Manage, "GET /manage/{poll}/close", o.closing),
		route(frame.Manage, "POST /manage/{poll}/close", o.close),
		route(frame.Manage, "GET /manage/{poll}/delete", o.deleting),
		route(frame.Manage, "POST /manage/{poll}/delete", o.delete),
		route(frame.Manage, "GET /manage/{poll}/lot", o.drawing),
		route(frame.Manage, "POST /manage/{poll}/lot", o.draw),
		route(frame.Manage, "GET /manage/{poll}/roll", o.roll),
		route(frame.Manage, "POST /manage/{poll}/roll", o.upload),
		route(frame.Manage, "POST /manage/{poll}/roll/look", o.look),
		route(frame.Manage, "POST /manage/{poll}/roll/drop", o.drop),
		route(frame.Manage, "GET /manage/{poll}/links", o.links),
		route(frame.Manage, "GET /manage/{poll}/ballots", o.ballots),
	}
}

// show shows one of the room's pages. Where it is a refusal the page says what is wrong.
func (o *Room) show(w http.ResponseWriter, r *http.Request, template string, status int, data any) error {
	return o.pages.Show(w, r, frame.Page{
		Template: template, Status: status, Wrong: status >= http.StatusBadRequest, Data: data, Scripts: []string{"times.js", "manage.js"},
	})
}

// id is the id of the poll in the path, escaped for a path of the API.
func id(r *http.Request) string { return url.PathEscape(r.PathValue("poll")) }

// at is the path of a page about a poll: of the poll itself if page is empty.
func at(poll, page string) string {
	if poll == "new" && page == "" {
		page = "/" // without it, it is the form of a new poll
	}
	return "/manage/" + url.PathEscape(poll) + page
}

// onlyAdmins sends whoever is no admin away from pages that only lead to what admins may do. What is done there is
// refused by the API all the same.
func (o *Room) onlyAdmins(r *http.Request) error {
	who, err := o.f.Who(r)
	switch {
	case err != nil || len(who.Roles) == 0 && who.Voter == "":
		return &frame.Problem{Status: http.StatusUnauthorized, Code: "unauthenticated"}
	case !who.Has("admin"):
		return &frame.Problem{Status: http.StatusForbidden, Code: "forbidden"}
	}
	return nil
}
