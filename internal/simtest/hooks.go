package simtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/eventjson"
	"voted/internal/poll"
	"voted/internal/server/backend"
	"voted/internal/webhook"
)

// Webhooks lets the members send events to receivers behind a network that loses requests and
// answers. When a member stops to deliver, what was settled within repeats before may come once
// more.
func Webhooks(repeats time.Duration) Option {
	return func(c *Cluster) { c.settings.repeats = repeats }
}

// receiver is who gets the events of one endpoint.
type receiver struct {
	id    string
	hook  poll.Webhook
	loses float64 // so many of the requests, and of the answers

	mu   sync.Mutex
	got  []*delivery // guarded by mu; in the order in which they arrived
	ping int         // guarded by mu; how many
}

// newReceivers are one that is near, one that asks for some polls only, and one behind a bad
// network.
func newReceivers() []*receiver {
	var kinds poll.KindSet
	for _, k := range poll.EventKinds() {
		kinds |= poll.KindsOf(k)
	}
	to := func(id string, loses float64, polls ...string) *receiver {
		return &receiver{id: id, loses: loses, hook: poll.Webhook{URL: "https://" + id + ".sim/", Kinds: kinds, Polls: polls, Rate: poll.MaxRate}}
	}
	return []*receiver{to("near", 0), to("some", 0.03, "h1*", "h2*", "h4*"), to("far", 0.08)}
}

// delivery is one request that arrived.
type delivery struct {
	number, previous uint64
	id               string
	body             []byte
	by               *tenure
	settled          time.Duration // when its sender had the answer, in virtual time; 0: it never had
}

// tenure is one time in which a process delivers.
type tenure struct {
	member string
	ended  atomic.Int64 // virtual time; 0: it goes on
}

func (t *tenure) end(at time.Duration) { t.ended.CompareAndSwap(0, int64(at)) }

// hooks is a member as its deliverer sees it; bug changes what is reported, in negative
// controls.
type hooks struct {
	backend.Hooks
	c *Cluster
	p *process
}

// Lead implements webhook.Cluster, and notes each time in which the process delivers.
func (h hooks) Lead(ctx context.Context) (context.Context, error) {
	lead, err := h.Hooks.Lead(ctx)
	if err != nil {
		return nil, err
	}
	t := &tenure{member: h.p.member.id}
	end := func() { t.end(h.c.now()) }
	context.AfterFunc(lead, end)
	context.AfterFunc(h.p.ctx, end)
	h.p.tenure.Store(t)
	return lead, nil
}

// Execute implements webhook.Cluster.
func (h hooks) Execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	if h.p.ctx.Err() != nil {
		return poll.Result{}, h.p.ctx.Err() // nothing leaves a process that was killed
	}
	if p, ok := c.(poll.Progress); ok && h.c.settings.progressBug != nil && h.c.settings.progressBug(p) {
		return poll.Result{}, nil
	}
	return h.Hooks.Execute(ctx, c)
}

func (p *process) renderer() eventjson.Renderer {
	return eventjson.Renderer{Cluster: p.node.ClusterID(), Results: noResults{}}
}

// noResults stands for the results of closed polls, which this simulation does not look at.
type noResults struct{}

func (noResults) Closed(context.Context, poll.Info) ([]byte, error) { return []byte(`{}`), nil }

// noKeys signs nothing: the receivers do not look.
type noKeys struct{}

func (noKeys) Signing(of ...webhook.Generation) []webhook.Key { return make([]webhook.Key, len(of)) }
func (noKeys) Fingerprint() string                            { return "0123456789abcdef" }

// openHooks makes the deliverer of a process, which begins once the node is open.
func (c *Cluster) openHooks(p *process) {
	if c.settings.repeats == 0 || p.foreign {
		return
	}
	var s webhook.Sender = &postman{c: c, p: p, draw: newDice(c.seed, fmt.Sprint("post", p.member.id, c.now()))}
	if bug := c.settings.senderBug; bug != nil {
		s = bug(s)
	}
	p.hooks = webhook.New(webhook.Options{
		Sender: s, Keys: noKeys{}, Agent: "voted/sim", Logger: c.logger.With("node", p.member.id), Metrics: p.registry,
	})
}

func (c *Cluster) startHooks(p *process) {
	if p.hooks != nil {
		h := hooks{backend.Hooks{Node: p.node, Renderer: p.renderer}, c, p}
		p.hooks.Start(h, h, h)
	}
}

// yieldHooks is what a process does before it hands leadership over.
func (p *process) yieldHooks(ctx context.Context) (resume func()) {
	if p.hooks == nil || p.ctx.Err() != nil {
		return func() {}
	}
	return p.hooks.Yield(ctx)
}

// postman carries the requests of one process.
type postman struct {
	c    *Cluster
	p    *process
	draw *dice
}

const (
	// journey is how long a request or an answer is under way at most.
	journey = 40 * time.Millisecond
	// lostAfter is when a sender gives up an answer that does not come.
	lostAfter = 500 * time.Millisecond
)

// Send implements webhook.Sender.
func (s *postman) Send(ctx context.Context, r webhook.Request) webhook.Answer {
	to := s.c.receiverOf(r.URL)
	by := s.p.tenure.Load()
	switch {
	case r.Method != "POST":
		return webhook.Answer{Status: 405}
	case s.p.ctx.Err() != nil:
		return webhook.Answer{Fault: poll.FaultConnect}
	case s.draw.chance(to.loses):
		return s.lost(ctx)
	}
	time.Sleep(s.draw.between(time.Millisecond, journey)) // what was sent arrives, whatever becomes of the sender
	d, err := to.receive(r.Body, by)
	if err != nil {
		s.c.fail("O13: %s got what it cannot read: %v in %s", to.id, err, r.Body)
	}
	time.Sleep(s.draw.between(time.Millisecond, journey))
	if s.draw.chance(to.loses) || s.p.ctx.Err() != nil {
		return s.lost(ctx)
	}
	to.mu.Lock()
	d.settled = s.c.now()
	to.mu.Unlock()
	return webhook.Answer{Status: 204}
}

