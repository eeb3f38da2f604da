package poll

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"voted/proof"
)

// entriesOf returns a poll's log, each entry in hexadecimal.
func entriesOf(t *testing.T, s *State, id string) (all []string) {
	t.Helper()
	c, _, err := s.Capture(id)
	if err != nil {
		t.Fatal(err)
	}
	for e := range c.Leaves(0, c.LogSize()) {
		all = append(all, hex.EncodeToString(e))
	}
	return all
}

// board is a poll in which all that a log shows has happened: weights, a replaced ballot, a
// blank one, a voter dropped before voting and one after it.
func board(t *testing.T) *State {
	t.Helper()
	const at = 1796112000000
	salt := Salt{0: 1, 15: 255}
	s := NewState()
	step := func(f func()) {
		s.Begin(Stamp{Index: s.Index() + 1, At: at + 1000*int64(s.Index()+1)})
		f()
		s.End()
	}
	do := func(c Command) {
		step(func() {
			if r := s.Do(c); r.Err != nil || r.Roll != nil && r.Roll.Refused != nil {
				t.Fatalf("given: %T: %v", c, r)
			}
		})
	}
	cast := func(voter string, version uint32, selections ...byte) {
		step(func() {
			b := Ballot{Poll: "board-2026", Key: KeyOf(salt, voter), Selections: selections, IfVersion: version}
			if o := s.Cast(s.Find(b.Poll), &b); o.Kind == Refused {
				t.Fatalf("given: %s: %v", voter, o.Err())
			}
		})
	}
	do(Create{Salt: salt, Definition: Definition{
		ID: "board-2026", Title: "Board", Options: []Option{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: "Bo"}, {ID: "cy"}}, Method: "plurality",
		MaxSelections: 1, Revote: RevoteUntilClose, Eligibility: OnRoll,
	}})
	do(Enroll{Poll: "board-2026", Since: 1, Lines: []RollLine{
		{KeyOf(salt, "v-17"), 3}, {KeyOf(salt, "Zoë"), MaxWeight}, {KeyOf(salt, "w"), 1}, {KeyOf(salt, "x"), 5}, {KeyOf(salt, "y"), 7},
	}})
	cast("v-17", 0, 0)
	cast("Zoë", 0, 1)
	cast("v-17", 1, 1)
	cast("w", 0)
	do(Drop{Poll: "board-2026", Since: 6, Key: KeyOf(salt, "w")})
	do(Drop{Poll: "board-2026", Since: 6, Key: KeyOf(salt, "y")})
	do(Close{Poll: "board-2026"})
	return s
}

// The bytes never change: signatures are made of them. The file was made by a program that
// follows docs/adr/0052-a-log-of-each-poll.md and shares nothing with this one.
func TestTheLogOfAPollHasTheBytesThatWereWrittenDown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/v1/log.golden")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(text))
	want, root := want[:len(want)-1], want[len(want)-1]
	s := board(t)
	if got := entriesOf(t, s, "board-2026"); !slices.Equal(got, want) {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c, _, _ := s.Capture("board-2026")
	var tree proof.Tree
	if err := tree.Grow(c.LogSize(), c.Leaves); err != nil {
		t.Fatal(err)
	}
	view, err := tree.At(c.LogSize(), c.Leaves)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := view.Root(); err != nil || hex.EncodeToString(got[:]) != root {
		t.Errorf("its root is %x, %v", got[:], err)
	}
}

func TestTheLogOfAStateThatWasSavedAndLoadedIsTheSame(t *testing.T) {
	t.Parallel()
	s := board(t)
	v := s.View()
	defer v.Close()
	loaded, err := save(v).load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := entriesOf(t, loaded, "board-2026"), entriesOf(t, s, "board-2026"); !slices.Equal(got, want) {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAPatchDoesNotChangeTheFirstLeafAndAnotherPollHasAnother(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	first := entriesOf(t, c.s, "p")
	if len(first) != 1 {
		t.Fatalf("a poll without ballots has %d leaves", len(first))
	}
	c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("new"), OpensAt: ptr(int64(3000)), ClosesAt: ptr(int64(9000))})
	if got := entriesOf(t, c.s, "p"); !slices.Equal(got, first) {
		t.Errorf("after a patch the log is %q, it was %q", got, first)
	}
	for name, change := range map[string]func(*Definition){
		"another option":         func(d *Definition) { d.Options[1].ID = "z" },
		"another option's title": func(d *Definition) { d.Options[1].Title = "z" },
		"another method":         func(d *Definition) { d.Method = "approval" },
		"another id":             func(d *Definition) { d.ID = "q" },
		"another disclosure":     func(d *Definition) { d.Disclosure = DiscloseBallots },
		"other receipts":         func(d *Definition) { d.Receipts = ReceiptsOpened },
	} {
		d := c.s.Rules("p").Definition
		d.Options = slices.Clone(d.Options)
		change(&d)
		if other := newRules(d, Salt{}).logEntry(); hex.EncodeToString(other.Append(nil)) == first[0] {
			t.Errorf("%s: the same leaf", name)
		}
	}
	if other := newRules(c.s.Rules("p").Definition, Salt{1}).logEntry(); hex.EncodeToString(other.Append(nil)) == first[0] {
		t.Error("another salt: the same leaf")
	}
}

