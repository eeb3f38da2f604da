package voter

import (
	"cmp"
	"net/http"
	"slices"

	"voted/internal/web/frame"
)

// reviewPage is the page on which a ballot is checked before it is cast.
type reviewPage struct {
	Poll     *poll
	Voter    string
	Lines    []line   // what was chosen
	Left     []string // names of the options that were left out
	LeftOut  int
	Notes    []said
	Blank    bool
	NotSaid  bool // it is blank, and the box that says so was not ticked
	Earlier  *receipt
	Replaces uint32
	Fields   []field
	Path     string
}

// Scored reports whether the lines have points.
func (d reviewPage) Scored() bool { return d.Poll.method().form == scores }

// line is an option that was chosen, or the options of one rank.
type line struct {
	Rank   frame.Ordinal // 0 without ranks
	Points int
	Names  []string
}

// maxNamed is up to how many options that were left out are named.
const maxNamed = 10

// review shows what a ballot says. Its choices are in this page's form alone.
func (room *Room) review(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := room.Form(w, r); err != nil {
		return err
	}
	p, cast, err := room.look(r, v)
	if err != nil {
		return err
	}
	m, err := readMarks(p, r.PostForm)
	if err != nil {
		return err
	}
	cast = replacing(cast, r)
	b := p.read(m)
	if len(b.faults) > 0 || p.State != "open" {
		return room.showBallot(w, r, v, p, cast, m, b.faults)
	}
	return room.showReview(w, r, v, p, cast, m, b, false)
}

func (room *Room) showReview(w http.ResponseWriter, r *http.Request, v visitor, p *poll, cast *receipt, m marks, b *ballot, notSaid bool) error {
	d := reviewPage{
		Poll: p, Voter: v.Voter, Notes: b.notes, Blank: b.isBlank(), NotSaid: notSaid, Earlier: cast,
		Fields: m.fields(p), Path: frame.BallotPath(v.Poll), Lines: p.lines(b),
	}
	if cast != nil {
		d.Replaces = cast.Version
	}
	d.Left, d.LeftOut = p.leftNames(b)
	status := http.StatusOK
	if notSaid {
		status = http.StatusUnprocessableEntity
	}
	return room.pages.Show(w, r, frame.Page{Template: "check", Status: status, Wrong: notSaid, Booth: true, Scripts: []string{"times.js", "vote.js"}, Data: d})
}

// lines lists what a ballot says: choices in the definition's order, ranks best first, scores from the highest.
func (p *poll) lines(b *ballot) (all []line) {
	names := func(ids []string) (out []string) {
		for _, id := range ids {
			o, _ := p.option(id)
			out = append(out, o.Name())
		}
		return out
	}
	for _, name := range names(b.selections) {
		all = append(all, line{Names: []string{name}})
	}
	for i, tier := range b.tiers {
		if len(tier) > 0 {
			all = append(all, line{Rank: frame.Ordinal(i + 1), Names: names(tier)})
		}
	}
	for _, o := range p.Options {
		if points, ok := b.scores[o.ID]; ok {
			all = append(all, line{Points: points, Names: []string{o.Name()}})
		}
	}
	if b.scores != nil {
		slices.SortStableFunc(all, func(x, y line) int { return cmp.Compare(y.Points, x.Points) })
	}
	return all
}

// leftNames are the names of the options that a ballot leaves out, nil if they are many, and how many there are.
func (p *poll) leftNames(b *ballot) (names []string, n int) {
	named := map[string]bool{}
	for _, id := range slices.Concat(b.selections, slices.Concat(b.tiers...)) {
		named[id] = true
	}
	for id := range b.scores {
		named[id] = true
	}
	for _, o := range p.Options {
		if !named[o.ID] {
			names = append(names, o.Name())
		}
	}
	if len(names) > maxNamed {
		return nil, len(names)
	}
	return names, len(names)
}
