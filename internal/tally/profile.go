package tally

// Form says what a ballot of a method holds, and so which field of its
// [Preference] is used.
type Form uint8

// The forms of a ballot.
const (
	Choice  Form = iota // a set of options
	Ranking             // options in order, possibly with ties
	Scores              // points per option
)

// Preference is the content of one distinct ballot. Exactly the field of the
// method's [Form] is used, the others are not looked at; if that field is empty
// the ballot is blank. Options are numbered from 0 in the order of the poll's
// definition.
type Preference struct {
	Choice  []int         // option numbers
	Ranking [][]int       // best first; options in the same tier are tied
	Scores  []OptionScore // an option not named was not scored
}

// OptionScore is the number of points that a ballot gives to an option.
type OptionScore struct {
	Option int
	Score  int
}

// Group is one distinct preference and how many current ballots hold it, each
// counted with its voter's weight.
type Group struct {
	Preference
	Weight int64
}

// Profile is everything that a ranked method needs, and never single ballots.
// The order of the groups has no meaning, and a preference may stand in several.
type Profile struct {
	Options int // number of options in the poll's definition
	Groups  []Group
}

// Totals are the running sums that an additive method needs. Points has an
// entry for each option of the poll; an entry missing from Marks counts as zero.
type Totals struct {
	Ballots int64   // all ballots, blank ones too
	Points  []int64 // per option: its votes, or the sum of its scores
	Marks   []int64 // per option: the ballots that name it
}

// sum adds up a profile for the additive methods of a form. A ranking has no
// sums: every option that it would name stays at zero.
func sum(form Form, p Profile) Totals {
	options := max(p.Options, 0)
	t := Totals{Points: make([]int64, options), Marks: make([]int64, options)}
	seen := newOnce(options)
	for _, g := range p.Groups {
		if g.Weight <= 0 {
			continue
		}
		t.Ballots += g.Weight
		seen.nextBallot()
		switch form {
		case Choice:
			for _, option := range g.Choice {
				if seen.first(option) {
					t.Points[option] += g.Weight
					t.Marks[option] += g.Weight
				}
			}
		case Scores:
			for _, s := range g.Scores {
				if seen.first(s.Option) {
					t.Points[s.Option] += g.Weight * int64(s.Score)
					t.Marks[s.Option] += g.Weight
				}
			}
		}
	}
	return t
}

// once tells the first mention of an option on a ballot from a further or a
// meaningless one. It remembers the ballot at which each option was last seen,
// so that nothing has to be cleared between ballots.
type once struct {
	ballot int
	seenAt []int
}

func newOnce(options int) once {
	return once{seenAt: make([]int, options)}
}

func (o *once) nextBallot() {
	o.ballot++
}

// first reports whether the option exists and this ballot has not named it yet.
func (o *once) first(option int) bool {
	if option < 0 || option >= len(o.seenAt) || o.seenAt[option] == o.ballot {
		return false
	}
	o.seenAt[option] = o.ballot
	return true
}
