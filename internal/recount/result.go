package recount

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/resultjson"
	"voted/internal/tally"
	"voted/proof"
)

// Counted is a poll that was counted again.
type Counted struct {
	Rules   *poll.Rules
	Voters  uint64 // whose ballots count
	Outcome resultjson.Outcome
}

// Count counts a profile by the rules. lot is the order that was drawn after the close, by ids
// of options; nil if none was. It fails with ErrLot where a lot decides and none is given, or
// another one than the definition has.
func Count(rules *poll.Rules, lines []proof.ProfileLine, lot []string) (*Counted, error) {
	order, err := orderOf(rules, lot)
	if err != nil {
		return nil, err
	}
	result, err := rules.Tabulate(lines, order)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProfile, err)
	}
	if settings := rules.Settings(); result.Unresolved != nil && settings.Ties == tally.TiesLot && settings.Lot == nil && order == nil {
		return nil, fmt.Errorf("%w, which is drawn after the close and so is not in the log", ErrLot)
	}
	ids := make([]string, len(rules.Options))
	for i, o := range rules.Options {
		ids[i] = o.ID
	}
	c := &Counted{Rules: rules, Outcome: resultjson.Of(&result, rules.Form(), ids)}
	for _, l := range lines {
		c.Voters += l.Ballots
	}
	return c, nil
}

// orderOf returns a lot by the numbers of its options.
func orderOf(rules *poll.Rules, lot []string) (order []int, err error) {
	for _, id := range lot {
		n, ok := rules.OptionNumber([]byte(id))
		if !ok {
			return nil, fmt.Errorf("%w, and %.80q is no option of it", ErrLot, id)
		}
		order = append(order, n)
	}
	if order != nil && !tally.OrdersAll(order, len(rules.Options)) {
		return nil, fmt.Errorf("%w, and a lot names each option once", ErrLot)
	}
	return order, nil
}

// JSON returns what was counted, as results of a poll have it.
func (c *Counted) JSON() ([]byte, error) { return json.Marshal(c.Outcome) }

// Compare compares with a result in JSON, as nodes serve it and voted results prints it: all that
// was counted must stand there, and be equal. Where the result names its poll, its method or
// its voters, these must be right as well. It fails with ErrResult, ErrUnfinished, or
// proof.ErrMalformed.
func (c *Counted) Compare(result []byte) error {
	var told map[string]jsontext.Value
	if err := json.Unmarshal(result, &told); err != nil {
		return fmt.Errorf("%w: it is not the JSON of a result: %w", proof.ErrMalformed, err)
	}
	if final, known := told["certified"]; known && string(final) != "true" {
		return ErrUnfinished
	}
	text, err := c.JSON()
	if err != nil {
		return err
	}
	var counted map[string]jsontext.Value
	if err := json.Unmarshal(text, &counted); err != nil {
		return err
	}
	for name, value := range map[string]any{"poll": c.Rules.ID, "method": c.Rules.Method, "ballots": c.Voters} {
		if _, known := told[name]; known {
			if counted[name], err = json.Marshal(value); err != nil {
				return err
			}
		}
	}
	for _, name := range importance(counted) {
		if !sameJSON(told[name], counted[name]) {
			return fmt.Errorf("%w: %s is %s, and the ballots say %s", ErrResult, name, shown(told[name]), shown(counted[name]))
		}
	}
	return nil
}

// telling are the names of a result that say most to people, and so are compared first.
var telling = []string{"poll", "method", "winners", "elected", "unresolved", "ballots", "options"}

// importance orders the names of a result.
func importance(result map[string]jsontext.Value) []string {
	return slices.SortedFunc(maps.Keys(result), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

func rank(name string) int {
	if n := slices.Index(telling, name); n >= 0 {
		return n
	}
	return len(telling)
}

// sameJSON reports whether two values mean the same. One that is missing equals none.
func sameJSON(a, b jsontext.Value) bool {
	a, b = a.Clone(), b.Clone()
	return a != nil && b != nil && a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}

// shown is a value for a sentence.
func shown(v jsontext.Value) string {
	const most = 120
	switch {
	case v == nil:
		return "missing"
	case len(v) > most:
		return strings.ToValidUTF8(string(v[:most]), "") + "…"
	}
	return string(v)
}
