package recount

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/proof"
)

// maxLineBytes bounds a line of a profile or an audit file: a ballot that gives points to all
// options.
const maxLineBytes = 1 << 20

// marked is what a line shows of a ballot.
type marked struct {
	Selections jsontext.Value `json:"selections"`
	Ranking    jsontext.Value `json:"ranking"`
	Scores     jsontext.Value `json:"scores"`
}

// encode returns the canonical selections of a ballot.
func (m *marked) encode(rules *poll.Rules, d *ballotjson.Decoder) ([]byte, error) {
	field := ballotjson.FieldOf(rules.Form())
	value := map[string]jsontext.Value{"selections": m.Selections, "ranking": m.Ranking, "scores": m.Scores}[field]
	if value == nil {
		return nil, fmt.Errorf("%w: it has no %s", proof.ErrMalformed, field)
	}
	b, err := d.Decode(fmt.Appendf(nil, `{%q:%s}`, field, value), false)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", proof.ErrMalformed, detail(err))
	}
	selections, faults := b.Encode(rules)
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: it is no ballot of this poll: %s: %s", proof.ErrMalformed, faults[0].Field, faults[0].Detail)
	}
	return selections, nil
}

// detail says what is wrong with a ballot's JSON.
func detail(err error) string {
	if refused := new(refusal.Error); errors.As(err, &refused) && len(refused.Fields) > 0 {
		return refused.Fields[0].Field + ": " + refused.Fields[0].Detail
	}
	return err.Error()
}

// profileLine is a line of a profile.
type profileLine struct {
	marked
	Count  uint64  `json:"count"`
	Weight *uint64 `json:"weight"`
}

// weight returns how much the ballots of a line weigh together, if its voters can have that.
func (l *profileLine) weight(rules *poll.Rules) (uint64, error) {
	switch weighted := rules.Eligibility == poll.OnRoll; {
	case l.Count == 0 || l.Count > poll.MaxRecords:
		return 0, fmt.Errorf("%w: it is of %d ballots", proof.ErrMalformed, l.Count)
	case !weighted && l.Weight != nil && *l.Weight != l.Count:
		return 0, fmt.Errorf("%w: its %d ballots weigh %d, and each of this poll counts once", proof.ErrMalformed, l.Count, *l.Weight)
	case !weighted:
		return l.Count, nil
	case l.Weight == nil:
		return 0, fmt.Errorf("%w: it has no weight, and voters of this poll have weights", proof.ErrMalformed)
	case *l.Weight > l.Count*poll.MaxWeight:
		return 0, fmt.Errorf("%w: its %d ballots weigh %d, and one counts %d at most", proof.ErrMalformed, l.Count, *l.Weight, poll.MaxWeight)
	}
	return *l.Weight, nil
}

// ReadProfile reads how many ballots hold each choice: an object a line, as nodes serve it. The
// lines may be in any order. It fails with proof.ErrMalformed and the number of a line, or as
// the reader does.
func ReadProfile(in io.Reader, rules *poll.Rules) ([]proof.ProfileLine, error) {
	d := ballotjson.Get()
	defer d.Release()
	var lines []proof.ProfileLine
	err := eachLine(in, func(text []byte) error {
		var l profileLine
		if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("%w: it is not one of a profile: %w", proof.ErrMalformed, err)
		}
		weight, err := l.weight(rules)
		if err != nil {
			return err
		}
		selections, err := l.encode(rules, d)
		if err != nil {
			return err
		}
		lines = append(lines, proof.ProfileLine{Selections: selections, Ballots: l.Count, Weight: weight})
		return nil
	})
	slices.SortFunc(lines, func(a, b proof.ProfileLine) int { return bytes.Compare(a.Selections, b.Selections) })
	return lines, err
}

// eachLine calls do with each line. Its error gets the number of the line.
func eachLine(in io.Reader, do func(line []byte) error) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), maxLineBytes)
	n := 0
	for s.Scan() {
		n++
		if err := do(s.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: line %d is longer than %d bytes", proof.ErrMalformed, n+1, maxLineBytes)
	}
	return s.Err()
}

// CheckProfile checks that these are the choices that the poll closed with, one for each voter
// whose ballot counts. The number is that of the log, so a quorum that signs the hash of more
// choices is found. It fails with ErrProfile.
func CheckProfile(lines []proof.ProfileLine, closing *proof.ClosingEntry) error {
	var voters uint64
	for _, l := range lines {
		if l.Ballots > poll.MaxRecords-voters {
			return fmt.Errorf("%w: they are of more voters than a poll can have", ErrProfile)
		}
		voters += l.Ballots
	}
	if voters != uint64(closing.Voters) {
		return fmt.Errorf("%w: they are of %d voters, and the poll closed with %d", ErrProfile, voters, closing.Voters)
	}
	hash, err := proof.HashProfile(slices.Values(lines))
	switch {
	case err != nil:
		return fmt.Errorf("%w: a choice has two lines", ErrProfile)
	case hash != closing.Profile:
		return fmt.Errorf("%w: there are as many as there were, and others", ErrProfile)
	}
	return nil
}

// Definition returns the rules that a log begins with, by the definition that its first entry
// has the hash of. It fails with ErrDefinition.
func Definition(definition []byte, first proof.DefinitionEntry) (*poll.Rules, error) {
	if first.Rules != sha256.Sum256(definition) {
		return nil, fmt.Errorf("%w: the log begins with another one", ErrDefinition)
	}
	rules, err := poll.ReadLogged(definition)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDefinition, err)
	}
	return rules, nil
}

// Ended checks that the definition at the close was the one of the beginning, with the title and
// the times of the proof. It fails with ErrDefinition.
func Ended(rules *poll.Rules, c *proof.ClosingProof) error {
	d := rules.Definition
	d.Title, d.OpensAt, d.ClosesAt = c.Title, c.OpensAt, c.ClosesAt
	if d.ID != c.Poll || c.Closing.Definition != sha256.Sum256(d.AppendCanonical(nil)) {
		return fmt.Errorf("%w: the poll closed with other rules, another title or other times", ErrDefinition)
	}
	return nil
}
