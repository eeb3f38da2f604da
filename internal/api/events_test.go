package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

// eventRig is a rig whose state keeps a journal.
func eventRig(t *testing.T, change ...func(o *Options)) *rig {
	t.Helper()
	g := newRig(t, change...)
	g.b.set(func(b *backend) { b.apply(func(s *poll.State) { s.Do(poll.Raise{Level: poll.EventsLevel}) }) })
	return g
}

// events returns the types and subjects of a page, and the page.
func (g *rig) events(query string, header ...string) (told []string, page map[string]any) {
	g.t.Helper()
	page = g.do("GET", "/v1/events"+query, "", header...).want(200).json()
	for _, e := range page["events"].([]any) {
		o := e.(map[string]any)
		subject, _ := o["subject"].(string)
		told = append(told, o["type"].(string)+" "+subject)
	}
	return told, page
}

func (g *rig) wantEvents(query string, want ...string) map[string]any {
	g.t.Helper()
	told, page := g.events(query)
	if !slices.Equal(told, want) {
		g.t.Errorf("GET /v1/events%s tells %q, not %q", query, told, want)
	}
	return page
}

func TestEventsAreListedFromAnyOneOn(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	page := g.wantEvents("")
	if page["oldest"] != 1.0 || page["newest"] != 0.0 || page["next"] != 0.0 {
		t.Errorf("an empty journal is %v", page)
	}
	g.poll("p", twoOptions)
	g.poll("board-1", twoOptions)
	g.cast("p", "v", forAnn)
	g.close("p")
	all := []string{
		"poll.created polls/p", "poll.opened polls/p", "poll.created polls/board-1", "poll.opened polls/board-1",
		"poll.milestone polls/p", "poll.closed polls/p",
	}
	page = g.wantEvents("", all...)
	events := page["events"].([]any)
	last := events[len(events)-1].(map[string]any)
	if last["id"] != fmt.Sprint("evt_", g.h.cluster.ClusterID(), "_7") || last["sequence"] != "7" {
		t.Errorf("the last one is %v", last)
	}
	results := last["data"].(map[string]any)["results"].(map[string]any)
	if shown := g.do("GET", "/v1/polls/p/results", "").want(200).json(); !maps.EqualFunc(results, shown, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) && results["index"] == shown["index"] {
		t.Errorf("the event has the results %v, the poll %v", results, shown)
	}
	g.wantEvents("?after=3", all[3:]...)
	g.wantEvents("?after=" + last["id"].(string))
	g.wantEvents("?after=newest")
	g.wantEvents("?types=poll.closed,ballots.*", "ballots.counted polls/p", "poll.closed polls/p")
	g.wantEvents("?poll=board-*", all[2], all[3])
	// A page that no event matches moves on all the same.
	if page := g.wantEvents("?types=roll.changed&limit=1"); page["next"] != 7.0 {
		t.Errorf("next is %v", page["next"])
	}
	// Pages that follow one another are the whole.
	var told []string
	for after := "0"; ; {
		some, page := g.events("?limit=2&after=" + after)
		if told = append(told, some...); len(some) == 0 {
			break
		}
		after = fmt.Sprint(page["next"])
	}
	if !slices.Equal(told, all) {
		t.Errorf("page by page they are %q", told)
	}
}

func TestTheSameEventIsTheSameBytesEachTime(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "v", forAnn)
	g.close("p")
	one := g.do("GET", "/v1/events?types=poll.closed", "").want(200)
	g.poll("q", twoOptions)
	g.b.pass(time.Hour)
	two := g.do("GET", "/v1/events?types=poll.closed", "").want(200)
	cut := func(a answer) string { return a.body[strings.Index(a.body, `"events"`):] }
	if cut(one) != cut(two) {
		t.Errorf("once\n%s\nthen\n%s", one.body, two.body)
	}
}

func TestAQueryForEventsThatCannotBeMeantIsRefusedInWords(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	for query, says := range map[string]string{
		"?after=x": "after must be", "?after=-1": "after must be", "?limit=0": "limit must be", "?limit=1001": "limit must be",
		"?wait=61": "wait must be", "?wait=x": "wait must be", "?types=poll.crated": "poll.created", "?types=,": "poll.created",
		"?poll=%20": "poll must be", "?poll=a,": "poll must be", "?poll=a" + strings.Repeat(",a", poll.MaxEndpointPolls): "at most 16", "?since=3": "after, limit, types, poll, wait",
	} {
		g.do("GET", "/v1/events"+query, "").want(400).code("malformed_request").holds(says)
	}
	g.do("GET", "/v1/events?poll=a"+strings.Repeat(",a", poll.MaxEndpointPolls-1), "").want(200)
	g.do("GET", "/v1/events", "", "Accept", "text/html").want(406)
}

