package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/history"
	"voted/internal/survey"
)

func TestTheHistoryIsServedWithoutALeader(t *testing.T) {
	t.Parallel()
	kept := history.NewRecorder()
	g := newRig(t, func(o *Options) { o.Chronicle = kept })
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	g.poll("p", twoOptions)
	g.cast("p", "v", forAnn)
	var before, after history.Reading
	g.h.Measure(&before)
	g.do("PUT", "/v1/polls/p/ballots/v", forAnn).want(200)
	g.do("PUT", "/v1/polls/p/ballots/v", forBo).want(409)
	g.cast("p", "w", forAnn)
	g.h.Measure(&after)
	kept.Sample(before, noon)
	kept.Sample(after, noon.Add(time.Second))
	kept.Note(history.Event{At: noon, Kind: history.LeaderElected, Member: "n2", Term: 4, Took: 26.25, Text: "n2 leads."})
	kept.Note(history.Event{At: noon.Add(2 * time.Second), Kind: history.FindingBegan, Text: "It is."})
	// Given that no leader is there, when the history is asked for, then it is served.
	g.b.set(func(b *backend) { b.fault, b.leader = errors.New("no leader"), "" })
	a := g.do("GET", "/v1/cluster/history", "").want(200).has("Cache-Control", "no-store")
	a.holds(`"node":"n1"`).holds(`"counted":1,"replaced":0,"replayed":1,"refused":1,`).holds(`"cast":{"p50_ms":`)
	a.holds(`{"seq":1,"at":"2026-12-01T12:00:00Z","kind":"leader_elected","member":"n2","term":4,"took_ms":26.25,"text":"n2 leads."}`)
	late := g.do("GET", "/v1/cluster/history?since=2026-12-01T12:00:01Z", "").want(200)
	late.holds(`"samples":[]`).holds(`"seq":2`).lacks(`"seq":1,`)
	g.do("GET", "/v1/cluster/history?since=noon", "").want(400).holds("such as 2026-12-01T07:12:03Z")
	newRig(t).do("GET", "/v1/cluster/history", "").want(404)
}

func TestEveryKindOfEventIsInTheReference(t *testing.T) {
	t.Parallel()
	schema := theReference(t).root["components"].(object)["schemas"].(object)["Event"].(object)
	listed := map[string]bool{}
	for _, kind := range schema["properties"].(object)["kind"].(object)["enum"].([]any) {
		listed[kind.(string)] = true
	}
	for _, kind := range history.Kinds() {
		if !listed[string(kind)] {
			t.Errorf("%s is not listed", kind)
		}
		delete(listed, string(kind))
	}
	for kind := range listed {
		t.Errorf("%s is listed and is none", kind)
	}
}

// otherMembers answer for the others.
type otherMembers struct {
	mu      sync.Mutex
	answers map[string]Repeats // guarded by mu
	asked   int                // guarded by mu
}

func (m *otherMembers) Repeats(context.Context, string) (map[string]Repeats, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	answers := map[string]Repeats{}
	for id, a := range m.answers {
		answers[id] = a
	}
	return answers, 2
}

func (m *otherMembers) set(id string, a Repeats) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if delete(m.answers, id); a.Run != "" {
		m.answers[id] = a
	}
}

