package api

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// webhookBody is a webhook as clients define it.
type webhookBody struct {
	URL   string         `json:"url"`
	Types []string       `json:"types"` // absent: all that * stands for
	Polls []string       `json:"polls"`
	Rate  *uint16        `json:"rate"`
	From  jsontext.Value `json:"from"`
}

// webhookPatch is a JSON merge patch (RFC 7396) of what may change in a webhook. Null stands
// for the default, and is another request than one that leaves the field out.
type webhookPatch struct {
	URL    *string        `json:"url"`
	Types  jsontext.Value `json:"types,omitzero"`
	Polls  jsontext.Value `json:"polls,omitzero"`
	Rate   jsontext.Value `json:"rate,omitzero"`
	Paused *bool          `json:"paused"`
}

// webhookOf fills in what the client left out and checks everything that does not depend on
// the state. there: it changes a webhook, which goes on where it is.
func (h *Handler) webhookOf(b *webhookBody, there bool) (d poll.Webhook, from uint64, err error) {
	d = poll.Webhook{URL: b.URL, Polls: b.Polls, Rate: poll.DefaultRate}
	if b.Rate != nil {
		d.Rate = *b.Rate
	}
	var errs []refusal.FieldError
	if b.Types == nil {
		b.Types = []string{"*"}
	}
	d.Kinds, errs = kindsOf(b.Types)
	if why := h.urlRule(d.URL); why != "" {
		errs = append(errs, refusal.FieldError{Field: "url", Detail: why})
	}
	for _, e := range d.Validate() { // of the url and the types more was said
		if !slices.ContainsFunc(errs, func(said refusal.FieldError) bool { return strings.HasPrefix(said.Field, e.Field) }) {
			errs = append(errs, e)
		}
	}
	from, rule := fromOf(b.From)
	if there && b.From != nil {
		rule = "It is for a new webhook, and this one goes on where it is; leave it out, or have events sent again with …/redeliver."
	}
	if rule != "" {
		errs = append(errs, refusal.FieldError{Field: "from", Detail: rule})
	}
	if errs != nil {
		return d, 0, &refusal.Error{Code: refusal.InvalidWebhook, Fields: errs}
	}
	return d, from, nil
}

// urlRule returns why nothing would be sent to a URL, as a sentence; "" if something would.
func (h *Handler) urlRule(target string) string {
	if err := h.webhooks.CheckURL(target); err != nil {
		first, size := utf8.DecodeRuneInString(err.Error())
		return string(unicode.ToUpper(first)) + strings.TrimSuffix(err.Error()[size:], ".") + "."
	}
	return ""
}

// kindsOf returns the kinds that names stand for, some with * at their end.
func kindsOf(names []string) (set poll.KindSet, errs []refusal.FieldError) {
	for i, name := range names {
		kinds := kindsLike(name)
		if kinds == nil {
			errs = append(errs, refusal.FieldError{
				Field: poll.Item("types", i), Detail: "There are no such events. Use some of " + kindNames() + ", or poll.* for all that begin so.",
			})
		}
		set |= poll.KindsOf(kinds...)
	}
	return set, errs
}

// fromOf reads with which event a new webhook begins.
func fromOf(v jsontext.Value) (from uint64, rule string) {
	const must = `It is "now", "oldest" or the number of the first event to send.`
	switch {
	case v == nil || string(v) == `"now"`:
		return poll.FromNow, ""
	case string(v) == `"oldest"`:
		return poll.FromOldest, ""
	}
	if v.Kind() != '0' || unmarshal(v, &from) != nil || from == poll.FromNow || from == poll.FromOldest {
		return 0, must
	}
	return from, ""
}

// patchOf fills in the fields that the patch has.
func (h *Handler) patchOf(b *webhookPatch, c *poll.PatchEndpoint) error {
	var errs []refusal.FieldError
	if c.Paused = b.Paused; b.URL != nil {
		if h.webhooks == nil {
			return refusal.Of(refusal.WebhooksOff)
		}
		if why := h.urlRule(*b.URL); why != "" {
			errs = append(errs, refusal.FieldError{Field: "url", Detail: why})
		}
		c.URL = b.URL
	}
	if b.Types != nil {
		types := []string{"*"}
		if b.Types.Kind() != 'n' && unmarshal(b.Types, &types) != nil {
			return misplaced("/types", "It must be an array of strings, or null for all.")
		}
		kinds, wrong := kindsOf(types)
		c.Kinds, errs = &kinds, append(errs, wrong...)
	}
	if b.Polls != nil {
		c.Polls = new([]string)
		if b.Polls.Kind() != 'n' && unmarshal(b.Polls, c.Polls) != nil {
			return misplaced("/polls", "It must be an array of strings, or null for all polls.")
		}
	}
	if b.Rate != nil {
		c.Rate = new(uint16(poll.DefaultRate))
		if b.Rate.Kind() != 'n' && unmarshal(b.Rate, c.Rate) != nil {
			return misplaced("/rate", "It must be a whole number, or null for the default.")
		}
	}
	if errs != nil {
		return &refusal.Error{Code: refusal.InvalidWebhook, Fields: errs}
	}
	if c.URL == nil && c.Kinds == nil && c.Polls == nil && c.Rate == nil && c.Paused == nil {
		return malformed("The patch changes nothing; it has some of url, types, polls, rate and paused.")
	}
	return nil
}
