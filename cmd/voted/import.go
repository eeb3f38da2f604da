package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/ballotfile"
	"voted/internal/textfile"
)

type importCommand struct {
	connection
	readingFlags
	anonymousFlags
	Poll    string `arg:"" help:"Id of the poll."`
	File    string `arg:"" help:"CSV or NDJSON that names voters, or with --anonymous any file of ballots; - is the standard input."`
	Rejects string `help:"Write every refused line to this file, as NDJSON." placeholder:"FILE"`
}

func (importCommand) Help() string {
	return `A ballot counts once however often it is sent: when an import breaks off, simply run it again.

    voted import board ballots.csv --rejects refused.ndjson

CSV has a line of titles; > ranks options, = is a tie or stands before points, semicolons stand between options:

    voter,ranking              voter,selections        voter,scores
    v-17,bo>ann=cy             v-17,ann;bo             v-17,ann=5;bo=0

NDJSON has one of these a line:

    {"voter":"v-17","ranking":["bo",["ann","cy"]]}
    {"voter":"v-17","selections":["ann"]}

What "voted export" writes can be imported too, into another poll. Where a secret poll discloses its ballots, voters are
then named by their keys; otherwise its export has choices and counts, and needs --anonymous.

Files without voters, such as counts, BLT, PrefLib, ABIF, cast vote records and RCTab's CSV, need --anonymous:

    voted import council paper.blt --anonymous
    voted import council box-2.csv --anonymous --batch box-2

Their ballots are sorted by content and numbered, and number 7 is cast as the voter anonymous-HASH-7, where HASH is of the
file's bytes and the batch. So the same file again counts nothing twice, and every other file counts beside it. A file in
which one byte was corrected is another file: import it into another poll, not into that of the uncorrected one.`
}

// ballotSource is where the ballots to cast come from.
type ballotSource interface {
	// next returns the next ballot; io.EOF after the last one, and a *textfile.Fault for a
	// line that can be skipped.
	next() (fileBallot, error)
	keyed() bool        // voters are named by the keys of a secret poll
	size() int64        // of all, as fileBallot.Offset counts; 0: not known
	reading() reading   // how it was read; call it at the end
	warnings() []string // call it at the end
}

// Run imports the file. It fails if the file or the cluster does; refused ballots are
// reported and make the exit code 1 too.
func (c *importCommand) Run(s *session) error {
	if err := c.anonymousFlags.check(&c.readingFlags); err != nil {
		return err
	}
	if c.Anonymous {
		return c.runAnonymous(s)
	}
	input, err := openBallots(c.File, &c.readingFlags)
	if err != nil {
		return err
	}
	defer input.Close()
	rejects, err := createRejects(c.Rejects, input.info)
	if err != nil {
		return err
	}
	defer rejects.close()
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	sum, err := c.cast(s, cl, input, rejects)
	return c.report(s, sum, err)
}

// runAnonymous imports a file without voters.
func (c *importCommand) runAnonymous(s *session) error {
	file, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	rejects, err := createRejects(c.Rejects, infoOf(file, c.File))
	if err != nil {
		return err
	}
	defer rejects.close()
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	p, err := cl.Poll(s.ctx, c.Poll)
	if err != nil {
		return err
	}
	input, err := openAnonymous(s, file, c, &p)
	if err != nil {
		return err
	}
	sum, err := c.cast(s, cl, input, rejects)
	sum.Warnings = append(sum.Warnings, beside(p.Ballots, sum)...)
	return c.report(s, sum, err)
}

// cast casts all ballots.
func (c *importCommand) cast(s *session, cl *client.Client, input ballotSource, rejects *rejectsFile) (*importSummary, error) {
	sum := &importSummary{Poll: c.Poll, File: c.File, Outcomes: map[client.Outcome]uint64{}, rejects: rejects}
	progress := newProgress(s.stderr, "casting", "ballots", input.size())
	err := (&importer{input: input, guard: keyGuard{poll: c.Poll}, summary: sum, progress: progress}).run(s.ctx, cl, c.Poll)
	progress.end(err == nil)
	sum.Read, sum.Warnings = input.reading(), input.warnings()
	return sum, err
}

func (c *importCommand) report(s *session, sum *importSummary, err error) error {
	sum.Complete = err == nil
	if sum.Answered == 0 && sum.Refused == 0 && err != nil {
		return err
	}
	kept := sum.rejects.keep()
	slices.SortStableFunc(sum.First, func(a, b refusal) int { return a.Line - b.Line })
	if c.JSON {
		if printed := printJSON(s, sum); printed != nil {
			return printed
		}
	} else {
		s.stdout.Linef("%s", sum.Read)
		sum.show(s.stdout, c.Rejects)
		warn(s.stderr, sum.Warnings)
	}
	var refused *client.Error
	switch {
	case kept != nil:
		return kept
	case errors.As(err, &refused) && !errors.Is(err, client.CodeUnavailable) && !errors.Is(err, client.ErrOutcomeUnknown):
		return err // the same import would end the same way
	case errors.Is(err, errSamePoll):
		return err
	case err != nil:
		return fmt.Errorf("the import broke off; run it again, what has been counted is not counted twice: %s", explain(err))
	case sum.Refused > 0:
		return errSaid
	}
	return nil
}

