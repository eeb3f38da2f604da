package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/refusal"
	"voted/internal/resultfile"
	"voted/internal/tally"
)

// format is a representation that a route has: ?format= names it, and Accept its media
// type.
type format struct{ name, mediaType string }

// exportFormats are those of ballots, the default first. The first two have a line for each
// voter, the others name no voters.
var exportFormats = []format{
	{"ndjson", mediaNDJSON},
	{"csv", mediaCSV},
	{string(profilefile.CVR), mediaJSON},
	{string(profilefile.PrefLib), "text/x-preflib"},
	{string(profilefile.BLT), "text/x-blt"},
	{string(profilefile.ABIF), "text/x-abif"},
	{string(profilefile.RCTab), "text/x-rctab-csv"},
}

// resultFormats are those of results, the default first.
var resultFormats = []format{
	{"json", mediaJSON},
	{string(resultfile.CSV), mediaCSV},
	{string(resultfile.Pairs), "text/x-pairs-csv"},
	{string(resultfile.RCTab), "application/x-rctab+json"},
	{string(resultfile.Report), mediaText},
}

// ExportFormats lists the names of the formats that ballots are exported in.
func ExportFormats() []string { return namesOf(exportFormats) }

// ResultFormats lists the names of the formats of results.
func ResultFormats() []string { return namesOf(resultFormats) }

func namesOf(formats []format) []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// listed makes "a, b or c" of the names.
func listed(formats []format) string {
	names := namesOf(formats)
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// chosenFormat chooses one of the formats of a route: ?format= before Accept.
func chosenFormat(r *http.Request, formats []format) (format, error) {
	asked := r.URL.Query().Get("format")
	types := make([]string, len(formats))
	for i, f := range formats {
		if f.name == asked {
			return f, nil
		}
		types[i] = f.mediaType
	}
	if asked != "" {
		return format{}, malformed("format must be %s.", listed(formats))
	}
	mediaType, err := negotiate(r, types...)
	if err != nil {
		return format{}, refusal.New(refusal.NotAcceptable, "This route answers with %s; instead of Accept, ?format= takes %s.", strings.Join(types, ", "), listed(formats))
	}
	for _, f := range formats {
		if f.mediaType == mediaType {
			return f, nil
		}
	}
	panic("api: negotiate chose what was not offered")
}

// unfit says that what was asked for has no place in a format.
func unfit(f format, detail string, formats []format) error {
	return refusal.New(refusal.NotAcceptable, "The format %s does not do here: %s. There are %s.", f.name, detail, listed(formats))
}

// exportProfile writes the distinct ballots of a poll for another program: without voters,
// numbers or times, in an order that their content alone decides.
func (h *Handler) exportProfile(ctx context.Context, w *response, head bool, f format, c *poll.Capture) error {
	p, err := profileOf(ctx, c)
	if err != nil {
		return err
	}
	begun := &beginning{w: w, mediaType: f.mediaType, head: head, out: &patient{w: w, control: http.NewResponseController(w)}}
	err = profilefile.Write(begun, p, profilefile.Kind(f.name), c.Rules().ID, time.Now())
	var unwritable *profile.UnwritableError
	switch {
	case errors.As(err, &unwritable):
		return unfit(f, unwritable.Detail, exportFormats)
	case errors.Is(err, errHeadOnly):
		return nil
	case err != nil && begun.begun:
		h.log.Debug("export broke off", "request_id", w.id, "poll", c.Rules().ID, "error", err)
		panic(http.ErrAbortHandler) // as in export
	}
	return err
}

// beginning begins the answer with the first bytes of its body, so that until then there
// can be a refusal instead.
type beginning struct {
	w         *response
	mediaType string
	head      bool // nothing but the header is asked for
	begun     bool
	out       io.Writer
}

// errHeadOnly ends the writing of a body that was not asked for.
var errHeadOnly = errors.New("only the header is asked for")

// Write implements io.Writer.
func (b *beginning) Write(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		b.w.Header().Add("Vary", "Accept")
		beginExport(b.w, b.mediaType)
	}
	if b.head {
		return 0, errHeadOnly
	}
	return b.out.Write(p)
}

