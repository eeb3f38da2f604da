package poll

import (
	"math"
	"testing"

	"voted/internal/refusal"
)

// scene is a state that a table drives: one poll "p" with the options a and b.
type scene struct {
	t *testing.T
	s *State
}

func newScene(t *testing.T, change func(d *Definition)) *scene {
	t.Helper()
	d := Definition{
		ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		Method: "plurality", MinSelections: 1, MaxSelections: 1,
	}
	if change != nil {
		change(&d)
	}
	c := &scene{t, NewState()}
	if r := c.do(1000, Create{Definition: d}); !r.Created {
		t.Fatalf("given: %v", r)
	}
	return c
}

// do applies one management command as an entry of its own.
func (c *scene) do(at int64, cmd Command) Result {
	c.s.Begin(Stamp{c.s.Index() + 1, at})
	defer c.s.End()
	return c.s.Do(cmd)
}

// cast applies one ballot as an entry of its own.
func (c *scene) cast(at int64, voter, sel string, ifVersion uint32) Outcome {
	c.s.Begin(Stamp{c.s.Index() + 1, at})
	defer c.s.End()
	return c.s.Cast(c.s.Find("p"), &Ballot{Poll: "p", Key: KeyOf(Salt{}, voter), Selections: choice(sel), IfVersion: ifVersion})
}

// choice encodes "ab" as the options 0 and 1; "?" is no option of any poll here.
func choice(s string) []byte {
	sel := []byte{}
	for _, c := range s {
		if c == '?' {
			c = 'a' + 99
		}
		sel = append(sel, byte(c-'a'))
	}
	return sel
}

const (
	opensAt  = 2000
	closesAt = 5000
)

func timed(d *Definition) { d.OpensAt, d.ClosesAt = opensAt, closesAt }

func revotes(d *Definition) { d.Revote = RevoteUntilClose }

func both(changes ...func(d *Definition)) func(d *Definition) {
	return func(d *Definition) {
		for _, change := range changes {
			change(d)
		}
	}
}

func oneBallot(d *Definition) { d.MaxBallots = 1 }

// move is one ballot and what must become of it.
type move struct {
	at        int64
	voter     string
	sel       string
	ifVersion uint32
	kind      Kind
	code      refusal.Code
	version   uint32 // of the receipt
	ballot    uint32
}

func counted(at int64, voter, sel string, ballot uint32) move {
	return move{at: at, voter: voter, sel: sel, kind: Counted, version: 1, ballot: ballot}
}