// importer sends the ballots of a file and matches the answers to its lines.
type importer struct {
	input    ballotSource
	guard    keyGuard
	summary  *importSummary
	progress *progress

	mu    sync.Mutex
	sent  []fileBallot // not answered yet, in order; bounded by the client's window
	fault error        // why reading ended early
}

func (i *importer) run(ctx context.Context, cl *client.Client, poll string) error {
	for answer, err := range cl.CastMany(ctx, poll, i.ballots(ctx, cl)) {
		if err != nil {
			return err
		}
		at := i.pop()
		i.summary.add(answer, at.Line)
		i.progress.at(at.Offset, i.summary.Answered, i.summary.refused())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fault
}

// ballots reads the file. The client's goroutine ranges over it.
func (i *importer) ballots(ctx context.Context, cl *client.Client) iter.Seq[client.BulkBallot] {
	return func(yield func(client.BulkBallot) bool) {
		for ctx.Err() == nil {
			b, err := i.input.next()
			var bad *textfile.Fault
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &bad):
				i.summary.refuse(refusalOf(bad))
				continue
			case err == nil && i.input.keyed():
				err = i.guard.check(ctx, cl, b.Voter)
			}
			if err != nil {
				i.mu.Lock()
				i.fault = err
				i.mu.Unlock()
				return
			}
			i.push(b)
			if !yield(b.BulkBallot) {
				return
			}
		}
	}
}

func (i *importer) push(b fileBallot) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sent = append(i.sent, fileBallot{Line: b.Line, Offset: b.Offset})
}

func (i *importer) pop() fileBallot {
	i.mu.Lock()
	defer i.mu.Unlock()
	first := i.sent[0]
	i.sent = i.sent[1:]
	return first
}

// maxListed is how many refused lines are listed for people.
const maxListed = 20

// refusal is a line that was not taken.
type refusal struct {
	Line   int         `json:"line"`
	Column int         `json:"column,omitempty"` // in characters, 0 if unknown
	Voter  string      `json:"voter,omitempty"`
	Code   client.Code `json:"code"`
	Detail string      `json:"detail,omitempty"`
}

func refusalOf(f *textfile.Fault) refusal {
	return refusal{Line: f.Line, Column: f.Column, Voter: f.Voter, Code: client.Code(ballotfile.CodeOf(f).String()), Detail: f.Detail}
}

// importSummary is what became of the lines. Refusals come from two goroutines:
// unreadable lines from the reader, the others from the answers.
type importSummary struct {
	Poll     string                    `json:"poll"`
	File     string                    `json:"file"`
	Complete bool                      `json:"complete"`
	Answered uint64                    `json:"answered"`
	Outcomes map[client.Outcome]uint64 `json:"outcomes"`
	Read     reading                   `json:"read"`
	Warnings []string                  `json:"warnings,omitempty"`

	mu      sync.Mutex
	Refused uint64    `json:"refused"`
	First   []refusal `json:"refusals,omitempty"` // the first of them
	rejects *rejectsFile
}

func (m *importSummary) add(a client.BulkAnswer, line int) {
	m.Answered++
	if a.Code != "" {
		m.refuse(refusal{Line: line, Voter: a.Voter, Code: a.Code, Detail: a.Detail})
		return
	}
	m.Outcomes[a.Outcome]++
}

func (m *importSummary) refuse(r refusal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Refused++
	if len(m.First) < maxListed {
		m.First = append(m.First, r)
	}
	m.rejects.write(r)
}

func (m *importSummary) refused() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Refused
}

func (m *importSummary) show(o *display.Output, rejects string) {
	t := display.Table{Bare: true, Indent: 2, Columns: []display.Column{{}, {Right: true}, {}}}
	for _, outcome := range []client.Outcome{client.Counted, client.Replaced, client.Replayed} {
		note := ""
		if outcome == client.Replayed {
			note = "had been counted before"
		}
		if n := m.Outcomes[outcome]; n > 0 || outcome == client.Counted {
			t.Row(display.Cell{Text: string(outcome)}, display.Cell{Text: display.Int(n), Style: display.Bold}, display.Cell{Text: note, Style: display.Dim})
		}
	}
	if m.Refused > 0 {
		t.Row(display.Cell{Text: "refused", Style: display.Bad}, display.Cell{Text: display.Int(m.Refused), Style: display.Bad}, display.Cell{})
	}
	t.Write(o)
	if m.Refused == 0 {
		return
	}
	o.Linef("")
	listRefusals(o, m.First)
	switch more := m.Refused - uint64(len(m.First)); {
	case rejects != "":
		o.Linef("all %s are in %s", display.Int(m.Refused), rejects)
	case more > 0:
		o.Linef("and %s more; --rejects FILE writes all of them", display.Int(more))
	}
}

// listRefusals shows refused lines to people.
func listRefusals(o *display.Output, first []refusal) {
	list := display.Table{Columns: []display.Column{{Title: "LINE", Right: true}, {Title: "VOTER", Flex: true}, {Title: "CODE"}, {Title: "WHY"}}}
	for _, r := range first {
		why := r.Detail
		if r.Column > 0 {
			why = fmt.Sprintf("column %d: %s", r.Column, why)
		}
		list.Row(display.Cell{Text: display.Int(r.Line)}, display.Cell{Text: r.Voter}, display.Cell{Text: string(r.Code), Style: display.Yellow}, display.Cell{Text: why})
	}
	list.Write(o)
}
