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
	tell    func(event) // what happened, for the people who watch

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

// run waits for half of the requests, kills the leader, sees ballots counted
// again, and starts the killed node at its mark.
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
	at := time.Now()
	o.ledger.watch(at)
	if err := leader.Kill(); err != nil {
		return err
	}
	o.kills++
	o.say(display.Bad, "%s, the leader, killed (SIGKILL, process %d)", leader.ID, pid)
	alone := len(o.cluster.Nodes) < 3 // what is left is no majority
	if alone {
		if err := o.restart(ctx, leader); err != nil {
			return err
		}
	}
	if err := o.resumed(ctx, at); err != nil || alone {
		return err
	}
	select {
	case <-o.sender.reached(restartAt):
	case <-ctx.Done():
		return ctx.Err()
	}
	return o.restart(ctx, leader)
}

// resumed waits for the first ballot counted after the kill.
func (o *outage) resumed(ctx context.Context, killed time.Time) error {
	select {
	case <-o.ledger.resumed:
	case <-ctx.Done():
		return ctx.Err()
	}
	o.say(display.Good, "the next ballot is counted after %s, by %s", display.Duration(time.Since(killed)), o.ledger.resumedBy)
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
