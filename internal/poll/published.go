package poll

import (
	"bytes"
	"errors"
	"fmt"

	"voted/internal/tally"
	"voted/proof"
)

// ReadLogged returns the rules of a definition as its log publishes it: what AppendLogged
// wrote, and nothing else. By these rules ballots are read and counted, but no voter keys made:
// their salt is not published.
func ReadLogged(b []byte) (*Rules, error) {
	c := NewCursor(b)
	d := c.Definition()
	switch {
	case c.Err() != nil:
		return nil, c.Err()
	case c.Len() > 0 || !bytes.Equal(d.AppendLogged(nil), b):
		return nil, errors.New("it is not the encoding of a definition")
	}
	if faults := d.Validate(); len(faults) > 0 {
		return nil, fmt.Errorf("this program cannot count by it: %s: %s", faults[0].Field, faults[0].Detail)
	}
	return newRules(d, Salt{}), nil
}

// Tabulate counts a profile again: by the definition alone, and by a lot that was drawn after
// the close, nil if there was none. It fails for selections that the rules refuse, and for more
// ballots or weight than a poll can have.
func (r *Rules) Tabulate(lines []proof.ProfileLine, lot []int) (tally.Result, error) {
	p := tally.Profile{Options: len(r.Options), Groups: make([]tally.Group, 0, len(lines))}
	var ballots, weight uint64
	for _, l := range lines {
		preference, ok := r.Decode(l.Selections)
		switch {
		case !ok:
			return tally.Result{}, fmt.Errorf("the selections %x are no ballot of this poll", l.Selections)
		case l.Ballots > MaxRecords-ballots || l.Weight > MaxRecords*MaxWeight-weight:
			return tally.Result{}, errors.New("it has more ballots than a poll can have")
		}
		ballots, weight = ballots+l.Ballots, weight+l.Weight
		p.Groups = append(p.Groups, tally.Group{Preference: preference, Weight: int64(l.Weight)})
	}
	s := r.Settings()
	if s.Lot == nil {
		s.Lot = lot
	}
	return r.method.FromProfile(p, s), nil
}
