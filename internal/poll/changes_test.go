package poll

import (
	"fmt"
	"slices"
	"testing"
)

// changed drains Changes and returns the ids, each with its number of leaves.
func changed(s *State, limit int) (ids []string) {
	for {
		c := s.Changes(limit)
		for i := range c.Polls {
			ids = append(ids, c.Polls[i].Rules().ID)
		}
		if !c.More {
			return ids
		}
	}
}

func TestWhoFollowsAStateSeesEveryPollOnceAndThenThoseThatChange(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 100} {
		// Given polls, one of them changed before anybody asked
		c := newScene(t, revotes)
		for _, id := range []string{"q", "r"} {
			d := c.s.Rules("p").Definition
			d.ID = id
			c.do(1000, Create{Definition: d})
		}
		c.cast(1000, "v", "a", 0)
		sees := func(want ...string) {
			t.Helper()
			if got := changed(c.s, limit); !slices.Equal(got, want) {
				t.Fatalf("%d at a time: %q, want %q", limit, got, want)
			}
		}
		// then all are seen at first, and later those that changed, each once
		sees("p", "q", "r")
		sees()
		c.cast(2000, "v", "b", 1)
		c.cast(2000, "w", "a", 0)
		c.do(2000, Close{Poll: "r"})
		sees("p", "r")
		sees()
		// what changes nothing is not seen
		c.cast(3000, "w", "a", 0)
		c.do(3000, Tick{})
		sees()
		// a new poll is, and one that is deleted
		d := c.s.Rules("p").Definition
		d.ID = "s"
		c.do(4000, Create{Definition: d})
		c.do(4000, Delete{Poll: "r"})
		sees("r", "s")
		sees()
	}
}

func TestAPollThatChangesWhileTheFirstLookIsUnderWayIsNotLost(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	d.ID = "q"
	c.do(1000, Create{Definition: d})
	first := c.s.Changes(1)
	if len(first.Polls) != 1 || !first.More || first.Polls[0].LogSize() != 1 {
		t.Fatalf("%+v", first)
	}
	c.cast(2000, "v", "a", 0) // in p, which was seen already
	rest := c.s.Changes(9)
	if len(rest.Polls) != 2 || rest.More || rest.Polls[0].LogSize() != 2 || rest.Polls[1].Rules().ID != "q" || rest.Index != c.s.Index() {
		t.Fatalf("%+v", rest)
	}
}

func TestAStateThatNobodyFollowsKeepsNoList(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	c.cast(2000, "v", "a", 0)
	if len(c.s.fresh) != 0 {
		t.Errorf("%d polls are kept", len(c.s.fresh))
	}
}

func TestALoadedStateShowsAllItsPollsAgain(t *testing.T) {
	t.Parallel()
	s := board(t)
	changed(s, 9)
	v := s.View()
	defer v.Close()
	loaded, err := save(v).load()
	if err != nil {
		t.Fatal(err)
	}
	if got := changed(loaded, 9); !slices.Equal(got, []string{"board-2026"}) {
		t.Errorf("it shows %q", got)
	}
}

func TestARestoreBeginsAnotherLineage(t *testing.T) {
	t.Parallel()
	old, backup := board(t), NewState()
	if got := old.Lineage("k2j4mq7xw3ab5cde"); got != "1" {
		t.Errorf("a state that was never restored is of lineage %s", got)
	}
	old.Begin(Stamp{Index: 100, At: 1})
	if err := backup.Succeed(old, Succession{Backup: Digest{1}, Position: 100, Confirm: old.Holdings().String()}); err != nil {
		t.Fatal(err)
	}
	backup.End()
	c := backup.Changes(9)
	if len(c.Polls) != 1 || !c.Polls[0].Deleted() {
		t.Errorf("after a restore: %+v", c)
	}
	// The same backup restored into two clusters, at one index, makes two logs.
	one, other := backup.Lineage("k2j4mq7xw3ab5cde"), backup.Lineage("a2j4mq7xw3ab5cde")
	if one != "r100-k2j4mq" || other != "r100-a2j4mq" {
		t.Errorf("after a restore into two clusters the lineages are %s and %s", one, other)
	}
}

// What a restore keeps of the state before, such as alarms, is in no backup: members that differ in
// it still differ afterwards.
func TestARestoreHidesNoDifferenceOfWhatItKeeps(t *testing.T) {
	t.Parallel()
	after := func(says string) Digest {
		old := board(t)
		old.Begin(Stamp{Index: 90, At: 1})
		old.Do(Raise{Level: WebhookLevel})
		old.Do(Alarm{Kind: "away", Member: "n2", On: true, Says: says})
		old.End()
		old.Begin(Stamp{Index: 100, At: 1})
		backup := NewState()
		if err := backup.Succeed(old, Succession{Backup: Digest{1}, Position: 100, Confirm: old.Holdings().String()}); err != nil {
			t.Fatal(err)
		}
		backup.End()
		return backup.Digest()
	}
	away, again, gone := after("It is away."), after("It is away."), after("It is gone.")
	if away != again {
		t.Error("the same states differ after a restore")
	}
	if away == gone {
		t.Error("states that differ are alike after a restore")
	}
}

func TestARecoveryBeginsAnotherLineageAndARestoreTheNext(t *testing.T) {
	t.Parallel()
	s := board(t)
	s.Recover()
	want := fmt.Sprintf("c%d-k2j4mq", s.Index())
	if got := s.Lineage("k2j4mq7xw3ab5cde"); got != want {
		t.Errorf("after a recovery it is of lineage %s, want %s", got, want)
	}
	again := NewState()
	again.Begin(Stamp{Index: 900, At: 1})
	if err := s.Succeed(again, Succession{Backup: Digest{1}, Position: 900}); err != nil {
		t.Fatal(err)
	}
	s.End()
	if got := s.Lineage("k2j4mq7xw3ab5cde"); got != "r900-k2j4mq" {
		t.Errorf("after a restore of it, it is of lineage %s", got)
	}
}
