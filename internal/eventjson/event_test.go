package eventjson

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

var update = flag.Bool("update", false, "write the golden files")

const cluster = "5c1f0b2a9d3e4f60"

// scene is a state and the renderer of its events.
type scene struct {
	t *testing.T
	s *poll.State
	Renderer
}

func newScene(t *testing.T) *scene {
	t.Helper()
	c := &scene{t, poll.NewState(), Renderer{cluster, ended(`{"winners":["a"]}`)}}
	c.do(1, poll.Raise{Level: poll.ScheduleLevel})
	return c
}

// ended are the results of all polls.
type ended string

func (e ended) Closed(context.Context, poll.Info) ([]byte, error) { return []byte(e), nil }

func (c *scene) do(at int64, cmd poll.Command) {
	c.t.Helper()
	c.s.Begin(poll.Stamp{Index: c.s.Index() + 1, At: at})
	defer c.s.End()
	if r := c.s.Do(cmd); r.Err != nil {
		c.t.Fatalf("%T: %v", cmd, r.Err)
	}
}

func (c *scene) cast(at int64, voter string) {
	c.s.Begin(poll.Stamp{Index: c.s.Index() + 1, At: at})
	defer c.s.End()
	c.s.Cast(c.s.Find("p"), &poll.Ballot{Poll: "p", Key: poll.KeyOf(poll.Salt{}, voter), Selections: []byte{0}})
}

// play brings about an event of each kind.
func (c *scene) play() {
	d := poll.Definition{ID: "p", Title: "Lunch", Options: []poll.Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()
	d.OpensAt, d.ClosesAt, d.Quorum = 100, 900_000, 3
	c.do(10, poll.Create{Definition: d})
	for n := range 1030 {
		c.cast(300, fmt.Sprint("v", n))
	}
	c.do(400, poll.Schedule{ID: "s", At: 500, Do: poll.Close{Poll: "p"}})
	c.do(600, poll.Tick{})
	c.do(700, poll.Schedule{ID: "off", At: 900_000, Do: poll.Delete{Poll: "p"}})
	c.do(800, poll.Unschedule{ID: "off"})
}

func (c *scene) events() ([]poll.Event, []About) {
	c.t.Helper()
	events, _, ok := c.s.Events(0, 1000, func(poll.EventKind, string) bool { return true })
	if !ok {
		c.t.Fatal("the journal does not begin with its first event")
	}
	return events, Gather(c.s, events)
}

// lines renders all events.
func (c *scene) lines(render func(e poll.Event, about About) ([]byte, error)) []byte {
	c.t.Helper()
	events, about := c.events()
	var all []byte
	for i, e := range events {
		text, err := render(e, about[i])
		if err != nil {
			c.t.Fatalf("event %d: %v", e.Number, err)
		}
		all = append(append(all, text...), '\n')
	}
	return all
}

func (c *scene) event(e poll.Event, about About) ([]byte, error) {
	return c.Event(c.t.Context(), e, about)
}

func (c *scene) body(e poll.Event, about About) ([]byte, error) {
	d, err := c.Delivery(c.t.Context(), e, about)
	return d.Body(e.Number - 1), err
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has\n%s\nbut these are rendered now:\n%s", file, want, got)
	}
}

func TestEventsAndDeliveriesAreTheSameBytesForever(t *testing.T) {
	t.Parallel()
	c := newScene(t)
	c.play()
	golden(t, "testdata/v1/events.golden", c.lines(c.event))
	golden(t, "testdata/v1/deliveries.golden", c.lines(c.body))
	c.do(900, poll.Delete{Poll: "p"})
	golden(t, "testdata/v1/deleted.golden", c.lines(c.body))
}

