package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/poll"
)

// metrics are what a deliverer measures of itself. No endpoint is in a label: there may be a
// thousand.
type metrics struct {
	deliveries map[Result]prometheus.Counter
	took       prometheus.Histogram
	settled    prometheus.Histogram
}

func newMetrics(d *Deliverer, to prometheus.Registerer) *metrics {
	m := &metrics{deliveries: map[Result]prometheus.Counter{}}
	deliveries := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_webhook_deliveries_total",
		Help: "Attempts of this node to deliver an event, by result: ok, refused, failed, blocked; dead: events that were given up, in addition.",
	}, []string{"result"})
	for _, r := range results {
		m.deliveries[r] = deliveries.WithLabelValues(string(r))
	}
	m.took = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "voted_webhook_delivery_seconds", Help: "How long attempts to deliver an event took, whatever came of them.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
	})
	m.settled = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "voted_webhook_settled_seconds", Help: "From an event until a receiver that was not failing took it, by the replicated clock.",
		Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600},
	})
	if to != nil {
		to.MustRegister(deliveries, m.took, m.settled, endpointStates{d})
		gauge := func(name, help string, f func(w waiting) float64) {
			to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "voted_webhook_" + name, Help: help}, func() float64 { return f(d.waiting()) }))
		}
		gauge("lag_events", "Events between the newest one and the endpoint that is furthest behind, on the node that delivers.", func(w waiting) float64 { return float64(w.events) })
		gauge("oldest_seconds", "Age of the oldest event that an enabled endpoint is still to get, on the node that delivers; 0: none is.", func(w waiting) float64 { return w.oldest.Seconds() })
		gauge("dead", "Dead letters that are listed and were not delivered later.", func(waiting) float64 { return float64(d.deadLetters()) })
	}
	return m
}

func (m *metrics) attempt(a Answer) {
	m.count(a.Result())
	m.took.Observe(a.Took.Seconds())
}

// inTime notes how old an event was, in milliseconds, when its receiver took it.
func (m *metrics) inTime(age int64) { m.settled.Observe(float64(age) / 1000) }

func (m *metrics) count(r Result) { m.deliveries[r].Inc() }

// read runs f under the state's lock, if there is a state yet.
func (d *Deliverer) read(f func(s *poll.State)) {
	d.mu.Lock()
	s := d.state
	d.mu.Unlock()
	if s != nil {
		s.Read(f)
	}
}

func (d *Deliverer) deadLetters() (n int) {
	var all []*poll.Endpoint
	d.read(func(s *poll.State) { all = s.Endpoints() })
	for _, e := range all {
		n += e.DeadNow()
	}
	return n
}

// endpointStates counts the endpoints by their state, on every member alike.
type endpointStates struct{ d *Deliverer }

var statesDesc = prometheus.NewDesc("voted_webhook_endpoints", "Endpoints of webhooks, by state: verifying, enabled, paused, disabled.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (endpointStates) Describe(to chan<- *prometheus.Desc) { to <- statesDesc }

// Collect implements prometheus.Collector.
func (c endpointStates) Collect(to chan<- prometheus.Metric) {
	var all []*poll.Endpoint
	c.d.read(func(s *poll.State) { all = s.Endpoints() })
	counts := map[poll.EndpointState]int{
		poll.EndpointVerifying: 0, poll.EndpointEnabled: 0, poll.EndpointPaused: 0, poll.EndpointStopped: 0,
	}
	for _, e := range all {
		counts[e.State]++
	}
	for state, n := range counts {
		to <- prometheus.MustNewConstMetric(statesDesc, prometheus.GaugeValue, float64(n), state.String())
	}
}

// waiting is what the endpoints wait for.
type waiting struct {
	events uint64        // that the one furthest behind has not come past
	oldest time.Duration // age of the oldest event that is to be delivered
}

func (d *Deliverer) waiting() (w waiting) {
	t := d.now()
	if t == nil {
		return w
	}
	var newest uint64
	d.state.Read(func(s *poll.State) { _, newest = s.EventSpan() })
	clock := d.state.Clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lanes {
		if l.endpoint.State != poll.EndpointEnabled || !l.running {
			continue
		}
		w.events = max(w.events, newest-min(newest, l.at.cursor))
		if l.waits != 0 {
			w.oldest = max(w.oldest, time.Duration(clock-l.waits)*time.Millisecond)
		}
	}
	return w
}
