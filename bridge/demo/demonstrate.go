package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/internal/thousands"
)

// bridges is how many run at a time: they share the consumer.
const bridges = 2

// callTimeout bounds each question to the broker.
const callTimeout = 5 * time.Second

// lookEvery is how often the progress is looked at.
const lookEvery = 50 * time.Millisecond

// demonstration is one run.
type demonstration struct {
	stage
	settings
	plan *plan
	out  io.Writer

	began     time.Time
	took      time.Duration // from the first message published to the last one settled
	killed    int           // bridges
	deposed   int           // leaders
	disturbed chan struct{} // has one for each of both, for which the next part of the stream waits
	published chan error
}

func demonstrate(ctx context.Context, s settings, out io.Writer) (v *verdict, err error) {
	d := &demonstration{settings: s, plan: newPlan(s.voters, s.seed), out: out, published: make(chan error, 1), disturbed: make(chan struct{}, s.kills+s.leaders)}
	defer func() { err = errors.Join(err, d.close()) }()
	fmt.Fprintf(out, "a broker, three nodes and %d bridges are started (seed %d)\n", bridges, s.seed)
	if err := d.open(ctx, s); err != nil {
		return nil, err
	}
	for i := range bridges {
		if err := d.startBridge(i); err != nil {
			return nil, err
		}
	}
	d.began = time.Now()
	go func() { d.published <- d.publish(ctx) }() // ends with its stream, or with ctx
	if err := d.watch(ctx); err != nil {
		return nil, err
	}
	d.took = time.Since(d.began)
	return d.check(ctx)
}

// tell prints a line with the time since the beginning.
func (d *demonstration) tell(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// publish puts the stream into the broker, a part of it after each kill: however fast bridges are, they never have all of
// it before the last one.
func (d *demonstration) publish(ctx context.Context) error {
	parts := cap(d.disturbed) + 1
	for part := range slices.Chunk(d.plan.stream, (len(d.plan.stream)+parts-1)/parts) {
		// What the broker may not have stored is published again: it counts once.
		for len(part) > 0 {
			again, err := d.publishAll(ctx, part)
			if err != nil {
				return err
			}
			part = again
		}
		if parts--; parts == 0 {
			return nil
		}
		select {
		case <-d.disturbed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// publishAll publishes messages and returns those that the broker has not said it stored.
func (d *demonstration) publishAll(ctx context.Context, all []sent) (again []sent, err error) {
	futures := make([]jetstream.PubAckFuture, len(all))
	for i, s := range all {
		m := &nats.Msg{Subject: "ballots." + s.poll, Data: []byte(s.body)}
		if futures[i], err = d.js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			return nil, fmt.Errorf("message %d was not published: %w", i, err)
		}
	}
	for i, f := range futures {
		select {
		case <-f.Ok():
		case <-f.Err():
			again = append(again, all[i])
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return again, nil
}

// info asks for the consumer's state until the broker answers: an answer that is lost never comes.
func (d *demonstration) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	for {
		own, cancel := context.WithTimeout(ctx, callTimeout)
		c, err := d.js.Consumer(own, "BALLOTS", "voted-bridge")
		cancel()
		if err == nil {
			return c.CachedInfo(), nil
		}
		if ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		d.tell("the broker is asked again: %v", err)
	}
}

// watch kills at equal distances of progress, in the midst of a part of the stream, and returns when every message is settled.
func (d *demonstration) watch(ctx context.Context) error {
	told, before, all, published := time.Now(), 0, len(d.plan.stream), false
	for ctx.Err() == nil {
		select {
		case err := <-d.published:
			if err != nil {
				return err
			}
			published = true
		case <-time.After(lookEvery):
		}
		info, err := d.info(ctx)
		if err != nil {
			return err
		}
		// What was delivered and not yet answered is not settled.
		done := int(info.Delivered.Stream) - info.NumAckPending
		if published && info.NumPending == 0 && info.NumAckPending == 0 {
			d.tell("all %s messages are settled", thousands.Int(all))
			return nil
		}
		if err := d.disturb(ctx, float64(info.Delivered.Stream)/float64(all)); err != nil {
			return err
		}
		if since := time.Since(told); since >= time.Second {
			rate := int(float64(done-before) / since.Seconds())
			d.tell("%s of %s messages are settled, %s/s", thousands.Int(max(0, done)), thousands.Int(all), thousands.Int(max(0, rate)))
			told, before = time.Now(), done
		}
	}
	return ctx.Err()
}

// disturb kills what is due at this share of the stream.
func (d *demonstration) disturb(ctx context.Context, share float64) error {
	done, all := d.killed+d.deposed, cap(d.disturbed)
	if done == all || share < (float64(done)+0.5)/float64(all+1) {
		return nil
	}
	if d.killed*d.leaders > d.deposed*d.kills || d.killed == d.kills { // bridges are ahead
		return d.depose(ctx)
	}
	i := d.killed % bridges
	pid, err := d.killBridge(i)
	if err != nil {
		return err
	}
	d.killed++
	d.tell("bridge %d killed (SIGKILL, process %d), and started again", i+1, pid)
	d.disturbed <- struct{}{}
	return nil
}

// depose kills the cluster's leader and starts it again once another one leads.
func (d *demonstration) depose(ctx context.Context) error {
	leader, err := d.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	pid := leader.Pid()
	if err := leader.Kill(); err != nil {
		return err
	}
	d.deposed++
	d.tell("%s, the leader, killed (SIGKILL, process %d)", leader.ID, pid)
	d.disturbed <- struct{}{}
	next, err := d.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	d.tell("%s leads", next.ID)
	return leader.Restart()
}
