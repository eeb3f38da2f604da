package organiser

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// writing is the page with the form of a new poll.
type writing struct {
	Key      string // Idempotency-Key of the poll
	Sections []section
	Faults   []fault
	Problem  *frame.Problem // what the API refused, if that is about no field
}

// Failed reports whether something is wrong with what was typed.
func (p writing) Failed() bool { return len(p.Faults) > 0 || p.Problem != nil }

// checking is the page that shows a poll as it will be.
type checking struct {
	definition
	Draft    []hidden
	Key      string // Idempotency-Key of the poll
	Facts    []fact
	Warnings []string // keys of words
}

// Name is the title.
func (c *checking) Name() frame.Name { return frame.Name(c.Title) }

// hidden is a field that a form sends along.
type hidden struct{ Name, Value string }

// blank serves the empty form of a new poll.
func (o *Room) blank(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	return o.write(w, r, http.StatusOK, newDraft(), nil, nil)
}

// maxDraftBytes has room for 1,024 options with titles of 1 KiB, of which a form sends up to three bytes for each.
const maxDraftBytes = 4 << 20

// draft reads the form of a new poll. As it may be large, it is read from admins alone.
func (o *Room) draft(w http.ResponseWriter, r *http.Request) (draft, error) {
	if err := o.onlyAdmins(r); err != nil {
		return draft{}, err
	}
	if err := o.f.FormUpTo(w, r, maxDraftBytes); err != nil {
		return draft{}, err
	}
	return keep(r.PostForm), nil
}

// again serves the form with what was typed before, to change it.
func (o *Room) again(w http.ResponseWriter, r *http.Request) error {
	d, err := o.draft(w, r)
	if err != nil {
		return err
	}
	return o.write(w, r, http.StatusOK, d, nil, nil)
}

func (o *Room) write(w http.ResponseWriter, r *http.Request, status int, d draft, faults []fault, problem *frame.Problem) error {
	return o.show(w, r, "new", status, writing{Key: d.Key, Sections: d.filled(faults), Faults: faults, Problem: problem})
}

// check serves the review: everything as it will be, and what can never be changed. Nothing is created yet.
func (o *Room) check(w http.ResponseWriter, r *http.Request) error {
	d, err := o.draft(w, r)
	if err != nil {
		return err
	}
	def, faults := d.definition()
	if len(faults) > 0 {
		return o.write(w, r, http.StatusUnprocessableEntity, d, faults, nil)
	}
	page := checking{definition: def, Key: d.Key, Facts: facts(&def.terms, def.Marking), Warnings: warnings(&def.terms)}
	for _, name := range fieldNames() {
		if v := d.Get(name); v != "" {
			page.Draft = append(page.Draft, hidden{name, v})
		}
	}
	return o.show(w, r, "check", http.StatusOK, &page)
}

// create creates the poll. What was sent before under the same key, or under the same id, is the same poll.
func (o *Room) create(w http.ResponseWriter, r *http.Request) error {
	d, err := o.draft(w, r)
	if err != nil {
		return err
	}
	def, faults := d.definition()
	if len(faults) > 0 {
		return o.write(w, r, http.StatusUnprocessableEntity, d, faults, nil)
	}
	call, err := creation(def, d.Key)
	if err != nil {
		return err
	}
	a, err := o.f.Ask(r, call)
	var refused *frame.Problem
	switch {
	case errors.As(err, &refused) && frame.Is(err, "invalid_poll", "poll_exists", "idempotency_key_reused"):
		return o.refuse(w, r, d, refused)
	case err != nil:
		return err
	}
	var made poll
	if err := a.Into(&made); err != nil {
		return err
	}
	return frame.SeeOther(w, r, at(made.ID, ""))
}

// creation is the call that creates a poll.
func creation(def definition, key string) (frame.Call, error) {
	call := frame.Call{Method: http.MethodPost, Path: "/v1/polls", Header: http.Header{"Idempotency-Key": {`"` + key + `"`}}}
	if def.ID != "" {
		call = frame.Call{Method: http.MethodPut, Path: "/v1/polls/" + url.PathEscape(def.ID)}
	}
	var err error
	call.Body, err = json.Marshal(def, json.Deterministic(true))
	return call, err
}

// MarshalJSON writes an option without an id as its title: the API makes the id.
func (o option) MarshalJSON() ([]byte, error) {
	if o.ID == "" {
		return json.Marshal(o.Title)
	}
	type plain option
	return json.Marshal(plain(o))
}

// refuse shows the form with what the API says against it, at the fields that it is about.
func (o *Room) refuse(w http.ResponseWriter, r *http.Request, d draft, p *frame.Problem) error {
	switch p.Code {
	case "poll_exists":
		return o.write(w, r, p.Status, d, []fault{{Field: "id", Key: "organiser.fault.exists"}}, nil)
	case "idempotency_key_reused":
		d.Key = rand.Text() // whoever reads this and goes on wants another poll
		return o.write(w, r, p.Status, d, []fault{{Key: "organiser.fault.reused"}}, nil)
	}
	var faults []fault
	for _, wrong := range p.Fields {
		field, line := d.fieldOf(wrong.Field)
		switch {
		case field == "":
			continue // it is in the sentence of the whole
		case line > 0:
			faults = append(faults, fault{Field: field, Key: "organiser.fault.line", Args: []any{line}, Detail: wrong.Detail})
		default:
			faults = append(faults, fault{Field: field, Detail: wrong.Detail})
		}
	}
	if len(faults) == len(p.Fields) && len(faults) > 0 {
		p = nil
	}
	return o.write(w, r, http.StatusUnprocessableEntity, d, faults, p)
}
