package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Ballot is what a voter casts: exactly one of its fields is set, as the poll's
// method asks. A ballot with none is blank.
type Ballot struct {
	// Selections are the chosen options (plurality, approval).
	Selections []string
	// Ranking has the options in order of preference; the options of one tier are tied.
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

// check refuses a ballot of two kinds at once.
func (b Ballot) check() error {
	kinds := 0
	for _, set := range []bool{b.Selections != nil, b.Ranking != nil, b.Scores != nil} {
		if set {
			kinds++
		}
	}
	if kinds > 1 {
		return refused(CodeInvalidBallot, "a ballot has selections, a ranking or scores, not several of them")
	}
	return nil
}

// MarshalJSON implements json.Marshaler with the contract's form.
func (b Ballot) MarshalJSON() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return append(b.appendMember([]byte{'{'}), '}'), nil
}

// appendMember appends the ballot's one member, without braces.
func (b Ballot) appendMember(to []byte) []byte {
	switch {
	case b.Ranking != nil:
		to = append(to, `"ranking":[`...)
		for i, tier := range b.Ranking {
			if i > 0 {
				to = append(to, ',')
			}
			if len(tier) == 1 {
				to = appendString(to, tier[0])
			} else {
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

// appendScores sorts the options: equal ballots are equal bytes.
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

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, as encoding/json does it.
func appendString(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			to = append(to, s[start:i]...)
			if c == '"' || c == '\\' {
				to = append(to, '\\', c)
			} else {
				to = append(to, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			to = append(append(to, s[start:i]...), "\uFFFD"...)
			start = i + 1
		}
		i += size
	}
	return append(append(to, s[start:]...), '"')
}

// ballotJSON is how a ballot stands in JSON, alone or among other members.
type ballotJSON struct {
	Selections []string       `json:"selections"`
	Ranking    []tier         `json:"ranking"`
	Scores     map[string]int `json:"scores"`
}

// tier is an option or several tied ones.
type tier []string

// UnmarshalJSON accepts "ann" and ["ann","cy"].
func (t *tier) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
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
			b.Ranking[i] = t
		}
	}
	return b, b.check()
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Ballot) UnmarshalJSON(data []byte) error {
	var j ballotJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("a ballot cannot be read: %w", err)
	}
	read, err := j.ballot()
	*b = read
	return err
}
