package voter

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// The names of the controls of a ballot. Those of ranks and scores end with the option's id.
const (
	choiceField = "choice"
	rankField   = "rank."
	scoreField  = "score."
	blankField  = "blank" // the box on the page that checks
)

// noneMark is the value of the row "none of these". No option has it as its id.
const noneMark = "-"

// marks are what the controls of a ballot hold, as the voter left them.
type marks struct {
	chosen map[string]bool   // option ids, for choices
	typed  map[string]string // by option id: ranks or scores, for the others
	none   bool              // the row "none of these"
	blank  bool              // the box "I want to cast a blank ballot"
}

// readMarks reads the fields of a form. It refuses options that the poll does not have: what a voter chose is never
// dropped in silence.
func readMarks(p *poll, fields url.Values) (marks, error) {
	m := marks{chosen: map[string]bool{}, typed: map[string]string{}, blank: fields.Get(blankField) != ""}
	for name, values := range fields {
		switch {
		case name == choiceField:
			for _, id := range values {
				if id == noneMark {
					m.none = true
				} else {
					m.chosen[id] = true
				}
			}
		case strings.HasPrefix(name, rankField):
			m.typed[name[len(rankField):]] = strings.TrimSpace(values[0])
		case strings.HasPrefix(name, scoreField):
			m.typed[name[len(scoreField):]] = strings.TrimSpace(values[0])
		}
	}
	for id := range m.chosen {
		if _, ok := p.option(id); !ok {
			return m, malformed()
		}
	}
	for id := range m.typed {
		if _, ok := p.option(id); !ok {
			return m, malformed()
		}
	}
	return m, nil
}

func malformed() error { return &frame.Problem{Status: 400, Code: "malformed_request"} }

// field is a hidden field that carries a mark to the next page.
type field struct{ Name, Value string }

// fields are the hidden fields of the marks, in the definition's order of options.
func (m marks) fields(p *poll) (all []field) {
	if m.none {
		all = append(all, field{choiceField, noneMark})
	}
	prefix := rankField
	if p.method().form == scores {
		prefix = scoreField
	}
	for _, o := range p.Options {
		if m.chosen[o.ID] {
			all = append(all, field{choiceField, o.ID})
		}
		if v := m.typed[o.ID]; v != "" {
			all = append(all, field{prefix + o.ID, v})
		}
	}
	return all
}

// said is a sentence about the marks: a key of words with its arguments.
type said struct {
	Key  string
	N    int // chooses the plural form, if Plural
	Args []any
	// Plural is whether the words depend on N.
	Plural bool
	// At is the control that it is about, as an id in the page.
	At string
}

// ballot is what the marks mean.
type ballot struct {
	selections []string
	tiers      [][]string // an empty one is a rank that was left out
	scores     map[string]int
	count      int    // of options that are named
	faults     []said // why it cannot be cast
	notes      []said // what its voter should know before it is
}

// isBlank reports whether it names no option.
func (b *ballot) isBlank() bool { return b.count == 0 }

func (b *ballot) fault(s said) { b.faults = append(b.faults, s) }
func (b *ballot) note(s said)  { b.notes = append(b.notes, s) }

// read finds out what the marks mean by the poll's rules.
func (p *poll) read(m marks) *ballot {
	b := &ballot{}
	switch p.method().form {
	case choice:
		p.readChoice(m, b)
	case ranking:
		p.readRanking(m, b)
	case scores:
		p.readScores(m, b)
	}
	if len(b.faults) == 0 {
		p.checkCount(b)
	}
	return b
}

func (p *poll) readChoice(m marks, b *ballot) {
	b.selections = []string{}
	for _, o := range p.Options {
		if m.chosen[o.ID] {
			b.selections = append(b.selections, o.ID)
		}
	}
	b.count = len(b.selections)
	if m.none && b.count > 0 {
		b.fault(said{Key: "voter.fault.noneandsome", At: controlID(p.Options[0].ID)})
	}
}

// whole reads what was typed for an option as a whole number between bounds.
func (p *poll) whole(o option, typed string, least, most int, b *ballot) (n int, ok bool) {
	n, err := strconv.Atoi(typed)
	if err != nil || n < least || n > most {
		b.fault(said{Key: "voter.fault.whole", Args: []any{frame.Name(o.Name()), least, most}, At: controlID(o.ID)})
		return 0, false
	}
	return n, true
}

