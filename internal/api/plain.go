package api

import "voted/internal/poll"

// plainBallot recognises the ballots that nearly all are, without reflection and
// without allocating: one JSON object of known names, each once, whose strings have
// no escapes and are ASCII, with few options and no ties. What it does not
// recognise is not wrong: ballotDecoder reads it, and says what is wrong if
// something is. A fuzz test holds the two against each other.
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

// plain is what a plain ballot says.
type plain struct {
	voter      []byte // bulk only; shares the line's memory
	ifVersion  uint32 // bulk only
	selections []byte // appended to what was given
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
			if field != "" || fieldOf(rules.Form()) != string(name) {
				return p, false
			}
			field = fieldOf(rules.Form())
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
	if !s.take('}') || !s.end() || field == "" || bulk && !plainVoter(p.voter) {
		return p, false
	}
	var points []int
	if s.scored {
		points = s.points[:s.n]
	}
	p.selections, ok = rules.AppendPlain(dst, s.numbers[:s.n], points)
	return p, ok
}

// plainVoter reports whether ASCII without control characters is a voter's id.
func plainVoter(v []byte) bool {
	return len(v) > 0 && len(v) <= poll.MaxVoterBytes && string(v) != "." && string(v) != ".."
}

// options reads the options that the ballot names: an array, or an object of scores.
func (s *plainBallot) options() bool {
	shut := byte(']')
	if s.take('{') {
		s.scored, shut = true, '}'
	} else if !s.take('[') {
		return false
	}
	if s.scored != (fieldOf(s.rules.Form()) == "scores") {
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
	// A fraction or an exponent follows a number without a separator.
	return n, len(s.rest) == 0 || s.rest[0] != '.' && s.rest[0] != 'e' && s.rest[0] != 'E'
}
