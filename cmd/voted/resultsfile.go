package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/client"
	"voted/internal/profile"
	"voted/internal/resultfile"
	"voted/internal/resultjson"
	"voted/internal/usage"
)

// resultsFormats are the values of --format of voted results.
var resultsFormats = []string{"json", "csv", "pairs", "rctab", "report"}

func (c *resultsCommand) checkFormat() error {
	if c.Format == "" || slices.Contains(resultsFormats, c.Format) {
		return nil
	}
	return usage.Errorf("--format %q is not known; give one of %s", c.Format, joined(resultsFormats, ", "))
}

// write writes results in a format.
func (c *resultsCommand) write(w io.Writer, r client.Results, p client.Poll) error {
	var answer struct {
		resultjson.Outcome
	}
	if err := json.Unmarshal(r.Raw, &answer); err != nil {
		return fmt.Errorf("the answer of node %s cannot be read: %w", r.Meta.Node, err)
	}
	count := &resultfile.Count{Title: p.Title, Ballots: int64(r.Ballots), Seats: r.Seats, Outcome: answer.Outcome}
	if r.Weight > 0 {
		count.Ballots = int64(r.Weight) // as all votes are
	}
	if count.Title == "" {
		count.Title = r.Poll
	}
	for _, o := range r.Options {
		title := o.ID
		if i := slices.IndexFunc(p.Options, func(x client.PollOption) bool { return x.ID == o.ID }); i >= 0 {
			title = titleOf(p.Options[i])
		}
		count.Options = append(count.Options, profile.Option{ID: o.ID, Title: title})
	}
	state := string(r.State)
	if r.Certified {
		state += ", final"
	}
	count.Facts = []resultfile.Fact{{Name: "poll", Value: r.Poll}, {Name: "method", Value: string(r.Method)}, {Name: "state", Value: state}}
	if !r.Certified { // a final result is the same at every index
		count.Facts = append(count.Facts, resultfile.Fact{Name: "log index", Value: strconv.FormatUint(r.Index, 10)})
	}
	if t := r.Turnout; t != nil {
		count.Facts = append(count.Facts, resultfile.Fact{Name: "turnout", Value: fmt.Sprintf("%d of %d voters, weight %d of %d", t.Voted, t.Eligible, t.VotedWeight, t.EligibleWeight)})
	}
	return writeResults(w, count, c.Format)
}