func TestRepetitionsAreSummedOverTheMembersAndTheSumDoesNotFall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		others := &otherMembers{answers: map[string]Repeats{}}
		g := newRig(t, func(o *Options) { o.Elsewhere = others })
		t.Cleanup(g.h.Close)
		began := time.Now().UTC()
		others.set("n2", Repeats{Run: "a", Since: began, Recognised: 5})
		others.set("n3", Repeats{Run: "b", Since: began.Add(-time.Hour), Recognised: 7})
		g.poll("p", twoOptions)
		g.poll("q", twoOptions)
		g.cast("p", "v", forAnn)
		for range 3 { // one request repeats a ballot,
			g.do("PUT", "/v1/polls/p/ballots/v", forAnn).want(200)
		}
		bulk := `{"voter":"v","selections":["ann"]}` + "\n" + `{"voter":"w","selections":["ann"]}` + "\n" + `{"voter":"w","selections":["ann"]}` + "\n"
		g.do("POST", "/v1/polls/p/ballots", bulk, "Content-Type", "application/x-ndjson").want(200) // and two lines do; a refused one does not
		g.do("PUT", "/v1/polls/p/ballots/v", forBo).want(409)
		g.do("PUT", "/v1/polls/q/ballots/v", forBo).want(201)
		says := func(path string, recognised, answered int) {
			t.Helper()
			a := g.do("GET", "/v1/polls/"+path+"/results/repeats", "").want(200).json()
			if a["recognised"] != float64(recognised) || a["answered"] != float64(answered) || a["members"] != 3.0 {
				t.Errorf("%v, want %d recognised as %d say", a, recognised, answered)
			}
		}
		says("p", 5+5+7, 3)
		says("q", 5+7, 3)
		// When a member ends, what it said before still counts; when it is back it counts anew.
		others.set("n2", Repeats{})
		for range 100 {
			says("p", 17, 3) // asked for a hundred times within a second
		}
		if others.asked != 2 {
			t.Errorf("the members were asked %d times for two polls", others.asked)
		}
		time.Sleep(repeatsEvery)
		says("p", 17, 2)
		others.set("n2", Repeats{Run: "c", Since: began.Add(time.Minute), Recognised: 1})
		time.Sleep(repeatsEvery)
		says("p", 18, 3)
		if since := g.do("GET", "/v1/polls/p/results/repeats", "").json()["since"]; since != began.Add(time.Minute).Format(time.RFC3339Nano) {
			t.Errorf("nothing is missing since %v", since)
		}
	})
}

func TestRepetitionsOfAHiddenPollAreHidden(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("h", secretTill)
	g.do("GET", "/v1/polls/h/results/repeats", "").want(403).code("results_hidden")
	g.do("GET", "/v1/polls/none/results/repeats", "").want(404)
	g.close("h")
	g.do("GET", "/v1/polls/h/results/repeats", "").want(200)
}

func TestRepetitionsOfNoMoreThanSoManyPollsAreCounted(t *testing.T) {
	t.Parallel()
	r := &repeats{}
	for n := range maxRepeatedPolls + 100 {
		r.add(strings.Repeat("p", n%64)+time.Duration(n).String(), 1)
	}
	r.add("nothing", 0)
	if n := r.size.Load(); n != maxRepeatedPolls {
		t.Errorf("%d polls are counted", n)
	}
	s := &sums{polls: map[string]*sum{}}
	for n := range maxSums + 100 {
		s.of(time.Duration(n).String())
	}
	if n := len(s.polls); n != maxSums {
		t.Errorf("sums of %d polls are kept", n)
	}
}

func TestAReceiptIsReadWithoutALeaderIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "v", forAnn)
	g.b.set(func(b *backend) { b.fault, b.age = errors.New("no leader"), 1500*time.Millisecond })
	g.do("GET", "/v1/polls/p/ballots/v", "").want(500)
	g.do("GET", "/v1/polls/p/ballots/v?consistency=stale", "").want(200).has("Voted-Age", "1.500").holds(`"version":1`)
	// What an old state lacks may be there all the same.
	g.do("GET", "/v1/polls/p/ballots/w?consistency=stale", "").want(503).code("unavailable")
	g.do("GET", "/v1/polls/q/ballots/v?consistency=stale", "").want(503).code("unavailable")
	g.do("GET", "/v1/polls/p/ballots/v?consistency=old", "").want(400)
	g.b.set(func(b *backend) { b.doubt = errors.New("the members differ") })
	g.do("GET", "/v1/polls/p/ballots/v?consistency=stale", "").want(500)
}

