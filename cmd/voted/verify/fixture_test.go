package verify

import (
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"voted/proof"
)

// The golden log of package proof: 300 ballots of 290 voters, the last ten of which replace
// ballots 281 up to 290, and a closing.

const (
	origin = "votes.example/acme/board-2026/1"
	whole  = 302
)

var salt = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "proof", "testdata", "golden", name))
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func policy(t testing.TB) *proof.Policy {
	t.Helper()
	p, err := proof.ParsePolicy(golden(t, "board-2026.policy"))
	must(t, err)
	return p
}

// entries is a log that tests change.
type entries [][]byte

func goldenEntries(t testing.TB) entries {
	t.Helper()
	var e entries
	for line := range strings.Lines(string(golden(t, "entries"))) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		must(t, err)
		e = append(e, b)
	}
	return e
}

func (e entries) source(from, to uint64) iter.Seq[[]byte] { return slices.Values(e[from:to]) }

func (e entries) view(t testing.TB, size uint64) *proof.View {
	t.Helper()
	var tree proof.Tree
	must(t, tree.Grow(size, e.source))
	v, err := tree.At(size, e.source)
	must(t, err)
	return v
}

// head signs the log at a size as member log, with these cosigners.
func (e entries) head(t testing.TB, size uint64, log int, cosigners ...int) []byte {
	t.Helper()
	root, err := e.view(t, size).Root()
	must(t, err)
	return sign(t, proof.Checkpoint{Origin: origin, Size: size, Root: root}, log, cosigners...)
}

func sign(t testing.TB, c proof.Checkpoint, log int, cosigners ...int) []byte {
	t.Helper()
	n := proof.Note{Text: c.String()}
	s, err := proof.NewLogSigner(seed(log), c.Origin)
	must(t, err)
	n.Signatures = append(n.Signatures, s.Sign(n.Text, 0))
	for _, m := range cosigners {
		s, err := proof.NewCosigner(seed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		n.Signatures = append(n.Signatures, s.Sign(n.Text, 1796112010+c.Size))
	}
	return n.Append(nil)
}

func seed(member int) (s [proof.SeedBytes]byte) {
	for i := range s {
		s[i] = byte(member)
	}
	return s
}

// receipt is the receipt of a ballot under a head.
func (e entries) receipt(t testing.TB, ballot uint64, head []byte) *proof.Receipt {
	t.Helper()
	voter := fmt.Sprintf("v-%d", ballot)
	if ballot > 290 {
		voter = fmt.Sprintf("v-%d", ballot-10)
	}
	entry, err := proof.ParseBallotEntry(e[ballot])
	must(t, err)
	n, err := proof.ParseNote(head)
	must(t, err)
	c, err := proof.ParseCheckpoint(n.Text)
	must(t, err)
	path, err := e.view(t, c.Size).Inclusion(ballot)
	must(t, err)
	return &proof.Receipt{
		Poll: "board-2026", Voter: voter, KeyNonce: proof.VoterNonce(salt, voter),
		Ballot: entry, Number: ballot, Path: path, Checkpoint: head,
	}
}

// promise is what a member promises of a ballot of this log.
func (e entries) promise(t testing.TB, ballot uint64, member int) []byte {
	t.Helper()
	return promise(t, proof.Promise{Origin: origin, Number: ballot, Leaf: proof.LeafHash(e[ballot])}, member)
}

// sworn is a promise of a ballot that is nowhere.
func sworn(t testing.TB, ballot uint64, member int) []byte {
	t.Helper()
	return promise(t, proof.Promise{Origin: origin, Number: ballot, Leaf: proof.Hash{1}}, member)
}

func promise(t testing.TB, p proof.Promise, member int) []byte {
	t.Helper()
	key, err := proof.NewLogSigner(seed(member), p.Origin)
	must(t, err)
	return p.Sign(key)
}

// publish writes the log as a directory, under a head.
func (e entries) publish(t testing.TB, size uint64, head []byte) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"checkpoint": {Data: head}}
	v := e.view(t, size)
	for tile := range proof.Tiles(0, size) {
		var b []byte
		if tile.Level == proof.EntryBundle {
			for n := range uint64(tile.Width) {
				var err error
				b, err = proof.AppendBundle(b, e[tile.Number*proof.TileWidth+n])
				must(t, err)
			}
		} else {
			hashes, err := v.Tile(tile)
			must(t, err)
			b = proof.AppendHashes(nil, hashes)
		}
		files[tile.Path()] = &fstest.MapFile{Data: b}
	}
	return files
}

// published is the log of a directory, opened.
func (e entries) published(t testing.TB, size uint64) *Log {
	t.Helper()
	return open(t, e.publish(t, size, e.head(t, size, 1, 1, 2)))
}

func open(t testing.TB, files fstest.MapFS) *Log {
	t.Helper()
	l, err := OpenLog(files)
	must(t, err)
	return l
}
