package resultfile

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"voted/internal/profile"
	"voted/internal/resultjson"
	"voted/internal/resulttext"
)

// WriteReport writes a report for people.
func WriteReport(w io.Writer, c *Count) error {
	r := &report{Count: c, name: c.names()}
	title := profile.OneLine(c.Title)
	if title == "" {
		title = "Untitled"
	}
	fmt.Fprintf(&r.text, "%s\n%s\n\n", title, strings.Repeat("=", utf8.RuneCountInString(title)))
	r.heading()
	for _, part := range []func(){r.winners, r.options, r.scores, r.runoff, r.rounds, r.pairwise, r.paths, r.defeats, r.ranking, r.ties} {
		part()
	}
	_, err := io.WriteString(w, r.text.String())
	return err
}

type report struct {
	*Count
	name map[string]string
	text strings.Builder
}

func (r *report) linef(format string, args ...any) { fmt.Fprintf(&r.text, format+"\n", args...) }

// section begins a part of the report.
func (r *report) section(title string) {
	r.linef("\n%s\n%s", title, strings.Repeat("-", len(title)))
}

// list names options, such as "Ann, Bo and Cy". and is the word before the last name.
func (r *report) list(ids []string, and string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = r.name[id]
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + and + " " + names[n-1]
	}
	return strings.Join(names, "")
}

func (r *report) heading() {
	t := table{right: []bool{false, false}}
	for _, f := range r.Facts {
		t.row(f.Name, f.Value)
	}
	t.row("seats", strconv.Itoa(max(r.Seats, 1)))
	t.row("ballots", strconv.FormatInt(r.Ballots, 10))
	if r.Blank > 0 {
		t.row("blank", strconv.FormatInt(r.Blank, 10))
	}
	if r.Overvoted > 0 {
		t.row("overvoted", strconv.FormatInt(r.Overvoted, 10))
	}
	if r.Quota != "" {
		t.row("quota", string(r.Quota))
	}
	t.write(&r.text, "")
}

func (r *report) winners() {
	r.section("Result")
	elected := r.Elected
	if len(elected) == 0 {
		elected = r.Winners
	}
	switch {
	case len(elected) == 0 && r.Unresolved == nil:
		r.linef("Nobody is elected: no ballot counts for an option.")
	case len(elected) > max(r.Seats, 1):
		r.linef("Tie: %s share first place. It is reported, not broken.", r.list(elected, "and"))
	}
	if len(elected) <= max(r.Seats, 1) {
		for i, id := range elected {
			r.linef("%d. %s", i+1, r.name[id])
		}
	}
	if u := r.Unresolved; u != nil {
		r.linef("%s", resulttext.Open(u, r.list))
	}
}

// columns are the columns of numbers that the options have.
func columns(options []resultjson.Option) (titles []string, cells func(o *resultjson.Option) []string) {
	all := []struct {
		title string
		of    func(o *resultjson.Option) resultjson.Number
	}{
		{"votes", func(o *resultjson.Option) resultjson.Number { return o.Votes }},
		{"score", func(o *resultjson.Option) resultjson.Number { return o.Score }},
		{"mean", func(o *resultjson.Option) resultjson.Number { return rounded(o.Mean) }},
		{"scored by", func(o *resultjson.Option) resultjson.Number { return o.Ballots }},
		{"points", func(o *resultjson.Option) resultjson.Number { return o.Points }},
		{"wins", func(o *resultjson.Option) resultjson.Number { return o.Wins }},
		{"top scores", func(o *resultjson.Option) resultjson.Number { return o.TopScores }},
	}
	kept := all[:0]
	for _, c := range all {
		if slices.ContainsFunc(options, func(o resultjson.Option) bool { return c.of(&o) != "" }) {
			kept = append(kept, c)
			titles = append(titles, c.title)
		}
	}
	return titles, func(o *resultjson.Option) (row []string) {
		for _, c := range kept {
			row = append(row, string(c.of(o)))
		}
		return row
	}
}

