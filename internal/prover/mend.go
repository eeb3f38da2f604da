package prover

import (
	"errors"
	"maps"
)

// mend opens the files that could not be used.
func (p *Prover) mend() {
	p.mendMarks()
	p.mendHeads()
}

func (p *Prover) mendMarks() {
	p.signing.Lock()
	defer p.signing.Unlock()
	if p.damaged != nil {
		return
	}
	var err error
	if p.marks == nil {
		p.marks, err = openMarks(p.opts.Disk)
	} else {
		err = p.marks.heal(p.opts.Disk)
	}
	if errors.Is(err, ErrDamaged) {
		p.damaged = err
	}
	p.mu.Lock()
	if p.before = nil; err == nil {
		p.before = maps.Clone(p.marks.forked)
	}
	p.mu.Unlock()
	if err != nil {
		p.log.Error("what this member has signed cannot be read or written, so it signs no heads; ballots are counted as ever", "error", err)
	}
}

func (p *Prover) mendHeads() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads != nil {
		return
	}
	h, lost, err := openHeads(p.opts.Disk)
	if err != nil {
		p.log.Error("the heads of logs cannot be kept, so there are no proofs here; ballots are counted as ever", "error", err)
		return
	}
	if lost != nil {
		p.log.Warn("a part of the file of heads was dropped; what it had is signed again", "why", lost)
	}
	p.heads = h
	for id, k := range h.keys {
		if id != p.opts.Member {
			p.members[id] = k
		}
	}
}