// lost is the answer to a request of which nothing is heard.
func (s *postman) lost(ctx context.Context) webhook.Answer {
	select {
	case <-ctx.Done():
	case <-time.After(lostAfter):
	}
	return webhook.Answer{Fault: poll.FaultTimeout}
}

func (c *Cluster) receiverOf(url string) *receiver {
	for _, r := range c.receivers {
		if r.hook.URL == url {
			return r
		}
	}
	panic("no receiver has the URL " + url)
}

// receive notes a request.
func (r *receiver) receive(body []byte, by *tenure) (*delivery, error) {
	var read struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Sequence uint64 `json:"sequence,string"`
		Previous uint64 `json:"previous,string"`
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := &delivery{by: by, body: bytes.Clone(body)}
	if bytes.Contains(body, []byte(`"type":"webhook.ping"`)) {
		r.ping++
		return d, nil
	}
	err := json.Unmarshal(body, &read)
	d.number, d.previous, d.id = read.Sequence, read.Previous, read.ID
	r.got = append(r.got, d)
	return d, err
}

// makeEvents makes the endpoints, and goes on making events until stop.
func (o *office) makeEvents() {
	if o.c.settings.repeats == 0 {
		return
	}
	for _, r := range o.c.receivers {
		if !o.execute(poll.PutEndpoint{ID: r.id, Webhook: r.hook, From: poll.FromOldest}) {
			o.c.fail("O13: the webhook %s was not made", r.id)
		}
	}
	draw := newDice(o.c.seed, "events of webhooks")
	for n := 10; o.running(); n++ {
		d := poll.Definition{ID: fmt.Sprint("h", n), Options: []poll.Option{{ID: "a"}, {ID: "b"}}}
		o.execute(poll.Create{Definition: d.WithDefaults()})
		time.Sleep(draw.between(50*time.Millisecond, 400*time.Millisecond))
	}
}

// servedBound is the time within which all that happened is delivered, once nothing breaks
// any more.
const servedBound = 3 * time.Minute

// CheckWebhooks waits until everything is delivered, and compares what the receivers got with
// the journal (oracle O13).
func (c *Cluster) CheckWebhooks() {
	if c.settings.repeats == 0 {
		return
	}
	living := c.living()
	if len(living) == 0 {
		return
	}
	p := living[0]
	var whole reader
	whole.follow(p)
	c.awaitServed(p, whole.after())
	for _, r := range c.receivers {
		r.mu.Lock()
		got := slices.DeleteFunc(slices.Clone(r.got), func(d *delivery) bool { return d.number > whole.after() }) // polls close meanwhile
		r.mu.Unlock()
		var wanted []uint64
		for _, e := range whole.events {
			if r.hook.Wants(e.Kind, e.Poll) {
				wanted = append(wanted, e.Number)
			}
		}
		for _, fault := range hookFaults(wanted, got, c.settings.repeats) {
			c.fail("O13 %s: %s", r.id, fault)
		}
		if r.ping == 0 {
			c.fail("O13 %s: it was never verified", r.id)
		}
	}
}

// awaitServed returns when all endpoints are served up to an event.
func (c *Cluster) awaitServed(p *process, newest uint64) {
	behind := ""
	for until := c.now() + servedBound; c.now() < until; time.Sleep(time.Second) {
		behind = ""
		p.node.Read(func(s *poll.State) {
			for _, e := range s.Endpoints() {
				if e.Cursor < newest || e.State != poll.EndpointEnabled || e.DeadEver > 0 {
					behind = fmt.Sprintf("%+v", *e)
				}
			}
		})
		if behind == "" {
			return
		}
	}
	c.fail("O13: %v after the last fault an endpoint is not served up to event %d: %s", servedBound, newest, behind)
}

// hookFaults returns what is wrong with the requests that a receiver got: an event that it
// asked for and never got, one that it got before an earlier one, two under one number, and one
// that came again although its delivery had been settled for longer than repeats when whoever
// delivered it stopped.
func hookFaults(wanted []uint64, got []*delivery, repeats time.Duration) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	first := map[uint64]*delivery{}
	settled := map[uint64]*delivery{} // by the one that had its answer first
	next, previous := 0, uint64(0)
	for _, d := range got {
		was := first[d.number]
		switch {
		case was == nil && (next >= len(wanted) || d.number != wanted[next]):
			wrong("event %d came after event %d, as number %d of %d", d.number, previous, next+1, len(wanted))
		case was == nil && d.previous != previous:
			wrong("event %d says that %d came before it, which is %d", d.number, d.previous, previous)
		case was != nil && (was.id != d.id || !bytes.Equal(was.body, d.body)):
			wrong("event %d came as %s and as %s", d.number, was.body, d.body)
		}
		if was == nil {
			first[d.number], previous = d, d.number
			next++
		}
		if s := settled[d.number]; s != nil {
			ended := time.Duration(s.by.ended.Load())
			if ended == 0 || s.settled < ended-repeats {
				wrong("event %d came again from %s: %s had its answer at %v, and delivered until %v", d.number, d.by.member, s.by.member, s.settled, ended)
			}
		} else if d.settled != 0 {
			settled[d.number] = d
		}
	}
	if next < len(wanted) {
		missing := slices.DeleteFunc(slices.Clone(wanted), func(n uint64) bool { return first[n] != nil })
		return slices.Insert(faults, 0, fmt.Sprintf("events are missing: %v", missing))
	}
	return faults
}
