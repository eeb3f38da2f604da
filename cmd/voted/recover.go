package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"voted/cmd/voted/display"
	"voted/internal/console"
	"voted/internal/server"
)

type recoverCommand struct {
	Data    string `help:"Data directory of the member that is left; it must be stopped." required:"" placeholder:"DIR"`
	ID      string `help:"Its name." required:"" placeholder:"ID"`
	Peer    string `help:"Its address for the members that will join." required:"" placeholder:"HOST:PORT"`
	Confirm string `help:"What the recovery gives up, in the words that it asks for." placeholder:"TEXT"`
}

func (recoverCommand) Help() string {
	return `For a cluster that has lost most of its members for good. The member that is left becomes the only one; others join it
with empty directories. Ballots that only the lost ones had are gone, also acknowledged ones. Where several are left, recover from
the one with the highest log index. Without --confirm nothing is changed.

    voted recover --data /var/lib/voted --id n1 --peer 10.0.0.1:9080`
}

// Run recovers, once that is confirmed.
func (c *recoverCommand) Run(s *session) (err error) {
	if err := server.CheckPeer(c.Peer); err != nil {
		return err
	}
	r, err := server.OpenRecovery(c.Data, c.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s.stderr.Linef("member %s has everything up to log index %s; its directory is sound", r.ID, display.Int(r.Index))
	s.stderr.Linef("given up: %s. What only they have is gone, acknowledged or not; what stands in this log and was not decided, counts from now on", strings.Join(r.Lost(), ", "))
	s.stderr.Linef("%s must never be started again on their old directories: they would go on by themselves, as the cluster of before", strings.Join(r.Lost(), ", "))
	words := r.Words(c.Peer)
	switch {
	case c.Confirm == words:
	case c.Confirm != "" || !console.IsTerminal(os.Stdin):
		return fmt.Errorf("nothing was changed; confirm it with --confirm %q", words)
	case !askFor(s, "Is there no other member with a higher log index?", words):
		return errors.New("nothing was changed: the words were others")
	}
	id, err := r.Recover(c.Peer)
	if err != nil {
		return err
	}
	s.stdout.Linef("recovered: %s is the only member now, at %s, of a new cluster, %s; it was %s. It does not hear those that are given up", r.ID, c.Peer, id, r.Cluster)
	s.stdout.Linef("Start it as before, then let others join with empty directories: voted serve … --join %s", c.Peer)
	s.stdout.Linef("Where polls have logs that prove what was counted, other logs begin: make their policies again, with --lineage")
	return nil
}
