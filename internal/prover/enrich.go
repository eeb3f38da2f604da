package prover

import (
	"slices"

	"voted/proof"
)

// cosignature is what a witness said about a head.
type cosignature struct {
	origin proof.Origin
	Point
	proof.Signature
}

// enrich adds cosignatures that were checked to the newest heads, on disk first, and returns
// these heads. One that a later head has replaced is left out.
func (p *Prover) enrich(added []cosignature) (heads []Head) {
	p.writing.Lock()
	defer p.writing.Unlock()
	for _, c := range added {
		at := slices.IndexFunc(heads, func(h Head) bool { return h.Origin == c.origin })
		var h Head
		if at >= 0 {
			h = heads[at]
		} else if h = p.newest(c.origin); h.Note == nil {
			continue
		}
		n, err := proof.ParseNote(h.Note)
		if err != nil || h.Point != c.Point || len(n.Signatures) >= proof.MaxSignatures || signedBy(h.Note, c.Name, c.ID) {
			continue
		}
		n.Signatures = append(n.Signatures, c.Signature)
		if h.Note = n.Append(nil); at >= 0 {
			heads[at] = h
		} else {
			heads = append(heads, h)
		}
	}
	if len(heads) == 0 {
		return nil
	}
	if err := p.store(heads, nil); err != nil {
		p.log.Error("the cosignature of a witness cannot be kept; it is asked for again with a later head", "error", err)
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.news)
	p.news = make(chan struct{})
	return heads
}

// newest returns the newest head of a log; without a note if there is none that can be read.
func (p *Prover) newest(o proof.Origin) Head {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads == nil {
		return Head{}
	}
	h, ok, err := p.heads.get(o)
	if !ok || err != nil {
		return Head{} // what cannot be read is signed again
	}
	return h
}

// cosignatures are those of this member's witnesses under a head that another member sent, as
// far as they are good.
func (p *Prover) cosignatures(h *Head) (found []cosignature) {
	if len(p.feeders) == 0 {
		return nil
	}
	n, err := proof.ParseNote(h.Note)
	if err != nil {
		return nil
	}
	for _, f := range p.feeders {
		key := f.w.Key()
		if good, err := n.Verify(key); err != nil || len(good) == 0 {
			continue
		}
		at := slices.IndexFunc(n.Signatures, func(s proof.Signature) bool { return s.Name == key.Name() && s.ID == key.ID() })
		found = append(found, cosignature{h.Origin, h.Point, n.Signatures[at]})
	}
	return found
}