// rounded is a mean with at most six decimals, as people read it.
func rounded(n resultjson.Number) resultjson.Number {
	const decimals = 6
	if dot := strings.IndexByte(string(n), '.'); dot >= 0 && len(n)-dot-1 > decimals {
		if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			return resultjson.Number(strconv.FormatFloat(f, 'f', decimals, 64))
		}
	}
	return n
}

func (r *report) options() {
	r.section("Options")
	titles, cells := columns(r.Outcome.Options)
	t := table{right: []bool{false}}
	for range titles {
		t.right = append(t.right, true)
	}
	t.row(append([]string{""}, titles...)...)
	for i := range r.Outcome.Options {
		o := &r.Outcome.Options[i]
		t.row(append([]string{r.name[o.ID]}, cells(o)...)...)
	}
	t.write(&r.text, "")
}

// scores says how many ballots give each score.
func (r *report) scores() {
	scores := 0
	for i := range r.Outcome.Options {
		scores = max(scores, len(r.Outcome.Options[i].Distribution))
	}
	if scores == 0 {
		return
	}
	r.section("Ballots by score")
	t := table{right: []bool{false}}
	head := []string{""}
	for score := range scores {
		head, t.right = append(head, strconv.Itoa(score)), append(t.right, true)
	}
	t.row(head...)
	for i := range r.Outcome.Options {
		o := &r.Outcome.Options[i]
		row := []string{r.name[o.ID]}
		for _, n := range o.Distribution {
			row = append(row, strconv.FormatInt(n, 10))
		}
		t.row(row...)
	}
	t.write(&r.text, "")
}

// runoff is the only one: where each seat has its own, they stand in the rounds.
func (r *report) runoff() {
	ofRound := func(x resultjson.Round) bool { return x.Runoff != nil }
	if r.Runoff == nil || slices.ContainsFunc(r.Rounds, ofRound) {
		return
	}
	r.section("Runoff")
	r.oneRunoff(r.Outcome.Runoff, r.DecidedBy)
}

func (r *report) oneRunoff(runoff *resultjson.Runoff, by string) {
	t := table{right: []bool{false, true}}
	for _, p := range runoff.Votes {
		t.row(r.name[p.ID], string(p.Value))
	}
	t.row("no preference", strconv.FormatInt(runoff.NoPreference, 10))
	t.write(&r.text, "")
	if by != "" {
		r.linef("%s", resulttext.DecidedBy(by))
	}
}

func (r *report) rounds() {
	for i := range r.Rounds {
		round := &r.Outcome.Rounds[i]
		r.section(fmt.Sprintf("Round %d", i+1))
		t := table{right: []bool{false, true, false}}
		for _, p := range round.Votes {
			t.row(r.name[p.ID], string(p.Value), r.state(i, p.ID))
		}
		if len(round.Votes) == 0 {
			for _, p := range round.Scores {
				t.row(r.name[p.ID], string(p.Value), r.state(i, p.ID))
			}
		}
		if round.Exhausted != "" {
			t.row("exhausted", string(round.Exhausted), reasons(round.ExhaustedBy))
		}
		for _, line := range []Fact{{"lost by rounding", string(round.Loss)}, {"quota", string(round.Quota)}, {"threshold", string(round.Threshold)}} {
			if line.Value != "" {
				t.row(line.Name, line.Value, "")
			}
		}
		t.write(&r.text, "")
		if round.Runoff != nil {
			r.oneRunoff(round.Runoff, round.DecidedBy)
		}
		for _, from := range round.Transfers {
			var to []string
			for _, p := range from.Value {
				name := r.name[p.ID]
				if p.ID == resultjson.Exhausted && name == "" {
					name = p.ID
				}
				to = append(to, fmt.Sprintf("%s %s", p.Value, name))
			}
			r.linef("From %s: %s.", r.name[from.ID], strings.Join(to, ", "))
		}
		if round.Decided != "" {
			r.linef("%s", round.Decided)
		}
	}
}

