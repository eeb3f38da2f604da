package strangers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	ours "voted/proof"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name))
	must(t, err)
	return b
}

func policy(t testing.TB) *ours.Policy {
	t.Helper()
	p, err := ours.ParsePolicy(golden(t, "board-2026.policy"))
	must(t, err)
	return p
}

// verifiers are the keys of a policy as others read them.
func verifiers(t testing.TB, p *ours.Policy) note.Verifiers {
	t.Helper()
	var list []note.Verifier
	for _, l := range p.Logs {
		v, err := note.NewVerifier(l.Key.String())
		must(t, err)
		list = append(list, v)
	}
	for _, w := range p.Witnesses {
		v, err := fnote.NewVerifierForCosignatureV1(w.Key.String())
		must(t, err)
		list = append(list, v)
	}
	return note.VerifierList(list...)
}

func TestOurHeadsAreReadByOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"checkpoint-200", "checkpoint-302"} {
		n, err := note.Open(golden(t, name), verifiers(t, policy(t)))
		must(t, err)
		if len(n.Sigs) != 3 || len(n.UnverifiedSigs) != 0 {
			t.Errorf("%s has %d good signatures and %d others", name, len(n.Sigs), len(n.UnverifiedSigs))
		}
		at, err := fnote.CoSigV1Timestamp(n.Sigs[1])
		must(t, err)
		h, err := policy(t).Check(golden(t, name))
		must(t, err)
		if uint64(at.Unix()) != h.Cosigned[0].At {
			t.Errorf("%s was cosigned at %d there and %d here", name, at.Unix(), h.Cosigned[0].At)
		}
	}
}

func TestOurReceiptsAreReadAndWrittenByOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"counted", "opened", "final", "replaced"} {
		file := golden(t, name+".tlog-proof")
		var there fproof.TLogProof
		must(t, there.Unmarshal(file))
		if !bytes.Equal(there.Marshal(), file) {
			t.Errorf("%s is written there as\n%s", name, there.Marshal())
		}
		here, err := ours.ParseProof(file)
		must(t, err)
		if here.Index != there.Index || !bytes.Equal(here.Checkpoint, there.Checkpoint) || !bytes.Equal(here.Extra, there.ExtraData) || len(here.Path) != len(there.Hashes) {
			t.Errorf("%s is read differently", name)
		}
	}
}

func TestOthersSignWhatWeRead(t *testing.T) {
	t.Parallel()
	const text = "votes.example/acme/board-2026/1\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	skey, vkey, err := note.GenerateKey(nil, "votes.example/acme/board-2026/1")
	must(t, err)
	log, err := note.NewSigner(skey)
	must(t, err)
	wkey, wvkey, err := note.GenerateKey(nil, "observer.example/w1")
	must(t, err)
	cosigner, err := fnote.NewSignerForCosignatureV1(wkey)
	must(t, err)
	wvkey, err = fnote.VKeyToCosignatureV1(wvkey)
	must(t, err)
	signed, err := note.Sign(&note.Note{Text: text}, log, cosigner)
	must(t, err)

	p, err := ours.ParsePolicy(fmt.Appendf(nil, "log %s\nwitness union %s\nquorum union\n", vkey, wvkey))
	must(t, err)
	h, err := p.Check(signed)
	must(t, err)
	if h.Size != 0 || h.Root != ours.EmptyRoot || len(h.Cosigned) != 1 {
		t.Errorf("got %+v", h)
	}
}

// A note that is changed anywhere is refused by both, or has as many good signatures for
// both.
func TestBothReadTheSameNotes(t *testing.T) {
	t.Parallel()
	good, p := golden(t, "checkpoint-200"), policy(t)
	known := verifiers(t, p)
	var keys []ours.Verifier
	for _, l := range p.Logs {
		keys = append(keys, l.Key)
	}
	for _, w := range p.Witnesses {
		keys = append(keys, w.Key)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			switch rapid.SampledFrom([]string{"byte", "cut", "double", "insert"}).Draw(t, "change") {
			case "byte":
				b[at] = rapid.SampledFrom([]byte("\n +—A=/\x00\x7f\xff1")).Draw(t, "byte")
			case "cut":
				b = append(b[:at:at], b[min(len(b), at+rapid.IntRange(1, 40).Draw(t, "length")):]...)
			case "double":
				b = append(b[:len(b):len(b)], b[at:]...)
			case "insert":
				b = append(b[:at:at], append([]byte("\n"), b[at:]...)...)
			}
			if len(b) == 0 {
				break
			}
		}
		there, theirErr := note.Open(b, known)
		n, err := ours.ParseNote(b)
		var here []ours.Signed
		if err == nil {
			here, err = n.Verify(keys...)
		}
		switch {
		case theirErr == nil && err != nil && len(n.Signatures) <= ours.MaxSignatures && !onlyLimits(there):
			t.Fatalf("%q is good there, and here: %v", b, err)
		case theirErr != nil && err == nil && len(here) > 0:
			t.Fatalf("%q is good here, and there: %v", b, theirErr)
		case theirErr == nil && err == nil && len(here) != len(there.Sigs):
			t.Fatalf("%q has %d good signatures here, and %d there", b, len(here), len(there.Sigs))
		}
	})
}

// onlyLimits reports whether a note has more signatures than are taken here.
func onlyLimits(n *note.Note) bool { return len(n.Sigs)+len(n.UnverifiedSigs) > ours.MaxSignatures }

// formats v0.1.1 wants a URL on each witness line, which the specification leaves open.
func TestBothSayWhetherAQuorumIsMet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.IntRange(1, 5).Draw(t, "members")
		need := rapid.IntRange(1, members).Draw(t, "need")
		const origin = "votes.example/acme/board-2026/1"
		var seed [ours.SeedBytes]byte
		log, err := ours.NewLogSigner(seed, origin)
		if err != nil {
			t.Fatal(err)
		}
		n := ours.Note{Text: ours.Checkpoint{Origin: origin, Size: 3}.String()}
		n.Signatures = append(n.Signatures, log.Sign(n.Text, 0))
		text, names := "log "+log.Verifier.String()+"\n", ""
		for m := range members {
			seed[0] = byte(m + 1)
			name := fmt.Sprintf("n%d", m)
			s, err := ours.NewCosigner(seed, ours.CosignerName("votes.example/acme", name))
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("witness %s %s https://%s.example/\n", name, s.Verifier, name)
			names += " " + name
			if rapid.Bool().Draw(t, "signs") {
				n.Signatures = append(n.Signatures, s.Sign(n.Text, 1796112210))
			}
		}
		text += fmt.Sprintf("group members %d%s\nquorum members\n", need, names)
		theirs, err := witness.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ours.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Check(n.Append(nil))
		if there := theirs.Satisfied(n.Append(nil)); there != (err == nil) {
			t.Fatalf("%d of%s, signed by %d: %t there, %v here", need, names, len(n.Signatures)-1, there, err)
		}
	})
}
