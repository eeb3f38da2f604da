package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/natstest"
	"voted/bridge/planted"
	"voted/client"
	"voted/harness/overlay"
	"voted/internal/child"
	"voted/internal/localcluster"
)

// ackWait is short, so that what a killed bridge had is soon delivered again.
const ackWait = 3 * time.Second

// stage is everything that runs: broker, cluster and bridges.
type stage struct {
	dir     string
	broker  *natstest.Server
	nc      *nats.Conn
	js      jetstream.JetStream
	cluster *localcluster.Cluster
	client  *client.Client
	starter *child.Starter
	program string // of a bridge
	bridges []*exec.Cmd
}

// open builds and starts all but the bridges. The caller must call close, also after an error.
func (g *stage) open(ctx context.Context, s settings) (err error) {
	if g.dir, err = os.MkdirTemp("", "bridge-demo-"); err != nil {
		return err
	}
	binary, err := g.build(ctx, "voted", overlay.Node)
	if err != nil {
		return err
	}
	var edits []overlay.Edit
	if s.control {
		edits = append(edits, planted.EarlyAck)
	}
	if g.program, err = g.build(ctx, "bridge", "bridge/cmd/voted-bridge", edits...); err != nil {
		return err
	}
	if g.broker, err = natstest.New(filepath.Join(g.dir, "nats")); err != nil {
		return err
	}
	if err := g.streams(ctx); err != nil {
		return err
	}
	if g.cluster, err = localcluster.Start(ctx, localcluster.Options{Binary: binary, Dir: filepath.Join(g.dir, "nodes")}); err != nil {
		return err
	}
	if err := g.cluster.WaitReady(ctx); err != nil {
		return err
	}
	if g.client, err = client.New(g.cluster.Endpoints()); err != nil {
		return err
	}
	g.starter = child.NewStarter()
	return g.polls(ctx)
}

func (g *stage) build(ctx context.Context, name, folder string, edits ...overlay.Edit) (string, error) {
	dir := filepath.Join(g.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return overlay.Build(ctx, dir, folder, edits...)
}

// streams makes what docs/bridge.md tells an operator to make.
func (g *stage) streams(ctx context.Context) (err error) {
	if g.nc, err = nats.Connect(g.broker.URL()); err != nil {
		return err
	}
	if g.js, err = jetstream.New(g.nc, jetstream.WithPublishAsyncMaxPending(2000), jetstream.WithPublishAsyncTimeout(time.Minute)); err != nil {
		return err
	}
	for name, subject := range map[string]string{"BALLOTS": "ballots.>", "DEAD": "dead.>"} {
		if _, err := g.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			return err
		}
	}
	_, err = g.js.CreateConsumer(ctx, "BALLOTS", jetstream.ConsumerConfig{
		Durable: "voted-bridge", AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1, MaxAckPending: 100_000,
	})
	return err
}

func (g *stage) polls(ctx context.Context) error {
	for _, id := range []string{poll, closedPoll} {
		d := client.Definition{ID: id, Revote: client.RevoteUntilClose, Secrecy: client.Open}
		for _, o := range options {
			d.Options = append(d.Options, client.PollOption{ID: o, Title: o})
		}
		if _, err := g.client.CreatePoll(ctx, d); err != nil {
			return err
		}
	}
	_, err := g.client.ClosePoll(ctx, closedPoll)
	return err
}

// startBridge starts a bridge, or another one in the place of one that was killed.
func (g *stage) startBridge(i int) error {
	args := []string{"ballots", "--nats", g.broker.URL()}
	for _, url := range g.cluster.Endpoints() {
		args = append(args, "--endpoint", url)
	}
	log, err := os.OpenFile(filepath.Join(g.dir, fmt.Sprintf("bridge-%d.log", i+1)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(g.program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	child.Isolate(cmd)
	if err := g.starter.Start(cmd); err != nil {
		return err
	}
	for len(g.bridges) <= i {
		g.bridges = append(g.bridges, nil)
	}
	g.bridges[i] = cmd
	return nil
}

// killBridge kills a bridge (SIGKILL) and starts another one in its place.
func (g *stage) killBridge(i int) (pid int, err error) {
	cmd := g.bridges[i]
	if err := cmd.Process.Kill(); err != nil {
		return 0, fmt.Errorf("bridge %d has ended by itself; %s says why: %w", i+1, g.dir, err)
	}
	_ = cmd.Wait() // it was killed, and says so
	return cmd.Process.Pid, g.startBridge(i)
}

// close ends everything, in the opposite order.
func (g *stage) close() error {
	var errs []error
	for _, cmd := range g.bridges {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if g.starter != nil {
		g.starter.Close()
	}
	if g.client != nil {
		g.client.Close()
	}
	if g.cluster != nil {
		errs = append(errs, g.cluster.Stop())
	}
	if g.nc != nil {
		g.nc.Close()
	}
	if g.broker != nil {
		g.broker.Close()
	}
	return errors.Join(append(errs, os.RemoveAll(g.dir))...)
}
