package recount

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/voterid"
	"voted/proof"
)

// Audit is what auditors were given of a poll, read and counted: each entry of its log was made
// again, of the openings where a ballot counts.
type Audit struct {
	Rules *poll.Rules
	proof.Count
	Lines    []proof.ProfileLine
	Roll     []Eligible          // nil if the poll has no roll
	Names    map[string][16]byte // of voters whose ballots count, where the poll is open
	tree     proof.Tree
	last     [][]byte // entries after the whole tiles of the tree
	versions map[uint32]uint32
	opened   []uint64 // bit n: ballot n is opened
	choices  map[string]*proof.ProfileLine
	weights  map[[16]byte]weighed // of the voters whose ballots count, if the poll has a roll
	latest   uint64               // log index of the last ballot that was opened
	decoder  *ballotjson.Decoder
	watch    func(number uint64, entry []byte) error
}

// Eligible is who may vote, or has voted.
type Eligible struct {
	Key    [16]byte
	Weight uint32
}

// weighed is how often the ballot of a voter counts.
type weighed struct{ ballot, weight uint32 }

// auditLine is a line of an audit file. Which names it has says what it is.
type auditLine struct {
	Entry      []byte `json:"entry"`
	Definition []byte `json:"definition"`

	Ballot     uint32    `json:"ballot"`
	VoterKey   string    `json:"voter_key"`
	Supersedes uint32    `json:"supersedes"`
	Seal       string    `json:"seal"` // of a ballot that does not count
	Voter      string    `json:"voter"`
	KeyNonce   string    `json:"key_nonce"` // opens the voter key, where the poll is open
	Version    uint32    `json:"version"`   // of one that does
	Index      uint64    `json:"index"`
	CastAt     time.Time `json:"cast_at"`
	Nonce      string    `json:"nonce"`
	Sealed     string    `json:"sealed"`
	Weight     uint32    `json:"weight"`
	marked

	Eligible string `json:"eligible"`
	Closing  []byte `json:"closing"`
}

// ReadAudit reads an audit file, as nodes serve it, and checks all that it says of itself: that
// each ballot that counts is opened and no other one, that it shows the choice that it seals, that
// in an open poll it stands under the key of the voter whom it names, each once, that the versions
// of a voter follow one another, that the weights are those of the roll, and that the closing fits.
// Whether these are the entries that were signed is for Root to say.
//
// watch is called with each entry, and may be nil; its error ends the reading. ReadAudit fails
// with proof.ErrMalformed, ErrVoter, ErrChain, ErrSeal or ErrEnded, with ErrDefinition, ErrShort,
// ErrProfile, ErrRoll or ErrWeight, or as the reader does. It takes about 100 bytes of memory a
// voter.
func ReadAudit(in io.Reader, watch func(number uint64, entry []byte) error) (*Audit, error) {
	a := &Audit{
		versions: map[uint32]uint32{}, choices: map[string]*proof.ProfileLine{},
		weights: map[[16]byte]weighed{}, Names: map[string][16]byte{}, decoder: ballotjson.Get(), watch: watch,
	}
	defer a.decoder.Release()
	err := eachLine(in, func(text []byte) error {
		var l auditLine
		if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("%w: it is not one of an audit file: %w", proof.ErrMalformed, err)
		}
		return a.line(&l)
	})
	if err == nil {
		err = a.end()
	}
	return a, err
}

func (a *Audit) line(l *auditLine) error {
	switch {
	case a.Rules == nil:
		return a.begin(l)
	case l.Ballot > 0:
		return a.ballot(l)
	case l.Eligible != "":
		return a.eligible(l)
	case l.Closing != nil:
		return a.add(l.Closing)
	}
	return fmt.Errorf("%w: it is no line of an audit file", proof.ErrMalformed)
}

// begin takes the first line.
func (a *Audit) begin(l *auditLine) error {
	if l.Entry == nil || l.Definition == nil {
		return fmt.Errorf("%w: an audit file begins with the definition of the poll", proof.ErrMalformed)
	}
	first, err := proof.ParseDefinitionEntry(l.Entry)
	if err != nil {
		return err
	}
	if a.Rules, err = Definition(l.Definition, first); err != nil {
		return err
	}
	return a.add(l.Entry)
}

// add takes an entry into the tree and the count.
func (a *Audit) add(entry []byte) error {
	number := a.Size()
	if a.watch != nil {
		if err := a.watch(number, entry); err != nil {
			return err
		}
	}
	if err := a.Add(entry); err != nil {
		return err
	}
	a.last = append(a.last, bytes.Clone(entry))
	if len(a.last) < proof.TileWidth {
		return nil
	}
	err := a.tree.Grow(a.Size(), a.entries)
	a.last = a.last[:0]
	return err
}

// entries are those after the whole tiles.
func (a *Audit) entries(from, to uint64) iter.Seq[[]byte] {
	whole := a.tree.Whole()
	return slices.Values(a.last[from-whole : to-whole])
}

// Root returns the root of the log that the audit file makes.
func (a *Audit) Root() (proof.Hash, error) {
	v, err := a.tree.At(a.Size(), a.entries)
	if err != nil {
		return proof.Hash{}, err
	}
	return v.Root()
}

