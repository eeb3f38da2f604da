package proof

import (
	"bytes"
	"fmt"
	"strconv"
)

// promiseHeader is the first line of a promise. No text that members sign elsewhere begins so:
// the first line of a checkpoint is an origin, which has no spaces.
const promiseHeader = "voted promise v1"

// promiseLines is how many lines its text has.
const promiseLines = 4

// Promise is one member's word that a ballot has its place in a log, given before a head covers
// it. As a file it is a signed note (c2sp.org/signed-note) with one signature, made by a key of
// the log, under this text:
//
//	voted promise v1
//	votes.example/acme/board-2026/1
//	17
//	5v…E=                                       the leaf hash, in base64
//
// A head of the same log with another entry at that number breaks it: see Contradict.
type Promise struct {
	Origin string // names the log
	Number uint64 // of the ballot, which is that of its entry
	Leaf   Hash   // BallotEntry.Leaf
}

// String returns the text that is signed.
func (p Promise) String() string {
	return promiseHeader + "\n" + p.Origin + "\n" + strconv.FormatUint(p.Number, 10) + "\n" + p.Leaf.String() + "\n"
}

// Sign returns the promise as a file. The key must be a member's for the log: NewLogSigner with
// the promise's origin. The same promise and key give the same bytes.
func (p Promise) Sign(key Signer) []byte {
	text := p.String()
	return Note{Text: text, Signatures: []Signature{key.Sign(text, 0)}}.Append(nil)
}

// IsPromise reports whether a file begins as a promise does.
func IsPromise(file []byte) bool { return bytes.HasPrefix(file, []byte(promiseHeader+"\n")) }

// ParsePromise reads what Sign wrote, and no other spelling of it. Whose signature it bears was not
// looked at: Policy.Promised does that. It fails with ErrMalformed.
func ParsePromise(file []byte) (Promise, error) {
	p, _, err := parsePromise(file)
	return p, err
}

func parsePromise(file []byte) (p Promise, n Note, err error) {
	if n, err = ParseNote(file); err != nil {
		return p, n, err
	}
	lines, err := wholeLines(n.Text)
	switch {
	case err != nil:
		return p, n, err
	case lines[0] != promiseHeader:
		return p, n, fmt.Errorf("%w: the first line of a promise is %s, and here it is %.60q", ErrMalformed, promiseHeader, lines[0])
	case len(lines) != promiseLines:
		return p, n, fmt.Errorf("%w: a promise has %d lines before its signature, and this one has %d", ErrMalformed, promiseLines, len(lines))
	case len(n.Signatures) != 1:
		return p, n, fmt.Errorf("%w: a promise has one signature, and this one has %d", ErrMalformed, len(n.Signatures))
	}
	p.Origin = lines[1]
	if _, err := ParseOrigin(p.Origin); err != nil {
		return p, n, err
	}
	if p.Number, err = parseNumber(lines[2]); err != nil {
		return p, n, fmt.Errorf("the number in a promise: %w", err)
	}
	if p.Number == 0 || p.Number >= MaxSize {
		return p, n, fmt.Errorf("%w: no ballot has the number %d", ErrMalformed, p.Number)
	}
	if p.Leaf, err = ParseHash(lines[3]); err != nil {
		return p, n, fmt.Errorf("the hash in a promise: %w", err)
	}
	if string(n.Append(nil)) != string(file) {
		return p, n, fmt.Errorf("%w: the signature of the promise is written in another way than it should be", ErrMalformed)
	}
	return p, n, nil
}

// CheckBallot checks that a promise is about the ballot of a voter, by what the service says of
// its entry: the nonce that opens the voter's key, the number of the ballot that it replaces (0 for
// none), and its seal. It fails with ErrVoter. What the seal hides a promise does not show.
func (p Promise) CheckBallot(voter string, keyNonce [16]byte, supersedes uint32, seal Hash) error {
	entry := BallotEntry{Key: VoterKey(keyNonce, voter), Supersedes: supersedes, Seal: seal}
	if entry.Leaf() != p.Leaf {
		return fmt.Errorf("%w: what was promised is not the ballot of %.80q", ErrVoter, voter)
	}
	return nil
}

// Promised is a promise whose signature was checked.
type Promised struct {
	Promise
	By Verifier // key of the log; the certificate of its member says whose
}

// Promised checks the signature of a promise: that it is of a log of the policy, by one of its keys.
// It fails with ErrMalformed, ErrOrigin, ErrSignature or ErrUnsigned.
func (p *Policy) Promised(file []byte) (Promised, error) {
	promise, note, err := parsePromise(file)
	if err != nil {
		return Promised{}, err
	}
	by, err := p.promiser(promise.Origin, note)
	for old := p.Before; err != nil && old != nil; old = old.Before {
		if key, fault := old.promiser(promise.Origin, note); fault == nil {
			by, err = key, nil
		}
	}
	return Promised{promise, by}, err
}

// promiser returns the key that signed a promise, by this policy alone.
func (p *Policy) promiser(origin string, note Note) (Verifier, error) {
	var keys []Verifier
	for _, l := range p.Logs {
		if l.Key.name == origin {
			keys = append(keys, l.Key)
		}
	}
	if len(keys) == 0 {
		return Verifier{}, fmt.Errorf("%w: it is of %.200s, and the policy is about %s", ErrOrigin, origin, p.origins())
	}
	signed, err := note.Verify(keys...)
	if err != nil {
		return Verifier{}, err
	}
	if len(signed) == 0 {
		return Verifier{}, fmt.Errorf("%w: %s stands on the promise, and none of its keys made the signature", ErrUnsigned, origin)
	}
	return signed[0].By, nil
}

// Statement returns what the signer of the promise stated: one entry, and nothing of the log as a
// whole.
func (p Promised) Statement() Statement {
	return Statement{
		Head:   Head{Checkpoint: Checkpoint{Origin: p.Origin, Root: EmptyRoot}, Logs: []string{p.By.String()}},
		Leaves: map[uint64]Hash{p.Number: p.Leaf},
	}
}
