package viewers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"voted/bench/machine"
	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// poll is the one that is watched.
const poll = "watched"

// ErrNotExact marks a count that is wrong, or viewers that do not have it.
var ErrNotExact = errors.New("NOT EXACT")

// Run measures, checks the count, and writes the result to out. The nodes that it starts are
// gone when it returns, also when ctx ends early, and so are their data.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	dir, about, err := o.MakeDir("viewers")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Binary == "" {
		o.Say("building voted")
		if o.Binary, err = overlay.Build(ctx, dir, overlay.Node); err != nil {
			return err
		}
	}
	about.Versions["voted"] = machine.Version(o.Binary, "version")
	r := &rig{options: o, report: &Report{Machine: about, Viewers: o.Viewers, Rate: o.Rate, TLS: o.TLS}}
	if err := r.start(ctx, filepath.Join(dir, "nodes")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := r.measure(ctx); err != nil {
		return err
	}
	if err := o.Deliver(r.report, out); err != nil || r.report.Final.Exact {
		return err
	}
	return ErrNotExact
}

// rig is the cluster that is measured.
type rig struct {
	options Options
	report  *Report
	cluster *localcluster.Cluster
	client  *client.Client
	watched []*localcluster.Node
}

func (r *rig) start(ctx context.Context, dir string) (err error) {
	r.cluster, err = localcluster.Start(ctx, localcluster.Options{
		Binary: r.options.Binary, Nodes: nodes, Dir: dir, StopTimeout: startTimeout, Secure: r.options.TLS,
		Args: func(int) []string { return []string{"--log-level", "warn"} },
	})
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = r.cluster.WaitReady(ready); err == nil {
		with := append(r.cluster.ClientOptions(), client.WithSpread(), client.WithConnections(inFlight), client.WithHedging(client.HedgePolicy{Off: true}))
		r.client, err = client.New(r.cluster.Endpoints(), with...)
	}
	if err == nil {
		_, err = r.client.CreatePoll(ctx, client.Definition{ID: poll, Options: client.Options(choices...)})
	}
	if err == nil {
		err = r.chooseWatched(ctx)
	}
	if err != nil {
		return errors.Join(err, r.stop())
	}
	return nil
}

func (r *rig) stop() error {
	if r.client != nil {
		r.client.Close()
	}
	return r.cluster.Stop()
}

// chooseWatched takes all nodes, or one that does not lead.
func (r *rig) chooseWatched(ctx context.Context) error {
	status, err := r.client.Cluster(ctx)
	if err != nil {
		return err
	}
	for _, n := range r.cluster.Nodes {
		if r.options.Spread || n.ID != status.Leader {
			r.watched = append(r.watched, n)
		}
	}
	if !r.options.Spread {
		r.watched = r.watched[:1]
	}
	r.report.Nodes = len(r.watched)
	return nil
}

// measure casts without viewers, then with them, closes the poll and counts.
func (r *rig) measure(ctx context.Context) error {
	o := r.options
	o.Say("%d ballots a second for %v, without viewers", o.Rate, o.length())
	without := r.phase(ctx, "before-", &r.report.Without)
	r.report.Idle = r.memory()
	o.Say("opening %d streams", o.Viewers)
	var addrs []string
	for _, n := range r.watched {
		addrs = append(addrs, n.APIAddr)
	}
	crowd, err := gather(ctx, o.Viewers, addrs, poll, r.cluster.Token(), r.cluster.TLS())
	if err != nil {
		return err
	}
	defer crowd.end()
	o.Say("%d ballots a second for %v, with them", o.Rate, o.length())
	stopSampling := r.sampleMemory()
	before, began := r.counted(ctx), time.Now()
	with := r.phase(ctx, "during-", &r.report.With)
	made := float64(r.counted(ctx) - before)
	r.report.Encodings = made / time.Since(began).Seconds() / float64(len(r.watched))
	closed, err := r.client.ClosePoll(ctx, poll)
	answered := time.Now()
	if err != nil {
		return err
	}
	if err := crowd.wait(ctx); err != nil {
		return err
	}
	r.report.Peak = stopSampling()
	r.report.Each = (float64(r.report.Peak) - float64(r.report.Idle)) / float64(o.Viewers) * float64(len(r.watched))
	if r.report.Without.PerSecond > 0 {
		r.report.Ratio = r.report.With.PerSecond / r.report.Without.PerSecond
	}
	r.report.watched(crowd, with, answered)
	return r.finish(ctx, crowd, closed, without, with)
}

