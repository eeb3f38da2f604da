package organiser

import (
	"net/http"
	"net/url"

	"voted/internal/web/frame"
)

// closing serves the page that says what closing does.
func (o *Room) closing(w http.ResponseWriter, r *http.Request) error { return o.before(w, r, "close") }

// close closes the poll that the page has shown.
func (o *Room) close(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	call := frame.Call{Method: http.MethodPost, Path: "/v1/polls/" + id(r) + "/close", Header: http.Header{"If-Match": {quoted(r.PostForm.Get("revision"))}}}
	if _, err := o.f.Ask(r, call); err != nil {
		return o.outdated(w, r, "close", err)
	}
	return frame.SeeOther(w, r, at(r.PathValue("poll"), ""))
}

// ending is the page of an action that cannot be undone.
type ending struct {
	*poll
	Changed bool   // somebody else has changed the poll since the page was shown
	Typed   string // what was typed in the place of the id; empty at first
}

// before serves the page before an action that cannot be undone.
func (o *Room) before(w http.ResponseWriter, r *http.Request, template string) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	return o.show(w, r, template, http.StatusOK, ending{poll: p})
}

// outdated shows the page of an action again, if it was made from an earlier revision; other refusals are returned.
func (o *Room) outdated(w http.ResponseWriter, r *http.Request, template string, err error) error {
	if !frame.Is(err, "version_mismatch") {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	return o.show(w, r, template, http.StatusPreconditionFailed, ending{poll: p, Changed: true})
}

// deleting serves the page that says what deleting does.
func (o *Room) deleting(w http.ResponseWriter, r *http.Request) error {
	return o.before(w, r, "delete")
}

// delete deletes a closed poll, whose id was typed.
func (o *Room) delete(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	poll := r.PathValue("poll")
	if typed := r.PostForm.Get("id"); typed != poll {
		p, err := o.read(r)
		if err != nil {
			return err
		}
		if typed == "" {
			typed = " "
		}
		return o.show(w, r, "delete", http.StatusUnprocessableEntity, ending{poll: p, Typed: typed})
	}
	call := frame.Call{Method: http.MethodDelete, Path: "/v1/polls/" + id(r), Header: http.Header{"If-Match": {quoted(r.PostForm.Get("revision"))}}}
	if _, err := o.f.Ask(r, call); err != nil {
		return o.outdated(w, r, "delete", err)
	}
	return frame.SeeOther(w, r, "/manage?gone="+url.QueryEscape(poll))
}
