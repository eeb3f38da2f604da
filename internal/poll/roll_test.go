package poll

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"voted/internal/refusal"
)

func onRoll(d *Definition) { d.Eligibility = OnRoll }

// line is an Enroll of one voter; since 0 means what is there now.
func (c *scene) enroll(at int64, voter string, weight uint32, since uint64) refusal.Code {
	c.t.Helper()
	if since == 0 {
		since = c.s.Index()
	}
	r := c.do(at, Enroll{Poll: "p", Since: since, Lines: []RollLine{{KeyOf(Salt{}, voter), weight}}})
	switch {
	case r.Err != nil:
		return r.Err.Code
	case len(r.Roll.Refused) == 1:
		return r.Roll.Refused[0].Code
	}
	return refusal.None
}

func (c *scene) drop(at int64, voter string, since uint64) refusal.Code {
	if since == 0 {
		since = c.s.Index()
	}
	if r := c.do(at, Drop{Poll: "p", Since: since, Key: KeyOf(Salt{}, voter)}); r.Err != nil {
		return r.Err.Code
	}
	return refusal.None
}

func TestWhoIsNotOnTheRollIsRefusedInItsPlaceAmongTheRules(t *testing.T) {
	t.Parallel()
	given := func(t *testing.T, change ...func(d *Definition)) *scene {
		c := newScene(t, both(onRoll, both(change[0], revotes)))
		for _, voter := range []string{"v", "w", "gone"} {
			if code := c.enroll(1000, voter, 2, 0); code != refusal.None {
				t.Fatal(code)
			}
		}
		return c
	}
	nothing := func(*Definition) {}
	for name, c := range map[string]struct {
		change func(d *Definition)
		play   func(c *scene) Outcome
		want   refusal.Code
	}{
		"a stranger":                      {nothing, func(c *scene) Outcome { return c.cast(3000, "x", "a", 0) }, refusal.NotEligible},
		"a stranger before the opening":   {timed, func(c *scene) Outcome { return c.cast(1500, "x", "a", 0) }, refusal.PollNotOpen},
		"a stranger after the close":      {timed, func(c *scene) Outcome { return c.cast(9000, "x", "a", 0) }, refusal.PollClosed},
		"a stranger's invalid ballot":     {nothing, func(c *scene) Outcome { return c.cast(3000, "x", "?", 0) }, refusal.InvalidBallot},
		"a stranger and a version":        {nothing, func(c *scene) Outcome { return c.cast(3000, "x", "a", 7) }, refusal.NotEligible},
		"a stranger where the cap is hit": {oneBallot, func(c *scene) Outcome { c.cast(3000, "v", "a", 0); return c.cast(3000, "x", "a", 0) }, refusal.NotEligible},
		"a member where the cap is hit":   {oneBallot, func(c *scene) Outcome { c.cast(3000, "v", "a", 0); return c.cast(3000, "w", "a", 0) }, refusal.PollFull},
		"who was dropped":                 {nothing, func(c *scene) Outcome { c.drop(2000, "gone", 0); return c.cast(3000, "gone", "a", 0) }, refusal.NotEligible},
		"who was dropped after voting, again": {nothing, func(c *scene) Outcome {
			c.cast(2500, "v", "a", 0)
			c.drop(2600, "v", 0)
			return c.cast(3000, "v", "a", 0)
		}, refusal.None},
		"who was dropped after voting, otherwise": {nothing, func(c *scene) Outcome {
			c.cast(2500, "v", "a", 0)
			c.drop(2600, "v", 0)
			return c.cast(3000, "v", "b", 1)
		}, refusal.NotEligible},
		"who was added after being refused": {nothing, func(c *scene) Outcome {
			c.cast(2500, "x", "a", 0)
			c.enroll(2600, "x", 1, 0)
			return c.cast(3000, "x", "a", 0)
		}, refusal.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o := c.play(given(t, c.change)); o.Code != c.want || (o.Kind == Refused) != (c.want != refusal.None) {
				t.Errorf("the ballot is %+v, want %s", o, c.want)
			}
		})
	}
}

