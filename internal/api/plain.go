package api

import (
	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/voterid"
)

// plainBallot reads the common form of ballots, without reflection and without
// allocating: one JSON object of known names, each once, whose strings have no escapes
// and are ASCII, with few options and no ties. ballotjson reads all other ballots, and
// reports their faults. A fuzz test compares the two.
type plainBallot struct {
	rest    []byte
	rules   *poll.Rules
	numbers [plainOptions]int
	points  [plainOptions]int
	n       int // of options named
	scored  bool
}

// plainOptions is how many options a plain ballot names at most.
const plainOptions = 16

// plain is the content of a plain ballot.
type plain struct {
	voter      []byte // bulk only; shares the line's memory
	ifVersion  uint32 // bulk only
	selections []byte // appended to scan's dst
}

// scan reads a ballot and appends its canonical selections to dst.
func (s *plainBallot) scan(data []byte, rules *poll.Rules, bulk bool, dst []byte) (p plain, ok bool) {
	s.rest, s.rules, s.n, s.scored = data, rules, 0, false
	field := ""
	if !s.take('{') {
		return p, false
	}
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return p, false
		}
		switch string(name) {
		case "selections", "ranking", "scores":
			if field != "" || ballotjson.FieldOf(rules.Form()) != string(name) {
				return p, false
			}
			field = ballotjson.FieldOf(rules.Form())
			ok = s.options()
		case "voter":
			if !bulk || p.voter != nil {
				return p, false
			}
			p.voter, ok = s.text()
		case "if_version":
			if !bulk || p.ifVersion != 0 {
				return p, false
			}
			var n int
			n, ok = s.number()
			ok = ok && n > 0
			p.ifVersion = uint32(n)
		default:
			return p, false
		}
		if !ok {
			return p, false
		}
		if !s.take(',') {
			break
		}
	}
	if !s.take('}') || !s.end() || field == "" || bulk && !voterid.Fits(p.voter) {
		return p, false
	}
	var points []int
	if s.scored {
		points = s.points[:s.n]
	}
	p.selections, ok = rules.AppendPlain(dst, s.numbers[:s.n], points)
	return p, ok
}

// options reads the options that the ballot names: an array, or an object of scores.
func (s *plainBallot) options() bool {
	shut := byte(']')
	if s.take('{') {
		s.scored, shut = true, '}'
	} else if !s.take('[') {
		return false
	}
	if s.scored != (ballotjson.FieldOf(s.rules.Form()) == "scores") {
		return false
	}
	if s.take(shut) {
		return true
	}
	for {
		id, ok := s.text()
		if !ok || s.n == plainOptions {
			return false
		}
		if s.numbers[s.n], ok = s.rules.OptionNumber(id); !ok {
			return false
		}
		if s.scored {
			if !s.take(':') {
				return false
			}
			if s.points[s.n], ok = s.number(); !ok {
				return false
			}
		}
		s.n++
		if !s.take(',') {
			return s.take(shut)
		}
	}
}

// take skips white space and then c, if that is what comes.
func (s *plainBallot) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *plainBallot) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

func (s *plainBallot) end() bool {
	s.space()
	return len(s.rest) == 0
}

// text reads a string without escapes.
func (s *plainBallot) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	for i, c := range s.rest {
		switch {
		case c == '"':
			text := s.rest[:i]
			s.rest = s.rest[i+1:]
			return text, true
		case c < 0x20 || c > 0x7e || c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// number reads up to nine digits, none of them a leading zero.
func (s *plainBallot) number() (int, bool) {
	s.space()
	n, digits := 0, 0
	for digits < len(s.rest) && s.rest[digits] >= '0' && s.rest[digits] <= '9' {
		n = 10*n + int(s.rest[digits]-'0')
		digits++
		if digits > 9 {
			return 0, false
		}
	}
	if digits == 0 || digits > 1 && s.rest[0] == '0' {
		return 0, false
	}
	s.rest = s.rest[digits:]
	// A fraction or an exponent would follow the number without a separator.
	return n, len(s.rest) == 0 || s.rest[0] != '.' && s.rest[0] != 'e' && s.rest[0] != 'E'
}