func TestEventsThatAreNotKeptHereAreGoneAndTheAnswerSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	g.poll("p", twoOptions)
	for query, header := range map[string][]string{
		"?after=3": nil, "?after=evt_another_1": nil,
		"": {"Accept", mediaEvents, "Last-Event-Id", "1-another"},
	} {
		a := g.do("GET", "/v1/events"+query, "", header...).want(410).code("events_gone")
		if v := a.json(); v["oldest"] != 1.0 || v["newest"] != 2.0 || v["retryable"] != false {
			t.Errorf("%s: %v", query, v)
		}
	}
}

func TestARequestForEventsWaitsUntilThereIsOne(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	answered := make(chan map[string]any)
	go func() {
		answered <- g.do("GET", "/v1/events?after=0&types=poll.closed&wait=60", "").json()
	}()
	g.poll("p", twoOptions) // its events do not match
	g.cast("p", "v", forAnn)
	select {
	case page := <-answered:
		t.Fatalf("it was answered before the poll closed: %v", page)
	case <-time.After(50 * time.Millisecond):
	}
	g.close("p")
	if page := <-answered; len(page["events"].([]any)) != 1 || page["next"] != 5.0 {
		t.Errorf("it was answered with %v", page)
	}
	// Without an event the time ends it, and it says from where to go on.
	if page := g.wantEvents("?after=5&wait=1"); page["next"] != 5.0 {
		t.Errorf("next is %v", page["next"])
	}
}

func TestAWaitingRequestEndsWhenTheNodeDrains(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	answered := make(chan int)
	go func() { answered <- g.do("GET", "/v1/events?wait=60", "").status }()
	g.h.Drain()
	if status := <-answered; status != 200 {
		t.Errorf("status %d", status)
	}
}

// followEvents opens the stream of events.
func (g *rig) followEvents(url string, header ...string) *follower {
	g.t.Helper()
	return g.followPath(url, "/v1/events", append([]string{"Accept", mediaEvents}, header...)...)
}

// happened reads the next event of a stream.
func (f *follower) happened() (id, kind string, e map[string]any) {
	f.t.Helper()
	lines := strings.Split(f.block(), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "event: ") {
		f.t.Fatalf("no event: %q", lines)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &e); err != nil {
		f.t.Fatal(err)
	}
	d := theReference(f.t)
	if faults := d.value("event", d.root["components"].(object)["schemas"].(object)["JournalEvent"], e); faults != nil {
		f.t.Errorf("the event is not as documented: %v", faults)
	}
	return strings.TrimPrefix(lines[1], "id: "), strings.TrimPrefix(lines[0], "event: "), e
}

func TestAStreamOfEventsGoesOnWhereAnEarlierOneEnded(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	g.b.set(func(b *backend) { b.cluster = "k2j4mq7xw3ab5cde" })
	g.poll("p", twoOptions)
	url := g.serve().URL
	f := g.followEvents(url)
	if b := f.block(); !strings.HasPrefix(b, "retry: ") {
		t.Fatalf("it begins with %q", b)
	}
	f.happened()
	if id, kind, _ := f.happened(); id != "2-k2j4mq7xw3ab5cde" || kind != "poll.opened" {
		t.Errorf("event %s is %s", id, kind)
	}
	g.close("p")
	id, kind, _ := f.happened()
	if kind != "poll.closed" {
		t.Errorf("event %s is %s", id, kind)
	}
	g.do("DELETE", "/v1/polls/p", "").want(204)
	later := g.followEvents(url, "Last-Event-Id", id)
	later.block()
	if _, kind, e := later.happened(); kind != "poll.deleted" || e["sequence"] != "4" {
		t.Errorf("the next one is %s: %v", kind, e)
	}
	g.h.Drain()
	if b := later.block(); b != "" {
		t.Errorf("after the drain comes %q", b)
	}
}

