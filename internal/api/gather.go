package api

import (
	"errors"
	"io"
	"sync"

	"voted/internal/ballotjson"
	"voted/internal/lines"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/textfile"
)

var errLineTooLong = refusal.New(refusal.PayloadTooLarge, "A line has at most %d bytes.", maxLineBytes)

// chunk is a run of lines that are cast together. Lines that are refused before
// casting have no ballot.
type chunk struct {
	firstLine int
	lines     []lineFate
	ballots   []poll.Ballot
	arena     []byte // the selections of plain ballots, back to back
	bytes     int

	invalid     bool // some line breaks the poll's rules
	invalidCode refusal.Code
	outcomes    []poll.Outcome
}

// blankLine marks a blank line, which has no answer.
var blankLine = new(refusal.Error)

// lineFate is the result of decoding a line. refused nil: the chunk's next ballot is the
// line's.
type lineFate struct{ refused *refusal.Error }

func (c *chunk) reset() {
	clear(c.ballots) // releases their selections
	clear(c.lines)
	*c = chunk{lines: c.lines[:0], ballots: c.ballots[:0], arena: c.arena[:0]}
}

func (c *chunk) full() bool { return len(c.lines) >= maxChunkBallots || c.bytes >= maxChunkBytes }

// gathered is how much of the body has been read.
type gathered struct {
	lines    int  // lines read so far
	complete bool // the body was read to its end
	overrun  bool // the sender did not read: everything after the chunk under way was discarded
}

// gatherer collects lines into a chunk while the one before is being cast. One goroutine
// calls read, another one take; any may call stop.
type gatherer struct {
	rules *poll.Rules
	plain plainBallot // used by read alone

	// discarding is called before each read of data that is discarded.
	discarding func()

	mu      sync.Mutex
	changed sync.Cond
	pending *chunk   // guarded by mu
	spare   *chunk   // guarded by mu
	state   gathered // guarded by mu
	ended   bool     // nothing more will be read; guarded by mu
	stopped bool     // nothing more will be taken; guarded by mu
}

// chunks keeps grown chunks for the next upload.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newGatherer(rules *poll.Rules) *gatherer {
	g := &gatherer{rules: rules, pending: chunks.Get().(*chunk), spare: chunks.Get().(*chunk)}
	g.changed.L = &g.mu
	return g
}

// release gives the chunks back. The caller must call neither read nor take afterwards.
func (g *gatherer) release() {
	for _, c := range []*chunk{g.pending, g.spare} {
		if c != nil {
			c.reset()
			chunks.Put(c)
		}
	}
	g.pending, g.spare = nil, nil
}

// read gathers lines until the body ends or stop is called.
func (g *gatherer) read(l *lines.Reader) {
	d := ballotjson.Get()
	defer d.Release()
	for {
		err := l.Await()
		g.mu.Lock()
		for !g.stopped && !g.state.overrun && g.pending.full() {
			g.changed.Wait()
		}
		switch {
		case err != nil || g.stopped:
		case g.state.overrun:
			g.mu.Unlock()
			err = l.Discard(g.discarding)
			g.mu.Lock()
		default:
			err = g.fill(l, d)
		}
		if err != nil || g.stopped {
			g.ended = true
			g.state.complete = errors.Is(err, io.EOF)
		}
		ended := g.ended
		g.changed.Broadcast()
		g.mu.Unlock()
		if ended {
			return
		}
	}
}

// fill adds the line that has come, and the complete ones after it. It does not wait. The
// caller holds mu.
func (g *gatherer) fill(l *lines.Reader, d *ballotjson.Decoder) error {
	for {
		line, err := l.Next()
		var refused *refusal.Error
		switch {
		case errors.Is(err, lines.ErrTooLong):
			refused = errLineTooLong
		case err != nil:
			return err
		}
		g.state.lines++
		if g.state.lines == 1 {
			line = textfile.TrimMark(line)
		}
		g.add(d, line, refused)
		if g.pending.full() || !l.Ready() {
			return nil
		}
	}
}

// add puts one line into the pending chunk.
func (g *gatherer) add(d *ballotjson.Decoder, line []byte, refused *refusal.Error) {
	c := g.pending
	if len(c.lines) == 0 {
		c.firstLine = g.state.lines
	}
	c.bytes += len(line)
	if refused == nil {
		refused = g.ballot(c, d, line)
	}
	c.lines = append(c.lines, lineFate{refused})
}

// ballot decodes a line and adds its ballot to the chunk.
func (g *gatherer) ballot(c *chunk, d *ballotjson.Decoder, line []byte) *refusal.Error {
	if p, ok := g.plain.scan(line, g.rules, true, c.arena); ok {
		selections := p.selections[len(c.arena):]
		c.arena = p.selections
		ballot := poll.Ballot{Poll: g.rules.ID, Key: g.rules.KeyOfBytes(p.voter), Selections: selections, IfVersion: p.ifVersion}
		if g.rules.Secrecy == poll.Open {
			ballot.Voter = string(p.voter)
		}
		c.ballots = append(c.ballots, ballot)
		return nil
	}
	if textfile.Blank(line) {
		return blankLine
	}
	b, err := d.Decode(line, true)
	var refused *refusal.Error
	if errors.As(err, &refused) {
		return refused
	}
	selections, faults := b.Encode(g.rules)
	if faults != nil {
		c.invalid = true
		return &refusal.Error{Code: refusal.InvalidBallot, Fields: faults}
	}
	ballot := poll.Ballot{Poll: g.rules.ID, Key: g.rules.Key(b.Voter), Selections: selections, IfVersion: b.IfVersion}
	if g.rules.Secrecy == poll.Open {
		ballot.Voter = b.Voter
	}
	c.ballots = append(c.ballots, ballot)
	return nil
}

// take waits for lines and returns them all, or nil when none are left. done, if not nil,
// is a chunk taken before that the caller no longer needs.
func (g *gatherer) take(done *chunk) (*chunk, gathered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done != nil {
		done.reset()
		g.spare = done
	}
	for len(g.pending.lines) == 0 && !g.ended && !g.stopped {
		g.changed.Wait()
	}
	if len(g.pending.lines) == 0 || g.state.overrun {
		return nil, g.state
	}
	c := g.pending
	g.pending, g.spare = g.spare, nil
	g.changed.Broadcast()
	return c, g.state
}

// waiting reports whether take would return lines at once.
func (g *gatherer) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.pending.lines) > 0
}

// awaitEnd returns when the body has been read to its end, or is no longer read. If the
// connection closed earlier, it would break, and the sender would lose answers that it
// has not read yet.
func (g *gatherer) awaitEnd() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.ended && !g.stopped {
		g.changed.Wait()
	}
}

// overrun discards what a sender sends from now on, so that a sender that does not read
// while it sends comes to its end, and reads. It does nothing if the whole body has been
// read.
func (g *gatherer) overrun() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.overrun = g.state.overrun || !g.ended
	g.changed.Broadcast()
}

// stop ends the reading. Lines that were gathered can still be taken.
func (g *gatherer) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	g.changed.Broadcast()
}