// phase casts for the length of a phase.
func (r *rig) phase(ctx context.Context, prefix string, p *Phase) *cast {
	var pids []int
	for _, n := range r.cluster.Nodes {
		pids = append(pids, n.Pid())
	}
	before := machine.Used(pids...)
	c := castOnSchedule(ctx, r.client, poll, prefix, r.options.Rate, r.options.length())
	after := machine.Used(pids...)
	*p = Phase{
		Acknowledged: len(c.acknowledged), Failed: c.failed, PerSecond: float64(len(c.acknowledged)) / c.took.Seconds(),
		P50: millis(quantile(c.latencies, 0.5)), P99: millis(quantile(c.latencies, 0.99)),
		Processor: (after.Own - before.Own).Seconds() / c.took.Seconds() / float64(runtime.NumCPU()),
	}
	return c
}

// memory is that of the watched node that takes most.
func (r *rig) memory() (most uint64) {
	for _, n := range r.watched {
		most = max(most, machine.AnonymousBytes(n.Pid()))
	}
	return most
}

// sampleMemory looks at the memory until stop is called, which returns the most it saw.
func (r *rig) sampleMemory() (stop func() uint64) {
	ctx, cancel := context.WithCancel(context.Background())
	most := make(chan uint64)
	go func() {
		every := time.NewTicker(sampleEvery)
		defer every.Stop()
		peak := r.memory()
		for {
			select {
			case <-every.C:
				peak = max(peak, r.memory())
			case <-ctx.Done():
				most <- peak
				return
			}
		}
	}()
	return func() uint64 {
		cancel()
		return <-most
	}
}

// counted is how many events the watched nodes have made.
func (r *rig) counted(ctx context.Context) (n uint64) {
	for _, node := range r.watched {
		n += metric(ctx, r.cluster, node, "voted_stream_encodings_total")
	}
	return n
}

// watched enters what the viewers saw.
func (r *Report) watched(crowd *crowd, with *cast, closed time.Time) {
	var late, closing []time.Duration
	events := 0
	for _, v := range crowd.all {
		events += len(v.events)
		late = append(late, behind(with.acknowledged, v.events)...)
		if n := len(v.events); n > 0 && v.err == nil {
			closing = append(closing, max(0, v.events[n-1].at.Sub(closed)))
		}
	}
	slices.Sort(late)
	slices.Sort(closing)
	r.Behind, r.Closing = spreadOf(late), spreadOf(closing)
	r.Events = float64(events) / with.took.Seconds() / float64(r.Nodes)
}

// finish counts everything.
func (r *rig) finish(ctx context.Context, crowd *crowd, closed client.Poll, phases ...*cast) error {
	f := &r.report.Final
	for _, p := range phases {
		f.Acknowledged += len(p.acknowledged)
		f.Unknown += p.failed
		if p.problem != nil && f.Problem == "" {
			f.Problem = p.problem.Error()
		}
	}
	results, err := r.client.Results(ctx, poll, client.Linearizable)
	if err != nil {
		return err
	}
	f.Tallied = results.Ballots
	for _, v := range crowd.all {
		if v.err != nil && f.Problem == "" {
			f.Problem = v.err.Error()
		}
		if v.err == nil && strings.Contains(v.last, fmt.Sprintf(`"ballots":%d,`, f.Tallied)) {
			f.Certified++
		}
	}
	counted := uint64(f.Acknowledged)
	f.Exact = counted <= f.Tallied && f.Tallied <= counted+uint64(f.Unknown) && f.Certified == len(crowd.all) && closed.State == client.StateClosed
	return nil
}