// What is repeated after the poll has opened or closed must be what was sent before.
func TestADeliveryIsTheSameBytesWhateverFollows(t *testing.T) {
	t.Parallel()
	c := newScene(t)
	d := poll.Definition{ID: "p", Options: []poll.Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()
	d.OpensAt = 100
	c.do(10, poll.Create{Definition: d})
	first := c.lines(c.body)
	shown := c.lines(c.event)
	for at, cmd := range []poll.Command{poll.Tick{}, poll.Close{Poll: "p"}} {
		c.do(int64(200+at), cmd)
		if now := c.lines(c.body); !bytes.HasPrefix(now, first) {
			t.Errorf("after %T the delivery is\n%s\nand was\n%s", cmd, now, first)
		}
	}
	if now := c.lines(c.event); bytes.HasPrefix(now, shown) {
		t.Error("the control, an event with the state of its poll, is the same after the poll has closed")
	}
}

func TestABodyHasWhatBothStandardsAskForAndTheNumberBefore(t *testing.T) {
	t.Parallel()
	c := newScene(t)
	c.play()
	events, about := c.events()
	for i, e := range events {
		d, err := c.Delivery(t.Context(), e, about[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, previous := range []uint64{0, 7, 1<<64 - 1} {
			var body map[string]any
			if err := json.Unmarshal(d.Body(previous), &body); err != nil {
				t.Fatalf("%s: %v", d.Body(previous), err)
			}
			if body["timestamp"] != body["time"] || body["previous"] != fmt.Sprint(previous) || body["id"] != d.ID {
				t.Errorf("the body of %s after %d is %v", d.ID, previous, body)
			}
			if len(d.Body(previous)) > d.Bytes() {
				t.Errorf("a body of %d bytes is said to have %d at most", len(d.Body(previous)), d.Bytes())
			}
		}
		if number, ok := ParseID(d.ID, cluster); !ok || number != e.Number || strings.Contains(d.ID, ".") {
			t.Errorf("event %d has the id %q", e.Number, d.ID)
		}
		if _, ok := ParseID(d.ID, "another"); ok {
			t.Error("the id is taken for one of another cluster")
		}
	}
}

func TestABodyStaysBelow20KilobytesAndItsResultsThenComeAsALink(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"results that fit": 16 << 10, "one byte more": 16<<10 + 1, "much larger": 1 << 20} {
		c := newScene(t)
		c.Results = ended(`"` + strings.Repeat("x", size-2) + `"`)
		// With the longest title.
		d := poll.Definition{ID: "p", Title: strings.Repeat("t", poll.MaxTitleBytes), Options: []poll.Option{{ID: "a"}, {ID: "b"}}}
		c.do(10, poll.Create{Definition: d.WithDefaults()})
		c.do(20, poll.Close{Poll: "p"})
		events, about := c.events()
		body, err := c.body(events[len(events)-1], about[len(events)-1])
		if err != nil {
			t.Fatal(err)
		}
		linked := bytes.Contains(body, []byte(`"results_at":"/v1/polls/p/results"`))
		if len(body) >= MaxBody || linked != (size > 16<<10) || linked == bytes.Contains(body, []byte(`"results":`)) {
			t.Errorf("%s: a body of %d bytes, linked: %t", name, len(body), linked)
		}
	}
}

// failing are results that cannot be had.
type failing struct{}

var errNotNow = errors.New("not now")

func (failing) Closed(context.Context, poll.Info) ([]byte, error) { return nil, errNotNow }

func TestWithoutItsResultsAClosingIsNotRendered(t *testing.T) {
	t.Parallel()
	c := newScene(t)
	c.play()
	c.Results = failing{}
	events, about := c.events()
	for i, e := range events {
		_, err := c.Delivery(t.Context(), e, about[i])
		if errors.Is(err, errNotNow) != (e.Kind == poll.PollClosed) {
			t.Errorf("%v: %v", e.Kind, err)
		}
	}
}

func TestPingsAndGapsLookLikeEvents(t *testing.T) {
	t.Parallel()
	r := Renderer{Cluster: cluster}
	ping, err := r.Ping("k7", 1000)
	if err != nil {
		t.Fatal(err)
	}
	missed, err := r.Missed(42, 99, 2000)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/v1/others.golden", append(append(append(ping.Body(0), '\n'), missed.Body(41)...), '\n'))
}

// wire makes the events of webhooks and alarms.
func (c *scene) wire() {
	hook := func(id string) poll.PutEndpoint {
		return poll.PutEndpoint{ID: id, Webhook: poll.Webhook{URL: "https://example.org", Kinds: poll.KindsOf(poll.PollClosed), Rate: 1}}
	}
	c.do(10, poll.Raise{Level: poll.WebhookLevel})
	c.do(20, hook("ours")) // number 1
	c.do(20, hook("gone"))
	c.do(30, poll.Progress{Moves: []poll.Move{{Endpoint: 1, Revision: 1, Disable: poll.ReasonGone}, {Endpoint: 2, Revision: 2, Disable: poll.ReasonFailing}}})
	c.do(40, poll.DropEndpoint{ID: "gone"})
	c.do(50, poll.Alarm{Kind: "clock_off", Member: "n2", On: true, Says: "n2's clock is 3 s ahead."})
	c.do(50+poll.AlarmPause, poll.Alarm{Kind: "clock_off", Member: "n2", Says: "The clock of n2 is right again."})
}

func TestWhatHappensToWebhooksAndMembersIsToldInTheSameBytesForever(t *testing.T) {
	t.Parallel()
	c := newScene(t)
	c.wire()
	golden(t, "testdata/v1/webhooks.golden", c.lines(c.body))
	before := c.lines(c.event)
	c.do(10*poll.AlarmPause, poll.Alarm{Kind: "clock_off", Member: "n2", On: true, Says: "n2's clock is an hour ahead."})
	if now := c.lines(c.event); !bytes.HasPrefix(now, before) {
		t.Errorf("after another alarm the events are\n%s\nand were\n%s", now, before)
	}
}
