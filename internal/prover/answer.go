package prover

import (
	"context"
	"errors"
	"maps"
	"slices"

	"voted/internal/pause"
	"voted/proof"
)

// errStarting: a prover was asked before Start.
var errStarting = errors.New("this member does not sign heads yet")

// Answer answers a call of another member by Method.
func (p *Prover) Answer(ctx context.Context, body []byte) ([]byte, error) {
	if !p.started.Load() {
		return nil, errStarting
	}
	q, err := decodeQuestion(body)
	if err != nil {
		return nil, err
	}
	p.receive(q.heads)
	a := answer{keys: p.keys, verdicts: p.sign(ctx, q.asks)}
	if q.recall != "" {
		p.remembered(q.recall, q.after, &a)
	}
	return a.encode(), nil
}

// candidate is one ask on its way to a signature.
type candidate struct {
	ask
	box     Box
	key     logKey
	mark    mark
	verdict Verdict
}

// sign judges heads, writes the marks of those that may be signed, in one sync, and signs
// them.
func (p *Prover) sign(ctx context.Context, asks []ask) []reply {
	if len(asks) == 0 {
		return nil
	}
	all := make([]candidate, len(asks))
	ready, cancel := context.WithTimeout(ctx, boxWait)
	defer cancel()
	for i := range all {
		all[i] = candidate{ask: asks[i], key: keyOf(asks[i].origin), verdict: Unknown}
		all[i].box = p.await(ready, asks[i])
	}
	p.signing.Lock()
	defer p.signing.Unlock()
	if p.marks != nil && p.recalled.Load() && p.state.Doubt() == nil {
		for i := range all {
			p.judge(ctx, &all[i])
		}
		p.mark(all)
	}
	replies := make([]reply, len(all))
	for i := range all {
		c := &all[i]
		replies[i].verdict = c.verdict
		p.metrics.judged(c.verdict)
		if c.verdict == Signed {
			s := p.cosigner.Sign(c.text(c.origin), uint64(p.opts.Now().Unix()))
			replies[i].id, replies[i].sig = s.ID, s.Bytes
		}
	}
	return replies
}

// await returns the box that an ask is about, once it is large enough and its tree has grown
// so far, or as it is when ctx ends.
func (p *Prover) await(ctx context.Context, a ask) (b Box) {
	for {
		b, _ = p.state.Box(a.origin.Poll)
		if p.origin(b) == a.origin && b.Size >= a.Size {
			_, _ = p.forest.view(ctx, b, a.Size) // the judgement finds the same error
			return b
		}
		if pause.For(ctx, boxLook) != nil {
			return b
		}
	}
}

// judge decides on one candidate. The caller holds signing.
func (p *Prover) judge(ctx context.Context, c *candidate) {
	ctx, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	mark, err := p.marks.get(c.key)
	if err == nil {
		c.mark = mark
		c.verdict, err = judge(c.Point, standing{
			known: c.origin == p.origin(c.box), size: c.box.Size, mark: mark,
			rootAt: func(size uint64) (proof.Hash, error) { return p.forest.rootOf(ctx, c.box, size) },
		})
	}
	if err == nil {
		return
	}
	c.verdict = Unknown
	if ctx.Err() != nil {
		c.verdict = Behind // its tree is still being made
	} else if !errors.Is(err, errStale) {
		p.log.Error("a head cannot be judged, so it is not signed", "log", c.origin.String(), "error", err)
	}
}

// mark writes the marks of what is to be signed. If that fails, nothing is signed. The
// caller holds signing.
func (p *Prover) mark(all []candidate) {
	marks := map[logKey]mark{}
	for i := range all {
		c := &all[i]
		switch {
		case c.verdict == Forked:
			p.fork(c.origin)
			if !c.mark.forked {
				marks[c.key] = mark{c.mark.Point, true}
			}
		case c.verdict == Signed && c.Size > max(c.mark.Size, marks[c.key].Size):
			marks[c.key] = mark{Point: c.Point}
		case c.verdict == Signed && c.Size < marks[c.key].Size:
			c.verdict = Behind // a smaller head of the same log in the same call
		}
	}
	err := p.marks.put(marks)
	if err == nil {
		return
	}
	p.log.Error("the file of marks cannot be written, so this member signs no heads; ballots are counted as ever", "error", err)
	for i := range all {
		if all[i].verdict == Signed {
			all[i].verdict = Unknown
		}
	}
}

// fork notes that this member never signs a log again.
func (p *Prover) fork(o proof.Origin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.forked[o.String()] {
		p.forked[o.String()] = true
		p.log.Error("this member has signed a head of a log that its own ballots do not continue: it never signs that log again. "+
			"Its disk or its state was set back, or another member's was. Compare the members' ballots with kept receipts", "log", o.String())
	}
}

// shownForks bounds Forked: a report is sent twice a second.
const shownForks = 16

// Forked returns the origins of the logs that this member has found forked since its start,
// the first of them if they are many.
func (p *Prover) Forked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.forked) == 0 {
		return nil
	}
	origins := slices.Sorted(maps.Keys(p.forked))
	return origins[:min(len(origins), shownForks)]
}

// forks returns how many logs are forked.
func (p *Prover) forks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.forked)
}
