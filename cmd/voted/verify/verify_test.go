package verify

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"voted/proof"
)

var update = flag.Bool("update", false, "write testdata/sentences.golden again")

// said is what one check came to.
type said struct {
	name    string
	outcome Outcome
	verdict *Verdict
}

var utc = Words{Zone: time.UTC}

// changed returns a receipt file that somebody tampered with.
func changed(r *proof.Receipt, how func(*proof.Receipt)) []byte {
	how(r)
	return r.Append(nil)
}

func receipts(t *testing.T) []said {
	e, p := goldenEntries(t), policy(t)
	good := func() *proof.Receipt { return e.receipt(t, 17, e.head(t, 200, 1, 1, 2)) }
	opened := func() *proof.Receipt {
		r, err := proof.ParseReceipt(golden(t, "opened.tlog-proof"))
		must(t, err)
		return r
	}
	nobody, external := policy(t), policy(t)
	nobody.Quorum = "none"
	s, err := proof.NewCosigner(seed(9), "observer.example/w1")
	must(t, err)
	external.Witnesses = append(external.Witnesses, proof.PolicyWitness{Name: "union", Key: s.Verifier})
	alone := *nobody
	alone.AllowNoQuorum = true
	root, err := e.view(t, 200).Root()
	must(t, err)
	other := sign(t, proof.Checkpoint{Origin: "votes.example/acme/board-2026/r9", Size: 200, Root: root}, 1, 1, 2)
	forged := strings.Replace(string(e.head(t, 200, 1, 1, 2)), "\n200\n", "\n201\n", 1)
	fork := goldenEntries(t)
	fork[30][40] ^= 1
	replaced := e.receipt(t, 285, e.head(t, 290, 1, 1, 2)).Append(nil) // by ballot 295
	forgedLog := func(e entries, cosigners ...int) *Log {
		size := uint64(len(e))
		return open(t, e.publish(t, size, e.head(t, size, 1, cosigners...)))
	}
	check := func(file []byte) *Verdict { return Receipt(file, p, "", nil, utc) }
	signedAs := func(how func(*proof.Note)) *Verdict {
		return check(changed(good(), func(r *proof.Receipt) {
			n := noteOf(t, r.Checkpoint)
			how(&n)
			r.Checkpoint = n.Append(nil)
		}))
	}
	return []said{
		{"a ballot that is counted", Right, check(golden(t, "counted.tlog-proof"))},
		{"a ballot that is counted, with the choice in the receipt", Right, check(golden(t, "opened.tlog-proof"))},
		{"a ballot that counted at the close", Right, check(golden(t, "final.tlog-proof"))},
		{"a ballot that replaced another", Right, check(e.receipt(t, 295, e.head(t, 301, 1, 1, 2, 3)).Append(nil))},
		{"a ballot of the voter who is named", Right, Receipt(golden(t, "counted.tlog-proof"), p, "v-17", nil, utc)},
		{"a ballot that nothing replaced in the log", Right, Receipt(golden(t, "counted.tlog-proof"), p, "", e.published(t, whole), utc)},
		{"a policy with an external witness", Right, Receipt(golden(t, "counted.tlog-proof"), external, "", nil, utc)},
		{"the word of one key, where that is enough", Right, Receipt(e.receipt(t, 17, e.head(t, 200, 1)).Append(nil), &alone, "", nil, utc)},
		{"a policy that asks nobody", Undecided, Receipt(golden(t, "counted.tlog-proof"), nobody, "", nil, utc)},
		{"the receipt of somebody else", Wrong, Receipt(golden(t, "counted.tlog-proof"), p, "v-18", nil, utc)},
		{"a file that is no receipt", Wrong, check([]byte("hello\n"))},
		{"a receipt whose lines end in CR LF", Wrong, check([]byte(strings.ReplaceAll(string(golden(t, "counted.tlog-proof")), "\n", "\r\n")))},
		{"a receipt of another history of the poll", Wrong, check(e.receipt(t, 17, other).Append(nil))},
		{"a receipt that says another poll", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Poll = "board-2027" }))},
		{"a newer proof under an older head", Wrong, check(changed(e.receipt(t, 17, e.head(t, 201, 1, 1, 2)), func(r *proof.Receipt) { r.Checkpoint = e.head(t, 200, 1, 1, 2) }))},
		{"an older proof under a newer head", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Checkpoint = e.head(t, 300, 1, 1, 2) }))},
		{"signatures of another head", Wrong, signedAs(func(n *proof.Note) { n.Signatures = noteOf(t, e.head(t, 199, 1, 1, 2)).Signatures })},
		{"a signature with another time", Wrong, signedAs(func(n *proof.Note) { n.Signatures[1].Bytes[7]++ })},
		{"another key under a member's name", Wrong, signedAs(func(n *proof.Note) { n.Signatures[1] = stranger(t, n) })},
		{"another key under a member's name and id", Wrong, signedAs(func(n *proof.Note) {
			id := n.Signatures[1].ID
			n.Signatures[1] = stranger(t, n)
			n.Signatures[1].ID = id
		})},
		{"the signature of one member twice", Wrong, check(e.receipt(t, 17, e.head(t, 200, 1, 1, 1)).Append(nil))},
		{"a head that was changed", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Checkpoint = []byte(forged) }))},
		{"a head that one member signed", Wrong, check(e.receipt(t, 17, e.head(t, 200, 1, 1)).Append(nil))},
		{"a head that nobody cosigned", Wrong, check(e.receipt(t, 17, e.head(t, 200, 1)).Append(nil))},
		{"a head that no member signed as the log", Wrong, check(e.receipt(t, 17, e.head(t, 200, 9, 1, 2)).Append(nil))},
		{"a voter's receipt made over to another", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Voter = "v-18" }))},
		{"another choice", Wrong, check(changed(opened(), func(r *proof.Receipt) { r.Opening.Selections = []byte{1, 0} }))},
		{"a seal that was changed", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Ballot.Seal[0] ^= 1 }))},
		{"another number", Wrong, check(changed(good(), func(r *proof.Receipt) { r.Number = 18 }))},
		{"a ballot that was replaced before the close", Wrong, check(golden(t, "replaced.tlog-proof"))},
		{"a ballot that was replaced later in the log", Wrong, Receipt(e.receipt(t, 285, e.head(t, 290, 1, 1, 2)).Append(nil), p, "", e.published(t, whole), utc)},
		{"a log that nobody signed, and ends before the ballot was replaced", Wrong, Receipt(replaced, p, "", open(t, e.publish(t, 291, e.head(t, 291, 9))), utc)},
		{"a log that one member signed, and has a ballot more of the voter", Wrong, Receipt(golden(t, "counted.tlog-proof"), p, "", forgedLog(append(e[:200:200], e[17]), 1), utc)},
		{"a log that one member signed, and closed early", Wrong, Receipt(replaced, p, "", forgedLog(append(e[:290:290], e[301]), 1), utc)},
		{"a log with a byte as its closing", Wrong, Receipt(replaced, p, "", forgedLog(append(e[:290:290], []byte("x")), 1, 2), utc)},
		{"a log with a closing of other numbers", Wrong, Receipt(replaced, p, "", forgedLog(append(e[:290:290], e[301]), 1, 2), utc)},
		{"a log that goes on behind its closing", Wrong, Receipt(golden(t, "counted.tlog-proof"), p, "", forgedLog(append(e[:302:302], e[17]), 1, 2), utc)},
		{"a log with a record of an unknown kind behind the ballot", Wrong, Receipt(replaced, p, "", forgedLog(append(e[:290:290], []byte("q")), 1, 2), utc)},
		{"a log that does not continue the receipt's head", Wrong, Receipt(golden(t, "counted.tlog-proof"), p, "", fork.published(t, whole), utc)},
		{"a ballot that outlived a restore", Right, restored(t, "r9", 200, 250, 17)},
		{"a ballot that a restore dropped", Wrong, restored(t, "r9", 200, 150, 160)},
		{"a ballot in whose place a restored log has another", Wrong, restored(t, "r9", 200, 150, 160, 170)},
		{"a ballot that outlived a recovery", Right, restored(t, "c9", 200, 250, 17)},
		{"a ballot that a recovery dropped", Wrong, restored(t, "c9", 200, 150, 160)},
		{"a log after a restore that one member signed", Wrong, restoredLog(t, "r9", e.publish(t, 250, restoredHead(t, "r9", e, 250, 1, 1)), 200, 17)},
		{"a log that is not the one after the restore", Wrong, Restored(golden(t, "counted.tlog-proof"), p, e.published(t, whole), p, utc)},
		{"a log that ends before the receipt's head", Undecided, Receipt(golden(t, "final.tlog-proof"), p, "", e.published(t, 250), utc)},
	}
}

