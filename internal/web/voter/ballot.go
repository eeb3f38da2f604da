package voter

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"voted/internal/web/frame"
)

// ballotPage is the page on which a ballot is chosen.
type ballotPage struct {
	Poll    *poll
	Voter   string
	Rows    []row
	Faults  []said
	Form    string // choice, ranking or scores
	Ranks   []int  // to choose from; nil where a rank is typed
	Points  []int  // likewise
	Most    int    // the greatest number that may be typed
	None    bool   // there is a row "none of these"
	Marked  bool   // and it is marked
	Earlier *receipt
	Weight  uint32 // of the ballot, 0 if it has none of its own
	Path    string // of the voter's pages
	Open    bool
	At      time.Time // when the poll opens or has closed
}

// row is an option with its controls.
type row struct {
	Option  option
	ID      string // of its first control
	Chosen  bool
	Value   string
	IsWrong bool
}

// Up to how many options and points there are lists to choose from. Beyond them a number is typed: a thousand lists of a
// thousand entries would be megabytes.
const (
	maxListedRanks   = 20
	maxListedPoints  = 10
	maxScoredOptions = 50
	// filterFrom is from how many options on there is a field that hides the others.
	filterFrom = 30
)

// choose shows an empty ballot.
func (room *Room) choose(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, cast, err := room.look(r, v)
	if err != nil {
		return err
	}
	if cast != nil && !p.Revotes() {
		return frame.SeeOther(w, r, v.page("receipt"))
	}
	return room.showBallot(w, r, v, p, cast, marks{}, nil)
}

// weight is how often the voter's ballot counts, 0 if the poll has no weights or that cannot be found out now.
func (room *Room) weight(r *http.Request, v visitor, p *poll) uint32 {
	at, err := room.onRoll(r, v, p, nil)
	if err != nil || at == nil {
		return 0
	}
	return at.Weight
}

// chooseAgain shows a ballot with the marks of the page that checked it.
func (room *Room) chooseAgain(w http.ResponseWriter, r *http.Request, v visitor) error {
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
	return room.showBallot(w, r, v, p, replacing(cast, r), m, nil)
}

// look asks for the poll and for the voter's receipt.
func (room *Room) look(r *http.Request, v visitor) (*poll, *receipt, error) {
	p, err := room.poll(r, v, nil)
	if err != nil {
		return nil, nil, err
	}
	cast, err := room.inBox(r, v, nil)
	return p, cast, err
}

// replacing is the ballot that a form replaces, if that is still the one in the box. If another one is there, the form
// keeps saying which one it is for: the API refuses it then.
func replacing(cast *receipt, r *http.Request) *receipt {
	version := versionIn(r)
	switch {
	case version == 0:
		return nil
	case cast != nil && cast.Version == version:
		return cast
	}
	return &receipt{Version: version}
}

// versionIn is the version that a form replaces, 0 for none.
func versionIn(r *http.Request) uint32 { return versionOf(r.PostForm.Get("replaces")) }

func versionOf(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// showBallot shows a ballot with its marks, or what stands in its place before the opening and after the close. earlier is
// the ballot that it would replace, nil for none.
func (room *Room) showBallot(w http.ResponseWriter, r *http.Request, v visitor, p *poll, earlier *receipt, m marks, faults []said) error {
	if p.State == "closed" {
		return room.showClosed(w, r, v, p)
	}
	d := ballotPage{Poll: p, Voter: v.Voter, Faults: faults, Earlier: earlier, Path: frame.BallotPath(v.Poll), Open: p.State == "open", Marked: m.none}
	if len(faults) == 0 && p.State == "open" {
		d.Weight = room.weight(r, v, p)
	}
	d.Form = [...]string{choice: "choice", ranking: "ranking", scores: "scores"}[p.method().form]
	d.None = p.method().form == choice && p.MaxSelections == 1 && p.least() == 0
	d.Most = len(p.Options)
	if p.method().form == scores {
		d.Most = p.MaxScore
	}
	switch {
	case d.Form == "ranking" && len(p.Options) <= maxListedRanks:
		d.Ranks = upTo(1, p.ranks())
	case d.Form == "scores" && p.MaxScore <= maxListedPoints && len(p.Options) <= maxScoredOptions:
		d.Points = upTo(0, p.MaxScore)
	}
	wrong := map[string]bool{}
	for _, f := range faults {
		wrong[f.At] = true
	}
	for _, o := range p.listed(v.Voter) {
		id := controlID(o.ID)
		d.Rows = append(d.Rows, row{Option: o, ID: id, Chosen: m.chosen[o.ID], Value: m.typed[o.ID], IsWrong: wrong[id]})
	}
	page := frame.Page{Template: "ballot", Booth: true, Scripts: []string{"door.js", "times.js", "vote.js"}, Data: d}
	if len(faults) > 0 {
		page.Status, page.Wrong = http.StatusUnprocessableEntity, true
	}
	if p.State == "scheduled" {
		d.At, page.Template, page.Refresh = p.OpensAt, "later", untilOpen(p.OpensAt)
		page.Data = d
	}
	return room.pages.Show(w, r, page)
}

// showClosed shows a voter the receipt of the ballot that counts, or says that there is none. The box is asked once more:
// now that the poll is closed, its answer stays true.
func (room *Room) showClosed(w http.ResponseWriter, r *http.Request, v visitor, p *poll) error {
	cast, err := room.inBox(r, v, nil)
	if err != nil {
		return err
	}
	if cast != nil {
		return frame.SeeOther(w, r, v.page("receipt"))
	}
	d := ballotPage{Poll: p, Voter: v.Voter, Path: frame.BallotPath(v.Poll), At: p.ClosedAt}
	return room.pages.Show(w, r, frame.Page{Template: "closed", Booth: true, Scripts: []string{"door.js", "times.js"}, Data: d})
}

// Filter reports whether there are so many options that a field to find one helps.
func (d ballotPage) Filter() bool { return len(d.Rows) > filterFrom }

// Least is the least number that may be typed.
func (d ballotPage) Least() int {
	if d.Form == "ranking" {
		return 1
	}
	return 0
}

// Rule is the sentence that says how to mark the ballot.
func (d ballotPage) Rule() said {
	p := d.Poll
	key := "voter.rule." + d.Form
	all := p.MaxSelections >= len(p.Options)
	switch {
	case d.Form == "choice" && p.MaxSelections == 1:
		return said{Key: "voter.rule.one"}
	case d.Form == "scores":
		return said{Key: key, Args: []any{p.MaxScore}}
	case all:
		return said{Key: key + ".all"}
	}
	return said{Key: key + ".upto", N: p.MaxSelections, Plural: true}
}

// Ties reports whether several options may share a rank.
func (d ballotPage) Ties() bool { return d.Form == "ranking" && d.Poll.method().ties }

func upTo(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

const (
	// waitAtMost is how long before the opening a page begins to wait for it by itself.
	waitAtMost = time.Hour
	// spread is over how many seconds the pages of all who wait load again, so that they do not come at once.
	spread = 5
)

// untilOpen is after how many seconds a page looks whether the poll is open; 0: it does not wait for it.
func untilOpen(at time.Time) int {
	left := time.Until(at)
	if at.IsZero() || left > waitAtMost {
		return 0
	}
	return max(0, int(left/time.Second)) + 1 + rand.IntN(spread)
}