func TestChangesOfARollAreDecidedByWhatWasSeen(t *testing.T) {
	t.Parallel()
	// Entry 1 creates the poll, entry 2 puts v on the roll with weight 2, entry 3 is a ballot of w's.
	for name, c := range map[string]struct {
		play     func(c *scene) refusal.Code
		want     refusal.Code
		weight   uint32
		eligible bool
	}{
		"the same again changes nothing":                         {func(c *scene) refusal.Code { return c.enroll(3000, "v", 2, 1) }, refusal.None, 2, true},
		"the same again after the close":                         {func(c *scene) refusal.Code { return c.enroll(9000, "v", 2, 1) }, refusal.None, 2, true},
		"another weight":                                         {func(c *scene) refusal.Code { return c.enroll(3000, "v", 3, 0) }, refusal.None, 3, true},
		"another weight by a caller that has not seen the first": {func(c *scene) refusal.Code { return c.enroll(3000, "v", 3, 1) }, refusal.Superseded, 2, true},
		"another weight after the close":                         {func(c *scene) refusal.Code { return c.enroll(9000, "v", 3, 0) }, refusal.PollClosed, 2, true},
		"another weight after voting":                            {func(c *scene) refusal.Code { c.cast(3000, "v", "a", 0); return c.enroll(3100, "v", 3, 0) }, refusal.AlreadyVoted, 2, true},
		"no weight":                                              {func(c *scene) refusal.Code { return c.enroll(3000, "v", 0, 0) }, refusal.MalformedRequest, 2, true},
		"the greatest weight":                                    {func(c *scene) refusal.Code { return c.enroll(3000, "v", MaxWeight, 0) }, refusal.None, MaxWeight, true},
		"more than the greatest weight":                          {func(c *scene) refusal.Code { return c.enroll(3000, "v", MaxWeight+1, 0) }, refusal.MalformedRequest, 2, true},
		"a drop":                                                 {func(c *scene) refusal.Code { return c.drop(3000, "v", 0) }, refusal.None, 2, false},
		"a drop, twice":                                          {func(c *scene) refusal.Code { c.drop(3000, "v", 0); return c.drop(3000, "v", 1) }, refusal.None, 2, false},
		"a drop, again after the close":                          {func(c *scene) refusal.Code { c.drop(3000, "v", 0); return c.drop(9000, "v", 0) }, refusal.None, 2, false},
		"a drop after the close":                                 {func(c *scene) refusal.Code { return c.drop(9000, "v", 0) }, refusal.PollClosed, 2, true},
		"a drop by a caller that has not seen the last change":   {func(c *scene) refusal.Code { return c.drop(3000, "v", 1) }, refusal.Superseded, 2, true},
		"a late duplicate of the add after a drop":               {func(c *scene) refusal.Code { c.drop(3000, "v", 0); return c.enroll(3100, "v", 2, 1) }, refusal.Superseded, 2, false},
		"a late duplicate of an older weight":                    {func(c *scene) refusal.Code { c.enroll(3000, "v", 3, 0); return c.enroll(3100, "v", 2, 1) }, refusal.Superseded, 3, true},
		"added again by a caller that has seen the drop":         {func(c *scene) refusal.Code { c.drop(3000, "v", 0); return c.enroll(3100, "v", 5, 0) }, refusal.None, 5, true},
		"a late duplicate of the drop after that": {func(c *scene) refusal.Code {
			c.drop(3000, "v", 3)
			c.enroll(3100, "v", 5, 0)
			return c.drop(3200, "v", 3)
		}, refusal.Superseded, 5, true},
		"dropped after voting and added again with the weight": {func(c *scene) refusal.Code {
			c.cast(3000, "v", "a", 0)
			c.drop(3000, "v", 0)
			return c.enroll(3100, "v", 2, 0)
		}, refusal.None, 2, true},
		"dropped after voting and added again with another": {func(c *scene) refusal.Code {
			c.cast(3000, "v", "a", 0)
			c.drop(3000, "v", 0)
			return c.enroll(3100, "v", 3, 0)
		}, refusal.AlreadyVoted, 2, false},
		"a drop holds against an upload that began before it": {func(c *scene) refusal.Code { c.drop(3000, "x", 0); return c.enroll(3100, "x", 1, 3) }, refusal.Superseded, 2, true},
		"and not against one that began after it":             {func(c *scene) refusal.Code { c.drop(3000, "x", 0); return c.enroll(3100, "x", 1, 0) }, refusal.None, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, both(onRoll, func(d *Definition) { d.ClosesAt = closesAt }))
			s.enroll(1000, "v", 2, 0)
			s.cast(1000, "w", "a", 0)
			if code := c.play(s); code != c.want {
				t.Errorf("it is answered %q, want %q", code, c.want)
			}
			key := KeyOf(Salt{}, "v")
			if weight, ok := s.s.Find("p").weight(&key); weight != int64(c.weight) || ok != c.eligible {
				t.Errorf("v may vote: %t, with %d; want %t, %d", ok, weight, c.eligible, c.weight)
			}
		})
	}
}

