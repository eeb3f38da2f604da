package proofs

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"voted/harness/ledger"
	"voted/proof"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const poll = "p"

var salt = [16]byte{1, 2, 3}

// box is a poll's log, signed by two of three members.
type box struct {
	t       *testing.T
	seeds   [3][proof.SeedBytes]byte
	entries [][]byte
	ballots []proof.BallotEntry // of entry 1 and following
}

// newBox casts a ballot for each voter.
func newBox(t *testing.T, voters ...string) *box {
	b := &box{t: t, entries: [][]byte{proof.DefinitionEntry{Derivation: proof.KeyThatOpens}.Append(nil)}}
	for i := range b.seeds {
		b.seeds[i][0] = byte(i + 1)
	}
	for _, v := range voters {
		b.cast(v, 0)
	}
	return b
}

func (b *box) cast(voter string, supersedes uint32) {
	e := proof.BallotEntry{Key: proof.VoterKey(proof.VoterNonce(salt, voter), voter), Supersedes: supersedes, Seal: proof.Hash{byte(len(b.entries))}}
	b.ballots, b.entries = append(b.ballots, e), append(b.entries, e.Append(nil))
}

var origin = proof.Origin{Log: "loadtest.example", Poll: poll, Lineage: "1"}

// policy asks for two of the three members.
func (b *box) policy() *proof.Policy {
	p := &proof.Policy{Quorum: "members", Groups: []proof.PolicyGroup{{Name: "members", Need: 2}}}
	for i := range b.seeds {
		id := fmt.Sprintf("n%d", i+1)
		log, err := proof.NewLogSigner(b.seeds[i], origin.String())
		must(b.t, err)
		member, err := proof.NewCosigner(b.seeds[i], proof.CosignerName(origin.Log, id))
		must(b.t, err)
		p.Logs = append(p.Logs, proof.PolicyLog{Key: log.Verifier})
		p.Witnesses = append(p.Witnesses, proof.PolicyWitness{Name: id, Key: member.Verifier})
		p.Groups[0].Members = append(p.Groups[0].Members, id)
	}
	return p
}

// receipt is the proof of a ballot in the log as it is now.
func (b *box) receipt(voter string, number uint64) *proof.Receipt {
	b.t.Helper()
	size := uint64(len(b.entries))
	all := func(from, to uint64) iter.Seq[[]byte] { return slices.Values(b.entries[from:to]) }
	v, err := proof.Tree{}.At(size, all)
	must(b.t, err)
	root, err := v.Root()
	must(b.t, err)
	path, err := v.Inclusion(number)
	must(b.t, err)
	note := proof.Note{Text: proof.Checkpoint{Origin: origin.String(), Size: size, Root: root}.String()}
	log, err := proof.NewLogSigner(b.seeds[0], origin.String())
	must(b.t, err)
	note.Signatures = append(note.Signatures, log.Sign(note.Text, 0))
	for i := range 2 {
		member, err := proof.NewCosigner(b.seeds[i], proof.CosignerName(origin.Log, fmt.Sprintf("n%d", i+1)))
		must(b.t, err)
		note.Signatures = append(note.Signatures, member.Sign(note.Text, 1))
	}
	return &proof.Receipt{
		Poll: poll, Voter: voter, KeyNonce: proof.VoterNonce(salt, voter), Ballot: b.ballots[number-1], Number: number, Path: path,
		Checkpoint: note.Append(nil),
	}
}

// run is the output of a run with these ballots in the sample.
type run struct {
	box    *box
	dir    string
	sample []Ballot
}

// newRun is a run in which ann, bo and cy voted, cy twice. All proofs are good.
func newRun(t *testing.T) *run {
	r := &run{box: newBox(t, "ann", "bo", "cy"), dir: t.TempDir()}
	r.sample = []Ballot{
		{Poll: poll, Voter: "ann", First: 1, Last: 1, Late: 300},
		{Poll: poll, Voter: "bo", First: 2, Last: 2, Missed: "it was acknowledged only after the load"},
		{Poll: poll, Voter: "cy", First: 3, Last: 4, Late: 100},
	}
	r.put(during, r.box.receipt("ann", 1))
	r.put(during, r.box.receipt("cy", 3))
	r.box.cast("cy", 3)
	for voter, number := range map[string]uint64{"ann": 1, "bo": 2, "cy": 4} {
		r.put(after, r.box.receipt(voter, number))
	}
	must(t, keep(policyFile(r.dir, poll), []byte(r.box.policy().String())))
	return r
}

