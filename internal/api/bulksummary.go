package api

import (
	"voted/internal/poll"
	"voted/internal/refusal"
)

// bulkSummary is the whole answer of a bulk upload to a sender that asks for JSON. It is
// sent after the last line has come, so the sender need not read while it sends.
type bulkSummary struct {
	Poll     string        `json:"poll"`
	Lines    uint64        `json:"lines"` // of the body, blank ones too
	Counted  uint64        `json:"counted"`
	Replaced uint64        `json:"replaced"`
	Replayed uint64        `json:"replayed"`
	Refused  uint64        `json:"refused"`
	Refusals []bulkRefusal `json:"refusals"` // the first maxListedRefusals of them
}

type bulkRefusal struct {
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// count adds up the lines of a chunk that are not blank.
func (u *upload) count(c *chunk) {
	m, s := u.h.metrics, u.summary
	next := 0
	for i, fate := range c.lines {
		line := c.firstLine + i
		if fate.refused == blankLine {
			continue
		}
		if fate.refused != nil {
			code, detail := c.refused(fate.refused)
			m.refused(code)
			s.refuse(line, code, detail)
			continue
		}
		o := c.outcomes[next]
		next++
		m.outcome(o)
		switch o.Kind {
		case poll.Counted:
			s.Counted++
		case poll.Replaced:
			s.Replaced++
		case poll.Replayed:
			s.Replayed++
		case poll.Refused:
			s.refuse(line, o.Code, inBulk.refusal(o.Code, o.Receipt.Version))
		}
	}
	m.bulkLines.Add(float64(len(c.lines)))
	u.h.repeats.add(u.rules.ID, replayedIn(c.outcomes))
}

func (s *bulkSummary) refuse(line int, code refusal.Code, detail string) {
	s.Refused++
	if len(s.Refusals) < maxListedRefusals {
		s.Refusals = append(s.Refusals, bulkRefusal{line, code.String(), detail})
	}
}

// sendSummary sends the outcomes of all lines.
func (u *upload) sendSummary(lines int) error {
	u.summary.Lines = uint64(lines)
	if u.summary.Refusals == nil {
		u.summary.Refusals = []bulkRefusal{}
	}
	u.grant()
	u.w.Header()["Cache-Control"] = noStore
	return u.w.sendJSON(u.summary)
}