func noteOf(t *testing.T, b []byte) proof.Note {
	t.Helper()
	n, err := proof.ParseNote(b)
	must(t, err)
	return n
}

// stranger is a cosignature under the name of n1, by a key that the policy does not have.
func stranger(t *testing.T, n *proof.Note) proof.Signature {
	t.Helper()
	s, err := proof.NewCosigner(seed(66), "votes.example/acme/n1")
	must(t, err)
	return s.Sign(n.Text, 1796112210)
}

const board = "votes.example/acme/board-2026/"

func restoredHead(t *testing.T, lineage string, e entries, size uint64, log int, cosigners ...int) []byte {
	root, err := e.view(t, size).Root()
	must(t, err)
	return sign(t, proof.Checkpoint{Origin: board + lineage, Size: size, Root: root}, log, cosigners...)
}

// restored is the verdict on the receipt of a ballot under a head of some size, where a
// restore, or a recovery, went back to kept entries, after which the ballots more were cast.
func restored(t *testing.T, lineage string, size, kept, ballot uint64, more ...uint64) *Verdict {
	e := goldenEntries(t)
	now := slices.Clone(e[:kept])
	for n := kept; n <= ballot && len(more) > 0; n++ {
		now = append(now, e[n+more[0]-ballot])
	}
	head := restoredHead(t, lineage, now, uint64(len(now)), 1, 1, 2)
	return restoredLog(t, lineage, now.publish(t, uint64(len(now)), head), size, ballot)
}