// checkEvery is how many ballots are counted between two looks at the context.
const checkEvery = 1 << 14

// profileOf counts the distinct ballots of a capture, each by its voter's weight.
func profileOf(ctx context.Context, c *poll.Capture) (*profile.Profile, error) {
	rules := c.Rules()
	weights := map[string]*int64{}
	n := 0
	for b := range c.Current() {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		weight := weights[string(b.Selections)]
		if weight == nil {
			weight = new(int64)
			weights[string(b.Selections)] = weight
		}
		*weight += int64(b.Weight)
	}
	p := &profile.Profile{Title: rules.Title, Options: optionsOf(rules), Method: rules.Method, Form: rules.Form(), Seats: rules.Counting.Seats}
	switch p.Form {
	case tally.Choice:
		p.MaxChoices = rules.MaxSelections
	case tally.Scores:
		p.MaxScore = rules.MaxScore
	case tally.Ranking:
	}
	for selections, weight := range weights {
		preference, ok := rules.Decode([]byte(selections))
		if !ok {
			return nil, fmt.Errorf("selections %x do not follow the rules of poll %s", selections, rules.ID)
		}
		p.Groups = append(p.Groups, tally.Group{Preference: preference, Weight: *weight})
	}
	return p.Under(p.Options) // puts the marks of each ballot in order
}

func optionsOf(rules *poll.Rules) []profile.Option {
	options := make([]profile.Option, len(rules.Options))
	for i, o := range rules.Options {
		if options[i] = (profile.Option{ID: o.ID, Title: o.Title}); o.Title == "" {
			options[i].Title = o.ID
		}
	}
	return options
}

// file returns the results in a format other than JSON.
func (s *standing) file(f format) ([]byte, error) {
	shown := s.json()
	count := &resultfile.Count{
		Title: s.Rules.Title, Facts: s.facts(&shown), Ballots: int64(s.Ballots), Seats: s.Rules.Counting.Seats,
		Final: shown.Certified, Options: optionsOf(s.Rules),
	}
	if err := json.Unmarshal(s.outcome, &count.Outcome); err != nil {
		return nil, fmt.Errorf("the outcome of poll %s cannot be read back: %w", s.Rules.ID, err)
	}
	if shown.Weight != nil {
		count.Ballots = int64(*shown.Weight) // as all votes are
	}
	if count.Title == "" {
		count.Title = s.Rules.ID
	}
	var out bytes.Buffer
	err := resultfile.Write(&out, count, resultfile.Format(f.name))
	var cannot *resultfile.UnfitError
	if errors.As(err, &cannot) {
		return nil, unfit(f, cannot.Detail, resultFormats)
	}
	return out.Bytes(), err
}

// facts are the heading of a report.
func (s *standing) facts(shown *resultsJSON) []resultfile.Fact {
	state := shown.State
	if shown.Certified {
		state += ", final"
	}
	facts := []resultfile.Fact{{Name: "poll", Value: shown.Poll}, {Name: "method", Value: shown.Method}, {Name: "state", Value: state}}
	if !shown.Certified { // a final result is the same at every index
		facts = append(facts, resultfile.Fact{Name: "log index", Value: fmt.Sprint(shown.Index)})
	}
	if t := shown.Turnout; t != nil {
		facts = append(facts, resultfile.Fact{Name: "turnout", Value: fmt.Sprintf("%d of %d voters, weight %d of %d", t.Voted, t.Eligible, t.VotedWeight, t.EligibleWeight)})
	}
	if shown.Certified {
		facts = append(facts, resultfile.Fact{Name: "digest", Value: shown.Digest})
	}
	return facts
}
