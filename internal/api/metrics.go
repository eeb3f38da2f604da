package api

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/trace"
)

// metrics are what the API counts. Labels come from closed sets, never from
// requests, and their series are looked up once, here.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	byKind  [poll.Replayed + 1]prometheus.Counter
	byCode  map[refusal.Code]prometheus.Counter
	settled prometheus.Counter

	bulkLines   prometheus.Counter
	bulkUploads prometheus.Gauge
	subscribers prometheus.Gauge
	encodings   prometheus.Counter

	eventStreams prometheus.Gauge
}

// requestBuckets are in seconds: from an answer out of memory to a request that waits
// through an election.
var requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

func newMetrics(registry *prometheus.Registry, version string) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "voted_http_requests_total", Help: "Requests answered, by route, method and class of status.",
		}, []string{"route", "method", "class"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "voted_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer.",
			Buckets: requestBuckets,
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "voted_http_requests_in_flight", Help: "Requests being served, streams included.",
		}),
		settled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "voted_ballots_settled_total", Help: "Ballots answered from committed state, without a proposal.",
		}),
		bulkLines: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "voted_bulk_lines_total", Help: "Lines of bulk uploads answered.",
		}),
		bulkUploads: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "voted_bulk_uploads", Help: "Bulk uploads being served.",
		}),
		subscribers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "voted_stream_subscribers", Help: "Live result streams being served.",
		}),
		encodings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "voted_stream_encodings_total", Help: "Events made for live results: once for all streams of a poll.",
		}),
		eventStreams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "voted_event_streams", Help: "Streams of events being served.",
		}),
	}
	ballots := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_ballots_total", Help: "Ballots answered, by outcome: counted, replaced, replayed, or why they were refused.",
	}, []string{"outcome"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "voted_build_info", Help: "Always 1; the version of the program stands in its label.",
	}, []string{"version"})
	registry.MustRegister(m.requests, m.duration, m.inFlight, ballots, m.settled, m.bulkLines, m.bulkUploads, m.subscribers, m.encodings, m.eventStreams, build)
	build.WithLabelValues(version).Set(1)
	for kind := poll.Counted; kind <= poll.Replayed; kind++ {
		m.byKind[kind] = ballots.WithLabelValues(kind.String())
	}
	m.byCode = map[refusal.Code]prometheus.Counter{}
	for _, code := range ballotCodes {
		m.byCode[code] = ballots.WithLabelValues(code.String())
	}
	return m
}

// ballotCodes are the reasons for which a ballot can be refused.
var ballotCodes = []refusal.Code{
	refusal.PollNotFound, refusal.AlreadyVoted, refusal.Superseded, refusal.VersionMismatch, refusal.PollNotOpen,
	refusal.PollClosed, refusal.PollFull, refusal.InvalidBallot, refusal.MalformedRequest, refusal.Unauthenticated,
	refusal.Forbidden, refusal.NotEligible, refusal.PayloadTooLarge, refusal.UnsupportedMediaType,
	refusal.NotAcceptable, refusal.TooManyRequests, refusal.Unavailable, refusal.OutcomeUnknown,
	refusal.StorageFull, refusal.Internal,
}

// outcome counts the outcome of a ballot.
func (m *metrics) outcome(o poll.Outcome) {
	if o.Kind == poll.Refused {
		m.refused(o.Code)
		return
	}
	m.byKind[o.Kind].Inc()
}

func (m *metrics) refused(code refusal.Code) {
	if c := m.byCode[code]; c != nil {
		c.Inc()
	}
}

// meter measures one method of one route.
type meter struct {
	classes  [6]prometheus.Counter // by the first digit of the status
	duration prometheus.Observer
}

func (m *metrics) meter(route, method string) *meter {
	t := &meter{duration: m.duration.WithLabelValues(route, method)}
	for digit := 2; digit <= 5; digit++ {
		t.classes[digit] = m.requests.WithLabelValues(route, method, string(rune('0'+digit))+"xx")
	}
	return t
}

func (t *meter) observe(status int, took time.Duration, span *trace.Span) {
	if status == 0 {
		status = http.StatusOK // net/http sends that for a handler that wrote nothing
	}
	if c := t.classes[min(status/100, 5)]; c != nil {
		c.Inc()
	}
	trace.Observe(t.duration, took, span)
}

// serveMetrics shows the registry in the format that Prometheus scrapes.
func (h *Handler) serveMetrics() action {
	// Exemplars exist only in OpenMetrics; clients that do not ask for that get the usual
	// text format.
	handler := promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return func(w *response, r *http.Request) error {
		handler.ServeHTTP(w, r)
		return nil
	}
}