// The rules stand in this order: unknown poll, replayed (or superseded), not open
// or closed, invalid, full, version mismatch, counted or replaced. For each pair
// of neighbours a ballot that breaks both says which one wins.
func TestWhereTwoRulesApplyTheEarlierOneAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(d *Definition)
		moves []move
	}{
		"a retry after the close returns the first receipt": {timed, []move{
			counted(3000, "v", "a", 1),
			{at: 9000, voter: "v", sel: "a", kind: Replayed, version: 1, ballot: 1},
		}},
		"a late duplicate after the close is superseded, not closed": {both(timed, revotes), []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replaced, version: 2, ballot: 2},
			{at: 9000, voter: "v", sel: "a", code: refusal.Superseded, version: 2, ballot: 2},
		}},
		"a retry of the current ballot is replayed whatever version it names": {revotes, []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "a", ifVersion: 77, kind: Replayed, version: 1, ballot: 1},
		}},
		"a different ballot after the close is refused as closed, not as already voted": {timed, []move{
			counted(3000, "v", "a", 1),
			{at: 9000, voter: "v", sel: "b", code: refusal.PollClosed},
		}},
		"an invalid ballot before the opening is refused as not open": {timed, []move{
			{at: 1500, voter: "v", sel: "?", code: refusal.PollNotOpen},
		}},
		"an invalid ballot after the close is refused as closed": {timed, []move{
			{at: 9000, voter: "v", sel: "?", code: refusal.PollClosed},
		}},
		"an invalid ballot for a full poll is refused as invalid": {oneBallot, []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "w", sel: "?", code: refusal.InvalidBallot},
		}},
		"an invalid ballot of a voter who has voted is refused as invalid": {nil, []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "?", code: refusal.InvalidBallot},
		}},
		"a replacement of nothing in a full poll is refused as full": {oneBallot, []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "w", sel: "a", ifVersion: 4, code: refusal.PollFull},
		}},
		"a replacement of nothing in a poll with room is a version mismatch": {nil, []move{
			{at: 3000, voter: "w", sel: "a", ifVersion: 1, code: refusal.VersionMismatch},
		}},
		"a replacement in a full poll counts, as it adds no voter": {both(oneBallot, revotes), []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replaced, version: 2, ballot: 2},
		}},
		"a second ballot where none may be replaced is refused as already voted, also with the right version": {nil, []move{
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, code: refusal.AlreadyVoted, version: 1, ballot: 1},
		}},
		"an undervote and an overvote are invalid": {nil, []move{
			{at: 3000, voter: "v", sel: "", code: refusal.InvalidBallot},
			{at: 3000, voter: "v", sel: "ab", code: refusal.InvalidBallot},
		}},
		"the cap is exact": {func(d *Definition) { d.MaxBallots = 2 }, []move{
			counted(3000, "u", "a", 1),
			counted(3000, "v", "b", 2),
			{at: 3000, voter: "w", sel: "a", code: refusal.PollFull},
			{at: 3000, voter: "u", sel: "a", kind: Replayed, version: 1, ballot: 1},
		}},
		"a poll opens at its opening time, not a millisecond earlier": {timed, []move{
			{at: opensAt - 1, voter: "v", sel: "a", code: refusal.PollNotOpen},
			counted(opensAt, "v", "a", 1),
		}},
		"a poll closes at its closing time, not a millisecond earlier": {timed, []move{
			counted(closesAt-1, "v", "a", 1),
			{at: closesAt, voter: "w", sel: "a", code: refusal.PollClosed},
		}},
		"a clock that goes back does not open a closed poll": {timed, []move{
			{at: closesAt, voter: "v", sel: "a", code: refusal.PollClosed},
			{at: closesAt - 1000, voter: "v", sel: "a", code: refusal.PollClosed},
		}},
		"a refusal is not remembered": {timed, []move{
			{at: opensAt - 1, voter: "v", sel: "a", code: refusal.PollNotOpen},
			{at: opensAt, voter: "v", sel: "?", code: refusal.InvalidBallot},
			counted(opensAt, "v", "a", 1),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newScene(t, c.given).play(c.moves)
		})
	}
}

func (c *scene) play(moves []move) {
	c.t.Helper()
	for i, m := range moves {
		got := c.cast(m.at, m.voter, m.sel, m.ifVersion)
		if got.Kind != m.kind || got.Code != m.code || got.Receipt.Version != m.version || got.Receipt.Ballot != m.ballot {
			c.t.Fatalf("ballot %d %+v: then %+v", i+1, m, got)
		}
		if err := c.s.Find("p").consistent(); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestReplacementsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for name, moves := range map[string][]move{
		"A, B, a late A: B stays": {
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replaced, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "a", code: refusal.Superseded, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replayed, version: 2, ballot: 2},
		},
		"A, B, A again by name: each late duplicate finds its own": {
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replaced, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "a", ifVersion: 2, kind: Replaced, version: 3, ballot: 3},
			{at: 3000, voter: "v", sel: "a", ifVersion: 2, kind: Replayed, version: 3, ballot: 3},
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, code: refusal.Superseded, version: 3, ballot: 3},
			// The first A holds what stands now, so it is answered with that.
			{at: 3000, voter: "v", sel: "a", kind: Replayed, version: 3, ballot: 3},
		},
		"a first ballot never overwrites": {
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", code: refusal.AlreadyVoted, version: 1, ballot: 1},
		},
		"If-Match at its edges": {
			counted(3000, "v", "a", 1),
			{at: 3000, voter: "v", sel: "b", ifVersion: 1, kind: Replaced, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "c", ifVersion: 0, code: refusal.AlreadyVoted, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "c", ifVersion: 1, code: refusal.VersionMismatch, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "c", ifVersion: 3, code: refusal.VersionMismatch, version: 2, ballot: 2},
			{at: 3000, voter: "v", sel: "c", ifVersion: math.MaxUint32, code: refusal.VersionMismatch, version: 2, ballot: 2},
			{at: 3000, voter: "w", sel: "c", ifVersion: math.MaxUint32, code: refusal.VersionMismatch},
			{at: 3000, voter: "v", sel: "c", ifVersion: 2, kind: Replaced, version: 3, ballot: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newScene(t, revotes).play(moves)
		})
	}
}

