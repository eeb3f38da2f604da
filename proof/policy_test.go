package proof

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// anyPolicy draws a policy of members with nested groups. The seeds of its members are
// 1, 2, 3 …
func anyPolicy(t *rapid.T) *Policy {
	members := rapid.IntRange(1, 6).Draw(t, "members")
	p := &Policy{}
	var free []string
	for m := 1; m <= members; m++ {
		log, _ := NewLogSigner(goldenSeed(m), goldenOrigin)
		cosigner, _ := NewCosigner(goldenSeed(m), CosignerName(goldenLog, fmt.Sprintf("n%d", m)))
		p.Logs = append(p.Logs, PolicyLog{log.Verifier, rapid.SampledFrom([]string{"", "https://log.example/"}).Draw(t, "url")})
		name := fmt.Sprintf("n%d", m)
		p.Witnesses = append(p.Witnesses, PolicyWitness{name, cosigner.Verifier, ""})
		free = append(free, name)
	}
	for g := 0; len(free) > 1; g++ {
		n := rapid.IntRange(2, len(free)).Draw(t, "in the group")
		name := fmt.Sprintf("g%d", g)
		p.Groups = append(p.Groups, PolicyGroup{name, rapid.IntRange(1, n).Draw(t, "need"), free[:n:n]})
		free = append([]string{name}, free[n:]...)
	}
	p.Quorum = free[0]
	return p
}

// satisfied is the specification's own recursion.
func satisfied(p *Policy, name string, signed map[string]bool) bool {
	for _, g := range p.Groups {
		if g.Name != name {
			continue
		}
		n := 0
		for _, m := range g.Members {
			if satisfied(p, m, signed) {
				n++
			}
		}
		return n >= g.Need
	}
	return signed[name]
}

func TestAQuorumIsWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		written := anyPolicy(t)
		p, err := ParsePolicy([]byte(written.String()))
		if err != nil || p.String() != written.String() {
			t.Fatalf("read %v, %v; written\n%s", p, err, written)
		}
		n := Note{Text: Checkpoint{Origin: goldenOrigin, Size: 9}.String()}
		log, _ := NewLogSigner(goldenSeed(1), goldenOrigin)
		n.Signatures = append(n.Signatures, log.Sign(n.Text, 0))
		signed := map[string]bool{}
		for m := range p.Witnesses {
			if !rapid.Bool().Draw(t, "signs") {
				continue
			}
			name := fmt.Sprintf("n%d", m+1)
			s, _ := NewCosigner(goldenSeed(m+1), CosignerName(goldenLog, name))
			n.Signatures = append(n.Signatures, s.Sign(n.Text, 7))
			signed[name] = true
		}
		h, err := p.Check(n.Append(nil))
		if want := satisfied(p, p.Quorum, signed); (err == nil) != want || err != nil && !is(err, ErrQuorum) {
			t.Fatalf("signed by %v: got %v, want %t, under\n%s", signed, err, want, p)
		}
		if err == nil && len(h.Cosigned) != len(signed) {
			t.Fatalf("of %d cosignatures %d are reported", len(signed), len(h.Cosigned))
		}
	})
}

func TestPoliciesMayHaveCommentsTabsAndEmptyLines(t *testing.T) {
	t.Parallel()
	key := makePolicy(t).Witnesses[0].Key.String()
	p := ok(ParsePolicy([]byte("# members\n\n \twitness\tn1  " + key + "\thttps://n1.example/ \n  # end\nquorum n1")))(t)
	if p.Witnesses[0].URL != "https://n1.example/" || p.Quorum != "n1" {
		t.Errorf("got %+v", p)
	}
}

func TestANewPolicyIsSignedByAQuorumOfTheOldOne(t *testing.T) {
	t.Parallel()
	old, next := makePolicy(t), makePolicy(t)
	next.Witnesses[2].Key = ok(NewCosigner(goldenSeed(4), CosignerName(goldenLog, "n4")))(t).Verifier
	note := func(text string, members ...int) []byte {
		n := Note{Text: text}
		for _, m := range members {
			n.Signatures = append(n.Signatures, ok(NewCosigner(goldenSeed(m), CosignerName(goldenLog, fmt.Sprintf("n%d", m))))(t).Sign(n.Text, 5))
		}
		return n.Append(nil)
	}
	if got := ok(old.Next(note(next.String(), 1, 3)))(t); got.String() != next.String() {
		t.Errorf("got %s", got)
	}
	none := makePolicy(t)
	none.Quorum = noQuorum
	altered := ok(ParseNote(note(next.String(), 1, 3)))(t)
	altered.Text = old.String()
	for name, c := range map[string]struct {
		policy *Policy
		note   []byte
		want   error
	}{
		"one member alone":                  {old, note(next.String(), 1), ErrQuorum},
		"a new member speaks for itself":    {old, note(next.String(), 1, 4), ErrQuorum},
		"another text under the signatures": {old, altered.Append(nil), ErrSignature},
		"a text that is no policy":          {old, note("hello\n", 1, 2), ErrMalformed},
		"a policy without signatures":       {old, []byte(next.String()), ErrMalformed},
		"a checkpoint":                      {old, golden(t, "checkpoint-200"), ErrMalformed},
		"a first policy that asks nobody":   {none, note(next.String(), 1, 2), ErrNoQuorum},
	} {
		if _, err := c.policy.Next(c.note); !is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestHeadsOfBeforeARotationAreGoodUnderAPolicyThatSaysWhatItFollows(t *testing.T) {
	t.Parallel()
	l := makeLog(t)
	old, next := makePolicy(t), makePolicy(t)
	// n1 and n2 have other keys from now on.
	for i, s := range []int{11, 12} {
		next.Witnesses[i].Key = ok(NewCosigner(goldenSeed(s), CosignerName(goldenLog, fmt.Sprintf("n%d", i+1))))(t).Verifier
	}
	head := func(size uint64, seeds ...int) []byte {
		n := Note{Text: Checkpoint{Origin: goldenOrigin, Size: size, Root: ok(l.view(t, size).Root())(t)}.String()}
		n.Signatures = append(n.Signatures, ok(NewLogSigner(goldenSeed(1), goldenOrigin))(t).Sign(n.Text, 0))
		for _, s := range seeds {
			n.Signatures = append(n.Signatures, ok(NewCosigner(goldenSeed(s), CosignerName(goldenLog, fmt.Sprintf("n%d", s%10))))(t).Sign(n.Text, 5))
		}
		return n.Append(nil)
	}
	before, after, mixed := head(200, 1, 2), head(300, 11, 12), head(250, 1, 12)
	if _, err := next.Check(before); !is(err, ErrQuorum) {
		t.Errorf("by itself the next policy says of a head of before: %v", err)
	}
	next.Before = old
	for name, c := range map[string]struct {
		note  []byte
		under *Policy // nil: refused
	}{
		"a head of before":                       {before, old},
		"a head of after":                        {after, next},
		"a head of one old and one new key":      {mixed, nil},
		"a head that one of the old ones signed": {head(200, 1), nil},
	} {
		h, err := next.Check(c.note)
		if (err == nil) != (c.under != nil) || h.Under != c.under && err == nil {
			t.Errorf("%s: %v, %v", name, h.Cosigned, err)
		}
	}
	// Each is held to their own word by whichever policy has their key.
	if h, err := next.Signers(before); err != nil || len(h.Cosigned) != 2 {
		t.Errorf("%d signers of before, %v", len(h.Cosigned), err)
	}
}
