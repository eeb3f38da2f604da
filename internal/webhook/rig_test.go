package webhook

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

// group is a cluster in virtual time: one state, and who leads.
type group struct {
	mu      sync.RWMutex
	state   *poll.State
	index   uint64
	changed chan struct{}

	leader  string
	lead0   context.Context // ends with the leadership
	end     context.CancelFunc
	led     chan struct{} // closed at the next change of leader
	broken  error         // why nothing is committed
	log     []poll.Progress
	alter   func(*group, poll.Progress) poll.Progress // a fault that is planted; nil: none
	keys    []KeyFile                                 // of the other members
	render  Events                                    // nil: as it should be
	signs   Signer                                    // nil: the one of all tests
	panics  bool                                      // the next one who waits for a change does
	t       *testing.T
	members map[string]*Deliverer
}

// newGroup makes one. It must be called in the bubble of a synctest.
func newGroup(t *testing.T) *group {
	g := &group{state: poll.NewState(), changed: make(chan struct{}), led: make(chan struct{}), t: t, members: map[string]*Deliverer{}}
	g.do(poll.Raise{Level: poll.WebhookLevel})
	return g
}

func (g *group) Read(f func(s *poll.State)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	f(g.state)
}

func (g *group) Changed(ctx context.Context, after uint64) error {
	for {
		g.mu.Lock()
		changed, index, panics := g.changed, g.index, g.panics
		g.panics = false
		g.mu.Unlock()
		if panics {
			panic("planted by the test")
		}
		if index > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *group) Clock() int64 { return time.Now().UnixMilli() }

// do applies a command.
func (g *group) do(c poll.Command) poll.Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.index++
	g.state.Begin(poll.Stamp{Index: g.index, At: time.Now().UnixMilli()})
	r := g.state.Do(c)
	g.state.End()
	close(g.changed)
	g.changed = make(chan struct{})
	if p, ok := c.(poll.Progress); ok {
		g.log = append(g.log, p)
	}
	return r
}

// must applies a command that has to be carried out.
func (g *group) must(c poll.Command) poll.Result {
	g.t.Helper()
	r := g.do(c)
	if r.Err != nil {
		g.t.Fatalf("%T: %v", c, r.Err)
	}
	return r
}

