package api

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// render writes a line for each line of the chunk that is not blank, and counts them.
func (u *upload) render(c *chunk) {
	m := u.h.metrics
	hidden := u.h.hidesNumbers(u.rules)
	next := 0
	for i, fate := range c.lines {
		line := c.firstLine + i
		if fate.refused == blankLine {
			continue
		}
		if fate.refused != nil {
			code, detail := c.refused(fate.refused)
			m.refused(code)
			u.answers = appendRefusal(u.answers, line, code, detail)
			continue
		}
		o := c.outcomes[next]
		next++
		m.outcome(o)
		if o.Kind == poll.Refused {
			u.answers = appendRefusal(u.answers, line, o.Code, inBulk.refusal(o.Code, o.Receipt.Version))
			continue
		}
		if hidden {
			o.Receipt.Ballot = 0
		}
		u.answers = appendOutcome(u.answers, line, o)
	}
	m.bulkLines.Add(float64(len(c.lines)))
	u.h.repeats.add(u.rules.ID, replayedIn(c.outcomes))
}

// refused returns the code and sentence of a line without a ballot. If the line breaks
// the poll's rules, the poll's phase counts first.
func (c *chunk) refused(e *refusal.Error) (refusal.Code, string) {
	code, detail := e.Code, e.Detail
	if code == refusal.InvalidBallot {
		code = c.invalidCode
		detail = inBulk.refusal(code, 0)
	}
	if code == e.Code {
		for _, f := range e.Fields {
			detail += " " + f.Field + ": " + f.Detail
		}
	}
	return code, detail
}

func appendOutcome(b []byte, line int, o poll.Outcome) []byte {
	b = append(b, `{"line":`...)
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, `,"outcome":"`...)
	b = append(b, o.Kind.String()...)
	b = append(b, '"')
	if o.Receipt.Ballot != 0 {
		b = append(b, `,"ballot":`...)
		b = strconv.AppendUint(b, uint64(o.Receipt.Ballot), 10)
	}
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, uint64(o.Receipt.Version), 10)
	return append(b, '}', '\n')
}

func appendRefusal(b []byte, line int, code refusal.Code, detail string) []byte {
	b = append(b, `{"line":`...)
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, `,"code":"`...)
	b = append(b, code.String()...)
	b = append(b, `","detail":`...)
	b, _ = jsontext.AppendQuote(b, detail)
	return append(b, '}', '\n')
}

// appendBreak appends the line that ends a stream early.
func appendBreak(b []byte, e *refusal.Error, line int) []byte {
	b = append(b, `{"code":"`...)
	b = append(b, e.Code.String()...)
	b = append(b, `","retry_from_line":`...)
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, `,"detail":`...)
	b, _ = jsontext.AppendQuote(b, sentence(e))
	return append(b, '}', '\n')
}
