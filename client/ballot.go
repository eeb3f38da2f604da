package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	strict "github.com/go-json-experiment/json"
)

// Ballot is what a voter casts. Set exactly one field, the one that the poll's method
// uses; a ballot with none is blank.
type Ballot struct {
	// Selections are the chosen options (plurality, approval).
	Selections []string
	// Ranking has the options in order of preference; the options of one tier are tied. An
	// empty tier is a rank that was skipped, in polls whose ballots count as marked.
	Ranking [][]string
	// Scores are the points of each option (score, star).
	Scores map[string]int
}

// Choose makes a ballot that selects options.
func Choose(options ...string) Ballot {
	if options == nil {
		options = []string{}
	}
	return Ballot{Selections: options}
}

// Rank makes a ballot that ranks options, the best first, without ties.
func Rank(options ...string) Ballot {
	tiers := make([][]string, len(options))
	for i := range options {
		tiers[i] = options[i : i+1 : i+1]
	}
	return Ballot{Ranking: tiers}
}

// RankTiers makes a ballot that ranks groups of tied options, the best first.
func RankTiers(tiers ...[]string) Ballot {
	if tiers == nil {
		tiers = [][]string{}
	}
	return Ballot{Ranking: tiers}
}

// Score makes a ballot that gives points to options.
func Score(points map[string]int) Ballot {
	if points == nil {
		points = map[string]int{}
	}
	return Ballot{Scores: points}
}

// check refuses a ballot with more than one field set, and options that are not UTF-8.
func (b Ballot) check() error {
	kinds := 0
	for _, set := range []bool{b.Selections != nil, b.Ranking != nil, b.Scores != nil} {
		if set {
			kinds++
		}
	}
	if kinds > 1 {
		return refused(CodeInvalidBallot, "a ballot has selections, a ranking or scores; only one of them may be set")
	}
	for _, id := range b.Selections {
		if !utf8.ValidString(id) {
			return badOption(id)
		}
	}
	for _, tier := range b.Ranking {
		for _, id := range tier {
			if !utf8.ValidString(id) {
				return badOption(id)
			}
		}
	}
	for id := range b.Scores {
		if !utf8.ValidString(id) {
			return badOption(id)
		}
	}
	return nil
}

func badOption(id string) error {
	return refused(CodeInvalidBallot, "the option %q is not UTF-8; write it in UTF-8", id)
}

// MarshalJSON implements json.Marshaler with the contract's form.
func (b Ballot) MarshalJSON() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return append(b.appendMember([]byte{'{'}), '}'), nil
}

// appendMember appends the ballot's one JSON member, without braces.
func (b Ballot) appendMember(to []byte) []byte {
	switch {
	case b.Ranking != nil:
		to = append(to, `"ranking":[`...)
		for i, tier := range b.Ranking {
			if i > 0 {
				to = append(to, ',')
			}
			switch len(tier) {
			case 0:
				to = append(to, "null"...)
			case 1:
				to = appendString(to, tier[0])
			default:
				to = appendStrings(to, tier)
			}
		}
		return append(to, ']')
	case b.Scores != nil:
		return b.appendScores(to)
	default:
		return appendStrings(append(to, `"selections":`...), b.Selections)
	}
}

// appendScores sorts the options, so that equal ballots are equal bytes.
func (b Ballot) appendScores(to []byte) []byte {
	ids := make([]string, 0, len(b.Scores))
	for id := range b.Scores {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	to = append(to, `"scores":{`...)
	for i, id := range ids {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, id), ':')
		to = strconv.AppendInt(to, int64(b.Scores[id]), 10)
	}
	return append(to, '}')
}

func appendStrings(to []byte, all []string) []byte {
	to = append(to, '[')
	for i, s := range all {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendString(to, s)
	}
	return append(to, ']')
}

// appendString appends s, which is UTF-8, as a JSON string.
func appendString(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, s[start:i]...)
		if c == '"' || c == '\\' {
			to = append(to, '\\', c)
		} else {
			to = append(to, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
		start = i + 1
	}
	return append(append(to, s[start:]...), '"')
}

// ballotJSON is the JSON of a ballot, alone or among other members.
type ballotJSON struct {
	Selections []string       `json:"selections"`
	Ranking    []tier         `json:"ranking"`
	Scores     map[string]int `json:"scores"`
}

// tier is an option or several tied ones.
type tier []string

// UnmarshalJSON accepts "ann", ["ann","cy"] and, for a rank that was skipped, null.
func (t *tier) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = nil
		return nil
	}
	var one string
	if bytes.HasPrefix(data, []byte{'"'}) && json.Unmarshal(data, &one) == nil {
		*t = tier{one}
		return nil
	}
	var several []string
	if err := json.Unmarshal(data, &several); err != nil {
		return errors.New("a ranking holds option ids and arrays of tied option ids")
	}
	*t = several
	return nil
}

func (j ballotJSON) ballot() (Ballot, error) {
	b := Ballot{Selections: j.Selections, Scores: j.Scores}
	if j.Ranking != nil {
		b.Ranking = make([][]string, len(j.Ranking))
		for i, t := range j.Ranking {
			if t != nil && len(t) == 0 {
				return Ballot{}, fmt.Errorf("a ballot cannot be read: ranking[%d] is a rank without an option", i)
			}
			b.Ranking[i] = t
		}
	}
	return b, b.check()
}

// UnmarshalJSON implements json.Unmarshaler. It is as strict as the service: names that
// are unknown, misspelt or repeated are errors, and so is a ballot without a choice.
func (b *Ballot) UnmarshalJSON(data []byte) error {
	var j ballotJSON
	if err := strict.Unmarshal(data, &j, strict.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("a ballot cannot be read: %w", err)
	}
	if j.Selections == nil && j.Ranking == nil && j.Scores == nil {
		return errors.New("a ballot cannot be read: it has no selections, ranking or scores")
	}
	read, err := j.ballot()
	*b = read
	return err
}
