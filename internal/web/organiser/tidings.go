package organiser

import (
	"bytes"
	"net/http"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// shownRefusals is how many refused lines a page shows; the others are counted.
const shownRefusals = 200

// tidings are what became of the lines of a roll.
type tidings struct {
	Lines     int      `json:"lines"`
	Added     int      `json:"added"`
	Changed   int      `json:"changed"`
	Unchanged int      `json:"unchanged"`
	Refused   int      `json:"refused"`
	Ignored   []string `json:"ignored"` // titles of columns that were not read

	Refusals []refusedLine `json:"-"` // the first ones
	Stopped  *stopped      `json:"-"` // nil if all lines were decided
}

// refusedLine is a line that was not taken.
type refusedLine struct {
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// stopped is where an upload could not go on.
type stopped struct {
	From   int    `json:"retry_from_line"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// More is how many refused lines are not shown.
func (t *tidings) More() int { return t.Refused - len(t.Refusals) }

// collector takes the API's answer to an upload of a roll line by line, and keeps what a page shows of it. The
// connection's deadlines are still those of the request, by Unwrap.
type collector struct {
	http.ResponseWriter
	header http.Header
	rest   []byte // of a line that has not come whole
	sum    tidings
	done   bool  // the summary has come
	wrong  error // of a line
}

// Header implements http.ResponseWriter: the answer's headers are not those of the page.
func (c *collector) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

// WriteHeader implements http.ResponseWriter.
func (c *collector) WriteHeader(int) {}

// FlushError implements what http.ResponseController looks for: nothing of the page is sent yet.
func (c *collector) FlushError() error { return nil }

// Unwrap lets http.ResponseController find the connection.
func (c *collector) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Write implements http.ResponseWriter.
func (c *collector) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, whole := bytes.Cut(c.rest, []byte("\n"))
		if !whole {
			break
		}
		c.line(line)
		c.rest = append(c.rest[:0], rest...)
	}
	return len(b), nil
}

// line takes one line: a refusal, the summary, or where it could not go on.
func (c *collector) line(b []byte) {
	var one struct {
		refusedLine
		From  int  `json:"retry_from_line"`
		Lines *int `json:"lines"`
	}
	if err := json.Unmarshal(b, &one); err != nil {
		c.wrong = err
		return
	}
	switch {
	case one.Lines != nil:
		refusals := c.sum.Refusals
		c.wrong = json.Unmarshal(b, &c.sum)
		c.sum.Refusals, c.done = refusals, true
	case one.From > 0:
		c.sum.Stopped, c.done = &stopped{one.From, one.Code, one.Detail}, true
	default:
		c.sum.Refused++
		if len(c.sum.Refusals) < shownRefusals {
			c.sum.Refusals = append(c.sum.Refusals, one.refusedLine)
		}
	}
}

// tidings returns what became of the lines. An answer that ends before its end leaves that open.
func (c *collector) tidings() (*tidings, error) {
	if c.wrong != nil {
		return nil, c.wrong
	}
	if !c.done {
		return nil, &frame.Problem{Status: http.StatusServiceUnavailable, Code: "outcome_unknown", Retryable: true}
	}
	return &c.sum, nil
}
