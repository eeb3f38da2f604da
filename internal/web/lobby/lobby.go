// Package lobby has the pages that belong to nobody in particular: the first page, signing in and out, help, what
// secrecy means, and what the API's codes mean.
package lobby

import (
	"embed"
	"errors"
	"net/http"
	"slices"
	"strings"

	"voted/internal/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Room has the pages.
type Room struct {
	*frame.Frame
	pages *frame.Templates
}

// New makes the room.
func New(f *frame.Frame) *Room { return &Room{Frame: f, pages: f.Templates("lobby", files)} }

// Routes are the pages' routes.
func (room *Room) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /{$}", Group: frame.Common, Serve: room.home},
		{Pattern: "GET /signin", Group: frame.Common, Serve: room.signInForm},
		{Pattern: "POST /signin", Group: frame.Common, Serve: room.signIn},
		{Pattern: "POST /signout", Group: frame.Common, Serve: room.signOut},
		{Pattern: "GET /help", Group: frame.Common, Serve: room.text("help")},
		{Pattern: "GET /about/secrecy", Group: frame.Common, Serve: room.text("secrecy")},
		{Pattern: "GET /problems/{code}", Group: frame.Common, Serve: room.problem},
	}
}

// text serves a page without data.
func (room *Room) text(name string) frame.Serve {
	return func(w http.ResponseWriter, r *http.Request) error {
		return room.pages.Show(w, r, frame.Page{Template: name, Public: true})
	}
}

func (room *Room) home(w http.ResponseWriter, r *http.Request) error {
	who, _ := room.Who(r) // one who is not accepted is a stranger here
	return room.pages.Show(w, r, frame.Page{Template: "home", Data: who})
}

// signInPage is the form, with why the last try failed.
type signInPage struct {
	Next string
	Why  string // the last part of the key of its words; empty at first
}

func (room *Room) signInForm(w http.ResponseWriter, r *http.Request) error {
	return room.pages.Show(w, r, frame.Page{Template: "signin", Data: signInPage{Next: frame.Local(r.URL.Query().Get("next"), "/")}})
}

// signIn puts a token into the browser's cookie if it is accepted now.
func (room *Room) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := room.Form(w, r); err != nil {
		return err
	}
	token, page := strings.TrimSpace(r.PostForm.Get("token")), signInPage{Next: frame.Local(r.PostForm.Get("next"), "/")}
	if room.Open() {
		return frame.SeeOther(w, r, page.Next)
	}
	who, err := room.WhoHas(r, token)
	var refused *frame.Refused
	switch {
	case token == "" || len(token) > frame.MaxCredentialBytes:
		page.Why = string(frame.Unknown)
	case errors.As(err, &refused):
		page.Why = string(refused.Why)
	case err != nil:
		return err
	case who.Voter != "":
		page.Why = "voter"
	case !slices.ContainsFunc([]string{"admin", "gateway", "reader", "metrics", "auditor"}, func(role string) bool { return who.Has(role) }):
		page.Why = string(frame.Unknown)
	default:
		room.StartDesk(w, token, who)
		return frame.SeeOther(w, r, page.Next)
	}
	return room.pages.Show(w, r, frame.Page{Template: "signin", Status: http.StatusForbidden, Wrong: true, Data: page})
}

func (room *Room) signOut(w http.ResponseWriter, r *http.Request) error {
	room.EndDesk(w)
	return frame.SeeOther(w, r, "/")
}

// problem explains one of the API's codes.
func (room *Room) problem(w http.ResponseWriter, r *http.Request) error {
	key := "code." + r.PathValue("code")
	if !frame.Words(r).Has(key + ".title") {
		return &frame.Problem{Status: http.StatusNotFound, Code: "not_found"}
	}
	return room.pages.Show(w, r, frame.Page{Template: "code", Data: key, Public: true})
}
