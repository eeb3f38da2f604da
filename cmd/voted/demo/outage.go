package demo

import (
	"context"
	"fmt"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/localcluster"
)

// readyLimit bounds how long a node may take to come back.
const readyLimit = 30 * time.Second

// outage kills the leader and brings it back.
type outage struct {
	cluster *localcluster.Cluster
	sender  *sender
	ledger  *ledger
	tell    func(event) // shows what happened

	kills int
}

// event is something that happened, in one line.
type event struct {
	At    time.Time
	Text  string
	Style display.Style
}

func (o *outage) say(style display.Style, format string, args ...any) {
	o.tell(event{time.Now(), fmt.Sprintf(format, args...), style})
}

// run waits for half of the requests, kills the leader, waits until ballots are counted
// again, and starts the killed node again at its mark.
func (o *outage) run(ctx context.Context) error {
	select {
	case <-o.sender.reached(killAt):
	case <-ctx.Done():
		return ctx.Err()
	}
	leader, err := o.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	pid := leader.Pid()
	alone := len(o.cluster.Nodes) < 3 // the other nodes are no majority
	deposed := leader.ID
	if alone {
		deposed = ""
	}
	o.ledger.watch(time.Now(), deposed)
	if err := leader.Kill(); err != nil {
		return err
	}
	o.kills++
	o.say(display.Bad, "%s, the leader, killed (SIGKILL, process %d)", leader.ID, pid)
	if alone {
		if err := o.restart(ctx, leader); err != nil {
			return err
		}
	}
	if err := o.succession(ctx); err != nil || alone {
		return err
	}
	select {
	case <-o.sender.reached(restartAt):
	case <-o.sender.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return o.restart(ctx, leader)
}

// succession waits for the first ballot that the next leader counts. If no ballots are
// left, it waits for the leader only.
func (o *outage) succession(ctx context.Context) error {
	select {
	case <-o.ledger.resumed:
		o.say(display.Good, "%s leads, and counts its first ballot after %s", o.ledger.resumedBy, display.Duration(o.ledger.resumedAfter))
	case <-o.sender.over:
		next, err := o.cluster.Leader(ctx)
		if err != nil {
			return err
		}
		o.say(display.Good, "%s leads", next.ID)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (o *outage) restart(ctx context.Context, n *localcluster.Node) error {
	at := time.Now()
	if err := n.Restart(); err != nil {
		return err
	}
	o.say(display.Plain, "%s started again (process %d)", n.ID, n.Pid())
	limited, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := n.WaitReady(limited); err != nil {
		return err
	}
	o.say(display.Plain, "%s is back after %s", n.ID, display.Duration(time.Since(at)))
	return nil
}
