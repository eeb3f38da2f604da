package prover

import (
	"context"
	"errors"
	"slices"
	"time"

	"voted/proof"
)

// collectClosings collects signatures for polls that have closed, where this member leads.
func (p *Prover) collectClosings() {
	p.mu.Lock()
	polls := p.waiting.closed(maxAsks)
	p.mu.Unlock()
	if p.cluster.Leads() {
		p.collectFor(polls)
	}
}

// collect collects signatures for all polls whose turn it is: where this member leads, all
// that wait; where it does not, those for which the leader has done nothing for long. Each
// poll is tried once.
func (p *Prover) collect(now time.Time) {
	before := now
	if !p.cluster.Leads() {
		before = time.Time{} // none: without a vote it only forgets what is covered
		if rank := p.rank(); rank >= 0 {
			before = now.Add(-standInAfter - time.Duration(rank)*p.opts.Interval)
		}
	}
	p.mu.Lock()
	left := len(p.waiting.queue)
	p.mu.Unlock()
	for left > 0 && p.ctx.Err() == nil {
		p.mu.Lock()
		polls := p.waiting.next(min(maxAsks, left), before)
		p.mu.Unlock()
		if len(polls) == 0 {
			return
		}
		left -= len(polls)
		p.collectFor(polls)
		if time.Since(now) > p.opts.Interval {
			return // the trees are to grow, too
		}
	}
}

// rank returns this member's place among those with a vote, so that they do not all stand in
// at one time; -1: it has none, or is in no cluster.
func (p *Prover) rank() int {
	var voting []string
	for _, m := range p.cluster.Members() {
		if m.Votes {
			voting = append(voting, m.ID)
		}
	}
	slices.Sort(voting)
	return slices.Index(voting, p.opts.Member)
}

// collectFor asks the voting members to sign the heads of polls, as far as this member's own
// trees reach, and keeps those that a majority signed.
func (p *Prover) collectFor(polls []string) {
	asks := p.asksFor(polls)
	if len(asks) == 0 {
		return
	}
	own := p.sign(p.ctx, asks)
	// What this member must not sign itself it collects no signatures for.
	at := 0
	for i, r := range own {
		if r.verdict == Signed {
			asks[at], own[at] = asks[i], r
			at++
		}
	}
	if asks, own = asks[:at], own[:at]; at == 0 {
		return
	}
	b := newBallotOfHeads(p, asks)
	b.add(p.opts.Member, own)
	p.askOthers(b)
	if heads := p.keep(b.assemble(p.opts.Now())); len(heads) > 0 {
		p.metrics.heads.Add(float64(len(heads)))
		b.measure()
		p.push(heads)
		p.feed(heads)
	}
}

// asksFor makes the heads that can be signed now.
func (p *Prover) asksFor(polls []string) (asks []ask) {
	for _, poll := range polls {
		b, ok := p.state.Box(poll)
		if !ok {
			continue
		}
		t, err := p.forest.of(b)
		if err != nil {
			continue // the state was replaced just now
		}
		size := t.reach(b)
		p.mu.Lock()
		covered := p.heads == nil || size <= p.heads.size(keyOf(p.origin(b)))
		p.mu.Unlock()
		if covered {
			continue
		}
		v, err := t.at(b, size)
		if err == nil {
			var root proof.Hash
			if root, err = v.Root(); err == nil {
				asks = append(asks, ask{p.origin(b), Point{size, root}})
				continue
			}
		}
		p.log.Error("the root of a poll's log cannot be made", "poll", poll, "error", err)
	}
	return asks
}

// lateSignatures is how long signatures beyond the majority are waited for: a head with all
// of them says more.
const lateSignatures = 20 * time.Millisecond

