package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files in testdata/golden were made by testdata/golden.py, from the specifications
// and without this package. They never change: receipts like these are in drawers.

const (
	goldenLog     = "votes.example/acme"
	goldenPoll    = "board-2026"
	goldenOrigin  = "votes.example/acme/board-2026/1"
	goldenBallots = 300
	goldenVoters  = 290 // the last ten ballots replace others
	goldenSize    = goldenBallots + 2
)

var goldenSalt = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	return ok(os.ReadFile(filepath.Join("testdata", "golden", name)))(t)
}

func goldenPolicy(t testing.TB) *Policy {
	t.Helper()
	return ok(ParsePolicy(golden(t, "board-2026.policy")))(t)
}

func goldenEntries(t testing.TB) [][]byte {
	t.Helper()
	var entries [][]byte
	for line := range strings.Lines(string(golden(t, "entries"))) {
		entries = append(entries, ok(hex.DecodeString(strings.TrimSpace(line)))(t))
	}
	return entries
}

func goldenSeed(member int) (seed [SeedBytes]byte) {
	for i := range seed {
		seed[i] = byte(member)
	}
	return seed
}

func goldenVoter(ballot uint32) string {
	if ballot > goldenVoters {
		ballot -= 10
	}
	return fmt.Sprintf("v-%d", ballot)
}

// goldenOpening is what the seal of a golden ballot hides.
func goldenOpening(ballot uint32) Opening {
	o := Opening{
		Nonce: SealNonce(SealKey(goldenSalt, goldenPoll), ballot), Version: 1,
		Index: 1000 + uint64(ballot), CastAt: 1796112000000 + uint64(ballot), Selections: []byte{1, byte(ballot % 3)},
	}
	if ballot > goldenVoters {
		o.Version = 2
	}
	return o
}

// madeLog is the golden log, made by this package.
type madeLog struct {
	entries    [][]byte
	superseded *Superseded
	closing    ClosingEntry
}

func makeLog(t testing.TB) *madeLog {
	t.Helper()
	rules := Hash(sha256.Sum256([]byte("the canonical definition")))
	l := &madeLog{superseded: NewSuperseded(goldenBallots)}
	l.entries = append(l.entries, DefinitionEntry{Derivation: KeyThatOpens, Salt: CommitSalt(goldenSalt), Rules: rules}.Append(nil))
	choices := [3]uint64{}
	for n := uint32(1); n <= goldenBallots; n++ {
		voter := goldenVoter(n)
		e := BallotEntry{Key: VoterKey(VoterNonce(goldenSalt, voter), voter), Seal: goldenOpening(n).Seal()}
		choices[n%3]++
		if n > goldenVoters {
			e.Supersedes = n - 10
			l.superseded.Set(e.Supersedes)
			choices[e.Supersedes%3]--
		}
		l.entries = append(l.entries, e.Append(nil))
	}
	profile := ok(HashProfile(func(yield func(ProfileLine) bool) {
		for i, n := range choices {
			if !yield(ProfileLine{Selections: []byte{1, byte(i)}, Ballots: n, Weight: n}) {
				return
			}
		}
	}))(t)
	l.closing = ClosingEntry{
		Records: goldenBallots, Voters: goldenVoters, ClosedIndex: 2000, ClosedAt: 1796115600000,
		Definition: rules, Profile: profile, Superseded: ok(l.superseded.Root())(t),
	}
	l.entries = append(l.entries, l.closing.Append(nil))
	return l
}

func (l *madeLog) source(from, to uint64) iter.Seq[[]byte] { return slices.Values(l.entries[from:to]) }

func (l *madeLog) view(t testing.TB, size uint64) *View {
	t.Helper()
	var tree Tree
	must(t, tree.Grow(size, l.source))
	return ok(tree.At(size, l.source))(t)
}

// checkpoint is a head of the log, signed by n1 as the log and by n1 and n2.
func (l *madeLog) checkpoint(t testing.TB, size uint64) []byte {
	t.Helper()
	return signed(t, Checkpoint{Origin: goldenOrigin, Size: size, Root: ok(l.view(t, size).Root())(t)}, 1, 1, 2)
}

// signed returns a checkpoint with the signature of one member as the log and of some
// as cosigners.
func signed(t testing.TB, c Checkpoint, log int, cosigners ...int) []byte {
	t.Helper()
	n := Note{Text: c.String()}
	n.Signatures = append(n.Signatures, ok(NewLogSigner(goldenSeed(log), c.Origin))(t).Sign(n.Text, 0))
	for _, m := range cosigners {
		s := ok(NewCosigner(goldenSeed(m), CosignerName(goldenLog, fmt.Sprintf("n%d", m))))(t)
		n.Signatures = append(n.Signatures, s.Sign(n.Text, 1796112010+c.Size))
	}
	return n.Append(nil)
}

