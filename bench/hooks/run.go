package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"voted/bench/machine"
	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// ErrNotExact marks events that came out of order, or twice though nobody else was elected.
var ErrNotExact = errors.New("NOT EXACT")

// Run measures and writes the result to out. The nodes that it starts are gone when it returns,
// also when ctx ends early, and so are their data.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	dir, about, err := o.MakeDir("hooks")
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
	r := &rig{options: o, report: &Report{Machine: about, Hanging: o.Hanging, Healthy: o.Healthy, Rate: o.Rate}}
	if err := r.start(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := r.measure(ctx); err != nil {
		return err
	}
	if err := o.Deliver(r.report, out); err != nil || r.report.Exact {
		return err
	}
	return ErrNotExact
}

// rig is the cluster that is measured, and who is called.
type rig struct {
	options   Options
	report    *Report
	receivers *receivers
	cluster   *localcluster.Cluster
	client    *client.Client
}

func (r *rig) start(ctx context.Context, dir string) (err error) {
	o := r.options
	trusted := filepath.Join(dir, "receivers.crt")
	if r.receivers, err = listen(o.Hanging+o.Healthy, o.Healthy, trusted); err != nil {
		return err
	}
	r.cluster, err = localcluster.Start(ctx, localcluster.Options{
		Binary: o.Binary, Nodes: nodes, Dir: filepath.Join(dir, "nodes"), StopTimeout: startTimeout, Env: []string{"SSL_CERT_FILE=" + trusted},
		Webhooks: []string{"127.0.0.0/8", strconv.Itoa(r.receivers.port)}, Args: func(int) []string { return []string{"--log-level", "error"} },
	})
	if err != nil {
		return errors.Join(err, r.receivers.close())
	}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = r.cluster.WaitReady(ready); err == nil {
		r.client, err = client.New(r.cluster.Endpoints(), r.cluster.ClientOptions()...)
	}
	if err == nil {
		o.Say("adding %d webhooks", o.Hanging+o.Healthy)
		err = Add(ready, r.client, o.Hanging+o.Healthy, func(n int) client.WebhookDefinition {
			return client.WebhookDefinition{URL: r.receivers.url(n), Types: []string{"poll.created"}}
		})
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
	return errors.Join(r.receivers.close(), r.cluster.Stop())
}

// measure makes events at the rate, and sees when they come.
func (r *rig) measure(ctx context.Context) error {
	o := r.options
	leader, err := r.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	before, err := r.client.Cluster(ctx)
	if err != nil {
		return err
	}
	r.receivers.hang()
	r.report.Idle = machine.AnonymousBytes(leader.Pid())
	stop := r.sampleMemory(leader.Pid())
	o.Say("%d events a second for %v", o.Rate, o.length())
	made, began, err := r.makeEvents(ctx)
	if err == nil {
		waiting, cancel := context.WithTimeout(ctx, endTimeout)
		defer cancel()
		err = r.receivers.await(waiting, len(made))
	}
	r.report.Peak = stop()
	if err != nil {
		return err
	}
	after, err := r.client.Cluster(ctx)
	if err != nil {
		return err
	}
	r.report.Terms = after.Term - before.Term
	r.conclude(made, began)
	return nil
}

// makeEvents makes a poll for each event. It returns when each was answered, by its subject.
func (r *rig) makeEvents(ctx context.Context) (made map[string]time.Time, began time.Time, err error) {
	made, began = map[string]time.Time{}, time.Now()
	pace := time.NewTicker(time.Second / time.Duration(r.options.Rate))
	defer pace.Stop()
	for time.Since(began) < r.options.length() {
		id := fmt.Sprint("poll", len(made))
		if _, err := r.client.CreatePoll(ctx, client.Definition{ID: id, Options: client.Options("a", "b")}); err != nil {
			return nil, began, err
		}
		made["polls/"+id] = time.Now()
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil, began, ctx.Err()
		}
	}
	return made, began, nil
}

// conclude computes how long the receivers that are well waited.
func (r *rig) conclude(made map[string]time.Time, began time.Time) {
	x := r.receivers
	x.mu.Lock()
	defer x.mu.Unlock()
	var first, later []time.Duration
	for _, came := range x.came {
		for _, a := range came {
			wait := max(0, a.at.Sub(made[a.poll]))
			if made[a.poll].Sub(began) < worst {
				first = append(first, wait)
			} else {
				later = append(later, wait)
			}
		}
	}
	r.report.Events, r.report.Calls, r.report.Repeated, r.report.Wrong = len(made), x.calls, x.repeated, x.wrong
	r.report.First, r.report.Later = waitsOf(first), waitsOf(later)
	once := x.repeated == 0 || r.report.Terms > 0
	r.report.Exact = once && x.wrong == 0 && len(first)+len(later) == len(made)*r.options.Healthy
}

// sampleMemory looks at the memory of a process until stop is called, which returns the most it
// saw.
func (r *rig) sampleMemory(pid int) (stop func() uint64) {
	ctx, cancel := context.WithCancel(context.Background())
	most := make(chan uint64)
	go func() {
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		peak := machine.AnonymousBytes(pid)
		for {
			select {
			case <-every.C:
				peak = max(peak, machine.AnonymousBytes(pid))
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
