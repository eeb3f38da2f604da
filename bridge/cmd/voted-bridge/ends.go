package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/health"
	"voted/bridge/jetstream"
	"voted/client"
)

// endsFlags say what every bridge stands between, and where it can be watched.
type endsFlags struct {
	clusterFlags
	brokerFlags
	watchFlags
}

// ends are the cluster and the broker, with what tells of the bridge between them.
type ends struct {
	ctx     context.Context // ends with the session's, or when the connection to the broker is closed for good
	cluster *client.Client
	broker  *jetstream.Conn
	state   *health.State
	metrics *prometheus.Registry
}

// between opens both ends, lets a bridge run until it returns, and closes them. A connection that was closed for good is
// an error: the bridge is started again with another one.
func (f *endsFlags) between(s *session, run func(*ends) error) error {
	ctx, stop := context.WithCancelCause(s.ctx)
	defer stop(nil)
	e := &ends{ctx: ctx, state: &health.State{}, metrics: newMetrics()}
	var err error
	if e.cluster, err = f.clusterFlags.open(s.log); err != nil {
		return err
	}
	defer e.cluster.Close()
	unwatch, err := f.serve(s.log, e.metrics, e.state)
	if err != nil {
		return err
	}
	defer unwatch()
	if e.broker, err = f.dial(s.log, e.state, stop); err != nil {
		return err
	}
	defer e.broker.Close()
	err = run(e)
	if cause := context.Cause(ctx); cause != nil && s.ctx.Err() == nil {
		return cause
	}
	return err
}