func (l *madeLog) receipt(t testing.TB, ballot uint32, size uint64) *Receipt {
	t.Helper()
	voter := goldenVoter(ballot)
	return &Receipt{
		Poll: goldenPoll, Voter: voter, KeyNonce: VoterNonce(goldenSalt, voter),
		Ballot: ok(ParseBallotEntry(l.entries[ballot]))(t), Number: uint64(ballot),
		Path: ok(l.view(t, size).Inclusion(uint64(ballot)))(t), Checkpoint: l.checkpoint(t, size),
	}
}

func (l *madeLog) opened(t testing.TB, ballot uint32, size uint64) *Receipt {
	t.Helper()
	r, o := l.receipt(t, ballot, size), goldenOpening(ballot)
	r.Opening = &o
	return r
}

func (l *madeLog) final(t testing.TB, ballot uint32) *Receipt {
	t.Helper()
	r := l.receipt(t, ballot, goldenSize)
	r.Final = &Final{
		Closing: l.closing, Path: ok(l.view(t, goldenSize).Inclusion(goldenSize - 1))(t),
		Chunk: ok(l.superseded.Prove(ballot))(t),
	}
	return r
}

func TestGoldenFilesAreMadeByteForByte(t *testing.T) {
	t.Parallel()
	l := makeLog(t)
	for i, want := range goldenEntries(t) {
		if hex.EncodeToString(l.entries[i]) != hex.EncodeToString(want) {
			t.Fatalf("entry %d is %x, want %x", i, l.entries[i], want)
		}
	}
	for name, got := range map[string][]byte{
		"board-2026.policy":   []byte(makePolicy(t).String()),
		"checkpoint-200":      l.checkpoint(t, 200),
		"checkpoint-302":      l.checkpoint(t, goldenSize),
		"counted.tlog-proof":  l.receipt(t, 17, 200).Append(nil),
		"opened.tlog-proof":   l.opened(t, 17, 200).Append(nil),
		"final.tlog-proof":    l.final(t, 17).Append(nil),
		"replaced.tlog-proof": l.final(t, 281).Append(nil),
		"17.promise":          l.promised(t, 17, 2),
	} {
		if want := golden(t, name); string(got) != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}

// makePolicy is the golden policy, made by this package.
func makePolicy(t testing.TB) *Policy {
	t.Helper()
	p := &Policy{Groups: []PolicyGroup{{"members", 2, []string{"n1", "n2", "n3"}}}, Quorum: "members"}
	for m := 1; m <= 3; m++ {
		name := fmt.Sprintf("n%d", m)
		p.Logs = append(p.Logs, PolicyLog{Key: ok(NewLogSigner(goldenSeed(m), goldenOrigin))(t).Verifier})
		p.Witnesses = append(p.Witnesses, PolicyWitness{Name: name, Key: ok(NewCosigner(goldenSeed(m), CosignerName(goldenLog, name)))(t).Verifier})
	}
	return p
}

func TestGoldenReceiptsAreGood(t *testing.T) {
	t.Parallel()
	p := goldenPolicy(t)
	for _, name := range []string{"counted", "opened", "final"} {
		r := ok(ParseReceipt(golden(t, name+".tlog-proof")))(t)
		h := ok(r.Check(p))(t)
		if r.Voter != "v-17" || r.Number != 17 || len(h.Cosigned) != 2 || h.Cosigned[0].Witness != "n1" || h.At() != 1796112010+h.Size {
			t.Errorf("%s: got %+v under %+v", name, r, h)
		}
	}
	r := ok(ParseReceipt(golden(t, "replaced.tlog-proof")))(t)
	if _, err := r.Check(p); !is(err, ErrSuperseded) {
		t.Errorf("a replaced ballot as final: got %v, want ErrSuperseded", err)
	}
}

func TestTheGoldenLogCounts(t *testing.T) {
	t.Parallel()
	var c Count
	for _, e := range goldenEntries(t) {
		must(t, c.Add(e))
	}
	if c.Records != goldenBallots || c.Voters != goldenVoters || c.Replaced() != 10 || c.Closing == nil || c.Size() != goldenSize {
		t.Errorf("got %d records of %d voters, closing %v", c.Records, c.Voters, c.Closing)
	}
}