func restoredLog(t *testing.T, lineage string, files fstest.MapFS, size, ballot uint64) *Verdict {
	e, after := goldenEntries(t), policy(t)
	for i := range after.Logs {
		s, err := proof.NewLogSigner(seed(i+1), board+lineage)
		must(t, err)
		after.Logs[i].Key = s.Verifier
	}
	receipt := e.receipt(t, ballot, e.head(t, size, 1, 1, 2)).Append(nil)
	return Restored(receipt, policy(t), open(t, files), after, utc)
}

func logs(t *testing.T) []said {
	p := policy(t)
	check := func(e entries, size uint64) *Verdict { return CheckLog(e.published(t, size), p, utc) }
	with := func(how func(e entries) entries) *Verdict {
		e := how(goldenEntries(t))
		return check(e, uint64(len(e)))
	}
	e := goldenEntries(t)
	files := func(how func(fstest.MapFS)) *Verdict {
		f := e.publish(t, whole, golden(t, "checkpoint-302"))
		how(f)
		return CheckLog(open(t, f), p, utc)
	}
	bundle := proof.Tile{Level: proof.EntryBundle, Width: 256}.Path()
	other := goldenEntries(t)
	other[100], other[101] = other[101], other[100]
	// Under the head that was signed; a log of its own would be a poll in another order.
	swapped := CheckLog(open(t, other.publish(t, whole, golden(t, "checkpoint-302"))), p, utc)
	// The partial tiles were removed when the whole ones came, as the specification allows.
	ahead := e.publish(t, whole, golden(t, "checkpoint-200"))
	ahead["tile/0/000.p/200"] = &fstest.MapFile{Data: ahead["tile/0/000"].Data[:200*32]}
	return []said{
		{"a log that is closed", Right, check(e, whole)},
		{"a log that is open", Right, check(e, 295)},
		{"a log that has grown beyond its head", Right, CheckLog(open(t, ahead), p, utc)},
		{"a log of the definition alone", Right, check(e, 1)},
		{"an empty log", Wrong, check(e, 0)},
		{"a bit of a record", Wrong, files(func(f fstest.MapFS) { f[bundle].Data[2+68+2+30] ^= 1 })},
		{"a head that one member signed", Wrong, CheckLog(open(t, e.publish(t, whole, e.head(t, whole, 1, 1))), p, utc)},
		{"a tile that was changed", Wrong, files(func(f fstest.MapFS) { f["tile/0/000"].Data[0] ^= 1 })},
		{"a tile that is missing", Undecided, files(func(f fstest.MapFS) { delete(f, "tile/1/000.p/1") })},
		{"records that are missing", Undecided, files(func(f fstest.MapFS) { delete(f, bundle) })},
		{"records that are cut", Wrong, files(func(f fstest.MapFS) { f[bundle].Data = f[bundle].Data[:1000] })},
		{"a voter twice", Wrong, with(func(e entries) entries { e[100] = e[99]; return e })},
		{"two records swapped", Wrong, swapped},
		{"a record dropped and the later ones moved up", Wrong, with(func(e entries) entries { return slices.Delete(e, 100, 101) })},
		{"a record after the closing", Wrong, with(func(e entries) entries { return append(e, e[5]) })},
		{"a closing with other numbers", Wrong, with(func(e entries) entries { e[301][4]++; return e })},
		{"a closing with other ballots as replaced", Wrong, with(func(e entries) entries { e[301][125] ^= 1; return e })},
		{"a record of an unknown kind", Wrong, with(func(e entries) entries { e[9][0] = 'q'; return e })},
	}
}

