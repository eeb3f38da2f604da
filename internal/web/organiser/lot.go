package organiser

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// drawn is the page on which the lot of a closed poll is entered.
type drawn struct {
	*poll
	Seed, Order string // as they were typed
	Fault       *fault
}

// Faults are those of the form.
func (d drawn) Faults() []fault {
	if d.Fault == nil {
		return nil
	}
	return []fault{*d.Fault}
}

// drawing serves the page.
func (o *Room) drawing(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	return o.show(w, r, "lot", http.StatusOK, drawn{poll: p})
}

// draw enters the lot: a seed, of which anybody can make the order again, or the order that was drawn elsewhere.
func (o *Room) draw(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	page := drawn{poll: p, Seed: strings.TrimSpace(r.PostForm.Get("seed")), Order: r.PostForm.Get("order")}
	lot := map[string]any{"seed": page.Seed}
	order := strings.Fields(page.Order)
	switch {
	case page.Seed == "" && len(order) == 0:
		page.Fault = &fault{Field: "seed", Key: "organiser.fault.lot"}
	case page.Seed != "" && len(order) > 0:
		page.Fault = &fault{Field: "order", Key: "organiser.fault.lots"}
	case page.Seed == "":
		lot = map[string]any{"order": order}
	}
	if page.Fault != nil {
		return o.show(w, r, "lot", http.StatusUnprocessableEntity, page)
	}
	body, err := json.Marshal(lot)
	if err != nil {
		return err
	}
	_, err = o.f.Ask(r, frame.Call{Method: http.MethodPut, Path: "/v1/polls/" + id(r) + "/lot", Body: body})
	var refused *frame.Problem
	if errors.As(err, &refused) && (refused.Status == http.StatusUnprocessableEntity || refused.Code == "malformed_request") {
		page.Fault = &fault{Field: "seed", Detail: refused.Detail}
		if page.Seed == "" {
			page.Fault.Field = "order"
		}
		for _, wrong := range refused.Fields {
			page.Fault.Detail = wrong.Detail
		}
		return o.show(w, r, "lot", http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	return frame.SeeOther(w, r, at(r.PathValue("poll"), "/lot"))
}
