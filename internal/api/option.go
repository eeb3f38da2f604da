package api

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"voted/internal/optionid"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// optionBody is an option as clients write it: an object, or a plain string, which is the
// title, and also the id if it can be one.
type optionBody struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	plain       bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *optionBody) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		o.Title, o.plain = token.String(), true
		if poll.ValidID(o.Title) {
			o.ID = o.Title
		}
		return nil
	case '{', 'n':
		type plain optionBody
		return json.UnmarshalDecode(d, (*plain)(o))
	}
	if err := d.SkipValue(); err != nil {
		return err
	}
	return misplaced(d.StackPointer(), "It must be an option: its title as a string, or an object with id and title.")
}

// named returns the options of a definition, with an id made for each that came by its
// title alone.
func named(bodies []optionBody) (options []poll.Option, errs []refusal.FieldError) {
	taken := optionid.Set{}
	for _, o := range bodies {
		taken[o.ID] = true
	}
	titles := map[string]bool{}
	for i, o := range bodies {
		if o.plain && o.ID == "" {
			title := norm.NFC.String(o.Title)
			place := poll.Item("options", i)
			switch {
			case strings.TrimSpace(title) == "":
				errs = append(errs, refusal.FieldError{Field: place, Detail: "An option needs a title; write it, or leave the option out."})
			case titles[title]:
				errs = append(errs, refusal.FieldError{Field: place, Detail: fmt.Sprintf("The option %q is named twice.", o.Title)})
			}
			titles[title] = true
			o.ID = taken.Make(o.Title, i+1)
		}
		options = append(options, poll.Option{ID: o.ID, Title: o.Title, Description: o.Description})
	}
	return options, errs
}