func growths(t *testing.T) []said {
	e, fork, p := goldenEntries(t), goldenEntries(t), policy(t)
	fork[17][40] ^= 1
	early, late := golden(t, "checkpoint-200"), golden(t, "checkpoint-302")
	log := func() *Log { return e.published(t, whole) }
	other := sign(t, proof.Checkpoint{Origin: "votes.example/acme/lunch/1"}, 1, 1, 2)
	return []said{
		{"a log that has grown", Right, Growth(early, late, p, log(), utc)},
		{"a log that has grown, without a policy", Right, Growth(early, late, nil, log(), utc)},
		{"the same head twice", Right, Growth(early, early, p, nil, utc)},
		{"heads of two sizes alone", Undecided, Growth(early, late, p, nil, utc)},
		{"the later head first", Undecided, Growth(late, early, p, log(), utc)},
		{"heads of two logs", Undecided, Growth(early, other, nil, log(), utc)},
		{"a log that is not the later head's", Undecided, Growth(early, late, p, fork.published(t, whole), utc)},
		{"a log that ends too early", Undecided, Growth(early, late, p, e.published(t, 250), utc)},
		{"an earlier head of a fork", Wrong, Growth(fork.head(t, 200, 1, 1, 2), late, p, log(), utc)},
		{"two heads of one size", Wrong, Growth(fork.head(t, 200, 1, 1, 2), early, p, nil, utc)},
		{"an earlier head that one member signed", Wrong, Growth(e.head(t, 200, 1, 1), late, p, log(), utc)},
		{"a later head that is no head", Wrong, Growth(early, []byte("hello\n"), nil, log(), utc)},
	}
}

