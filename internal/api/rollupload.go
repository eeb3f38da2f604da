package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"voted/internal/poll"
)

// putRoll serves PUT of a roll: its lines are added to it, a batch at a time, and
// nobody is taken off. Only refusals are answered line by line.
func (h *Handler) putRoll(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	answer, err := negotiate(r, mediaNDJSON, mediaJSON)
	if err != nil {
		return err
	}
	if err := contentType(r, mediaNDJSON, mediaCSV); err != nil {
		return err
	}
	if !h.bulks.take() {
		return poll.Refuse(poll.CodeTooManyRequests, "This node takes all the bulk uploads it can; try another one, or wait.")
	}
	defer h.bulks.give()
	ctx, cancel := h.deadline(w, r)
	rules, index, err := h.rollRules(ctx, id)
	cancel()
	if err != nil {
		return err
	}
	since, err := sinceOf(r, index)
	if err != nil {
		return err
	}
	h.metrics.bulkUploads.Inc()
	defer h.metrics.bulkUploads.Dec()
	u := &rollUpload{
		h: h, w: w, control: http.NewResponseController(w), rules: rules, since: since, streamed: answer == mediaNDJSON,
		lines:   make([]poll.RollLine, 0, poll.MaxRollLines),
		numbers: make([]int, 0, poll.MaxRollLines),
	}
	name, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	u.scanner.csv = strings.EqualFold(strings.TrimSpace(name), mediaCSV)
	if err := u.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return u.run(r)
}

// rollUpload is one upload of a roll. It holds one batch of lines at a time.
type rollUpload struct {
	h        *Handler
	w        *response
	control  *http.ResponseController
	rules    *poll.Rules
	since    uint64
	streamed bool // refusals are written as they come; otherwise only counted
	scanner  rollScanner
	reader   *lineReader

	read    int             // lines taken from the body
	applied int             // lines up to which everything is decided
	lines   []poll.RollLine // the batch
	numbers []int           // of the lines in the batch
	refused []lineRefusal   // in the batch
	answers []byte
	sum     rollSummary
}

// lineRefusal is a line that is not taken.
type lineRefusal struct {
	line   int
	code   poll.Code
	detail string
}

// rollSummary is the last line of the answer, and all of it for who asks for JSON.
type rollSummary struct {
	Poll      string `json:"poll"`
	Lines     uint64 `json:"lines"`
	Added     uint64 `json:"added"`
	Changed   uint64 `json:"changed"`
	Unchanged uint64 `json:"unchanged"`
	Refused   uint64 `json:"refused"`
	Since     uint64 `json:"since"`
	Index     uint64 `json:"index"`
}

// run applies batch after batch until the body ends.
func (u *rollUpload) run(r *http.Request) error {
	p := &patience{control: u.control}
	defer p.end(false)
	// Reading stops when the node drains.
	defer context.AfterFunc(u.h.draining, func() { p.end(true) })()
	u.reader = newLineReader(r.Body, p.extend)
	u.reader.limit = maxRollLineBytes
	for {
		end := u.gather()
		if errors.Is(end, io.EOF) || end == nil {
			if err := u.apply(&u.w.ctx); err != nil {
				return u.breakOff(err)
			}
		}
		switch {
		case end == nil:
		case errors.Is(end, io.EOF):
			return u.finish()
		case u.h.draining.Err() != nil:
			return u.breakOff(poll.Refuse(poll.CodeUnavailable, "This node is shutting down; go on at another one."))
		default:
			var refusal *poll.Error
			if !errors.As(end, &refusal) {
				refusal = malformed("The request body could not be read to its end.")
			}
			return u.breakOff(refusal)
		}
	}
}

// gather fills the batch. It returns io.EOF at the end of the body.
func (u *rollUpload) gather() error {
	u.lines, u.numbers, u.refused = u.lines[:0], u.numbers[:0], u.refused[:0]
	for len(u.lines) < poll.MaxRollLines && len(u.refused) < poll.MaxRollLines {
		if err := u.reader.await(); err != nil {
			return err
		}
		line, err := u.reader.next()
		if err != nil && !errors.Is(err, errLineTooLong) {
			return err
		}
		u.read++
		if err := u.take(line, err != nil); err != nil {
			return err
		}
	}
	return nil
}