// event makes one event about a poll.
func (g *group) event(id string) {
	g.t.Helper()
	g.must(poll.Create{Definition: poll.Definition{ID: id, Options: []poll.Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()})
}

// delete makes another event about a poll, and one that no test asks for.
func (g *group) delete(id string) {
	g.t.Helper()
	g.must(poll.Close{Poll: id})
	g.must(poll.Delete{Poll: id})
}

func (g *group) newest() (n uint64) {
	g.Read(func(s *poll.State) { _, n = s.EventSpan() })
	return n
}

func (g *group) endpoint(id string) *poll.Endpoint {
	g.t.Helper()
	var e *poll.Endpoint
	g.Read(func(s *poll.State) { e, _ = s.Endpoint(id) })
	if e == nil {
		g.t.Fatalf("there is no endpoint %s", id)
	}
	return e
}

// hook makes an endpoint that has answered a ping, or, with verifying, has not.
func (g *group) hook(id string, change ...func(*poll.PutEndpoint)) *poll.Endpoint {
	g.t.Helper()
	put := poll.PutEndpoint{ID: id, Webhook: poll.Webhook{
		URL: urlOf(id), Kinds: poll.KindsOf(poll.PollCreated, poll.PollDeleted), Rate: poll.MaxRate,
	}}
	for _, c := range change {
		c(&put)
	}
	g.must(put)
	e := g.endpoint(id)
	g.must(poll.Progress{Moves: []poll.Move{{Endpoint: e.Number, Revision: e.Revision, Cursor: e.Cursor, Verified: true}}})
	g.log = nil
	return g.endpoint(id)
}

// seat is one member's view of the group.
type seat struct {
	*group
	id string
}

func (s seat) Lead(ctx context.Context) (context.Context, error) {
	for {
		s.mu.RLock()
		leader, lead, led := s.leader, s.lead0, s.led
		s.mu.RUnlock()
		if leader == s.id && lead.Err() == nil {
			return lead, nil
		}
		select {
		case <-led:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (seat) Doubt() error { return nil }

func (s seat) Execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	s.mu.RLock()
	broken := s.broken
	s.mu.RUnlock()
	if broken != nil {
		return poll.Result{}, broken
	}
	if p, ok := c.(poll.Progress); ok && s.alter != nil {
		c = s.alter(s.group, p)
	}
	return s.do(c), ctx.Err()
}

func (s seat) KeyFiles() []KeyFile {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys
}

// noResults is for events without results.
type noResults struct{}

func (noResults) Closed(context.Context, poll.Info) ([]byte, error) {
	return nil, errors.New("there are none")
}

type signer struct{}

func (signer) Signing(inForce ...Generation) []Key { return make([]Key, len(inForce)) }

func (signer) Fingerprint() string { return "0123456789abcdef" }

// lead lets a member lead, with a deliverer of its own.
func (g *group) lead(id string, s Sender) *Deliverer {
	d := New(Options{Sender: s, Keys: cmp.Or[Signer](g.signs, signer{}), Agent: "voted/test"})
	g.elect(id)
	events := g.render
	if events == nil {
		events = g.renderer()
	}
	d.Start(g, seat{g, id}, events)
	g.members[id] = d
	return d
}

func (g *group) renderer() eventjson.Renderer {
	return eventjson.Renderer{Cluster: "c", Results: noResults{}}
}

// elect makes a member the leader, "" nobody.
func (g *group) elect(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.end != nil {
		g.end()
	}
	g.leader = id
	g.lead0, g.end = context.WithCancel(context.Background())
	close(g.led)
	g.led = make(chan struct{})
}

// breaks lets nothing be committed, for a reason; nil: it is again.
func (g *group) breaks(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = why
}

// die ends the leader without a warning: nothing of what it knows is committed any more.
func (g *group) die() {
	dead := g.leader
	g.breaks(errors.New("it is dead"))
	g.elect("")
	g.members[dead].Close()
	g.breaks(nil)
}

// got is one delivery that reached a receiver.
type got struct {
	after   time.Duration // since the group began
	id      string        // webhook-id
	attempt string
	body    string
}

// receivers answer requests, each URL by its own rules.
type receivers struct {
	began  time.Time
	mu     sync.Mutex
	answer map[string]func(ctx context.Context, n int, r Request) Answer // by URL; n from 1
	all    map[string][]got                                              // by URL
	asked  map[string]int                                                // OPTIONS
}

func newReceivers() *receivers {
	return &receivers{began: time.Now(), answer: map[string]func(context.Context, int, Request) Answer{}, all: map[string][]got{}, asked: map[string]int{}}
}

func urlOf(id string) string { return "https://" + id + ".example/hooks" }

// on sets how an endpoint answers.
func (r *receivers) on(id string, f func(ctx context.Context, n int, q Request) Answer) {
	r.onURL(urlOf(id), f)
}

func (r *receivers) onURL(url string, f func(ctx context.Context, n int, q Request) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer[url] = f
}

func (r *receivers) Send(ctx context.Context, q Request) Answer {
	r.mu.Lock()
	if q.Method == "OPTIONS" {
		r.asked[q.URL]++
		r.mu.Unlock()
		return Answer{Status: 405}
	}
	r.all[q.URL] = append(r.all[q.URL], got{
		time.Since(r.began), q.Header.Get("Webhook-Id"), q.Header.Get("Voted-Attempt"), string(q.Body),
	})
	n, answer := len(r.all[q.URL]), r.answer[q.URL]
	r.mu.Unlock()
	began := time.Now()
	a := Answer{Status: 204}
	if answer != nil {
		a = answer(ctx, n, q)
	}
	a.Took = time.Since(began)
	return a
}

// at returns what an endpoint got.
func (r *receivers) at(id string) []got { return r.atURL(urlOf(id)) }

func (r *receivers) atURL(url string) []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all[url])
}

// numbers returns the events that an endpoint got, in order.
func (r *receivers) numbers(id string) (all []string) {
	for _, x := range r.at(id) {
		all = append(all, strings.TrimPrefix(x.id, "evt_c_"))
	}
	return all
}

// times returns when an endpoint was called, in whole milliseconds since the group began.
func (r *receivers) times(id string) (all []time.Duration) {
	for _, x := range r.at(id) {
		all = append(all, x.after.Truncate(time.Millisecond))
	}
	return all
}

// status answers always so.
func status(n int) func(context.Context, int, Request) Answer {
	return func(context.Context, int, Request) Answer { return Answer{Status: n} }
}

// hangs answers when the sender gives up.
func hangs(ctx context.Context, _ int, _ Request) Answer {
	select {
	case <-time.After(DefaultTimeout):
	case <-ctx.Done():
	}
	return Answer{Fault: poll.FaultTimeout, Failure: "No answer came."}
}

// inGroup runs a test in virtual time with a group that nobody leads yet.
func inGroup(t *testing.T, f func(g *group, r *receivers)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g, r := newGroup(t), newReceivers()
		defer func() {
			for _, d := range g.members {
				d.Close()
			}
		}()
		f(g, r)
	})
}
