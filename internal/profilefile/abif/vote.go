package abif

import (
	"fmt"
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// marks describes a ballot to c.
func (r *reader) marks(c *profile.Collector, b *ballot) *textfile.Fault {
	s := scanner{text: b.text}
	if s.skip() == 0 {
		return nil
	}
	scored, named, ranked := false, 0, false
	for {
		column := s.column()
		token, fault := s.token()
		if fault != nil {
			return fault
		}
		points, has, fault := s.rating()
		if fault != nil {
			return fault
		}
		if has && r.p.MaxScore > 0 && points > r.p.MaxScore {
			return &textfile.Fault{Column: column, Detail: fmt.Sprintf("%q has %d points, and max_rating is %d", token, points, r.p.MaxScore)}
		}
		option := r.option(token, b.line, b.column+column-1)
		scored, named = scored || has, named+1
		switch c.Form {
		case tally.Ranking:
			c.Mark(option)
		case tally.Scores:
			if has {
				c.Score(option, points)
			}
		case tally.Choice:
			if !has || points > 0 {
				c.Mark(option)
			}
			if points > 1 {
				return &textfile.Fault{Column: column, Detail: fmt.Sprintf("%q has %d points, so this is no choice; count the ballots as scores", token, points)}
			}
		}
		sign := s.skip()
		switch {
		case sign == 0 && c.Form == tally.Scores && !scored:
			return &textfile.Fault{Column: column, Detail: "the ballot has no scores, such as A/5; count the ballots as rankings"}
		case sign == 0 && c.Form == tally.Ranking && scored && !ranked && named > 1:
			return &textfile.Fault{Column: column, Detail: "the ballot has scores and no ranks, such as A>B; count the ballots as scores"}
		case sign == 0:
			return nil
		case sign != '>' && sign != '=' && sign != ',':
			return s.fault("one of > = , or the end of the line should stand here")
		case sign != ',' && c.Form == tally.Choice:
			return s.fault("the ballot has ranks; count the ballots as rankings")
		}
		ranked = ranked || sign != ','
		if sign == '>' && c.Form == tally.Ranking {
			c.NextRank()
		}
		s.at++
		s.skip()
	}
}

// scanner reads the parts of a line.
type scanner struct {
	text string
	at   int
}

// skip skips blanks and returns the next byte; 0 at the end or before a comment.
func (s *scanner) skip() byte {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
	if s.at == len(s.text) || s.text[s.at] == '#' {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) column() int { return textfile.Column([]byte(s.text), s.at) }

func (s *scanner) fault(detail string) *textfile.Fault {
	return &textfile.Fault{Column: s.column(), Detail: detail}
}

// token reads an option: a word, or anything in quotes or square brackets.
func (s *scanner) token() (string, *textfile.Fault) {
	closing := byte(0)
	switch s.skip() {
	case '"':
		closing = '"'
	case '[':
		closing = ']'
	}
	rest := s.text[s.at:]
	if closing != 0 {
		end := strings.IndexByte(rest[1:], closing)
		if end < 0 || strings.TrimSpace(rest[1:1+end]) == "" {
			return "", s.fault("the option that begins here has no name or no end; close it, or take another copy of the file")
		}
		s.at += end + 2
		return strings.TrimSpace(rest[1 : 1+end]), nil
	}
	end := strings.IndexAny(rest, " \t>=,/:#[]\"{}")
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return "", s.fault("an option should stand here")
	}
	s.at += end
	return rest[:end], nil
}

// rating reads the points of an option, such as /5, if it has any.
func (s *scanner) rating() (points int, has bool, fault *textfile.Fault) {
	if s.skip() != '/' {
		return 0, false, nil
	}
	s.at++
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	n, err := strconv.Atoi(s.text[start:s.at])
	if err != nil || n > poll.MaxScore {
		s.at = start
		return 0, false, s.fault(fmt.Sprintf("a score should stand here, which is a whole number up to %d", poll.MaxScore))
	}
	return n, true, nil
}
