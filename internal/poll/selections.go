package poll

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// Marks is what a voter put on the ballot, in option ids. The field of the poll's method
// is used: Selections for plurality and approval, Ranking (best first, tied options share
// a tier) for ranked methods, Scores otherwise.
type Marks struct {
	Selections []string
	Ranking    [][]string
	Scores     []Score
}

// Score is the points a ballot gives to one option.
type Score struct {
	Option string
	Points int
}

// Rules is a definition made ready for checking ballots. It is immutable, so it
// may be kept and used without a lock.
type Rules struct {
	Definition
	Salt    Salt
	method  tally.Method
	numbers map[string]int // option id → number; nil where a scan is quicker
}

// scanOptions is up to how many options a linear search beats a map.
const scanOptions = 8

func newRules(d Definition, salt Salt) *Rules {
	m, _ := tally.ByName(d.Method)
	r := &Rules{Definition: d, Salt: salt, method: m}
	if len(d.Options) > scanOptions {
		r.numbers = make(map[string]int, len(d.Options))
		for i, o := range d.Options {
			r.numbers[o.ID] = i
		}
	}
	return r
}

// Form is what a ballot of this poll holds.
func (r *Rules) Form() tally.Form { return r.method.Form }

// Additive reports whether the poll keeps its totals, so that its tally costs little.
func (r *Rules) Additive() bool { return r.method.Additive() }

// Settings are what this poll asks of its method.
func (r *Rules) Settings() tally.Settings {
	s := r.Counting
	s.MaxScore = r.MaxScore
	if r.Ballots == AsMarked {
		s.MaxChoices = r.MaxSelections
	}
	return s
}

// Key returns the voter's key in this poll.
func (r *Rules) Key(voter string) VoterKey { return KeyOf(r.Salt, voter) }

// KeyOfBytes is Key for a voter id that is not a string yet.
func (r *Rules) KeyOfBytes(voter []byte) VoterKey { return KeyOf(r.Salt, voter) }

// Final reports whether a counted ballot can never be replaced.
func (r *Rules) Final() bool { return r.Revote == RevoteNever }

// Encode checks marks against the rules and returns their canonical form: equal
// choices give equal bytes, whatever the order they were written in.
//
//   - choice: the option numbers, ascending, each a uvarint
//   - ranking: best first, each option a uvarint of 2·number, plus 1 where it is
//     tied with the one before; tied options ascend
//   - scores: by ascending option number, a uvarint of the number and one of the points
//
// Ballots as marked have a wider form; see encodeMarkedRanking.
func (r *Rules) Encode(m Marks) ([]byte, []refusal.FieldError) {
	var sel []byte
	var errs []refusal.FieldError
	var n int
	field := "selections"
	switch r.method.Form {
	case tally.Choice:
		sel, errs = r.encodeChoice(m.Selections)
		n = len(m.Selections)
	case tally.Ranking:
		field = "ranking"
		sel, errs = r.encodeRanking(m.Ranking)
		for _, tier := range m.Ranking {
			n += len(tier)
		}
	case tally.Scores:
		field = "scores"
		sel, errs = r.encodeScores(m.Scores)
		n = len(m.Scores)
	}
	if errs == nil && r.Ballots == Strict {
		errs = r.checkCount(field, n)
	}
	if errs != nil {
		return nil, errs
	}
	return sel, nil
}

func (r *Rules) checkCount(field string, n int) []refusal.FieldError {
	switch {
	case n < r.MinSelections:
		return []refusal.FieldError{{Field: field, Detail: fmt.Sprintf("Undervote: it names %d, at least %d are needed.", n, r.MinSelections)}}
	case n > r.MaxSelections:
		return []refusal.FieldError{{Field: field, Detail: fmt.Sprintf("Overvote: it names %d, at most %d are allowed.", n, r.MaxSelections)}}
	}
	return nil
}

// lookUp returns the number of an option that is named for the first time, as the i-th
// item of a list; i is -1 if the option is a key.
func (r *Rules) lookUp(field string, i int, id string, seen []int) (int, []refusal.FieldError) {
	n, ok := r.OptionNumber([]byte(id))
	fault := ""
	switch {
	case !ok:
		fault = "The poll has no option %q."
	case slices.Contains(seen, n):
		fault = "The option %q is named twice."
	default:
		return n, nil
	}
	place := Key(field, id)
	if i >= 0 {
		place = Item(field, i)
	}
	return 0, []refusal.FieldError{{Field: place, Detail: fmt.Sprintf(fault, id)}}
}