// ballot takes a line of a ballot.
func (a *Audit) ballot(l *auditLine) error {
	if next := a.Records + 1; l.Ballot != next {
		return fmt.Errorf("%w: ballot %d comes where ballot %d should", ErrShort, l.Ballot, next)
	}
	e := proof.BallotEntry{Supersedes: l.Supersedes}
	if err := unhex("voter_key", l.VoterKey, e.Key[:]); err != nil {
		return err
	}
	version := uint32(1)
	if l.Supersedes > 0 {
		version = max(a.versions[l.Supersedes], 1) + 1
		a.versions[l.Ballot] = version
		delete(a.versions, l.Supersedes)
	}
	if l.Version == 0 {
		if err := unhex("seal", l.Seal, e.Seal[:]); err != nil {
			return err
		}
		return a.add(e.Append(nil))
	}
	if l.Version != version {
		return fmt.Errorf("%w: ballot %d is said to be version %d of its voter, and is version %d", proof.ErrChain, l.Ballot, l.Version, version)
	}
	if err := a.name(l, e.Key); err != nil {
		return err
	}
	selections, err := a.open(l, &e)
	if err != nil {
		return err
	}
	if err := a.add(e.Append(nil)); err != nil {
		return err
	}
	a.counts(l, e.Key, selections)
	return nil
}

// Named reports whether the file names the voters whose ballots count, as that of an open poll does.
func (a *Audit) Named() bool { return a.Rules.Secrecy == poll.Open }

// name takes the name of a voter whose ballot counts. Only open polls have names; there each opens
// the key of its ballot, and stands there once. Another nonce makes another key of the same name.
func (a *Audit) name(l *auditLine, key [16]byte) error {
	if !a.Named() {
		if l.Voter != "" || l.KeyNonce != "" {
			return fmt.Errorf("%w: ballot %d has a name, and the poll is secret", proof.ErrMalformed, l.Ballot)
		}
		return nil
	}
	var nonce [16]byte
	if unhex("key_nonce", l.KeyNonce, nonce[:]) != nil {
		return fmt.Errorf("%w: ballot %d does not have what opens the key of its voter", proof.ErrMalformed, l.Ballot)
	}
	if canonical, err := voterid.Canonical(l.Voter); err != nil || canonical != l.Voter {
		return fmt.Errorf("%w: ballot %d is of %q, which is not how a poll writes a voter", proof.ErrMalformed, l.Ballot, l.Voter)
	}
	if proof.VoterKey(nonce, l.Voter) != key {
		return fmt.Errorf("%w: ballot %d does not stand under the key of %q", proof.ErrVoter, l.Ballot, l.Voter)
	}
	if _, twice := a.Names[l.Voter]; twice {
		return fmt.Errorf("%w: %q has two ballots that count, under two keys", proof.ErrChain, l.Voter)
	}
	a.Names[l.Voter] = key
	return nil
}

// open makes the seal of a ballot that counts, and returns its selections.
func (a *Audit) open(l *auditLine, e *proof.BallotEntry) ([]byte, error) {
	o := proof.Opening{Version: l.Version, Index: l.Index, CastAt: uint64(l.CastAt.UnixMilli())}
	if err := unhex("nonce", l.Nonce, o.Nonce[:]); err != nil {
		return nil, err
	}
	var err error
	if o.Selections, err = hex.DecodeString(l.Sealed); err != nil {
		return nil, fmt.Errorf("%w: sealed is not in hexadecimal", proof.ErrMalformed)
	}
	shown, err := l.encode(a.Rules, a.decoder)
	if err != nil {
		return nil, fmt.Errorf("ballot %d: %w", l.Ballot, err)
	}
	switch {
	case !bytes.Equal(shown, o.Selections):
		return nil, fmt.Errorf("%w: ballot %d shows another choice than the one that it sealed", proof.ErrSeal, l.Ballot)
	case l.Index < a.latest:
		return nil, fmt.Errorf("%w: ballot %d is of log index %d, and an earlier ballot of %d", proof.ErrSeal, l.Ballot, l.Index, a.latest)
	}
	a.latest = l.Index
	e.Seal = o.Seal()
	return o.Selections, nil
}

// counts takes a ballot that counts into the profile.
func (a *Audit) counts(l *auditLine, key [16]byte, selections []byte) {
	a.setOpened(l.Ballot)
	weight := uint32(1)
	if a.Rules.Eligibility == poll.OnRoll {
		weight = l.Weight
		a.weights[key] = weighed{l.Ballot, l.Weight}
	}
	line := a.choices[string(selections)]
	if line == nil {
		line = &proof.ProfileLine{Selections: selections}
		a.choices[string(selections)] = line
	}
	line.Ballots++
	line.Weight += uint64(weight)
}

func (a *Audit) setOpened(ballot uint32) {
	for int(ballot/64) >= len(a.opened) {
		a.opened = append(a.opened, 0)
	}
	a.opened[ballot/64] |= 1 << (ballot % 64)
}

func (a *Audit) isOpened(ballot uint32) bool {
	return int(ballot/64) < len(a.opened) && a.opened[ballot/64]>>(ballot%64)&1 != 0
}

// eligible takes a line of the roll.
func (a *Audit) eligible(l *auditLine) error {
	e := Eligible{Weight: l.Weight}
	if err := unhex("eligible", l.Eligible, e.Key[:]); err != nil {
		return err
	}
	if n := len(a.Roll); n > 0 && bytes.Compare(a.Roll[n-1].Key[:], e.Key[:]) >= 0 {
		return fmt.Errorf("%w: its lines are not in the order of their keys, each once", ErrRoll)
	}
	if a.Rules.Eligibility != poll.OnRoll {
		return fmt.Errorf("%w: the poll has none", ErrRoll)
	}
	a.Roll = append(a.Roll, e)
	return nil
}

func unhex(name, text string, to []byte) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("%w: %s is not %d bytes in hexadecimal", proof.ErrMalformed, name, len(to))
	}
	copy(to, b)
	return nil
}
