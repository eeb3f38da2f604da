package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/rollfile"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// putRoll serves PUT of a roll: the lines are added to the roll, a batch at a time, and
// no voter is taken off. Only refusals are answered line by line.
func (h *Handler) putRoll(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	answer, err := negotiate(r, mediaNDJSON, mediaJSON)
	if err != nil {
		return err
	}
	table, encoding, err := rollType(r)
	if err != nil {
		return err
	}
	if !h.bulks.take() {
		return refusal.New(refusal.TooManyRequests, "This node takes all the bulk uploads it can; try another one, or wait.")
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
		h: h, w: w, control: http.NewResponseController(w), timeout: h.timeFor(r), rules: rules, since: since, streamed: answer == mediaNDJSON,
		batch:   make([]poll.RollLine, 0, poll.MaxRollLines),
		numbers: make([]int, 0, poll.MaxRollLines),
	}
	u.patience = &patience{control: u.control}
	u.lines = newRollLines(r.Body, encoding, u.patience.extend)
	u.entries = rollfile.NewNDJSON(u.lines)
	if table {
		u.entries = rollfile.NewCSV(u.lines, rollfile.Columns{}, 0)
	}
	if err := u.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return u.run()
}

// rollUpload is one upload of a roll. It holds one batch of lines at a time.
type rollUpload struct {
	h        *Handler
	w        *response
	control  *http.ResponseController
	timeout  time.Duration // of a batch
	rules    *poll.Rules
	since    uint64
	streamed bool // refusals are written as they come; false: they are only counted
	patience *patience
	lines    *rollLines
	entries  rollfile.Reader // of lines
	begun    bool            // the lines before the entries were read

	applied int             // all lines up to this one are decided
	batch   []poll.RollLine // what is decided next
	numbers []int           // of the lines in the batch
	refused []lineRefusal   // in the batch
	answers []byte
	sum     rollSummary
}

// lineRefusal is a line that is not taken.
type lineRefusal struct {
	line   int
	code   refusal.Code
	detail string
}

// rollSummary is the last line of the answer, or the whole answer to clients that ask for
// JSON.
type rollSummary struct {
	Poll      string `json:"poll"`
	Lines     uint64 `json:"lines"`
	Added     uint64 `json:"added"`
	Changed   uint64 `json:"changed"`
	Unchanged uint64 `json:"unchanged"`
	Refused   uint64 `json:"refused"`
	Since     uint64 `json:"since"`
	Index     uint64 `json:"index"`
	// Ignored are the titles of the columns that were not read.
	Ignored []string `json:"ignored,omitempty"`
}

// run applies batch after batch until the body ends.
func (u *rollUpload) run() error {
	p := u.patience
	defer p.end(false)
	// Reading stops when the node drains.
	defer context.AfterFunc(u.h.draining, func() { p.end(true) })()
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
			return u.breakOff(refusal.New(refusal.Unavailable, "This node is shutting down; go on at another one."))
		default:
			var refused *refusal.Error
			if !errors.As(end, &refused) {
				refused = malformed("The request body could not be read to its end.")
			}
			return u.breakOff(refused)
		}
	}
}

// gather fills the batch. It returns io.EOF at the end of the body.
func (u *rollUpload) gather() error {
	u.batch, u.numbers, u.refused = u.batch[:0], u.numbers[:0], u.refused[:0]
	if !u.begun {
		u.begun = true
		var fault *textfile.Fault
		if err := u.entries.Begin(); errors.As(err, &fault) {
			return malformed("Line %d: %s", fault.Line, sentenceOf(fault))
		} else if err != nil {
			return err
		}
	}
	for len(u.batch) < poll.MaxRollLines && len(u.refused) < poll.MaxRollLines {
		e, err := u.entries.Next()
		var fault *textfile.Fault
		switch {
		case errors.As(err, &fault) && fault.TooLong:
			u.refuse(fault.Line, refusal.PayloadTooLarge, sentenceOf(fault))
		case fault != nil:
			code, noVoter := refusal.MalformedRequest, (*voterid.Error)(nil)
			if errors.As(err, &noVoter) {
				code = refusal.InvalidVoter
			}
			u.refuse(fault.Line, code, sentenceOf(fault))
		case err != nil:
			return err
		default:
			u.batch = append(u.batch, poll.RollLine{Key: u.rules.Key(e.Voter), Weight: e.Weight})
			u.numbers = append(u.numbers, e.Line)
		}
	}
	return nil
}

func (u *rollUpload) refuse(line int, code refusal.Code, detail string) {
	u.refused = append(u.refused, lineRefusal{line, code, detail})
}

// apply decides the batch within the time of one request.
func (u *rollUpload) apply(ctx context.Context) error {
	if err := u.w.session.still(ctx); err != nil {
		return err
	}
	if len(u.batch) > 0 {
		ctx, cancel := context.WithTimeout(ctx, u.timeout)
		defer cancel()
		result, err := u.h.execute(ctx, u.w, poll.Enroll{Poll: u.rules.ID, Since: u.since, Lines: u.batch})
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
			u.refuse(u.numbers[x.Line], x.Code, rollRefusals[x.Code])
		}
	}
	u.applied = u.entries.Consumed()
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

// finish sends the summary of all lines.
func (u *rollUpload) finish() error {
	u.sum.Ignored = u.entries.Ignored()
	u.sum.Poll, u.sum.Since, u.sum.Lines = u.rules.ID, u.since, uint64(u.lines.Number())
	if u.sum.Index == 0 {
		u.sum.Index = u.h.cluster.Index()
	}
	if !u.streamed {
		u.w.Header()["Cache-Control"] = noStore
		return u.w.sendJSON(u.sum)
	}
	text, err := json.Marshal(u.sum)
	if err != nil {
		return err
	}
	u.answers = append(append(u.answers, text...), '\n')
	_ = u.send() // a client that has gone away gets nothing
	return nil
}

// breakOff ends an upload early: with a problem if nothing has been decided yet,
// otherwise with a line that says from where to go on.
func (u *rollUpload) breakOff(err error) error {
	if u.w.status == 0 && (u.applied == 0 || !u.streamed) {
		return err
	}
	var refused *refusal.Error
	if !errors.As(err, &refused) {
		u.h.log.Error("upload of a roll failed", "request_id", u.w.id, "error", err)
		refused = &refusal.Error{Code: refusal.Internal, Detail: "Something went wrong here; nothing is known about the lines from here on."}
	}
	u.answers = appendBreak(u.answers, refused, u.applied+1)
	_ = u.send() // a client that has gone away gets nothing
	return nil
}