func frauds(t *testing.T) []said {
	e, fork, p := goldenEntries(t), goldenEntries(t), policy(t)
	fork[17][40] ^= 1
	head := e.head(t, 200, 1, 1, 2)
	cut := func() *Log {
		files := e.publish(t, whole, golden(t, "checkpoint-302"))
		bundle := files[proof.Tile{Level: proof.EntryBundle, Width: 256}.Path()]
		bundle.Data = bundle.Data[:1000]
		return open(t, files)
	}
	return []said{
		{"two heads of one size", Right, Fraud(head, fork.head(t, 200, 1, 1, 2), p, nil)},
		{"two heads that one member signed both", Right, Fraud(head, fork.head(t, 200, 3, 2, 3), p, nil)},
		{"two heads that only the log's key signed both", Right, Fraud(e.head(t, 200, 1, 1), fork.head(t, 200, 1, 2), p, nil)},
		{"two receipts with one number", Right, Fraud(golden(t, "counted.tlog-proof"), fork.receipt(t, 17, fork.head(t, 250, 1, 2, 3)).Append(nil), p, nil)},
		{"heads of two sizes, with the log", Right, Fraud(fork.head(t, 200, 1, 1, 2), golden(t, "checkpoint-302"), p, e.published(t, whole))},
		{"two heads that nobody signed both", Undecided, Fraud(e.head(t, 200, 1, 1), fork.head(t, 200, 2, 2), p, nil)},
		{"heads of two sizes alone", Undecided, Fraud(head, golden(t, "checkpoint-302"), p, nil)},
		{"heads of two sizes, with a log whose records are cut", Undecided, Fraud(fork.head(t, 200, 1, 1, 2), golden(t, "checkpoint-302"), p, cut())},
		{"a lying promise, and a log whose records are cut", Undecided, Fraud(fork.promise(t, 17, 3), golden(t, "checkpoint-302"), p, cut())},
		{"one log that grows", Wrong, Fraud(head, golden(t, "checkpoint-302"), p, e.published(t, whole))},
		{"the same head twice", Wrong, Fraud(head, head, p, nil)},
		{"a receipt that is not good", Undecided, Fraud(head, changed(e.receipt(t, 17, head), func(r *proof.Receipt) { r.Ballot.Seal[0] ^= 1 }), p, nil)},
		{"a head of another log", Undecided, Fraud(head, sign(t, proof.Checkpoint{Origin: "votes.example/acme/lunch/1"}, 1, 1, 2), p, nil)},
		{"a promise that is kept", Wrong, Fraud(golden(t, "17.promise"), golden(t, "counted.tlog-proof"), p, nil)},
		{"a promise that is kept, by the log", Wrong, Fraud(golden(t, "checkpoint-302"), golden(t, "17.promise"), p, e.published(t, whole))},
		{"a promise that is kept, as one key says", Wrong, Fraud(golden(t, "17.promise"), e.receipt(t, 17, e.head(t, 200, 1)).Append(nil), p, nil)},
		{"a promise and an earlier head", Undecided, Fraud(golden(t, "17.promise"), e.head(t, 17, 1, 1, 2), p, nil)},
		{"a promise and a head without its log", Undecided, Fraud(golden(t, "17.promise"), head, p, nil)},
		{"a promise and a receipt of another ballot", Undecided, Fraud(golden(t, "17.promise"), e.receipt(t, 18, head).Append(nil), p, nil)},
		{"a promise and the log of another head", Undecided, Fraud(golden(t, "17.promise"), head, p, fork.published(t, whole))},
		{"a lying promise", Right, Fraud(fork.promise(t, 17, 2), golden(t, "counted.tlog-proof"), p, nil)},
		{"a receipt and a lying promise", Right, Fraud(golden(t, "counted.tlog-proof"), fork.promise(t, 17, 2), p, nil)},
		{"a lying promise, by the log", Right, Fraud(fork.promise(t, 17, 3), golden(t, "checkpoint-302"), p, e.published(t, whole))},
		{"a lying promise of a member that signed the head", Right, Fraud(fork.promise(t, 17, 1), golden(t, "counted.tlog-proof"), p, nil)},
		{"a promise beyond the end", Right, Fraud(sworn(t, 400, 2), golden(t, "final.tlog-proof"), p, nil)},
		{"a lying promise, and a head of too few", Undecided, Fraud(fork.promise(t, 17, 2), e.receipt(t, 17, e.head(t, 200, 1, 1)).Append(nil), p, nil)},
		{"a lying promise, and a head that nobody signed", Undecided, Fraud(fork.promise(t, 17, 2), e.receipt(t, 17, e.head(t, 200, 9, 9)).Append(nil), p, nil)},
		{"two promises of one member", Right, Fraud(golden(t, "17.promise"), fork.promise(t, 17, 2), p, nil)},
		{"two promises of two members", Undecided, Fraud(golden(t, "17.promise"), fork.promise(t, 17, 3), p, nil)},
		{"one promise by two members", Wrong, Fraud(golden(t, "17.promise"), e.promise(t, 17, 3), p, nil)},
		{"a promise of a stranger", Undecided, Fraud(fork.promise(t, 17, 9), golden(t, "counted.tlog-proof"), p, nil)},
		{"a promise that was changed", Undecided, Fraud(bytes.Replace(golden(t, "17.promise"), []byte("\n17\n"), []byte("\n18\n"), 1), golden(t, "counted.tlog-proof"), p, nil)},
		{"a promise and a receipt that is not good", Undecided, Fraud(fork.promise(t, 17, 2), changed(e.receipt(t, 17, head), func(r *proof.Receipt) { r.Ballot.Seal[0] ^= 1 }), p, nil)},
		{"a promise and a head of another log", Undecided, Fraud(golden(t, "17.promise"), sign(t, proof.Checkpoint{Origin: "votes.example/acme/lunch/1"}, 1, 1, 2), p, nil)},
		{"a file that is no document", Undecided, Fraud([]byte("hello\n"), head, p, nil)},
	}
}

