package proofkey

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"voted/internal/pki"
	"voted/proof"
)

// seats are members with their keys.
type seats struct {
	keys   []Key
	public []pki.ProofKeys
}

func newSeats(t testing.TB, members ...string) (s seats) {
	t.Helper()
	for _, m := range members {
		k := newKey(t)
		public, err := k.Public(m)
		must(t, err)
		s.keys, s.public = append(s.keys, k), append(s.public, public)
	}
	return s
}

var board = proof.Origin{Log: "votes.example/acme", Poll: "board-2026", Lineage: "1"}

// head signs a head of the log by some of the members.
func (s seats) head(t testing.TB, o proof.Origin, by ...int) []byte {
	t.Helper()
	note := proof.Note{Text: proof.Checkpoint{Origin: o.String(), Size: 3, Root: proof.EmptyRoot}.String()}
	for n, i := range by {
		log, err := s.keys[i].Log(o)
		must(t, err)
		cosigner, err := s.keys[i].Cosigner(o.Log, s.public[i].Member)
		must(t, err)
		if n == 0 {
			note.Signatures = append(note.Signatures, log.Sign(note.Text, 0))
		}
		note.Signatures = append(note.Signatures, cosigner.Sign(note.Text, 1_796_126_400))
	}
	return note.Append(nil)
}

func TestAPolicyTakesHeadsOfAMajorityAndNoOthers(t *testing.T) {
	t.Parallel()
	s, strangers := newSeats(t, "n3", "n1", "n2"), newSeats(t, "n1", "n2", "n3")
	policy, err := PolicyOf{Log: board, Keys: s.public}.Policy()
	must(t, err)
	elsewhere := board
	elsewhere.Lineage = "r17"
	for name, c := range map[string]struct {
		head []byte
		want error
	}{
		"all three":                         {s.head(t, board, 0, 1, 2), nil},
		"two of three, whichever is first":  {s.head(t, board, 2, 0), nil},
		"one of three":                      {s.head(t, board, 1), proof.ErrQuorum},
		"one of three, twice":               {s.head(t, board, 1, 1), proof.ErrQuorum},
		"members of the same ids elsewhere": {strangers.head(t, board, 0, 1, 2), proof.ErrUnsigned},
		"of a later lineage":                {s.head(t, elsewhere, 0, 1, 2), proof.ErrOrigin},
	} {
		if _, err := policy.Check(c.head); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	want := "witness n1 votes.example/acme/n1+"
	if text := policy.String(); !strings.Contains(text, want) || !strings.HasSuffix(text, "group members 2 n1 n2 n3\nquorum members\n") {
		t.Errorf("it reads\n%s", text)
	}
}

func TestWhileAKeyIsExchangedEitherOneOfItsMemberCountsOnce(t *testing.T) {
	t.Parallel()
	old := newSeats(t, "n1", "n2", "n3")
	renewed := newSeats(t, "n1")
	both := seats{append(old.keys, renewed.keys...), append(old.public, renewed.public...)}
	policy, err := PolicyOf{Log: board, Keys: both.public}.Policy()
	must(t, err)
	for name, c := range map[string]struct {
		by   []int
		want error
	}{
		"the old key and another member":   {[]int{0, 1}, nil},
		"the new key and another member":   {[]int{3, 2}, nil},
		"both keys of one member, alone":   {[]int{0, 3}, proof.ErrQuorum},
		"both keys of one, and of another": {[]int{0, 3, 1}, nil},
	} {
		if _, err := policy.Check(both.head(t, board, c.by...)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestStrangersMustSignTooWhereThePolicyNamesThem(t *testing.T) {
	t.Parallel()
	s, union := newSeats(t, "n1", "members", "everybody"), newKey(t)
	cosigner, err := union.Cosigner("observer.example", "w1")
	must(t, err)
	policy, err := PolicyOf{Log: board, Keys: s.public, Witnesses: []proof.PolicyWitness{{Name: "union", Key: cosigner.Verifier, URL: "https://w.observer.example/"}}}.Policy()
	must(t, err)
	head := s.head(t, board, 0, 1)
	if _, err := policy.Check(head); !errors.Is(err, proof.ErrQuorum) {
		t.Errorf("without the stranger: %v", err)
	}
	note, err := proof.ParseNote(head)
	must(t, err)
	note.Signatures = append(note.Signatures, cosigner.Sign(note.Text, 1))
	if _, err := policy.Check(note.Append(nil)); err != nil {
		t.Errorf("with the stranger: %v", err)
	}
}

func TestKeysThatMakeNoPolicyAreRefused(t *testing.T) {
	t.Parallel()
	s := newSeats(t, "n1", "n2", "n3", "n4")
	witness, err := newKey(t).Cosigner("observer.example", "w1")
	must(t, err)
	for name, c := range map[string]struct {
		p    PolicyOf
		says string
	}{
		"without members":                     {PolicyOf{}, "without any"},
		"half of the members":                 {PolicyOf{Keys: s.public, Quorum: 2}, "exclude each other"},
		"more than there are":                 {PolicyOf{Keys: s.public, Quorum: 5}, "cannot be"},
		"one key for two members":             {PolicyOf{Keys: append(s.public[:3:3], pki.ProofKeys{Member: "n5", Log: s.public[0].Log, Cosigner: s.public[0].Cosigner})}, "of another one"},
		"a witness with the name of a member": {PolicyOf{Keys: s.public, Witnesses: []proof.PolicyWitness{{Name: "n2", Key: witness.Verifier}}}, "once more"},
		"a member called none":                {PolicyOf{Keys: newSeats(t, "none").public}, "nobody has to sign"},
	} {
		c.p.Log = board
		if _, err := c.p.Policy(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestTheQuorumIsAMajorityOfAnyNumberOfMembers(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 9; n++ {
		var ids []string
		for i := range n {
			ids = append(ids, fmt.Sprint("n", i))
		}
		policy, err := PolicyOf{Log: board, Keys: newSeats(t, ids...).public}.Policy()
		if err != nil || policy.Groups[0].Need*2 <= n || policy.Groups[0].Need*2 > n+2 {
			t.Errorf("%d members: %v, %v", n, policy, err)
		}
	}
}