func (r *run) put(when string, p *proof.Receipt) { r.write(when, p.Voter, p.Append(nil)) }

func (r *run) write(when, voter string, file []byte) {
	must(r.box.t, keep((&Ballot{Poll: poll, Voter: voter}).file(r.dir, when), file))
}

func (r *run) judge() *Verdict {
	r.box.t.Helper()
	must(r.box.t, saveSample(r.dir, r.sample))
	v, err := Judge(r.dir)
	must(r.box.t, err)
	return v
}

func TestGoodProofsAreCountedWithHowLateTheyWere(t *testing.T) {
	t.Parallel()
	v := newRun(t).judge()
	if v.Sampled != 3 || v.During != 2 || v.After != 3 || len(v.Findings) > 0 || !slices.Equal(v.Late, []float64{100, 300}) {
		t.Errorf("got %+v", v)
	}
}

func TestAProofThatIsNotGoodIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(r *run)
		want  string
	}{
		"one whose path is wrong": {func(r *run) {
			p := r.box.receipt("bo", 2)
			p.Path[0][0] ^= 1
			r.put(after, p)
		}, "not in"},
		"one of another voter": {func(r *run) { r.write(after, "bo", r.box.receipt("ann", 1).Append(nil)) }, "it is of ann"},
		"one of another voter's ballot": {func(r *run) {
			p := r.box.receipt("ann", 1)
			p.Voter, p.KeyNonce = "bo", proof.VoterNonce(salt, "bo")
			r.put(after, p)
		}, "is not good"},
		"one of a ballot that was replaced":            {func(r *run) { r.put(after, r.box.receipt("cy", 3)) }, "it is of ballot 3"},
		"one of a ballot that no one was told of":      {func(r *run) { r.box.cast("ann", 1); r.put(after, r.box.receipt("ann", 5)) }, "it is of ballot 5"},
		"one that is missing":                          {func(r *run) { must(r.box.t, os.Remove(r.sample[1].file(r.dir, after))) }, "is missing"},
		"one that was refused":                         {func(r *run) { r.sample[1].Refused = "no ballot" }, "no ballot"},
		"one that is no proof":                         {func(r *run) { r.write(after, "bo", []byte("{}")) }, "is not good"},
		"one during the load":                          {func(r *run) { r.write(during, "ann", []byte("{}")) }, "during the load is not good"},
		"one that a minority signed":                   {func(r *run) { r.box.seeds[1] = r.box.seeds[2]; r.put(after, r.box.receipt("bo", 2)) }, "is not good"},
		"one of another log that the members signed":   {func(r *run) { r.put(after, fork(r).receipt("bo", 2)) }, "contradicts another proof"},
		"one of members that the policy does not name": {func(r *run) { r.box.seeds[0][1], r.box.seeds[1][1] = 9, 9; r.put(after, r.box.receipt("bo", 2)) }, "is not good"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun(t)
			c.spoil(r)
			v := r.judge()
			if len(v.Findings) != 1 || v.Findings[0].Fault != ledger.Unproven || !strings.Contains(v.Findings[0].String(), c.want) || v.During+v.After != 4 {
				t.Errorf("found %q, with %d and %d good ones; want one with %q", v.Findings, v.During, v.After, c.want)
			}
		})
	}
}

// fork is a log of the same members in which cy's second ballot is another one.
func fork(r *run) *box { return newBox(r.box.t, "ann", "bo", "cy", "dee") }

func TestABallotWithAnOpenOutcomeMayHaveALaterProof(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	r.box.cast("ann", 1)
	r.put(after, r.box.receipt("ann", 5))
	r.sample[0].Unsure = true
	if v := r.judge(); len(v.Findings) > 0 {
		t.Errorf("found %q", v.Findings)
	}
}

func TestARunWithoutProofsIsToldFromOneWhoseFilesAreBroken(t *testing.T) {
	t.Parallel()
	if _, err := Judge(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without proofs: %v", err)
	}
	r := newRun(t)
	must(t, saveSample(r.dir, r.sample))
	must(t, os.WriteFile(policyFile(r.dir, poll), []byte("quorum x"), 0o600))
	if _, err := Judge(r.dir); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("with a policy that is none: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(r.dir, Dir, sampleFile), []byte("["), 0o600))
	if _, err := Judge(r.dir); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("with a sample that is cut: %v", err)
	}
}
