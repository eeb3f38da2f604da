package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/cmd/voted/probe"
	"voted/internal/usage"
)

type probeCommand struct {
	connection
	Every  time.Duration `help:"How long a round may take; then the next one begins." default:"5s"`
	Late   time.Duration `help:"A round that takes longer is late." default:"1s"`
	Rounds int           `help:"End after so many rounds, with exit code 1 if one failed or was wrong; 0: go on until Ctrl-C." default:"0"`
	Listen string        `help:"Serve metrics of the rounds to Prometheus at this address, at /metrics." placeholder:"ADDRESS"`
}

func (probeCommand) Help() string {
	return `It creates a poll a day, casts a ballot at each --endpoint in turn, sends it again to the next one, which must give the same
receipt, and holds the count to its own ledger. A node that does not answer is passed over. The poll is closed and deleted
when its day or the command ends. A token needs the roles admin, for the poll, and gateway, for the ballots.

    voted probe --endpoint http://n1:8080 --endpoint http://n2:8080 --endpoint http://n3:8080 --listen 127.0.0.1:9101
    voted probe --rounds 10`
}

// prober is a run of the command.
type prober struct {
	*probeCommand
	s     *session
	all   *client.Client // for polls: whichever node answers
	nodes []probe.Node   // each asked alone

	day, poll string        // the poll's id, and its day
	current   *probe.Prober // nil until the poll is there

	results map[probe.Result]int
	total   *prometheus.CounterVec
	seconds prometheus.Histogram
}

// Run probes until it is told to end.
func (c *probeCommand) Run(s *session) error {
	if c.Every <= 0 || c.Late <= 0 || c.Rounds < 0 {
		return usage.Errorf("--every and --late must be longer than zero, such as 5s, and --rounds at least 0")
	}
	p := &prober{probeCommand: c, s: s, results: map[probe.Result]int{}}
	all, err := c.open()
	if err != nil {
		return err
	}
	defer all.Close()
	p.all = all
	for _, endpoint := range c.Endpoint {
		one := c.connection
		one.Endpoint = []string{endpoint}
		cl, err := one.openWith(probe.AtOneNode())
		if err != nil {
			return err
		}
		defer cl.Close()
		p.nodes = append(p.nodes, cl)
	}
	stop, err := p.serve()
	if err != nil {
		return err
	}
	defer stop()
	defer p.drop()
	return p.run()
}

func (p *prober) run() error {
	next := time.NewTicker(p.Every)
	defer next.Stop()
	for n := 1; ; n++ {
		began := time.Now()
		ctx, cancel := context.WithTimeout(p.s.ctx, p.Every)
		result, err := p.round(ctx)
		cancel()
		if p.s.ctx.Err() != nil {
			return p.sum()
		}
		if err := p.report(result, time.Since(began), err); err != nil {
			return err
		}
		if n == p.Rounds {
			return p.sum()
		}
		select {
		case <-next.C:
		case <-p.s.ctx.Done():
			return p.sum()
		}
	}
}

// round makes sure that the day has its poll, and probes it.
func (p *prober) round(ctx context.Context) (probe.Result, error) {
	if today := time.Now().UTC().Format(time.DateOnly); p.day != today {
		p.drop()
		// Drawn once, so that creating it again after an answer that was lost makes no second one.
		p.day, p.poll = today, "probe-"+today+"-"+strings.ToLower(rand.Text()[:8])
	}
	if p.current == nil {
		d := client.Definition{ID: p.poll, Title: "Probe of " + p.day + ", made by voted probe"}
		for _, option := range probe.Options {
			d.Options = append(d.Options, client.PollOption{ID: option, Title: option})
		}
		if _, err := p.all.CreatePoll(ctx, d); err != nil {
			return probe.Failed, err
		}
		p.current = &probe.Prober{Nodes: p.nodes, Poll: p.poll, Late: p.Late}
	}
	result, err := p.current.Round(ctx)
	if result == probe.Wrong {
		p.s.stderr.Linef("The poll %s is kept to be looked at; another one is made.", p.poll)
		p.day, p.current = "", nil
	}
	return result, err
}

// drop closes and deletes the poll. What fails is said, and left to an operator.
func (p *prober) drop() {
	if p.current == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.s.ctx), p.Every)
	defer cancel()
	p.current = nil
	_, err := p.all.ClosePoll(ctx, p.poll)
	if err == nil {
		err = p.all.DeletePoll(ctx, p.poll)
	}
	if err != nil {
		p.s.stderr.Linef("The poll %s is left; close and delete it: %v", p.poll, err)
	}
}

// report counts a round, and says what was not well.
func (p *prober) report(result probe.Result, took time.Duration, err error) error {
	p.results[result]++
	p.total.WithLabelValues(string(result)).Inc()
	p.seconds.Observe(took.Seconds())
	if p.JSON {
		line := struct {
			Time    time.Time    `json:"time"`
			Result  probe.Result `json:"result"`
			Seconds float64      `json:"seconds"`
			Error   string       `json:"error,omitempty"`
		}{Time: time.Now().UTC(), Result: result, Seconds: took.Seconds()}
		if err != nil {
			line.Error = err.Error()
		}
		return printJSON(p.s, line)
	}
	if err != nil {
		now := time.Now()
		if p.UTC {
			now = now.UTC()
		}
		p.s.stdout.Linef("%s  %s  %s", now.Format(time.RFC3339), p.s.stdout.Paint(display.Bold, string(result)), strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// sum ends the command: with an error if a round was wrong, or if one of those that were asked for failed.
func (p *prober) sum() error {
	said := fmt.Sprintf("%d ok, %d late, %d failed, %d wrong", p.results[probe.OK], p.results[probe.Late], p.results[probe.Failed], p.results[probe.Wrong])
	if p.results[probe.Wrong] > 0 || p.Rounds > 0 && p.results[probe.Failed] > 0 {
		return errors.New("of the rounds were " + said)
	}
	if !p.JSON {
		p.s.stdout.Linef("%s", said)
	}
	return nil
}

// serve makes the metrics, and serves them where that is asked for.
func (p *prober) serve() (stop func(), err error) {
	p.total = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voted_probe_total", Help: "Rounds of voted probe, by result."}, []string{"result"})
	p.seconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "voted_probe_seconds", Help: "How long a round took.", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})
	for _, r := range probe.Results {
		p.total.WithLabelValues(string(r))
	}
	if p.Listen == "" {
		return func() {}, nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.total, p.seconds)
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return nil, usage.Mark(fmt.Errorf("--listen: %w", err))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go server.Serve(l) //nolint:errcheck // ends by Close
	p.s.stderr.Linef("Metrics: http://%s/metrics", l.Addr())
	return func() { server.Close() }, nil
}
