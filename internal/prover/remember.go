package prover

import (
	"context"
	"errors"

	"voted/proof"
)

// greet asks the members that have not answered since the start for the heads that bear this
// member's signature, and for their keys. Until a majority of the voting members, this one
// among them, has answered, this member signs nothing: its mark may be older than what it
// signed.
func (p *Prover) greet() {
	members := p.cluster.Members()
	if len(members) == 0 {
		return // it has not entered its cluster yet
	}
	votes, heard := 0, 0
	for _, m := range members {
		known := m.ID == p.opts.Member || p.acquainted(m.ID)
		if !known {
			if err := p.recall(m.ID); err != nil {
				p.log.Debug("a member does not say which heads this one has signed", "member", m.ID, "error", err)
			} else {
				known = true
				p.mu.Lock()
				p.met[m.ID] = true
				p.mu.Unlock()
			}
		}
		if m.Votes {
			votes++
			if known {
				heard++
			}
		}
	}
	if heard > votes/2 && !p.recalled.Swap(true) {
		p.log.Debug("the others have said what this member signed; it signs heads from here on")
	}
}

func (p *Prover) acquainted(member string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.met[member]
}

// recall moves this member's marks up to what another member remembers of its signatures.
func (p *Prover) recall(member string) error {
	q := question{recall: p.cosigner.Name()}
	for {
		body, err := q.encode()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(p.ctx, greetTimeout)
		a, err := p.ask(ctx, member, body)
		cancel()
		if err != nil {
			return err
		}
		heads := p.readHeads(a.heads)
		raised, err := p.raise(heads)
		if err != nil {
			return err
		}
		if raised > 0 {
			p.log.Warn("this member's disk does not have all that it signed: it was set back or replaced. Another member remembers, "+
				"so what was signed holds", "logs", raised, "member", member)
		}
		p.accept(heads)
		if !a.more {
			return nil
		}
		if compareKeys(a.last, q.after) <= 0 {
			return errForm // it would never end
		}
		q.after = a.last
	}
}

// remembered adds to an answer the heads after a key that bear a cosigner's signature, as far as
// one call looks.
func (p *Prover) remembered(cosigner string, after logKey, a *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads == nil {
		return
	}
	heads, last, more, err := p.heads.after(after, func(h *Head) bool {
		n, err := proof.ParseNote(h.Note)
		if err != nil {
			return false
		}
		for _, s := range n.Signatures {
			if s.Name == cosigner {
				return true
			}
		}
		return false
	})
	if err != nil {
		p.log.Error("the heads that another member signed cannot be read", "cosigner", cosigner, "error", err)
		return
	}
	a.more, a.last = more, last
	for i := range heads {
		a.heads = append(a.heads, heads[i].Note)
	}
}

// readHeads reads notes that another member sent. What is no head of this cluster is left out.
func (p *Prover) readHeads(notes [][]byte) (heads []Head) {
	for _, b := range notes {
		n, err := proof.ParseNote(b)
		if err != nil {
			continue
		}
		c, err := proof.ParseCheckpoint(n.Text)
		if err != nil || len(c.Extensions) > 0 {
			continue
		}
		origin, err := proof.ParseOrigin(c.Origin)
		if err != nil || origin.Log != p.opts.Name {
			continue
		}
		heads = append(heads, Head{Origin: origin, Point: Point{c.Size, c.Root}, Note: b, At: p.opts.Now()})
	}
	return heads
}

// receive takes in heads that another member sent.
func (p *Prover) receive(notes [][]byte) {
	if len(notes) == 0 {
		return
	}
	heads := p.readHeads(notes)
	if _, err := p.raise(heads); err != nil {
		p.log.Debug("marks cannot be moved up", "error", err)
	}
	p.accept(heads)
}

// errNoMarks: the file of marks could not be opened.
var errNoMarks = errors.New("the file of marks is not open")

// raise moves marks up to heads that bear this member's own signature. It is as good as
// having signed them just now, whatever the file of marks says. It returns how many logs have
// another mark now.
func (p *Prover) raise(heads []Head) (raised int, err error) {
	p.signing.Lock()
	defer p.signing.Unlock()
	if p.marks == nil {
		return 0, errNoMarks
	}
	marks := map[logKey]mark{}
	for i := range heads {
		h := &heads[i]
		n, err := proof.ParseNote(h.Note)
		if err != nil {
			continue
		}
		if good, err := n.Verify(p.cosigner.Verifier); err != nil || len(good) == 0 {
			continue
		}
		key := keyOf(h.Origin)
		was, err := p.marks.get(key)
		if err != nil {
			return 0, err
		}
		switch {
		case was.forked:
		case h.Size > was.Size:
			marks[key] = mark{Point: h.Point}
		case h.Size == was.Size && h.Root != was.Root:
			marks[key] = mark{was.Point, true}
			p.fork(h.Origin)
		}
	}
	return len(marks), p.marks.put(marks)
}

// accept keeps the heads that a majority of the voting members has signed, as far as their
// keys are known here, and that are newer than what is known; and what witnesses signed of those
// that are known.
func (p *Prover) accept(heads []Head) {
	voting := p.voting()
	var good []Head
	var witnessed []cosignature
	for i := range heads {
		if h := &heads[i]; p.isNews(h) && p.isSigned(h, voting) {
			good = append(good, *h)
		}
		// The same head may come at the same time without them, and be kept first.
		witnessed = append(witnessed, p.cosignatures(&heads[i])...)
	}
	// Where this member leads it asks the witnesses for all heads, whoever collected them.
	p.feed(p.keep(good))
	if len(witnessed) > 0 {
		p.enrich(witnessed)
	}
	p.remind(heads)
}

func (p *Prover) isNews(h *Head) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heads != nil && h.Size > p.heads.size(keyOf(h.Origin))
}

// isSigned reports whether a majority of the voting members signed a head. Members whose key
// seems to be another one now are asked for it again.
func (p *Prover) isSigned(h *Head, voting []string) bool {
	n, err := proof.ParseNote(h.Note)
	if err != nil {
		return false
	}
	votes := 0
	for _, member := range voting {
		p.mu.Lock()
		keys := p.members[member]
		p.mu.Unlock()
		key, err := keys.cosigner(p.opts.Name, member)
		if err == nil {
			var good []proof.Signed
			if good, err = n.Verify(key); err != nil {
				return false
			}
			votes += len(good)
		}
		if err != nil || bears(n, key) {
			p.mu.Lock()
			delete(p.met, member)
			p.mu.Unlock()
		}
	}
	return votes > len(voting)/2
}

// bears reports whether a note has a signature under the name of a key, by another key.
func bears(n proof.Note, key proof.Verifier) bool {
	for _, s := range n.Signatures {
		if s.Name == key.Name() && s.ID != key.ID() {
			return true
		}
	}
	return false
}

// learn notes with which keys a member signs. It has answered under its own name, so they are
// its own.
func (p *Prover) learn(member string, keys Keys) {
	p.mu.Lock()
	was := p.members[member]
	same := was.Log.Equal(keys.Log) && was.Cosigner.Equal(keys.Cosigner)
	p.members[member] = keys
	p.mu.Unlock()
	if same || member == p.opts.Member {
		return
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.store(nil, map[string]Keys{member: keys}); err != nil {
		p.log.Debug("the keys of a member are not kept; it is asked again after the next start", "member", member, "error", err)
	}
}
