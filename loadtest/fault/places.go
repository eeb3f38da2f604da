package fault

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"voted/internal/localcluster"
	"voted/internal/pause"
)

const (
	// wrongUsage is the exit code of a node that must be started with another command line.
	wrongUsage = 78
	// refusedTime is how long a member on another cluster's directory may take to end.
	refusedTime = 10 * time.Second
	// followEvery is the time between two looks at the membership, until it has the new
	// address of a member that moved.
	followEvery = 50 * time.Millisecond
)

// addressFlag returns the flag that gives the address at which the others reach a node.
func addressFlag(n *localcluster.Node) string {
	if n.Flag("--advertise-peer") != "" {
		return "--advertise-peer"
	}
	return "--peer"
}

// move stops a member in order and starts it at another address. The others keep their
// command lines: the member itself has to make its new address known.
func (inj *Injector) move(ctx context.Context, e Event, i int) error {
	n := inj.Cluster.Nodes[i]
	inj.Meter.Begin(e, n.ID)
	if err := inj.end(ctx, i); err != nil {
		return err
	}
	if err := inj.changeAddress(i); err != nil {
		return err
	}
	if err := inj.restart(i); err != nil {
		return err
	}
	return inj.waitForAddresses(ctx)
}

// moveAll stops all members in order and starts them at other addresses, which the command
// line of each names.
func (inj *Injector) moveAll(ctx context.Context) error {
	leader, err := inj.Cluster.Leader(ctx)
	if err != nil {
		return err
	}
	inj.Meter.Begin(Event{Kind: MoveAll, Target: "all", Leader: leader.ID, At: inj.now()})
	for _, n := range inj.Cluster.Nodes {
		if err := n.Terminate(); err != nil {
			return err
		}
	}
	for i, n := range inj.Cluster.Nodes {
		if err := n.Wait(ctx); err != nil {
			return fmt.Errorf("node %s did not end in order: %w", n.ID, err)
		}
		inj.down(i)
		if err := inj.changeAddress(i); err != nil {
			return err
		}
	}
	for i, n := range inj.Cluster.Nodes {
		n.SetFlag("--cluster", inj.clusterFlag())
		if err := inj.restart(i); err != nil {
			return err
		}
	}
	if err := inj.waitForAddresses(ctx); err != nil {
		return err
	}
	inj.Meter.Mended(inj.now())
	return inj.steady(ctx)
}

// clusterFlag returns the value of --cluster that names all members at their present
// addresses.
func (inj *Injector) clusterFlag() string {
	var all []string
	for _, n := range inj.Cluster.Nodes {
		all = append(all, n.ID+"="+n.Flag(addressFlag(n)))
	}
	return strings.Join(all, ",")
}

// end stops a member in order.
func (inj *Injector) end(ctx context.Context, i int) error {
	n := inj.Cluster.Nodes[i]
	// It serves until it has ended, so its proxy stays up until then.
	if err := n.Terminate(); err != nil {
		return err
	}
	if err := n.Wait(ctx); err != nil {
		return fmt.Errorf("node %s did not end in order: %w", n.ID, err)
	}
	inj.down(i)
	return nil
}

// changeAddress gives a stopped member the one of its two addresses that it did not use.
func (inj *Injector) changeAddress(i int) error {
	n := inj.Cluster.Nodes[i]
	if inj.vacant == nil {
		others, err := inj.Cluster.OtherPeers()
		if err != nil {
			return err
		}
		inj.vacant = others
	}
	to, flag := inj.vacant[i], addressFlag(n)
	inj.vacant[i] = n.Flag(flag)
	n.SetFlag(flag, to)
	if inj.Network != nil {
		inj.Network.Move(i, to)
	}
	return nil
}

// waitForAddresses waits until the membership has the address of every member.
func (inj *Injector) waitForAddresses(ctx context.Context) error {
	if err := inj.Cluster.WaitReady(ctx); err != nil {
		return err
	}
	for {
		lagging := ""
		for _, n := range inj.Cluster.Nodes {
			if at := inj.addressOf(ctx, n.ID); at != n.Flag(addressFlag(n)) {
				lagging = fmt.Sprintf("the membership names %q for node %s, which is at %s", at, n.ID, n.Flag(addressFlag(n)))
			}
		}
		if lagging == "" {
			return nil
		}
		if pause.For(ctx, followEvery) != nil {
			return errors.New(lagging)
		}
	}
}

// addressOf returns the address that the membership has for a member, as the last node that
// answers says; empty if none does.
func (inj *Injector) addressOf(ctx context.Context, id string) (at string) {
	for _, n := range inj.Cluster.Nodes {
		var v struct {
			Members []struct{ ID, Peer string } `json:"members"`
		}
		if n.Get(ctx, "/v1/cluster", &v) != nil {
			continue
		}
		for _, m := range v.Members {
			if m.ID == id {
				at = m.Peer
			}
		}
	}
	return at
}

// foreign starts a member on the directory that it had in the rehearsal, waits until it ends,
// and starts it on its own directory again.
func (inj *Injector) foreign(ctx context.Context, e Event, i int) error {
	n := inj.Cluster.Nodes[i]
	if inj.Rehearsal == "" {
		return errors.New("no rehearsal was held")
	}
	inj.Meter.Begin(e, n.ID)
	if err := inj.end(ctx, i); err != nil {
		return err
	}
	own := n.Flag("--data")
	n.SetFlag("--data", filepath.Join(inj.Rehearsal, n.ID))
	n.SetFlag("--cluster", inj.clusterFlag()) // the rehearsal may have had other addresses
	if inj.Network != nil {
		if err := inj.Network.Up(i); err != nil {
			return err
		}
	}
	if err := n.RestartToEnd(); err != nil {
		return err
	}
	if err := inj.waitForRefusal(ctx, n); err != nil {
		return err
	}
	inj.down(i)
	n.SetFlag("--data", own)
	return inj.restart(i)
}

// waitForRefusal waits until a node that must not serve has ended. One that goes on is
// killed, and the fault is noted as failed; the ledger shows which ballots that cost.
func (inj *Injector) waitForRefusal(ctx context.Context, n *localcluster.Node) error {
	select {
	case <-n.Exited():
	case <-time.After(refusedTime):
		inj.failed = fmt.Sprintf("node %s served on the directory of another cluster", n.ID)
		return n.Kill()
	}
	err := n.Wait(ctx)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != wrongUsage {
		inj.failed = fmt.Sprintf("node %s was not refused on the directory of another cluster; it ended: %v", n.ID, err)
	}
	return nil
}