// askOthers asks the other voting members, until each head has a majority or all have
// answered.
func (p *Prover) askOthers(b *ballotOfHeads) {
	body, err := (&question{asks: b.asks}).encode()
	if err != nil {
		p.log.Error("signatures cannot be asked for", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, askTimeout)
	defer cancel()
	type answered struct {
		member string
		answer answer
		err    error
	}
	answers, asked := make(chan answered, len(b.voting)), 0
	for _, member := range b.voting {
		if member != p.opts.Member {
			asked++
			go func() { // ends with its call
				a, err := p.ask(ctx, member, body)
				answers <- answered{member, a, err}
			}()
		}
	}
	var enough <-chan time.Time
	for ; asked > 0; asked-- {
		if enough == nil && b.decided() {
			timer := time.NewTimer(lateSignatures)
			defer timer.Stop()
			enough = timer.C
		}
		select {
		case got := <-answers:
			if got.err != nil {
				p.log.Debug("a member does not sign heads", "member", got.member, "error", got.err)
				continue
			}
			p.report(got.member, b.add(got.member, got.answer.verdicts))
		case <-enough:
			return
		}
	}
}

// ask calls one member, and learns its keys.
func (p *Prover) ask(ctx context.Context, member string, body []byte) (answer, error) {
	b, err := p.cluster.Ask(ctx, member, body)
	if err != nil {
		return answer{}, err
	}
	a, err := decodeAnswer(b)
	if err == nil {
		p.learn(member, a.keys)
	}
	return a, err
}

// report logs that a member refuses to sign, once for each reason.
func (p *Prover) report(member string, worst Verdict) {
	p.mu.Lock()
	was := p.said[member]
	p.said[member] = worst
	p.mu.Unlock()
	if worst == was {
		return
	}
	switch worst {
	case Differs, Forked:
		p.log.Error("a member does not sign this member's heads", "member", member, "because", worst.String())
	case Unknown, Behind:
		p.log.Debug("a member does not sign this member's heads yet", "member", member, "because", worst.String())
	case Signed:
		p.log.Info("a member signs heads", "member", member)
	}
}

// ballotOfHeads counts who has signed which head.
type ballotOfHeads struct {
	p      *Prover
	asks   []ask
	voting []string
	need   int // a majority of all voting members
	signed []map[string]proof.Signature
}

func newBallotOfHeads(p *Prover, asks []ask) *ballotOfHeads {
	b := &ballotOfHeads{p: p, asks: asks, signed: make([]map[string]proof.Signature, len(asks))}
	b.voting = p.voting()
	b.need = len(b.voting)/2 + 1
	for i := range b.signed {
		b.signed[i] = map[string]proof.Signature{}
	}
	return b
}

// voting returns the ids of the voting members, sorted.
func (p *Prover) voting() (ids []string) {
	for _, m := range p.cluster.Members() {
		if m.Votes {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// add takes in what a member answered, and returns the gravest of its verdicts. Signatures
// that are not its own are nothing.
func (b *ballotOfHeads) add(member string, replies []reply) (worst Verdict) {
	worst = Signed
	if len(replies) != len(b.asks) {
		return Unknown
	}
	b.p.mu.Lock()
	keys := b.p.members[member]
	b.p.mu.Unlock()
	key, err := keys.cosigner(b.p.opts.Name, member)
	if err != nil {
		return Unknown
	}
	for i, r := range replies {
		verdict := r.verdict
		if verdict == Signed {
			s := proof.Signature{Name: key.Name(), ID: r.id, Bytes: r.sig}
			note := proof.Note{Text: b.asks[i].text(b.asks[i].origin), Signatures: []proof.Signature{s}}
			if good, err := note.Verify(key); err == nil && len(good) == 1 {
				b.signed[i][member] = s
			} else {
				verdict = Unknown
			}
		}
		if grave(verdict) > grave(worst) {
			worst = verdict
		}
	}
	return worst
}

// grave orders verdicts by how much they should worry an operator.
func grave(v Verdict) int {
	return slices.Index([]Verdict{Signed, Behind, Unknown, Differs, Forked}, v)
}

// decided reports whether each head has its majority.
func (b *ballotOfHeads) decided() bool {
	for _, signed := range b.signed {
		if len(signed) < b.need {
			return false
		}
	}
	return true
}

// assemble returns the heads that a majority signed, each with this member's signature as
// the log.
func (b *ballotOfHeads) assemble(now time.Time) (heads []Head) {
	for i, signed := range b.signed {
		a := &b.asks[i]
		votes := 0
		for _, member := range b.voting {
			if _, ok := signed[member]; ok {
				votes++
			}
		}
		if votes < b.need {
			continue
		}
		log, err := b.p.opts.Signer.Log(a.origin)
		if err != nil {
			b.p.log.Error("a head cannot be signed as its log", "log", a.origin.String(), "error", err)
			continue
		}
		note := proof.Note{Text: a.text(a.origin)}
		note.Signatures = append(note.Signatures, log.Sign(note.Text, 0))
		for _, member := range b.voting {
			if s, ok := signed[member]; ok && len(note.Signatures) < proof.MaxSignatures {
				note.Signatures = append(note.Signatures, s)
			}
		}
		heads = append(heads, Head{Origin: a.origin, Point: a.Point, Note: note.Append(nil), At: now})
	}
	return heads
}

// keep makes heads the newest of their logs, on disk first, and returns those that are: a later
// one may be there already, and the disk may fail.
func (p *Prover) keep(heads []Head) (kept []Head) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	for i := range heads {
		if h := &heads[i]; p.heads == nil || h.Size > p.heads.size(keyOf(h.Origin)) {
			kept = append(kept, *h)
		}
	}
	p.mu.Unlock()
	if len(kept) == 0 {
		return nil
	}
	if err := p.store(kept, nil); err != nil {
		p.log.Error("a head cannot be kept, so there are no proofs here; ballots are counted as ever", "error", err)
		return nil
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range kept {
		p.waiting.cover(kept[i].Origin.Poll, kept[i].Size, now)
	}
	close(p.news)
	p.news = make(chan struct{})
	return kept
}

// errNoHeads: the file of heads could not be opened.
var errNoHeads = errors.New("the file of heads is not open")

// store writes heads and keys, and then lets readers see them. The caller holds writing.
func (p *Prover) store(heads []Head, keys map[string]Keys) error {
	p.mu.Lock()
	h := p.heads
	p.mu.Unlock()
	bodies := framesOf(heads, keys)
	switch {
	case h == nil:
		return errNoHeads
	case len(bodies) == 0:
		return nil
	}
	if err := h.write(bodies); err != nil {
		return err
	}
	p.mu.Lock()
	err := h.note(bodies)
	p.mu.Unlock()
	if err != nil || !h.isOld() {
		return err
	}
	again, err := h.rewritten()
	if err != nil {
		p.log.Warn("the file of heads is not written again without what is old; it is tried with the next head", "error", err)
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads = again
	return h.close()
}

// push sends heads to all other members.
func (p *Prover) push(heads []Head) {
	q := &question{}
	for i := range heads {
		q.heads = append(q.heads, heads[i].Note)
	}
	body, err := q.encode()
	if err != nil {
		p.log.Error("heads cannot be sent", "error", err)
		return
	}
	for _, m := range p.cluster.Members() {
		if m.ID == p.opts.Member {
			continue
		}
		p.tasks.Go(func() {
			ctx, cancel := context.WithTimeout(p.ctx, askTimeout)
			defer cancel()
			if _, err := p.ask(ctx, m.ID, body); err != nil {
				p.log.Debug("a member did not get the newest heads; it gets later ones", "member", m.ID, "error", err)
			}
		})
	}
}
