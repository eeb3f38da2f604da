package poll

import (
	"bytes"
	"fmt"
	"testing"
)

func TestBallotsByKeyAreThoseOfTheBoxSorted(t *testing.T) {
	t.Parallel()
	for _, voters := range []int{0, 1, 2, 5000} {
		s := NewState()
		s.Begin(Stamp{Index: 1, At: 1})
		s.Do(Create{Definition: Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MinSelections: 1, MaxSelections: 1, Revote: RevoteUntilClose}})
		p := s.Find("p")
		for i := range voters {
			key := p.Rules().Key(fmt.Sprint("v", i))
			if i%3 == 0 { // two keys of one prefix, in the wrong order
				key[0], key[1] = 7, 7
			}
			s.Cast(p, &Ballot{Key: key, Selections: []byte{0}})
			if i%5 == 0 {
				s.Cast(p, &Ballot{Key: key, Selections: []byte{2}, IfVersion: 1})
			}
		}
		s.End()
		c, _, _ := s.Capture("p")
		want := map[uint32]Cast{}
		for b := range c.Current() {
			want[b.Ballot] = b
		}
		if len(want) != voters {
			t.Fatalf("%d of %d ballots count", len(want), voters)
		}
		var last VoterKey
		for b := range c.CurrentByKey() {
			if bytes.Compare(last[:], b.Key[:]) > 0 {
				t.Fatalf("%s comes after %s", b.Key, last)
			}
			if w, there := want[b.Ballot]; !there || w.Receipt != b.Receipt || w.Key != b.Key || !bytes.Equal(w.Selections, b.Selections) || w.Weight != b.Weight {
				t.Fatalf("%+v is not in the box, or twice", b)
			}
			last = b.Key
			delete(want, b.Ballot)
		}
		if len(want) > 0 {
			t.Errorf("%d ballots are missing", len(want))
		}
		for range c.CurrentByKey() {
			break // a reader may stop
		}
	}
}