// Up to 64 versions back a late duplicate is distinguished from a new ballot by its
// selections; further back any old ballot counts as superseded. None ever counts.
func TestALateDuplicateFromFarBackNeverCounts(t *testing.T) {
	t.Parallel()
	c := newScene(t, revotes)
	c.cast(3000, "w", "c", 0) // so that c is known to the poll
	c.cast(3000, "v", "a", 0)
	for n := uint32(1); n < 100; n++ {
		if o := c.cast(3000, "v", []string{"a", "b"}[n%2], n); o.Kind != Replaced || o.Receipt.Version != n+1 {
			t.Fatalf("given version %d: %+v", n+1, o)
		}
	}
	// Version n holds b where n is even, and version 100 stands.
	c.play([]move{
		{at: 3000, voter: "v", sel: "a", ifVersion: 0, code: refusal.Superseded, version: 100, ballot: 101},
		{at: 3000, voter: "v", sel: "a", ifVersion: 98, code: refusal.Superseded, version: 100, ballot: 101},
		{at: 3000, voter: "v", sel: "a", ifVersion: 97, code: refusal.VersionMismatch, version: 100, ballot: 101},
		{at: 3000, voter: "v", sel: "c", ifVersion: 100 - maxRetrace - 1, code: refusal.VersionMismatch, version: 100, ballot: 101},
		{at: 3000, voter: "v", sel: "c", ifVersion: 100 - maxRetrace - 2, code: refusal.Superseded, version: 100, ballot: 101},
		{at: 3000, voter: "v", sel: "c", ifVersion: 0, code: refusal.Superseded, version: 100, ballot: 101},
	})
}

func TestAnUnknownOrDeletedPollIsNotFoundWhateverTheBallot(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	c.cast(3000, "v", "a", 0)
	c.do(3000, Close{Poll: "p"})
	c.do(3000, Delete{Poll: "p"})
	b := Ballot{Poll: "p", Key: KeyOf(Salt{}, "v"), Selections: choice("a")}
	if o := c.cast(3000, "v", "a", 0); o.Code != refusal.PollNotFound {
		t.Fatalf("then %+v", o)
	}
	if o, ok := c.s.Settled(&b); ok {
		t.Fatalf("settled as %+v", o)
	}
}

func TestWhatIsSettledNeedsNoLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(d *Definition)
		close bool
		sel   string
		ok    bool
		want  refusal.Code
	}{
		"the same ballot where none may be replaced":      {nil, false, "a", true, refusal.None},
		"another ballot where none may be replaced":       {nil, false, "b", false, refusal.None},
		"the same ballot where it may be replaced":        {revotes, false, "a", false, refusal.None},
		"the same ballot in a closed poll":                {revotes, true, "a", true, refusal.None},
		"another ballot in a closed poll":                 {nil, true, "b", true, refusal.PollClosed},
		"an invalid ballot in a closed poll":              {nil, true, "?", true, refusal.PollClosed},
		"an invalid ballot where none may be replaced":    {nil, false, "?", false, refusal.None},
		"another ballot in a closed poll that had revote": {revotes, true, "b", true, refusal.PollClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.given)
			first := s.cast(3000, "v", "a", 0)
			if c.close {
				s.do(3000, Close{Poll: "p"})
			}
			o, ok := s.s.Settled(&Ballot{Poll: "p", Key: KeyOf(Salt{}, "v"), Selections: choice(c.sel)})
			if ok != c.ok || o.Code != c.want {
				t.Fatalf("settled %t: %+v", ok, o)
			}
			if ok && c.want == refusal.None && (o.Kind != Replayed || o.Receipt != first.Receipt) {
				t.Fatalf("settled with %+v, counted with %+v", o, first)
			}
		})
	}
}