// What any role sees of the events of a poll that hides its results must not depend on its
// ballots.
func TestNoEventOfAPollThatHidesItsResultsDependsOnItsTurnout(t *testing.T) {
	t.Parallel()
	told := func(n int, definition string) map[string]string {
		g := eventRig(t, func(o *Options) { o.Auth = everybody })
		g.do("PUT", "/v1/polls/h", definition, as("admin")...).want(201)
		for i := range n {
			g.do("PUT", fmt.Sprint("/v1/polls/h/ballots/v", i), forAnn, as("gateway")...).want(201)
		}
		g.do("PATCH", "/v1/polls/h", `{"title":"new"}`, as("admin")...).want(200)
		all := map[string]string{}
		for who := range everybody {
			for _, query := range []string{"", "?types=*", "?types=ballots.counted,poll.milestone,poll.quorum_met", "?poll=h", "?after=0&limit=1"} {
				a := g.do("GET", "/v1/events"+query, "", as(who)...)
				page := a.json()
				delete(page, "request_id")
				if events, ok := page["events"].([]any); ok {
					for _, e := range events {
						delete(e.(map[string]any), "index") // the log has an entry for each ballot
					}
				}
				all[who+" "+query] = fmt.Sprint(a.status, page)
			}
			for _, path := range []string{"/v1/polls/h/ballots?after=0", "/v1/polls/h/ballots?after=2&limit=1"} {
				a := g.do("GET", path, "", as(who)...)
				all[who+" "+path] = fmt.Sprint(a.status, scrubbed(a.body))
			}
		}
		return all
	}
	hidden := strings.Replace(secretTill, "{", `{"quorum":2,"disclosure":"ballots",`, 1)
	few, many := told(0, hidden), told(1030, hidden)
	for asked, said := range few {
		if many[asked] != said {
			t.Errorf("%s: without ballots\n%s\nwith ballots\n%s", asked, said, many[asked])
		}
		if may := strings.HasPrefix(said, "200"); may != (strings.HasPrefix(asked, "admin ?") || strings.HasPrefix(asked, "reader ?") || asked == "admin " || asked == "reader ") {
			t.Errorf("%s is answered with %s", asked, said)
		}
	}
	if shown := strings.Replace(hidden, "after_close", "live", 1); maps.Equal(told(0, shown), told(3, shown)) {
		t.Error("a poll that shows its results tells nothing either: this test cannot fail")
	}
}

func TestAfterADeletionItsEventsSayNoMoreThanTheirNumbers(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	g.poll("p", `{"title":"Lunch","options":["ann","bo"]}`)
	g.cast("p", "v", forAnn)
	g.close("p")
	g.do("DELETE", "/v1/polls/p", "").want(204)
	g.do("GET", "/v1/events?types=*,ballots.counted", "").want(200).lacks("Lunch").lacks("winners").holds(`"omitted":"deleted"`)
}

func TestTheBallotsOfABoxAreReadOnFromAnyOne(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("open", `{"options":["ann","bo"],"secrecy":"open","revote":"until_close"}`)
	g.poll("shown", `{"options":["ann","bo"],"disclosure":"ballots","revote":"until_close"}`)
	g.poll("plain", `{"options":["ann","bo"]}`)
	for _, id := range []string{"open", "shown"} {
		g.cast(id, "v", forAnn)
		g.cast(id, "w", forBo)
		g.do("PUT", "/v1/polls/"+id+"/ballots/v", forBo, "If-Match", `"1"`).want(200)
	}
	lines := func(path string) []string {
		return strings.Split(strings.TrimSuffix(g.do("GET", path, "").want(200).body, "\n"), "\n")
	}
	all := lines("/v1/polls/open/ballots?after=0")
	if len(all) != 3 || !strings.Contains(all[0], `"voter":"v","selections":["ann"],"version":1`) || !strings.Contains(all[2], `"supersedes":1`) {
		t.Errorf("an open poll's box is %q", all)
	}
	if rest := lines("/v1/polls/open/ballots?after=1"); !slices.Equal(rest, all[1:]) {
		t.Errorf("after 1 come %q", rest)
	}
	if some := lines("/v1/polls/open/ballots?after=1&limit=1"); !slices.Equal(some, all[1:2]) {
		t.Errorf("one after 1 is %q", some)
	}
	if none := g.do("GET", "/v1/polls/open/ballots?after=3", "").want(200).body; none != "" {
		t.Errorf("after the last one comes %q", none)
	}
	// In a secret poll a replaced ballot is a number.
	secret := lines("/v1/polls/shown/ballots?after=0")
	if len(secret) != 3 || secret[0] != `{"ballot":1,"replaced":true}` || !strings.Contains(secret[1], `"voter_key":`) {
		t.Errorf("a secret poll's box is %q", secret)
	}
	g.do("GET", "/v1/polls/open/ballots?after=4", "").want(410).code("events_gone")
	g.do("GET", "/v1/polls/open/ballots?after=x", "").want(400)
	g.do("GET", "/v1/polls/open/ballots?after=0&limit=0", "").want(400)
	g.do("GET", "/v1/polls/open/ballots?limit=3", "").want(400).holds("limit goes with after")
	g.do("GET", "/v1/polls/open/ballots?after=0&format=csv", "").want(406)
	g.do("GET", "/v1/polls/plain/ballots?after=0", "").want(409)
	g.close("plain")
	g.do("GET", "/v1/polls/plain/ballots?after=0", "").want(403).code("forbidden").holds("disclosure")
}