func TestTheLinesOfOneCommandAreDecidedOneByOne(t *testing.T) {
	t.Parallel()
	c := newScene(t, onRoll)
	lines := []RollLine{{keyNumber(1), 1}, {keyNumber(2), 0}, {keyNumber(1), 1}, {keyNumber(1), 2}, {keyNumber(3), 4}}
	got := c.do(1000, Enroll{Poll: "p", Since: 1, Lines: lines})
	if want := (RollResult{Added: 2, Unchanged: 1, Refused: []RollRefusal{{1, refusal.MalformedRequest}, {3, refusal.Superseded}}}); fmt.Sprint(*got.Roll) != fmt.Sprint(want) {
		t.Errorf("it is answered %+v, want %+v", *got.Roll, want)
	}
	if r := c.do(1000, Enroll{Poll: "p", Since: 9, Lines: make([]RollLine, MaxRollLines+1)}); r.Err == nil || r.Err.Code != refusal.PayloadTooLarge {
		t.Errorf("a command of too many lines is answered %v", r)
	}
}

func TestWeightsCountInEveryMethodAndBallotsStayVoters(t *testing.T) {
	t.Parallel()
	c := newScene(t, both(onRoll, both(revotes, func(d *Definition) { d.Quorum = 3 })))
	for voter, weight := range map[string]uint32{"u": 1, "v": 10, "w": MaxWeight} {
		c.enroll(1000, voter, weight, 0)
	}
	c.cast(2000, "u", "a", 0)
	c.cast(2000, "v", "a", 0)
	c.cast(2000, "w", "b", 0)
	c.cast(2000, "v", "b", 1)
	count, _ := c.s.Count("p")
	r := count.Tabulate()
	if r.Options[0].Votes != 1 || r.Options[1].Votes != 10+MaxWeight || count.Ballots != 3 || !count.QuorumMet() {
		t.Errorf("%+v, %d ballots", r.Options, count.Ballots)
	}
	if want := (Turnout{3, 11 + MaxWeight, 3, 11 + MaxWeight}); count.Turnout != want {
		t.Errorf("turnout %+v, want %+v", count.Turnout, want)
	}
}

// Settled on a member that lags must not give an answer that a later entry could change.
func TestAMemberThatLagsDoesNotSettleWhoMayVote(t *testing.T) {
	t.Parallel()
	c := newScene(t, onRoll)
	stranger := Ballot{Poll: "p", Key: KeyOf(Salt{}, "v"), Selections: choice("a")}
	if o, ok := c.s.Settled(&stranger); ok {
		t.Errorf("a stranger is settled as %+v; the roll may name them by now", o)
	}
	c.enroll(1000, "v", 2, 0)
	c.cast(1000, "v", "a", 0)
	c.drop(1000, "v", 0)
	if o, ok := c.s.Settled(&stranger); !ok || o.Kind != Replayed {
		t.Errorf("the ballot of who was dropped since is settled as %+v, %t", o, ok)
	}
}

