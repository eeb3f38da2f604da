package verify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"voted/proof"
)

// A poll with a roll, of which everything is published: 300 ballots of 290 voters, the last ten
// of which replace ballots 281 up to 290. The voter v-n has the weight 1 + n%3, and chooses
// option n%3 of ann, bo and cy with ballot n. It is made here of the formats' descriptions alone.

const (
	// What the poll began with, and with title and close what it ended with: the encodings that
	// package poll makes of {"id":"board-2026","method":"plurality","revote":"until_close",
	// "eligibility":"roll"} with the options ann, bo and cy.
	definitionHex = "0a626f6172642d32303236000303616e6e03416e6e02626f02426f02637902437909706c7572616c6974790101000100000000000100"
	finalHex      = "0a626f6172642d323032360a426f61726420323032360303616e6e03416e6e02626f02426f02637902437909706c7572616c6974790101000100000080a5d486a334000100"
	closesAt      = 1796115600000
	// The same of {…,"secrecy":"open"}.
	openDefinitionHex = "0a626f6172642d32303236000303616e6e03416e6e02626f02426f02637902437909706c7572616c6974790101000100010000000100"
	openFinalHex      = "0a626f6172642d323032360a426f61726420323032360303616e6e03416e6e02626f02426f02637902437909706c7572616c6974790101000100010080a5d486a334000100"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	must(t, err)
	return b
}

// audited is a line of an audit file.
type audited struct {
	Entry      []byte   `json:"entry,omitempty"`
	Definition []byte   `json:"definition,omitempty"`
	Ballot     uint32   `json:"ballot,omitempty"`
	VoterKey   string   `json:"voter_key,omitempty"`
	Supersedes uint32   `json:"supersedes,omitempty"`
	Seal       string   `json:"seal,omitempty"`
	Voter      string   `json:"voter,omitempty"`
	KeyNonce   string   `json:"key_nonce,omitempty"`
	Selections []string `json:"selections,omitempty"`
	Version    uint32   `json:"version,omitempty"`
	Index      uint64   `json:"index,omitempty"`
	CastAt     string   `json:"cast_at,omitempty"`
	Nonce      string   `json:"nonce,omitempty"`
	Sealed     string   `json:"sealed,omitempty"`
	Eligible   string   `json:"eligible,omitempty"`
	Weight     uint32   `json:"weight,omitempty"`
	Closing    []byte   `json:"closing,omitempty"`
}

// published is what there is of the poll.
type published struct {
	entries
	lines   []audited
	closing proof.ClosingEntry
	profile []proof.ProfileLine
}

const countedBallots = 300

func weightOf(voter int) uint32 { return 1 + uint32(voter%3) }

func voterOf(ballot int) int {
	if ballot > 290 {
		return ballot - 10
	}
	return ballot
}

func openingOf(ballot int) proof.Opening {
	o := proof.Opening{
		Nonce: proof.SealNonce(proof.SealKey(salt, "board-2026"), uint32(ballot)), Version: 1,
		Index: 1000 + uint64(ballot), CastAt: 1796112000000 + uint64(ballot), Selections: []byte{byte(ballot % 3)},
	}
	if ballot > 290 {
		o.Version = 2
	}
	return o
}

// publish makes the poll as it is honest.
func publish(t testing.TB) *published {
	t.Helper()
	definition := unhex(t, definitionHex)
	first := proof.DefinitionEntry{Derivation: proof.KeyThatOpens, Disclosure: 1, Salt: proof.CommitSalt(salt), Rules: sha256.Sum256(definition)}.Append(nil)
	p := &published{entries: entries{first}, lines: []audited{{Entry: first, Definition: definition}}}
	options := []string{"ann", "bo", "cy"}
	bits := proof.NewSuperseded(countedBallots)
	sums := make([]proof.ProfileLine, 3)
	for n := 1; n <= countedBallots; n++ {
		voter := fmt.Sprintf("v-%d", voterOf(n))
		e := proof.BallotEntry{Key: proof.VoterKey(proof.VoterNonce(salt, voter), voter), Seal: openingOf(n).Seal()}
		if n > 290 {
			e.Supersedes = uint32(n - 10)
		}
		p.entries = append(p.entries, e.Append(nil))
		line := audited{Ballot: uint32(n), VoterKey: hex.EncodeToString(e.Key[:]), Supersedes: e.Supersedes}
		if n > 280 && n <= 290 {
			bits.Set(uint32(n))
			line.Seal = hex.EncodeToString(e.Seal[:])
		} else {
			o := openingOf(n)
			line.Selections, line.Version, line.Index, line.Weight = options[n%3:n%3+1], o.Version, o.Index, weightOf(voterOf(n))
			line.CastAt = time.UnixMilli(int64(o.CastAt)).UTC().Format("2006-01-02T15:04:05.000Z")
			line.Nonce, line.Sealed = hex.EncodeToString(o.Nonce[:]), hex.EncodeToString(o.Selections)
			sums[n%3].Selections = o.Selections
			sums[n%3].Ballots++
			sums[n%3].Weight += uint64(line.Weight)
		}
		p.lines = append(p.lines, line)
	}
	p.profile = sums
	root, err := bits.Root()
	must(t, err)
	p.closing = proof.ClosingEntry{
		Records: countedBallots, Voters: 290, ClosedIndex: 2000, ClosedAt: closesAt, Definition: sha256.Sum256(unhex(t, finalHex)), Superseded: root,
	}
	p.closing.Profile, err = proof.HashProfile(slices.Values(sums))
	must(t, err)
	p.enroll()
	p.end()
	return p
}