// votingAt is a voting member that has applied an index.
func votingAt(id string, index uint64, change ...func(*survey.Member)) survey.Member {
	m := survey.Member{Peer: survey.Peer{ID: id, Addr: "127.0.0.1:1"}, Role: survey.Voting, State: survey.Following, Healthy: true, AppliedIndex: index}
	for _, c := range change {
		c(&m)
	}
	return m
}

func TestWhoHoldsABallot(t *testing.T) {
	t.Parallel()
	gone := func(m *survey.Member) { m.Healthy, m.State = false, survey.Unreachable }
	spare := func(m *survey.Member) { m.Role = survey.NonVoting }
	for name, c := range map[string]struct {
		members []survey.Member
		differs string
		want    string
	}{
		"all do":                   {[]survey.Member{votingAt("n1", 9), votingAt("n2", 2), votingAt("n3", 3)}, "", `"holders":["n1","n2","n3"],"others":[],"needed":2`},
		"one is behind":            {[]survey.Member{votingAt("n1", 9), votingAt("n2", 1), votingAt("n3", 3)}, "", `"holders":["n1","n3"],"others":["n2"],"needed":2`},
		"one is away":              {[]survey.Member{votingAt("n1", 9), votingAt("n2", 9, gone), votingAt("n3", 3)}, "", `"holders":["n1","n3"],"others":["n2"],"needed":2`},
		"one differs":              {[]survey.Member{votingAt("n1", 9), votingAt("n2", 9), votingAt("n3", 9)}, "n3", `"holders":["n1","n2"],"others":["n3"],"needed":2`},
		"those without a vote are": {[]survey.Member{votingAt("n1", 9), votingAt("n4", 9, spare)}, "", `"holders":["n1"],"others":[],"needed":2`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := guardedRig(t)
			g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
			g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("ann")...).want(201) // at index 2
			g.b.set(func(b *backend) {
				b.members.Members = c.members
				if c.differs != "" {
					b.members.Findings = []survey.Finding{{Kind: "digest_differs", Member: c.differs, Text: "It differs."}}
				}
			})
			g.do("GET", "/v1/polls/p/ballots/ann/holders", "", as("ann")...).want(200).has("Cache-Control", "no-store").holds(c.want)
			g.do("GET", "/v1/polls/p/ballots/bo/holders", "", as("ann")...).want(403)
			g.do("GET", "/v1/polls/p/ballots/bo/holders", "", as("gateway")...).want(404).code("ballot_not_found")
			g.do("GET", "/v1/polls/q/ballots/bo/holders", "", as("gateway")...).want(404).code("poll_not_found")
		})
	}
}

func TestALookAtTheMembersIsSharedByAllWhoAskWhoHoldsTheirBallot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looked := 0
		applied, behind := uint64(7), uint64(7)
		look := func(context.Context) (survey.Status, error) {
			looked++
			return survey.Status{Members: []survey.Member{votingAt("n1", applied), votingAt("n2", behind)}}, nil
		}
		var l sharedLook
		ask := func(index uint64, want int) {
			t.Helper()
			if _, err := l.holding(t.Context(), look, index); err != nil || looked != want {
				t.Errorf("%d looks for entry %d, want %d, %v", looked, index, want, err)
			}
		}
		ask(5, 1)
		time.Sleep(holdersEvery)
		ask(7, 1) // all are known to have it
		behind, applied = 7, 8
		ask(8, 2) // they may have it by now
		ask(8, 2) // looked a moment ago: one had it, and one had not
		ask(9, 3) // the last look was before this entry, so it says nothing about it
		time.Sleep(holdersEvery)
		ask(8, 4)
		behind = applied
		time.Sleep(holdersKept)
		ask(5, 5) // one may be gone
	})
}

func TestAMemberThatDoesNotKnowTheBallotYetAsksTheLeaderBeforeItSaysSo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.b.set(func(b *backend) { b.fault = errors.New("no leader") })
	if a := g.do("GET", "/v1/polls/p/ballots/v/holders", ""); a.status == http.StatusNotFound {
		t.Error("a node without a leader claims that there is no such ballot")
	}
}
