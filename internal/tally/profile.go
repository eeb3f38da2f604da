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

// Preference is the content of one distinct ballot. Only the field of the method's
// [Form] is used; if it is empty, the ballot is blank. Options are numbered from 0 in
// the order of the poll's definition.
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

// Profile is everything that a ranked method needs, without single ballots. The order
// of the groups has no meaning, and a preference may be in several groups.
type Profile struct {
	Options int // number of options in the poll's definition
	Groups  []Group
}

// Totals are the running sums that an additive method needs. Points has an
// entry for each option of the poll; an entry missing from Marks counts as zero.
type Totals struct {
	Ballots   int64   // all ballots, blank ones too
	Points    []int64 // per option: its votes, or the sum of its scores
	Marks     []int64 // per option: the ballots that name it
	Blank     int64   // ballots that name no option
	Overvoted int64   // ballots that name more options than the poll allows; they count for none
}

// sum adds up a profile for the additive methods of a form. A ranking has no sums: all
// its options stay at zero.
func sum(form Form, p Profile, s Settings) Totals {
	options := max(p.Options, 0)
	t := Totals{Points: make([]int64, options), Marks: make([]int64, options)}
	seen := newOnce(options)
	var named []OptionScore
	for _, g := range p.Groups {
		if g.Weight <= 0 {
			continue
		}
		t.Ballots += g.Weight
		seen.nextBallot()
		named = seen.named(named[:0], form, g.Preference)
		switch {
		case len(named) == 0:
			t.Blank += g.Weight
		case form == Choice && s.MaxChoices > 0 && len(named) > s.MaxChoices:
			t.Overvoted += g.Weight
		default:
			for _, n := range named {
				t.Points[n.Option] += g.Weight * int64(n.Score)
				t.Marks[n.Option] += g.Weight
			}
		}
	}
	return t
}

// named appends the options that a ballot of choices or scores names, with the points
// that it gives each of them.
func (o *once) named(list []OptionScore, form Form, p Preference) []OptionScore {
	switch form {
	case Choice:
		for _, option := range p.Choice {
			if o.first(option) {
				list = append(list, OptionScore{option, 1})
			}
		}
	case Scores:
		for _, s := range p.Scores {
			if o.first(s.Option) {
				list = append(list, s)
			}
		}
	}
	return list
}

// once recognises the first mention of a valid option on a ballot. It remembers the
// ballot at which each option was last seen, so nothing has to be cleared between
// ballots.
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