// enroll adds the roll to the audit file, and its hash to the closing.
func (p *published) enroll() {
	type line struct {
		key    [16]byte
		weight uint32
	}
	var roll []line
	for v := 1; v <= 300; v++ { // ten of them did not vote
		voter := fmt.Sprintf("v-%d", v)
		roll = append(roll, line{proof.VoterKey(proof.VoterNonce(salt, voter), voter), weightOf(v)})
	}
	slices.SortFunc(roll, func(a, b line) int { return bytes.Compare(a.key[:], b.key[:]) })
	h := sha256.New()
	for _, l := range roll {
		p.lines = append(p.lines, audited{Eligible: hex.EncodeToString(l.key[:]), Weight: l.weight})
		h.Write(binary.BigEndian.AppendUint32(l.key[:], l.weight))
	}
	h.Sum(p.closing.Roll[:0])
}

// end adds the closing.
func (p *published) end() {
	closing := p.closing.Append(nil)
	p.entries = append(p.entries, closing)
	p.lines = append(p.lines, audited{Closing: closing})
}

// publishOpen is publish for a poll that shows who chose what.
func publishOpen(t testing.TB) *published {
	t.Helper()
	p := publish(t)
	began := unhex(t, openDefinitionHex)
	first := proof.DefinitionEntry{Derivation: proof.KeyThatOpens, Disclosure: 2, Salt: proof.CommitSalt(salt), Rules: sha256.Sum256(began)}.Append(nil)
	p.entries[0], p.lines[0] = first, audited{Entry: first, Definition: began}
	for n := 1; n <= countedBallots; n++ {
		p.name(n, fmt.Sprintf("v-%d", voterOf(n)), salt)
	}
	p.closing.Definition = sha256.Sum256(unhex(t, openFinalHex))
	p.close(t)
	return p
}

// name puts a name to a ballot that counts, with what opens the key that a salt makes of it.
func (p *published) name(ballot int, voter string, salt [16]byte) {
	if l := &p.lines[ballot]; l.Nonce != "" {
		nonce := proof.VoterNonce(salt, voter)
		l.Voter, l.KeyNonce = voter, hex.EncodeToString(nonce[:])
	}
}

// rekey puts a ballot under another key, in the log, in the audit file and on its roll.
func (p *published) rekey(t testing.TB, ballot int, key [16]byte) {
	t.Helper()
	l := &p.lines[ballot]
	for i := range p.lines {
		if p.lines[i].Eligible == l.VoterKey {
			p.lines[i].Eligible = hex.EncodeToString(key[:])
		}
	}
	l.VoterKey = hex.EncodeToString(key[:])
	e, err := proof.ParseBallotEntry(p.entries[ballot])
	must(t, err)
	e.Key = key
	p.entries[ballot] = e.Append(nil)
	roll := p.lines[countedBallots+1 : countedBallots+301]
	slices.SortFunc(roll, func(a, b audited) int { return cmp.Compare(a.Eligible, b.Eligible) })
	h := sha256.New()
	for _, r := range roll {
		h.Write(binary.BigEndian.AppendUint32(unhex(t, r.Eligible), r.Weight))
	}
	h.Sum(p.closing.Roll[:0])
	p.close(t)
}

// close makes the closing again, of a profile that was changed.
func (p *published) close(t testing.TB) {
	t.Helper()
	var err error
	p.closing.Profile, err = proof.HashProfile(slices.Values(p.profile))
	must(t, err)
	p.entries, p.lines = p.entries[:len(p.entries)-1], p.lines[:len(p.lines)-1]
	p.end()
}

// audit is the audit file.
func (p *published) audit(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, l := range p.lines {
		must(t, e.Encode(l))
	}
	return b.Bytes()
}

// whole is a head of the whole log.
func (p *published) whole(t testing.TB, cosigners ...int) []byte {
	t.Helper()
	return p.head(t, uint64(len(p.entries)), 1, cosigners...)
}

// closingProof is the proof of the end, under a head.
func (p *published) closingProof(t testing.TB, head []byte) *proof.ClosingProof {
	t.Helper()
	size := uint64(len(p.entries))
	v := p.view(t, size)
	first, err := proof.ParseDefinitionEntry(p.entries[0])
	must(t, err)
	c := &proof.ClosingProof{Poll: "board-2026", Title: "Board 2026", ClosesAt: closesAt, First: first, Closing: p.closing, Checkpoint: head}
	c.FirstPath, err = v.Inclusion(0)
	must(t, err)
	c.Path, err = v.Inclusion(size - 1)
	must(t, err)
	return c
}

// profileFile is the profile as nodes serve it.
func (p *published) profileFile() []byte {
	var b []byte
	for _, l := range p.profile {
		b = fmt.Appendf(b, `{"selections":[%q],"count":%d,"weight":%d}`+"\n", []string{"ann", "bo", "cy"}[l.Selections[0]], l.Ballots, l.Weight)
	}
	return b
}

// result is the directory that a result is counted from.
func (p *published) result(t testing.TB) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"closing":    {Data: p.closingProof(t, p.whole(t, 1, 2)).Append(nil)},
		"definition": {Data: unhex(t, definitionHex)},
		"profile":    {Data: p.profileFile()},
	}
}