func TestADamagedRollIsNotLoaded(t *testing.T) {
	t.Parallel()
	c := newScene(t, onRoll)
	c.enroll(1000, "v", 2, 0)
	c.cast(1000, "v", "a", 0)
	v := c.s.View()
	defer v.Close()
	whole := save(v)
	if _, err := whole.load(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(s *saved){
		"an entry is missing":                func(s *saved) { s.polls[0].roll = nil },
		"an entry is cut short":              func(s *saved) { s.polls[0].roll = s.polls[0].roll[:RollEntryBytes-1] },
		"an entry is too many":               func(s *saved) { s.polls[0].roll = append(s.polls[0].roll, s.polls[0].roll...) },
		"a weight is zero":                   func(s *saved) { copy(s.polls[0].roll[16:], []byte{0, 0, 0}) },
		"the entry of who has voted is lost": func(s *saved) { s.polls[0].roll[0] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			damaged := saved{header: whole.header, polls: []savedPoll{whole.polls[0]}}
			damaged.polls[0].roll = append([]byte(nil), whole.polls[0].roll...)
			change(&damaged)
			if _, err := damaged.load(); err == nil || !strings.Contains(err.Error(), `poll "p"`) {
				t.Errorf("it is loaded, or the error does not name the poll: %v", err)
			}
		})
	}
}

func TestARollEntryKeepsTheGreatestNumbers(t *testing.T) {
	t.Parallel()
	var r roll
	key := keyNumber(1)
	for _, want := range []rollEntry{{Weight: 1, Index: 1}, {Weight: MaxWeight, Dropped: true, Index: maxRollIndex}, {Weight: MaxWeight, Index: maxRollIndex - 1}} {
		r.put(&key, want)
		if got, known := r.find(&key); !known || got != want {
			t.Errorf("%+v came back as %+v", want, got)
		}
	}
	r.put(&key, rollEntry{Weight: 1, Index: math.MaxUint64})
	if got, _ := r.find(&key); got.Index != maxRollIndex || got.Weight != 1 {
		t.Errorf("an index that does not fit came back as %+v", got)
	}
}

// rolledState is a poll with so many on its roll, MaxRollLines an entry.
func rolledState(voters uint64) *State {
	s := NewState()
	s.Begin(Stamp{Index: 1, At: 1})
	s.Do(Create{Definition: Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}, Eligibility: OnRoll}.WithDefaults()})
	s.End()
	lines := make([]RollLine, 0, MaxRollLines)
	for n := uint64(0); n < voters; {
		lines = lines[:0]
		for end := min(voters, n+MaxRollLines); n < end; n++ {
			lines = append(lines, RollLine{keyNumber(n), uint32(1 + n%7)})
		}
		s.Begin(Stamp{Index: s.Index() + 1, At: 1})
		s.Do(Enroll{Poll: "p", Since: s.Index(), Lines: lines})
		s.End()
	}
	return s
}

// BenchmarkMemoryPerRollEntry reports what a voter on a roll keeps in memory. The
// target is 40 bytes.
func BenchmarkMemoryPerRollEntry(b *testing.B) {
	voters := uint64(max(b.N, 1_000_000))
	before := heapBytes()
	s := rolledState(voters)
	b.ReportMetric(float64(heapBytes()-before)/float64(voters), "B/entry")
	runtime.KeepAlive(s)
}

func BenchmarkEnroll(b *testing.B) {
	b.ReportAllocs()
	rolledState(uint64(b.N))
}

// BenchmarkCastWithARoll is BenchmarkCast where each voter is looked up on a roll.
func BenchmarkCastWithARoll(b *testing.B) {
	s := rolledState(uint64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	castRange(s, s.Find("p"), 0, uint64(b.N))
}
