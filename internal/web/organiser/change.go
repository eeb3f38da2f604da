package organiser

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// changeForm is the page on which title and times are changed.
type changeForm struct {
	*poll
	Title    string // as it is typed
	Opens    string
	Closes   string
	Revision int    // that the form was made from
	Key      string // Idempotency-Key: the form changes once, however often it is sent
	Faults   []fault
	Changed  bool // somebody else has changed the poll since the form was made
}

// Fields are the form's.
func (c *changeForm) Fields() []field {
	fields := []field{
		{Name: "title", Kind: "text", Required: true, Hinted: true, Value: c.Title},
		{Name: "opens_at", Kind: "time", Hinted: true, Value: c.Opens},
		{Name: "closes_at", Kind: "time", Hinted: true, Value: c.Closes},
	}
	for i := range fields {
		for _, wrong := range c.Faults {
			if wrong.Field == fields[i].Name {
				fields[i].Faults = append(fields[i].Faults, wrong)
			}
		}
	}
	return fields
}

// OpensShown and ClosesShown are the times as fields show them: to the minute. A form sends them along, since a field that
// still holds what it showed must not change a time by its seconds.
func (c *changeForm) OpensShown() string { return inField(c.OpensAt) }

// ClosesShown is like OpensShown.
func (c *changeForm) ClosesShown() string { return inField(c.ClosesAt) }

func inField(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(timeLayouts[0])
}

// newChangeForm makes the form from the poll as it is.
func newChangeForm(p *poll) *changeForm {
	return &changeForm{
		poll: p, Title: p.Title, Opens: inField(p.OpensAt), Closes: inField(p.ClosesAt), Revision: p.Revision, Key: rand.Text(),
	}
}

// changing serves the form.
func (o *Room) changing(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	return o.show(w, r, "change", http.StatusOK, newChangeForm(p))
}

// change changes title and times, if the poll is still what the form was made from.
func (o *Room) change(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	patch, faults := patchOf(r.PostForm)
	if len(faults) > 0 {
		return o.changeAgain(w, r, http.StatusUnprocessableEntity, faults)
	}
	body, err := json.Marshal(patch, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = o.f.Ask(r, frame.Call{
		Method: http.MethodPatch, Path: "/v1/polls/" + id(r), Body: body,
		Header: http.Header{"If-Match": {quoted(r.PostForm.Get("revision"))}, "Idempotency-Key": {quoted(r.PostForm.Get("key"))}},
	})
	var refused *frame.Problem
	switch {
	case frame.Is(err, "version_mismatch"):
		return o.changeAgain(w, r, http.StatusPreconditionFailed, nil)
	case errors.As(err, &refused) && refused.Code == "invalid_poll":
		faults := []fault{{Detail: refused.Detail}}
		if len(refused.Fields) > 0 {
			faults = faults[:0]
		}
		for _, wrong := range refused.Fields {
			faults = append(faults, fault{Field: wrong.Field, Detail: wrong.Detail})
		}
		return o.changeAgain(w, r, http.StatusUnprocessableEntity, faults)
	case err != nil:
		return err
	}
	return frame.SeeOther(w, r, at(r.PathValue("poll"), ""))
}

// changeAgain shows the form with what was typed, next to what is there now. What is typed then is a new change. A time
// that was not touched is that of now.
func (o *Room) changeAgain(w http.ResponseWriter, r *http.Request, status int, faults []fault) error {
	p, err := o.read(r)
	if err != nil {
		return err
	}
	form := newChangeForm(p)
	form.Title = r.PostForm.Get("title")
	for name, typed := range map[string]*string{"opens_at": &form.Opens, "closes_at": &form.Closes} {
		if !untouched(r.PostForm, name) {
			*typed = r.PostForm.Get(name)
		}
	}
	form.Faults, form.Changed = faults, status == http.StatusPreconditionFailed
	return o.show(w, r, "change", status, form)
}

// untouched reports whether a time's field holds what it showed.
func untouched(form url.Values, name string) bool {
	return form.Has(name+"_shown") && form.Get(name) == form.Get(name+"_shown")
}

// patchOf returns the merge patch that a form says: an empty field takes away, and a time that was not touched stays.
func patchOf(form url.Values) (patch map[string]any, faults []fault) {
	patch = map[string]any{"title": strings.TrimSpace(form.Get("title"))}
	if patch["title"] == "" {
		faults = append(faults, fault{Field: "title", Key: "organiser.fault.title"})
	}
	for _, name := range []string{"opens_at", "closes_at"} {
		at, ok := readTime(strings.TrimSpace(form.Get(name)))
		switch {
		case untouched(form, name):
		case !ok:
			faults = append(faults, fault{Field: name, Key: "organiser.fault.time"})
		case at.IsZero():
			patch[name] = nil
		default:
			patch[name] = at
		}
	}
	return patch, faults
}

// quoted is a value as ETags and keys are written.
func quoted(v string) string { return `"` + v + `"` }
