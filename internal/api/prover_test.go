package api

import (
	"context"
	"sync"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/proof"
)

// provers stand in for those of a cluster of three: they sign the backend's polls when a test
// says so.
type provers struct {
	b       *backend
	lineage string
	before  *poll.Capture // what views show instead of what the backend has; nil: nothing else

	mu     sync.Mutex
	heads  map[string]Head // guarded by mu
	signed chan struct{}   // guarded by mu; closed when there is a new head
	silent bool            // guarded by mu: some member has not told its keys
}

const logName = "votes.example"

func (p *provers) origin(id string) proof.Origin {
	return proof.Origin{Log: logName, Poll: id, Lineage: p.lineage}
}

// seed is the proof key of a member, from 1.
func seed(member int) (s [proof.SeedBytes]byte) {
	s[0] = byte(member)
	return s
}

func (p *provers) signers(id string) (log proof.Signer, cosigners []proof.Signer) {
	log, err := proof.NewLogSigner(seed(1), p.origin(id).String())
	if err != nil {
		panic(err)
	}
	for i, name := range []string{"n1", "n2", "n3"} {
		c, err := proof.NewCosigner(seed(i+1), logName+"/"+name)
		if err != nil {
			panic(err)
		}
		cosigners = append(cosigners, c)
	}
	return log, cosigners
}

// policyOf is what somebody who checks has from elsewhere.
func (p *provers) policyOf(id string) *proof.Policy {
	log, cosigners := p.signers(id)
	policy := &proof.Policy{Logs: []proof.PolicyLog{{Key: log.Verifier}}, Quorum: "members"}
	group := proof.PolicyGroup{Name: "members", Need: 2}
	for i, c := range cosigners {
		name := []string{"n1", "n2", "n3"}[i]
		policy.Witnesses = append(policy.Witnesses, proof.PolicyWitness{Name: name, Key: c.Verifier})
		group.Members = append(group.Members, name)
	}
	policy.Groups = []proof.PolicyGroup{group}
	return policy
}

func (p *provers) capture(id string) (c poll.Capture, ok bool) {
	p.b.Read(func(s *poll.State) {
		var refused *refusal.Error
		c, _, refused = s.Capture(id)
		ok = refused == nil
	})
	return c, ok
}

func viewOf(c *poll.Capture, size uint64) (*proof.View, error) {
	var tree proof.Tree
	if err := tree.Grow(size, c.Leaves); err != nil {
		return nil, err
	}
	return tree.At(size, c.Leaves)
}

// sign signs the poll as it is.
func (p *provers) sign(id string) {
	c, ok := p.capture(id)
	if !ok {
		panic("there is no poll " + id)
	}
	v, err := viewOf(&c, c.LogSize())
	if err != nil {
		panic(err)
	}
	root, err := v.Root()
	if err != nil {
		panic(err)
	}
	checkpoint := proof.Checkpoint{Origin: p.origin(id).String(), Size: v.Size(), Root: root}
	note := proof.Note{Text: checkpoint.String()}
	log, cosigners := p.signers(id)
	note.Signatures = append(note.Signatures, log.Sign(note.Text, 0))
	for _, s := range cosigners[:2] {
		note.Signatures = append(note.Signatures, s.Sign(note.Text, uint64(noon/1000)))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads[id] = Head{Origin: p.origin(id), Size: v.Size(), Root: root, Note: note.Append(nil)}
	close(p.signed)
	p.signed = make(chan struct{})
}

func (p *provers) Head(id string) (Head, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.heads[id]
	return h, ok
}

func (p *provers) Await(ctx context.Context, id string, index uint64) (Head, error) {
	for {
		p.mu.Lock()
		h, signed := p.heads[id], p.signed
		p.mu.Unlock()
		if h.Size > index {
			return h, nil
		}
		select {
		case <-signed:
		case <-ctx.Done():
			return h, ctx.Err()
		}
	}
}

func (p *provers) View(_ context.Context, h Head) (*proof.View, error) {
	c, ok := p.capture(h.Origin.Poll)
	if !ok || h.Origin.Lineage != p.lineage || c.LogSize() < h.Size {
		return nil, refusal.Of(refusal.ProofPending)
	}
	if p.before != nil {
		return viewOf(p.before, h.Size)
	}
	return viewOf(&c, h.Size)
}

// Promise is that of the first member.
func (p *provers) Promise(id string, number uint64, leaf proof.Hash) ([]byte, error) {
	c, ok := p.capture(id)
	if p.before != nil {
		c = *p.before
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok || p.silent || uint64(c.Records()) < number {
		return nil, refusal.Of(refusal.ProofPending)
	}
	if e, _ := c.Entry(uint32(number)); e.Leaf() != leaf {
		return nil, refusal.Of(refusal.ProofPending)
	}
	key, _ := p.signers(id)
	return proof.Promise{Origin: p.origin(id).String(), Number: number, Leaf: leaf}.Sign(key), nil
}

func (p *provers) Policy(id string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent {
		return nil, refusal.Of(refusal.ProofPending)
	}
	return []byte(p.policyOf(id).String()), nil
}

// provingRig is a rig of a member that keeps logs.
func provingRig(t *testing.T, change ...func(*Options)) (*rig, *provers) {
	t.Helper()
	p := &provers{lineage: "1", heads: map[string]Head{}, signed: make(chan struct{})}
	g := newRig(t, append([]func(*Options){func(o *Options) { o.Prover = p }}, change...)...)
	p.b = g.b
	return g, p
}

// receiptOf reads a proof, and checks it by the policy that its reader has.
func receiptOf(t *testing.T, text string, policy *proof.Policy) *proof.Receipt {
	t.Helper()
	r, err := proof.ParseReceipt([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := r.Check(policy); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}
