package witness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"voted/proof"
)

// Why a head is not cosigned. Each refusal wraps one of these, or an error of package proof.
var (
	// ErrUnknownLog: the log is none that this witness watches.
	ErrUnknownLog = errors.New("this witness does not watch this log")
	// ErrMalformed: the request is not in the form of c2sp.org/tlog-witness.
	ErrMalformed = errors.New("the request is not in the form of c2sp.org/tlog-witness")
	// ErrNotQuorum: too few of those that the policy names signed the head, or a signature is
	// false.
	ErrNotQuorum = errors.New("the head is not signed as the policy asks")
	// ErrOtherSize: the head does not begin where the last one ended. A *SizeError has the size.
	ErrOtherSize = errors.New("the last head that was cosigned has another size")
	// ErrSetBack: a member signed this head later than the last one, which is larger. The error is
	// a *SizeError too.
	ErrSetBack = errors.New("a member signed a smaller head after a larger one")
	// ErrFork: the head has the size of the last one, and other entries.
	ErrFork = errors.New("another head of this size was cosigned before")
	// ErrInconsistent: the proof does not show that the log only grew.
	ErrInconsistent = errors.New("the proof does not show that the log only grew")
)

// SizeError is ErrOtherSize with the size of the last head that was cosigned.
type SizeError struct{ Size uint64 }

// Error names the size.
func (e *SizeError) Error() string { return fmt.Sprintf("%v: %d", ErrOtherSize, e.Size) }

// Unwrap returns ErrOtherSize.
func (*SizeError) Unwrap() error { return ErrOtherSize }

// Store keeps the last head that was cosigned of each log.
type Store interface {
	// Last returns the note of the last head; nil if there is none.
	Last(origin string) ([]byte, error)
	// Keep must not return before the note outlives a crash.
	Keep(origin string, note []byte) error
}

// Witness cosigns heads. It is safe for concurrent use.
type Witness struct {
	policy *proof.Policy
	prefix string
	signer proof.Signer
	now    func() uint64 // seconds since the Unix epoch

	mu    sync.Mutex // held from the look at the last head until the new one is kept
	store Store      // guarded by mu
}

// New makes a witness of the logs whose names begin with prefix, such as
// "votes.example/acme/". The keys of the policy are those of the cluster's members; its logs
// may be of any poll. It fails for a policy that asks nobody to sign, and for an empty
// prefix: a witness that signs everything is worth nothing. It fails for a policy that has the
// name or the key of the witness: one that asks for its signature is met only after it signed.
func New(policy *proof.Policy, prefix string, signer proof.Signer, store Store, now func() uint64) (*Witness, error) {
	switch {
	case prefix == "" || !strings.HasSuffix(prefix, "/"):
		return nil, fmt.Errorf("the logs that are watched begin with the name of a cluster and a slash, such as votes.example/acme/, not with %q", prefix)
	case policy.Quorum == "none" || len(policy.Logs) == 0 || len(policy.Witnesses) == 0:
		return nil, errors.New("the policy must name logs, members and a quorum of them: a witness that signs what nobody else did is worth nothing")
	}
	for _, x := range policy.Witnesses {
		if x.Key.Name() == signer.Name() || x.Key.Public().Equal(signer.Public()) {
			return nil, fmt.Errorf("the policy has the name or the key of this witness, as %s; use the policy of the members alone: the witness has a name and a key of its own, and signs what they have signed", x.Name)
		}
	}
	return &Witness{policy: policy, prefix: prefix, signer: signer, now: now, store: store}, nil
}

// policyOf is the policy for another log: the same keys under its name.
func (w *Witness) policyOf(origin string) (*proof.Policy, error) {
	p := *w.policy
	p.AllowNoQuorum, p.Logs = false, nil
	for _, l := range w.policy.Logs {
		v, err := proof.NewVerifier(origin, proof.LogSignature, l.Key.Public())
		if err != nil {
			return nil, err
		}
		p.Logs = append(p.Logs, proof.PolicyLog{Key: v})
	}
	return &p, nil
}

// AddCheckpoint takes the body of add-checkpoint, and returns the line of the cosignature.
func (w *Witness) AddCheckpoint(body []byte) (string, error) {
	r, err := parseRequest(body)
	if err != nil {
		return "", err
	}
	n, err := proof.ParseNote(r.note)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c, err := proof.ParseCheckpoint(n.Text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := proof.ParseOrigin(c.Origin); err != nil || !strings.HasPrefix(c.Origin, w.prefix) {
		return "", fmt.Errorf("%w: %.200s is not a log below %s", ErrUnknownLog, c.Origin, w.prefix)
	}
	p, err := w.policyOf(c.Origin)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnknownLog, err)
	}
	head, err := p.Check(r.note)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotQuorum, err)
	}
	if r.old > c.Size {
		return "", fmt.Errorf("%w: the older size is %d, and the head has %d", ErrMalformed, r.old, c.Size)
	}
	if err := w.advance(head, r); err != nil {
		return "", err
	}
	return w.signer.Sign(n.Text, w.now()).String(), nil
}

// advance moves the last head on to this one, if it continues it.
func (w *Witness) advance(c proof.Head, r request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, err := w.last(c.Origin)
	if err != nil {
		return err
	}
	switch {
	case c.Size < last.Size && w.isSetBack(c):
		return fmt.Errorf("%w: %w", ErrSetBack, &SizeError{last.Size})
	case r.old != last.Size:
		return &SizeError{last.Size}
	case c.Size == last.Size && c.Size > 0 && c.Root != last.Root:
		return ErrFork
	}
	if err := proof.CheckConsistency(r.old, c.Size, last.Root, c.Root, r.path); err != nil {
		return fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	if c.Size == last.Size && c.Size > 0 {
		return nil // it is kept already
	}
	return w.store.Keep(c.Origin, r.note)
}

// isSetBack reports whether a member signed a head, which is smaller than the last one, later than
// that. No member does: its mark only moves up. A head that only comes late, as after a
// failover, was signed before. The caller holds mu.
func (w *Witness) isSetBack(c proof.Head) bool {
	note, err := w.store.Last(c.Origin)
	if err != nil {
		return false
	}
	last, err := c.Under.Signers(note)
	if err != nil {
		return false // the policy was another one then
	}
	return slices.ContainsFunc(c.Cosigned, func(now proof.Cosigned) bool {
		return slices.ContainsFunc(last.Cosigned, func(then proof.Cosigned) bool {
			return now.Witness == then.Witness && now.At > then.At
		})
	})
}

// last returns the last head of a log that was cosigned: an empty one if there is none.
func (w *Witness) last(origin string) (proof.Checkpoint, error) {
	note, err := w.store.Last(origin)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	if note == nil {
		return proof.Checkpoint{Origin: origin, Root: proof.EmptyRoot}, nil
	}
	n, err := proof.ParseNote(note)
	if err != nil {
		return proof.Checkpoint{}, fmt.Errorf("the head of %s that was kept: %w", origin, err)
	}
	c, err := proof.ParseCheckpoint(n.Text)
	if err == nil && c.Origin != origin {
		err = fmt.Errorf("it is of %s", c.Origin)
	}
	if err != nil {
		return proof.Checkpoint{}, fmt.Errorf("the head of %s that was kept: %w", origin, err)
	}
	return c, nil
}