// state says what happened to an option in a round, from 0.
func (c *Count) state(i int, id string) string {
	round := &c.Rounds[i]
	switch {
	case len(c.Elected) == 0 && i == len(c.Rounds)-1 && slices.Contains(c.Winners, id):
		return "elected"
	case slices.Contains(round.Elected, id):
		return "elected"
	case slices.Contains(round.Eliminated, id):
		return "out"
	case slices.Contains(round.SurplusOf, id):
		return "surplus moves"
	case slices.Contains(round.Finalists, id):
		return "finalist"
	}
	if keep, ok := round.Keep.Of(id); ok {
		return "keeps " + string(keep)
	}
	return ""
}

func reasons(e *resultjson.Exhaustion) string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("no further choice %d, overvotes %d, skipped ranks %d, repeated %d", e.Choices, e.Overvotes, e.Skipped, e.Repeated)
}

func (r *report) pairwise() {
	if len(r.Pairwise) == 0 {
		return
	}
	r.section("Pairs")
	r.linef("A row says how many ballots prefer its option to that of the column.\n")
	matrix(r, r.Pairwise)
	switch {
	case r.CondorcetWinner != "":
		r.linef("\n%s wins against each other option.", r.name[r.CondorcetWinner])
	case len(r.Smith) > 1:
		r.linef("\nNo option wins against each other one. Those who win against all others: %s.", r.list(r.Smith, "and"))
	}
	for _, pair := range r.Locked {
		r.linef("Locked: %s before %s.", r.name[pair[0]], r.name[pair[1]])
	}
	for _, pair := range r.Dropped {
		r.linef("Passed over, as it would close a circle: %s before %s.", r.name[pair[0]], r.name[pair[1]])
	}
}

// matrix writes a value for each two options.
func matrix[V ~string](r *report, values resultjson.By[resultjson.By[V]]) {
	t := table{right: []bool{true, false}}
	head := []string{"", ""}
	for i := range values {
		head = append(head, strconv.Itoa(i+1))
		t.right = append(t.right, true)
	}
	t.row(head...)
	for i, a := range values {
		row := []string{strconv.Itoa(i + 1), r.name[a.ID]}
		for _, b := range values {
			v, ok := a.Value.Of(b.ID)
			if !ok {
				v = "-"
			}
			row = append(row, string(v))
		}
		t.row(row...)
	}
	t.write(&r.text, "")
}

func (r *report) paths() {
	if len(r.Paths) == 0 {
		return
	}
	r.section("Strongest paths")
	r.linef("A row says how strong the strongest chain of wins is from its option to that of the column.\n")
	matrix(r, r.Paths)
}

func (r *report) defeats() {
	if len(r.WorstDefeat) == 0 {
		return
	}
	r.section("Worst defeats")
	t := table{right: []bool{false, true}}
	for _, p := range r.WorstDefeat {
		t.row(r.name[p.ID], string(p.Value))
	}
	t.write(&r.text, "")
}

func (r *report) ranking() {
	if len(r.Ranking) == 0 {
		return
	}
	r.section("Order")
	place := 1
	for _, tier := range r.Ranking {
		r.linef("%d. %s", place, r.list(tier, "and"))
		place += len(tier)
	}
}

func (r *report) ties() {
	r.section("Ties")
	if len(r.Ties) == 0 {
		r.linef("No tie had to be broken.")
	}
	for _, sentence := range resulttext.Ties(&r.Outcome, r.list) {
		r.linef("%s", sentence)
	}
	if others := resulttext.OtherOrders(&r.Outcome, r.Final, r.list); others != "" {
		r.linef("%s", others)
	}
	r.linef("Rule: %s", r.TieBreaking)
}