func (r *Rules) encodeChoice(ids []string) ([]byte, []refusal.FieldError) {
	if r.Ballots == AsMarked {
		return r.encodeMarkedChoice(ids)
	}
	if len(ids) > len(r.Options) {
		return nil, r.checkCount("selections", len(ids))
	}
	numbers := make([]int, 0, 8)
	for i, id := range ids {
		n, errs := r.lookUp("selections", i, id, numbers)
		if errs != nil {
			return nil, errs
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	sel := make([]byte, 0, len(numbers)+2)
	for _, n := range numbers {
		sel = binary.AppendUvarint(sel, uint64(n))
	}
	return sel, nil
}

func (r *Rules) encodeRanking(tiers [][]string) ([]byte, []refusal.FieldError) {
	if r.Ballots == AsMarked {
		return r.encodeMarkedRanking(tiers)
	}
	numbers := make([]int, 0, 8)
	sel := make([]byte, 0, 16)
	for i, tier := range tiers {
		if len(tier) == 0 {
			return nil, []refusal.FieldError{{Field: Item("ranking", i), Detail: "A rank without an option; leave it out."}}
		}
		if len(tier) > 1 && !r.method.Ties {
			return nil, []refusal.FieldError{{Field: Item("ranking", i), Detail: fmt.Sprintf("Overvote: the method %s does not allow ties.", r.Method)}}
		}
		start := len(numbers)
		for j, id := range tier {
			field, at := "ranking", i
			if len(tier) > 1 {
				field, at = Item("ranking", i), j
			}
			n, errs := r.lookUp(field, at, id, numbers)
			if errs != nil {
				return nil, errs
			}
			numbers = append(numbers, n)
		}
		slices.Sort(numbers[start:])
		for j, n := range numbers[start:] {
			tied := 0
			if j > 0 {
				tied = 1
			}
			sel = binary.AppendUvarint(sel, uint64(2*n+tied))
		}
	}
	return sel, nil
}

func (r *Rules) encodeScores(scores []Score) ([]byte, []refusal.FieldError) {
	type entry struct{ number, points int }
	numbers := make([]int, 0, 8)
	entries := make([]entry, 0, len(scores))
	for _, s := range scores {
		n, errs := r.lookUp("scores", -1, s.Option, numbers)
		if errs != nil {
			return nil, errs
		}
		if s.Points < 0 || s.Points > r.MaxScore {
			return nil, []refusal.FieldError{{Field: Key("scores", s.Option), Detail: fmt.Sprintf("A score is a whole number from 0 to %d.", r.MaxScore)}}
		}
		numbers = append(numbers, n)
		entries = append(entries, entry{n, s.Points})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	sel := make([]byte, 0, 2*len(entries)+2)
	for _, e := range entries {
		sel = binary.AppendUvarint(sel, uint64(e.number))
		sel = binary.AppendUvarint(sel, uint64(e.points))
	}
	return sel, nil
}

// OptionNumber returns the number of an option in the definition's order.
func (r *Rules) OptionNumber(id []byte) (int, bool) {
	if r.numbers != nil {
		n, ok := r.numbers[string(id)]
		return n, ok
	}
	for i := range r.Options {
		if r.Options[i].ID == string(id) {
			return i, true
		}
	}
	return 0, false
}

// AppendPlain is Encode for the common form of ballots: options by number, in the order
// written, without ties; in a scored poll with their points. It appends the canonical
// form to dst, without allocating, and reorders numbers and points. ok is false if the
// rules refuse the ballot: Encode then returns why.
func (r *Rules) AppendPlain(dst []byte, numbers, points []int) (sel []byte, ok bool) {
	if r.Ballots == Strict && (len(numbers) < r.MinSelections || len(numbers) > r.MaxSelections) || len(points) > 0 && len(points) != len(numbers) {
		return dst, false
	}
	if r.method.Form != tally.Ranking {
		sortTogether(numbers, points)
	}
	for i, n := range numbers {
		if n < 0 || n >= len(r.Options) || slices.Contains(numbers[:i], n) {
			return dst, false
		}
	}
	sel = dst
	for i, n := range numbers {
		switch r.method.Form {
		case tally.Choice:
			sel = binary.AppendUvarint(sel, uint64(n))
		case tally.Ranking:
			sel = binary.AppendUvarint(sel, uint64(2*n))
		case tally.Scores:
			if len(points) == 0 || points[i] < 0 || points[i] > r.MaxScore {
				return dst, false
			}
			sel = binary.AppendUvarint(sel, uint64(n))
			sel = binary.AppendUvarint(sel, uint64(points[i]))
		}
	}
	return sel, true
}

// sortTogether sorts a few numbers, and points with them.
func sortTogether(numbers, points []int) {
	for i := 1; i < len(numbers); i++ {
		for j := i; j > 0 && numbers[j] < numbers[j-1]; j-- {
			numbers[j], numbers[j-1] = numbers[j-1], numbers[j]
			if len(points) > 0 {
				points[j], points[j-1] = points[j-1], points[j]
			}
		}
	}
}

// Decode turns canonical selections back into option numbers. ok is false if sel is not
// canonical or breaks the rules: this is the second check, after the log. What it returns
// shares memory with other ballots, and must not be changed.
func (r *Rules) Decode(sel []byte) (p tally.Preference, ok bool) {
	var few [64]int // as long as most ballots; it stays on the stack
	count := 0
	switch r.method.Form {
	case tally.Choice:
		p.Choice, ok = decodeValues(sel, make([]int, 0, len(sel)))
		count, ok = len(p.Choice), ok && r.ascending(p.Choice)
	case tally.Ranking:
		var values []int
		if values, ok = decodeValues(sel, few[:0]); ok {
			p.Ranking, ok = r.decodeRanking(values)
		}
		count = len(values)
	case tally.Scores:
		var values []int
		if values, ok = decodeValues(sel, few[:0]); ok {
			p.Scores, ok = r.decodeScores(values)
		}
		count = len(p.Scores)
	}
	return p, ok && (r.Ballots == AsMarked || count >= r.MinSelections && count <= r.MaxSelections)
}

// decodeValues appends the numbers of an encoding to values. ok is false if they are not
// written canonically, or are more than any ballot holds.
func decodeValues(sel []byte, values []int) (all []int, ok bool) {
	// The length of sel bounds the work, long before MaxOptions would.
	for len(sel) > 0 {
		v, n := binary.Uvarint(sel)
		if n <= 0 || v > 4*MaxOptions || n > 1 && sel[n-1] == 0 {
			return values, false
		}
		values = append(values, int(v))
		sel = sel[n:]
	}
	return values, true
}

// numbered are the options by their number, so that a rank with one option needs no
// memory: alone returns the part of it that holds only that one.
var numbered = func() (all [MaxOptions]int) {
	for i := range all {
		all[i] = i
	}
	return all
}()

// alone is a rank that holds one option.
func alone(option int) []int { return numbered[option : option+1 : option+1] }

func (r *Rules) ascending(numbers []int) bool {
	last := -1
	for _, n := range numbers {
		if n <= last || n >= len(r.Options) {
			return false
		}
		last = n
	}
	return true
}

func (r *Rules) decodeRanking(values []int) (tiers [][]int, ok bool) {
	if r.Ballots == AsMarked {
		return r.decodeMarkedRanking(values)
	}
	var seen [MaxOptions / 64]uint64
	if len(values) > 0 {
		tiers = make([][]int, 0, len(values))
	}
	for i, v := range values {
		n, tied := v/2, v%2 == 1
		if n >= len(r.Options) || seen[n/64]>>(n%64)&1 == 1 {
			return nil, false
		}
		seen[n/64] |= 1 << (n % 64)
		if !tied {
			tiers = append(tiers, alone(n))
			continue
		}
		if !r.method.Ties || i == 0 || n <= values[i-1]/2 {
			return nil, false
		}
		tiers[len(tiers)-1] = append(tiers[len(tiers)-1], n)
	}
	return tiers, true
}

func (r *Rules) decodeScores(values []int) (scores []tally.OptionScore, ok bool) {
	if len(values)%2 != 0 {
		return nil, false
	}
	last := -1
	if len(values) > 0 {
		scores = make([]tally.OptionScore, 0, len(values)/2)
	}
	for i := 0; i < len(values); i += 2 {
		n, points := values[i], values[i+1]
		if n <= last || n >= len(r.Options) || points > r.MaxScore {
			return nil, false
		}
		last = n
		scores = append(scores, tally.OptionScore{Option: n, Score: points})
	}
	return scores, true
}

// Marks turns canonical selections back into what the voter put on the ballot.
func (r *Rules) Marks(sel []byte) (Marks, error) {
	p, ok := r.Decode(sel)
	if !ok {
		return Marks{}, fmt.Errorf("selections %x are not of poll %s", sel, r.ID)
	}
	var m Marks
	switch r.method.Form {
	case tally.Choice:
		m.Selections = r.ids(p.Choice)
	case tally.Ranking:
		m.Ranking = make([][]string, 0, len(p.Ranking))
		for _, tier := range p.Ranking {
			m.Ranking = append(m.Ranking, r.ids(tier))
		}
	case tally.Scores:
		m.Scores = make([]Score, 0, len(p.Scores))
		for _, s := range p.Scores {
			m.Scores = append(m.Scores, Score{r.Options[s.Option].ID, s.Score})
		}
	}
	return m, nil
}

func (r *Rules) ids(numbers []int) []string {
	ids := make([]string, len(numbers))
	for i, n := range numbers {
		ids[i] = r.Options[n].ID
	}
	return ids
}