// take puts a line into the batch. Its error ends the upload.
func (u *rollUpload) take(line []byte, tooLong bool) error {
	switch {
	case tooLong:
		u.refuse(u.read, poll.CodePayloadTooLarge, "A line of a roll has at most "+strconv.Itoa(maxRollLineBytes)+" bytes.")
		return nil
	case len(line) == 0:
		return nil // editors leave one at the end
	case u.scanner.csv && !u.scanner.begun:
		if err := u.scanner.header(string(line)); err != nil {
			return err
		}
		return nil
	}
	voter, weight, refusal := u.scanner.scan(line)
	if refusal != nil {
		u.refuse(u.read, refusal.Code, refusal.Detail)
		return nil
	}
	u.lines = append(u.lines, poll.RollLine{Key: u.rules.Key(voter), Weight: weight})
	u.numbers = append(u.numbers, u.read)
	return nil
}

func (u *rollUpload) refuse(line int, code poll.Code, detail string) {
	u.refused = append(u.refused, lineRefusal{line, code, detail})
}

// apply decides the batch within the time of one request.
func (u *rollUpload) apply(ctx context.Context) error {
	if len(u.lines) > 0 {
		ctx, cancel := context.WithTimeout(ctx, u.h.timeout)
		defer cancel()
		result, err := u.h.execute(ctx, u.w, poll.Enroll{Poll: u.rules.ID, Since: u.since, Lines: u.lines})
		if err != nil {
			return err
		}
		if result.Roll == nil {
			return errors.New("the cluster did not say what became of a roll's lines")
		}
		u.sum.Added += uint64(result.Roll.Added)
		u.sum.Changed += uint64(result.Roll.Changed)
		u.sum.Unchanged += uint64(result.Roll.Unchanged)
		u.sum.Index = result.Index
		for _, x := range result.Roll.Refused {
			u.refuse(u.numbers[x.Line], x.Code, x.Detail())
		}
	}
	u.applied = u.read
	u.sum.Refused += uint64(len(u.refused))
	slices.SortFunc(u.refused, func(a, b lineRefusal) int { return cmp.Compare(a.line, b.line) })
	if u.streamed && len(u.refused) > 0 {
		for _, x := range u.refused {
			u.answers = appendRefusal(u.answers, x.line, x.code, x.detail)
		}
		return u.send()
	}
	return nil
}

// send writes what has been rendered.
func (u *rollUpload) send() error {
	_ = u.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests have none
	if u.w.status == 0 {
		header := u.w.Header()
		header.Set("Content-Type", mediaNDJSON)
		header["Cache-Control"] = noStore
		u.w.WriteHeader(http.StatusOK)
	}
	_, err := u.w.Write(u.answers)
	u.answers = u.answers[:0]
	if err == nil {
		err = u.control.Flush()
	}
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// finish says what became of all lines.
func (u *rollUpload) finish() error {
	u.sum.Poll, u.sum.Since, u.sum.Lines = u.rules.ID, u.since, uint64(u.read)
	if u.sum.Index == 0 {
		u.sum.Index = u.h.cluster.Index()
	}
	if !u.streamed {
		u.w.Header()["Cache-Control"] = noStore
		return u.w.sendJSON(u.sum)
	}
	u.answers = u.sum.append(u.answers)
	_ = u.send() // a client that has gone away is told nothing
	return nil
}

func (s *rollSummary) append(b []byte) []byte {
	b = append(b, `{"poll":"`+s.Poll+`"`...) // ids need no escapes
	for _, f := range []struct {
		name string
		n    uint64
	}{
		{"lines", s.Lines},
		{"added", s.Added},
		{"changed", s.Changed},
		{"unchanged", s.Unchanged},
		{"refused", s.Refused},
		{"since", s.Since},
		{"index", s.Index},
	} {
		b = append(b, `,"`+f.name+`":`...)
		b = strconv.AppendUint(b, f.n, 10)
	}
	return append(b, '}', '\n')
}

// breakOff ends an upload early: as a problem where nothing has been decided yet,
// otherwise with a line that says from where to go on.
func (u *rollUpload) breakOff(err error) error {
	if u.w.status == 0 && (u.applied == 0 || !u.streamed) {
		return err
	}
	var refusal *poll.Error
	if !errors.As(err, &refusal) {
		u.h.log.Error("upload of a roll failed", "request_id", u.w.id, "error", err)
		refusal = &poll.Error{Code: poll.CodeInternal, Detail: "Something went wrong here; nothing is known about the lines from here on."}
	}
	u.answers = appendBreak(u.answers, refusal, u.applied+1)
	_ = u.send() // a client that has gone away is told nothing
	return nil
}