// nextPolicy is a policy with other keys of n1 and n2, with the signatures of some members as
// they were before.
func nextPolicy(t *testing.T, members ...int) []byte {
	t.Helper()
	p := policy(t)
	for i := range 2 {
		s, err := proof.NewCosigner(seed(11+i), fmt.Sprintf("votes.example/acme/n%d", i+1))
		must(t, err)
		p.Witnesses[i].Key = s.Verifier
	}
	n := proof.Note{Text: p.String()}
	for _, m := range members {
		s, err := proof.NewCosigner(seed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		n.Signatures = append(n.Signatures, s.Sign(n.Text, 5))
	}
	return n.Append(nil)
}

func policies(t *testing.T) []said {
	p := policy(t)
	check := func(file []byte) *Verdict { return NextPolicy(p, file) }
	same := noteOf(t, nextPolicy(t, 1, 3))
	same.Text = p.String()
	for i, m := range []int{1, 3} {
		s, err := proof.NewCosigner(seed(m), fmt.Sprintf("votes.example/acme/n%d", m))
		must(t, err)
		same.Signatures[i] = s.Sign(same.Text, 5)
	}
	altered := noteOf(t, nextPolicy(t, 1, 3))
	altered.Text = p.String()
	next, err := p.Next(nextPolicy(t, 1, 3))
	must(t, err)
	next.Before = p
	return []said{
		{"a policy that a quorum of the older one signed", Right, check(nextPolicy(t, 1, 3))},
		{"the same policy once more", Right, check(same.Append(nil))},
		{"a policy that one member signed", Wrong, check(nextPolicy(t, 2))},
		{"a policy that only its own new keys signed", Wrong, check(nextPolicy(t, 11, 12))},
		{"another policy under the signatures", Wrong, check(altered.Append(nil))},
		{"a policy that nobody signed", Undecided, check([]byte(p.String()))},
		{"a head as a policy", Undecided, check(golden(t, "checkpoint-200"))},
		{"a receipt of before, under the policy that followed", Right, Receipt(golden(t, "counted.tlog-proof"), next, "", nil, utc)},
	}
}

// Every sentence that people can be told is in one file, to be read by those who know
// people.
func TestEveryVerdictIsSaidInASentence(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, part := range []struct {
		command string
		checks  []said
	}{{"receipt", receipts(t)}, {"log", logs(t)}, {"growth", growths(t)}, {"result", results(t)}, {"export", exports(t)}, {"fraud", frauds(t)}, {"mirror", mirrors(t)}, {"policy", policies(t)}, {"receipt --choice", choices(t)}} {
		fmt.Fprintf(&b, "== %s\n\n", part.command)
		for _, c := range part.checks {
			if c.verdict.Outcome != c.outcome {
				t.Errorf("%s, %s: got %s, want %s: %q", part.command, c.name, c.verdict.Outcome, c.outcome, c.verdict.Sentences)
			}
			fmt.Fprintf(&b, "%s: %s\n", c.name, c.verdict.Outcome)
			for _, s := range c.verdict.Sentences {
				fmt.Fprintf(&b, "    %s\n", s)
			}
			b.WriteString("\n")
		}
	}
	const file = "testdata/sentences.golden"
	if *update {
		must(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if b.String() != string(want) {
		t.Errorf("the sentences changed; if they should, run go test ./cmd/voted/verify -update and read %s:\n%s", file, b.String())
	}
}

// What voters, observers and courts see is in their words.
func TestNoSentenceNeedsATextbook(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/sentences.golden")
	must(t, err)
	for _, word := range []string{"merkle", "leaf", "leaves", "root", "inclusion", "sha-256", "nonce", "cosign", "checkpoint ", "tree", "hash", "raft", "quorum not"} {
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "    ") && strings.Contains(strings.ToLower(line), word) {
				t.Errorf("a sentence has the word %q: %s", word, line)
			}
		}
	}
	if !strings.Contains(string(b), "    Your ballot in board-2026 is counted: record 17 of 199.") {
		t.Error("the sentence for a good receipt does not begin as it is promised")
	}
}
