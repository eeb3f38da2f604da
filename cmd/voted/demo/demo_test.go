package demo

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"voted/client"
)

// Options of the election in Alaska.
const (
	peltola = "peltola"
	palin   = "palin"
	begich  = "begich"
)

// allBallots is how many ballots that election has.
const allBallots = 188571

func loaded(t *testing.T, name string) *election {
	t.Helper()
	e, err := load(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheRunoffFindsWhatWasPublished(t *testing.T) {
	t.Parallel()
	e := loaded(t, DefaultElection)
	winner, rounds := e.runoff(e.types)
	want := e.Published.Rounds
	if winner != peltola || len(rounds) != len(want) {
		t.Fatalf("%s wins in %d rounds", winner, len(rounds))
	}
	for i, w := range want {
		if g := rounds[i]; !maps.Equal(g.Votes, w.Votes) || !slices.Equal(g.Eliminated, w.Eliminated) || g.Exhausted != w.Exhausted {
			t.Errorf("round %d is %+v, want %+v", i+1, g, w)
		}
	}
}

// The ballots of each election give what was published, to the last decimal; and a ballot
// less is noticed.
func TestTheElectionsCountAsPublished(t *testing.T) {
	t.Parallel()
	ballots := map[string]int{"alaska-2022": allBallots, "burlington-2009": 8980, "glasgow-2007-greater-pollok": 8682}
	if names := Elections(); len(names) != len(ballots) || names[0] != DefaultElection {
		t.Errorf("the elections are %q", names)
	}
	for name, n := range ballots {
		e := loaded(t, name)
		if got, err := Ballots(name); err != nil || got != n || e.Definition.ID != name || e.Published.Source == "" {
			t.Errorf("%s: %d ballots of %q by %q, %v; want %d", name, got, e.Definition.ID, e.Published.Source, err, n)
		}
		r, err := e.counted(e.types)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := e.Published.differs(&r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		less := slices.Clone(e.types)
		less[0].Voters--
		fewer, err := e.counted(less)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e.Published.differs(&fewer) == nil || same(&fewer, &r) == nil {
			t.Errorf("%s: a ballot less is not noticed", name)
		}
		if err := same(&r, &r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := load("florida-2000"); err == nil {
		t.Error("an election that is not there was loaded")
	}
}

func TestAResultThatIsNotAsPublishedIsNoticed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *client.Results){
		"another winner":          func(r *client.Results) { r.Winners = []string{palin} },
		"a round more":            func(r *client.Results) { r.Rounds = append(r.Rounds, client.Round{}) },
		"a vote more":             func(r *client.Results) { r.Rounds[0].Votes[begich] += 0.00001 },
		"a vote for one who left": func(r *client.Results) { r.Rounds[1].Votes[begich] = 1 },
		"another one left":        func(r *client.Results) { r.Rounds[0].Eliminated = []string{palin} },
		"others are exhausted":    func(r *client.Results) { r.Rounds[1].Exhausted++ },
	} {
		e := loaded(t, DefaultElection)
		r, err := e.counted(e.types)
		if err != nil {
			t.Fatal(err)
		}
		change(&r)
		if e.Published.differs(&r) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestFewerBallotsKeepTheProportions(t *testing.T) {
	t.Parallel()
	alaska := loaded(t, DefaultElection).types
	for _, n := range []int{1, 2, 9, 50, 1000, 188570, allBallots} {
		total := 0
		for i, s := range scaled(alaska, n) {
			total += s.Voters
			exact := float64(alaska[i].Voters) * float64(n) / allBallots
			if d := float64(s.Voters) - exact; d <= -1 || d >= 1 {
				t.Errorf("%d ballots: type %d has %d, exactly it would be %.2f", n, i, s.Voters, exact)
			}
		}
		if total != n {
			t.Errorf("%d ballots became %d", n, total)
		}
	}
}

func TestASeedFixesThePlanAndAThirdIsSentAgain(t *testing.T) {
	t.Parallel()
	const n = 60000
	types := scaled(loaded(t, DefaultElection).types, n)
	one, same, other := plan(types, 7), plan(types, 7), plan(types, 8)
	if !slices.Equal(one.requests, same.requests) || !slices.Equal(one.votes, same.votes) {
		t.Error("the same seed made two plans")
	}
	if slices.Equal(one.requests, other.requests) {
		t.Error("two seeds made the same plan")
	}
	times := make([]int, n)
	atOnce, beforeAndAfter := 0, 0
	first := make([]int, n)
	for i, v := range one.requests {
		if times[v]++; times[v] == 1 {
			first[v] = i
		}
		if i > 0 && one.requests[i-1] == v {
			atOnce++
		}
		if int64(first[v]) < one.mark(killAt) && int64(i) > one.mark(killAt) {
			beforeAndAfter++
		}
	}
	again := 0
	for v, k := range times {
		if k == 0 {
			t.Fatalf("voter %d never votes", v)
		}
		if k > 1 {
			again++
		}
	}
	if share := float64(again) / n; share < 0.30 || share > 0.37 {
		t.Errorf("%.1f %% of the voters send again, not about a third", 100*share)
	}
	if atOnce < n/10 || beforeAndAfter < n/20 {
		t.Errorf("%d are sent again at once, %d after the failover", atOnce, beforeAndAfter)
	}
	if got := slices.Repeat([]int{0}, len(types)); !slices.EqualFunc(types, countTypes(one.votes, got), func(b ballotType, k int) bool { return b.Voters == k }) {
		t.Errorf("the electorate is %v, not %v", got, types)
	}
}

func countTypes(votes []uint16, into []int) []int {
	for _, v := range votes {
		into[v]++
	}
	return into
}

func TestVoterIDsSortAsNumbers(t *testing.T) {
	t.Parallel()
	for v, want := range map[uint32]string{0: "v-000000", 7: "v-000007", 10: "v-000010", 99999: "v-099999", 100000: "v-100000", 188570: "v-188570"} {
		if got := voterID(v); got != want {
			t.Errorf("voter %d is %q, want %q", v, got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		if id := voterID(r.Uint32N(allBallots)); len(id) != 8 {
			t.Fatalf("%q has %d letters", id, len(id))
		}
	}
}

// answer makes the receipt of a request.
func answer(outcome client.Outcome, ballot, index uint64, node, leader string) client.Receipt {
	return client.Receipt{
		Outcome: outcome, Version: 1, Ballot: ballot, Index: index, CastAt: time.Unix(1, 0),
		Meta: client.Meta{Node: node, Leader: leader, Attempts: 1},
	}
}

func TestTheLedgerNoticesWhatMustNotHappen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers    []client.Receipt
		complaints int
	}{
		"the same receipt again is what is promised":          {[]client.Receipt{answer(client.Counted, 4, 9, "n1", "n1"), answer(client.Replayed, 4, 9, "n2", "n1")}, 0},
		"a lost answer makes the replay the first to be seen": {[]client.Receipt{answer(client.Replayed, 4, 9, "n1", "n1")}, 0},
		"a replay may overtake the first answer":              {[]client.Receipt{answer(client.Replayed, 4, 9, "n1", "n1"), answer(client.Counted, 4, 9, "n2", "n1")}, 0},
		"counted twice under two numbers is wrong, twice":     {[]client.Receipt{answer(client.Counted, 4, 9, "n1", "n1"), answer(client.Counted, 5, 9, "n2", "n1")}, 2},
		"counted twice under one number is wrong":             {[]client.Receipt{answer(client.Counted, 4, 9, "n1", "n1"), answer(client.Counted, 4, 9, "n2", "n1")}, 1},
		"a replay with another index is wrong":                {[]client.Receipt{answer(client.Counted, 4, 9, "n1", "n1"), answer(client.Replayed, 4, 10, "n2", "n1")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(1)
			for _, r := range c.answers {
				l.record(0, time.Now(), r, nil)
			}
			if len(l.complaints) != c.complaints {
				t.Errorf("complaints: %q, want %d", l.complaints, c.complaints)
			}
		})
	}
}

func TestOnlyTheNextLeaderEndsAnOutage(t *testing.T) {
	t.Parallel()
	l := newLedger(3)
	l.watch(time.Now().Add(-50*time.Millisecond), "n1")
	l.record(0, time.Now(), answer(client.Counted, 1, 1, "n2", "n1"), nil) // was on its way
	select {
	case <-l.resumed:
		t.Fatal("an answer of the dead leader ended the outage")
	default:
	}
	l.record(1, time.Now(), answer(client.Replayed, 2, 2, "n2", "n2"), nil)
	l.record(2, time.Now(), answer(client.Counted, 3, 3, "n2", "n2"), nil)
	<-l.resumed
	if l.resumedBy != "n2" || l.resumedAfter < 50*time.Millisecond || l.outage() < 50*time.Millisecond {
		t.Errorf("resumed by %q after %v, gap %v", l.resumedBy, l.resumedAfter, l.outage())
	}
}

func TestRoundsThatDifferAreNoticed(t *testing.T) {
	t.Parallel()
	e := loaded(t, DefaultElection)
	_, want := e.runoff(e.types)
	good := func() []client.Round {
		return []client.Round{
			{Votes: map[string]client.Votes{peltola: 75787, palin: 58974, begich: 53810}, Eliminated: []string{begich}},
			{Votes: map[string]client.Votes{peltola: 91265, palin: 86044, begich: 0}, Exhausted: 11262},
		}
	}
	if err := sameRounds(good(), want); err != nil {
		t.Errorf("equal rounds: %v", err)
	}
	for name, change := range map[string]func(r []client.Round){
		"a vote more":          func(r []client.Round) { r[0].Votes[palin]++ },
		"another one went":     func(r []client.Round) { r[0].Eliminated = []string{palin} },
		"one more exhausted":   func(r []client.Round) { r[1].Exhausted++ },
		"the dead have a vote": func(r []client.Round) { r[1].Votes[begich] = 1 },
	} {
		rounds := good()
		change(rounds)
		if sameRounds(rounds, want) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
	if sameRounds(good()[:1], want) == nil {
		t.Error("a missing round: not noticed")
	}
}

func TestDigestsAreComparedOnlyAtOneIndex(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		views []memberView
		level bool
		ok    bool
	}{
		"level and equal":     {[]memberView{{"n1", 5, "aa"}, {"n2", 5, "aa"}}, true, true},
		"level and different": {[]memberView{{"n1", 5, "aa"}, {"n2", 5, "bb"}}, true, false},
		"one lags":            {[]memberView{{"n1", 5, "aa"}, {"n2", 4, "bb"}}, false, false},
		"none is stated":      {[]memberView{{"n1", 5, ""}, {"n2", 5, ""}}, true, false},
	} {
		if level, err := sameDigests(c.views); level != c.level || (err == nil) != c.ok {
			t.Errorf("%s: level %v, %v", name, level, err)
		}
	}
}

func TestTheBallotThatIsShownWasCastAtTheWorstMoment(t *testing.T) {
	t.Parallel()
	killed := time.Now()
	before, after := killed.Add(-time.Millisecond), killed.Add(time.Millisecond)
	again := answer(client.Counted, 5, 5, "n2", "n2")
	again.Meta.Attempts = 3
	l := newLedger(6)
	says := func(voter uint32, at string) {
		t.Helper()
		if v, said := l.example(); v != voter || said != at {
			t.Errorf("shown is voter %d, whose ballot %s", v, said)
		}
	}
	l.record(1, before, again, nil)
	says(0, "was counted")
	l.watch(killed, "n1")
	l.record(2, after, again, nil)
	says(2, "was cast after the leader was killed")
	l.record(3, before, answer(client.Counted, 3, 3, "n2", "n2"), nil)
	l.record(2, after, again, nil)
	says(3, "was on its way when the leader was killed")
	l.record(4, before, answer(client.Replayed, 4, 4, "n2", "n2"), nil)
	l.record(5, before, again, nil)
	says(5, "was on its way when the leader was killed, and was sent again")
}
