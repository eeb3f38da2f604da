package api

import (
	"strconv"
	"strings"

	"voted/internal/poll"
)

// enrollBody is one line of a roll in NDJSON.
type enrollBody struct {
	Voter  string  `json:"voter"`
	Weight *uint64 `json:"weight"`
}

// rollScanner reads the lines of a roll.
type rollScanner struct {
	csv      bool
	weighted bool // the CSV has a column of weights
	begun    bool // the CSV's header has been read
}

// Headers that the CSV of a roll may have.
const (
	rollHeader         = "voter"
	rollHeaderWeighted = "voter,weight"
)

// header takes the first line of a CSV.
func (s *rollScanner) header(line string) *poll.Error {
	s.begun = true
	switch strings.ToLower(strings.TrimPrefix(line, "\ufeff")) { // spreadsheets write a byte order mark
	case rollHeaderWeighted:
		s.weighted = true
	case rollHeader:
	default:
		return malformed("The first line of the CSV must be its header: %s or %s.", rollHeaderWeighted, rollHeader)
	}
	return nil
}

// scan reads one line; the weight is 1 where it has none.
func (s *rollScanner) scan(line []byte) (voter string, weight uint32, refusal *poll.Error) {
	n := uint64(1)
	if s.csv {
		var ok bool
		if voter, n, ok = s.scanCSV(string(line)); !ok {
			return "", 0, malformed("Write a voter and a whole number, such as v-17,3; a voter with a comma or quote stands in quotes.")
		}
	} else {
		var body enrollBody
		if err := unmarshal(line, &body); err != nil {
			return "", 0, malformed(`Write an object such as {"voter":"v-17","weight":3}.`)
		}
		if voter = body.Voter; body.Weight != nil {
			n = *body.Weight
		}
	}
	switch {
	case !poll.ValidVoter(voter):
		return "", 0, malformed("A voter is 1 to %d bytes of UTF-8 without control characters, and neither '.' nor '..'.", poll.MaxVoterBytes)
	case n < 1 || n > poll.MaxWeight:
		return "", 0, malformed("A weight is a whole number from 1 to %d.", poll.MaxWeight)
	}
	return voter, uint32(n), nil
}

// scanCSV reads a record of RFC 4180 that stands on one line.
func (s *rollScanner) scanCSV(line string) (voter string, weight uint64, ok bool) {
	voter, rest, ok := cutField(line)
	if !ok || s.weighted != strings.HasPrefix(rest, ",") {
		return "", 0, false
	}
	if !s.weighted {
		return voter, 1, rest == ""
	}
	text, rest, ok := cutField(rest[1:])
	weight, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	return voter, weight, ok && rest == "" && err == nil
}

// cutField takes the first field off a record; rest begins with the comma, if any.
func cutField(line string) (field, rest string, ok bool) {
	if !strings.HasPrefix(line, `"`) {
		end := strings.IndexByte(line, ',')
		if end < 0 {
			end = len(line)
		}
		return line[:end], line[end:], !strings.Contains(line[:end], `"`)
	}
	var b strings.Builder
	for line = line[1:]; ; {
		end := strings.IndexByte(line, '"')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(line[:end])
		if line = line[end+1:]; !strings.HasPrefix(line, `"`) {
			return b.String(), line, line == "" || line[0] == ','
		}
		b.WriteByte('"') // two quotes stand for one
		line = line[1:]
	}
}