func TestALogOnlyGrowsAndEndsWithItsClosing(t *testing.T) {
	t.Parallel()
	c := newScene(t, revotes)
	var before []string
	grown := func(leaves int) {
		t.Helper()
		got := entriesOf(t, c.s, "p")
		if len(got) != leaves || !slices.Equal(got[:len(before)], before) {
			t.Fatalf("the log is %q, it was %q", got, before)
		}
		before = got
	}
	grown(1)
	c.cast(2000, "v", "a", 0)
	grown(2)
	c.cast(2000, "v", "a", 0) // a retry
	grown(2)
	c.cast(2000, "v", "b", 1)
	grown(3)
	c.do(3000, Close{Poll: "p"})
	grown(4)
	c.cast(4000, "w", "a", 0) // too late
	c.do(4000, Close{Poll: "p"})
	grown(4)
	if captured, _, _ := c.s.Capture("p"); !captured.Closed() || captured.Closing().Records != 2 || captured.Closing().Voters != 1 {
		t.Errorf("it closed with %+v", captured.Closing())
	}
	c.do(5000, Delete{Poll: "p"})
	v := c.s.View()
	defer v.Close()
	if deleted := v.Poll(0); deleted.LogSize() != 0 || len(slices.Collect(deleted.Leaves(0, 9))) != 0 {
		t.Errorf("a deleted poll has a log of %d leaves", deleted.LogSize())
	}
}

func TestAPollThatHidesItsResultsHidesItsTurnoutUntilItCloses(t *testing.T) {
	t.Parallel()
	for results, hides := range map[Visibility]bool{ResultsLive: false, ResultsAfterClose: true} {
		c := newScene(t, func(d *Definition) { d.Results = results })
		hidden := func() bool {
			captured, _, _ := c.s.Capture("p")
			return captured.Hidden()
		}
		c.cast(2000, "v", "a", 0)
		if hidden() != hides {
			t.Errorf("results %v: while it is open its turnout is hidden: %t", results, hidden())
		}
		c.do(3000, Close{Poll: "p"})
		if hidden() {
			t.Errorf("results %v: it is closed, and its turnout is hidden", results)
		}
	}
}

func TestPartsOfALogAreWhatTheWholeHas(t *testing.T) {
	t.Parallel()
	c, _, _ := board(t).Capture("board-2026")
	part := func(from, to uint64) (all [][]byte) {
		for e := range c.Leaves(from, to) {
			all = append(all, bytes.Clone(e))
		}
		return all
	}
	whole := part(0, 100)
	for from := range uint64(len(whole) + 2) {
		for to := range uint64(len(whole) + 2) {
			low := min(from, uint64(len(whole)))
			want := whole[low:max(low, min(to, uint64(len(whole))))]
			if got := part(from, to); !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("leaves %d up to %d are %x, want %x", from, to, got, want)
			}
		}
	}
	for range c.Leaves(0, 100) {
		break // whoever has seen enough gets no more
	}
}

func TestAnEntryOpensToItsReceiptAndChoiceAndToNothingElse(t *testing.T) {
	t.Parallel()
	s := board(t)
	c, _, _ := s.Capture("board-2026")
	entry, opening := c.Entry(3)
	receipt, err := s.Receipt("board-2026", KeyOf(Salt{0: 1, 15: 255}, "v-17"))
	if err != nil || receipt.Ballot != 3 || receipt.Version != opening.Version || receipt.Index != opening.Index || uint64(receipt.CastAt) != opening.CastAt {
		t.Errorf("it opens to %+v, the receipt is %+v, %v", opening, receipt, err)
	}
	if !bytes.Equal(opening.Selections, []byte{1}) || opening.Seal() != entry.Seal || entry.Supersedes != 1 {
		t.Errorf("it opens to %+v, the entry is %+v", opening, entry)
	}
	opening.Selections = []byte{0}
	if opening.Seal() == entry.Seal {
		t.Error("it opens to another choice, too")
	}
}

func TestAVotersKeyOpensForItsVoterAlone(t *testing.T) {
	t.Parallel()
	salt := Salt{7}
	nonce := proof.VoterNonce(salt, "v")
	switch key := KeyOf(salt, "v"); {
	case key != VoterKey(proof.VoterKey(nonce, "v")) || key != KeyOf(salt, []byte("v")) || key != plainKey(salt, "v"):
		t.Errorf("the key is %s", key)
	case key == VoterKey(proof.VoterKey(nonce, "w")), key == KeyOf(Salt{8}, "v"):
		t.Error("the key opens for others")
	}
}

func BenchmarkLeaves(b *testing.B) {
	s, p := benchState(b, "plurality")
	castRange(s, p, 0, 1<<16)
	c := p.capture()
	b.ReportAllocs()
	for b.Loop() {
		var tree proof.Tree
		if err := tree.Grow(1<<16, c.Leaves); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<16), "ns/leaf")
}