// ranks is how many ranks there are to give.
func (p *poll) ranks() int { return min(p.MaxSelections, len(p.Options)) }

func (p *poll) readRanking(m marks, b *ballot) {
	at := map[int][]string{} // option ids by rank
	for _, o := range p.Options {
		typed := m.typed[o.ID]
		if typed == "" {
			continue
		}
		if rank, ok := p.whole(o, typed, 1, len(p.Options), b); ok {
			at[rank] = append(at[rank], o.ID)
			b.count++
		}
	}
	used := make([]int, 0, len(at))
	for rank := range at {
		used = append(used, rank)
	}
	slices.Sort(used)
	b.tiers = [][]string{}
	next := 1 // the rank that follows those above it
	for _, rank := range used {
		tier := at[rank]
		p.checkTier(rank, tier, b)
		if rank > next {
			p.leftOut(next, rank, b)
		}
		b.tiers = append(b.tiers, tier)
		next = rank + 1
		if p.method().ties && !p.asMarked() {
			next = rank + len(tier) // 1, 1, 3 leaves nothing out
		}
	}
}

// checkTier says what it means that several options share a rank.
func (p *poll) checkTier(rank int, tier []string, b *ballot) {
	if len(tier) == 1 || p.method().ties {
		return
	}
	first, _ := p.option(tier[0])
	second, _ := p.option(tier[1])
	s := said{Key: "voter.fault.samerank", Args: []any{frame.Name(first.Name()), frame.Name(second.Name()), frame.Ordinal(rank)}, At: controlID(tier[1])}
	if p.asMarked() {
		s.Key = "voter.note.samerank"
		b.note(s)
		return
	}
	b.fault(s)
}

// leftOut says what it means that ranks were left out before a rank.
func (p *poll) leftOut(from, rank int, b *ballot) {
	if p.asMarked() {
		for range rank - from {
			b.tiers = append(b.tiers, []string{})
		}
		b.note(said{Key: "voter.note.skipped", Args: []any{frame.Ordinal(from)}})
		return
	}
	b.note(said{Key: "voter.note.gap", Args: []any{frame.Ordinal(rank), frame.Ordinal(from), frame.Ordinal(len(b.tiers) + 1)}})
}

func (p *poll) readScores(m marks, b *ballot) {
	b.scores = map[string]int{}
	for _, o := range p.Options {
		typed := m.typed[o.ID]
		if typed == "" {
			continue
		}
		if points, ok := p.whole(o, typed, 0, p.MaxScore, b); ok {
			b.scores[o.ID] = points
			b.count++
		}
	}
}

// checkCount compares how many options the ballot names with what the poll allows.
func (p *poll) checkCount(b *ballot) {
	kind := [...]string{choice: "choice", ranking: "ranking", scores: "scores"}[p.method().form]
	first := controlID(p.Options[0].ID)
	switch {
	case b.count < p.least():
		b.fault(said{Key: "voter.fault.few." + kind, N: p.least(), Plural: true, At: first})
	case b.count > p.MaxSelections && p.asMarked() && kind == "choice":
		b.note(said{Key: "voter.note.many", N: p.MaxSelections, Plural: true, Args: []any{b.count}})
	case b.count > p.MaxSelections && !p.asMarked():
		b.fault(said{Key: "voter.fault.many." + kind, N: p.MaxSelections, Plural: true, Args: []any{b.count}, At: first})
	case b.count > 0 && b.count < p.MaxSelections && kind == "choice" && p.MaxSelections < len(p.Options):
		b.note(said{Key: "voter.note.fewer", N: p.MaxSelections, Plural: true, Args: []any{b.count}})
	}
}

// body is the ballot as the API takes it.
func (b *ballot) body() []byte {
	var v any
	switch {
	case b.selections != nil:
		v = map[string][]string{"selections": b.selections}
	case b.scores != nil:
		v = map[string]map[string]int{"scores": b.scores}
	default:
		tiers := make([]any, len(b.tiers))
		for i, tier := range b.tiers {
			switch len(tier) {
			case 0: // a rank that was left out stays null
			case 1:
				tiers[i] = tier[0]
			default:
				tiers[i] = tier
			}
		}
		v = map[string][]any{"ranking": tiers}
	}
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("voter: a ballot cannot be written: " + err.Error())
	}
	return out
}

// controlID is the id, in a page, of the first control of an option.
func controlID(option string) string { return "o-" + option }
