package replica

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/survey"
	"voted/internal/usage"
)

// Survivor is what a stopped member has on its disk.
type Survivor struct {
	ID      string
	Cluster string   // the id of the cluster that it belongs to
	Index   uint64   // of the last entry in its log
	Members []Server // as it knows them
}

// Lost returns the ids of the members that a recovery from this one gives up.
func (s Survivor) Lost() []string {
	var lost []string
	for _, m := range s.Members {
		if m.ID != s.ID {
			lost = append(lost, m.ID)
		}
	}
	slices.Sort(lost)
	return lost
}

// Examine reads the store of a stopped member. It discards a log that the snapshot
// contradicts, as a start does.
func Examine(store Store, id string) (Survivor, error) {
	s := Survivor{ID: id}
	owner, err := store.Value(valueMember)
	if err != nil {
		return s, err
	}
	if string(owner) != id {
		return s, usage.Errorf("the data directory belongs to member %q, not %s; name that one with --id", owner, id)
	}
	if empty, err := store.Empty(); err != nil {
		return s, err
	} else if empty {
		return s, usage.Errorf("this member has never belonged to a cluster: there is nothing to recover")
	}
	of, err := store.Value(valueCluster)
	if err != nil {
		return s, err
	}
	s.Cluster = string(of)
	newest, err := discardOvertaken(store, slog.New(slog.DiscardHandler))
	if err != nil {
		return s, err
	}
	if s.Index, err = store.LastIndex(); err != nil {
		return s, err
	}
	if newest != nil {
		s.Index = max(s.Index, newest.index)
	}
	_, transport := raft.NewInmemTransport("")
	c, err := raft.GetConfiguration(offline(id), fsm.New(nil), store, store, store.Snapshots(), transport)
	if err != nil {
		return s, fmt.Errorf("the membership cannot be read: %w", err)
	}
	s.Members = serversOf(c)
	return s, nil
}

func offline(id string) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id)
	c.Logger = hclog.NewNullLogger()
	return c
}

// Recover makes the survivor the only member of a new cluster, at the address peer, and
// returns the new cluster's id. The members that are left behind then belong to another
// cluster, and their messages are refused. Everything in the survivor's log counts, also
// entries that were not decided; entries that only the others had are lost. If an entry
// of the log cannot be read, Recover changes nothing.
func Recover(store Store, s Survivor, peer string) (id string, err error) {
	disk, err := store.Value(valueDisk)
	if err != nil {
		return "", err
	}
	founders, err := json.Marshal(map[string]string{s.ID: string(disk)})
	if err != nil {
		return "", err
	}
	// The new id comes first: if this ends in the middle, messages of the members that are
	// left behind are refused, and the recovery can be started again.
	id = drawCluster()
	if err := store.SetValue(valueCluster, []byte(id)); err != nil {
		return "", err
	}
	defer func() {
		if fault := recover(); fault != nil { // from a command that cannot be read: no state was written yet
			err = fmt.Errorf("nothing was changed: %v", fault)
		}
		if err != nil {
			err = errors.Join(err, store.SetValue(valueCluster, []byte(s.Cluster)))
		}
	}()
	_, transport := raft.NewInmemTransport(raft.ServerAddress(peer))
	alone := configurationOf([]Server{{Peer: survey.Peer{ID: s.ID, Addr: peer}, Votes: true}})
	state := fsm.New(nil)
	defer state.Close()
	if err := raft.RecoverCluster(offline(s.ID), decided{state, id}, store, store, store.Snapshots(), transport, alone); err != nil {
		return "", fmt.Errorf("member %s cannot be recovered: %w", s.ID, err)
	}
	// The only founder that still belongs to the cluster is this disk.
	return id, store.SetValue(valueFounders, founders)
}

// decided is the state at the end of the log, which belongs to the new cluster from there
// on. A restore that had begun there is dropped. Polls get other logs, because the members
// that are left behind may have signed ballots that the survivor does not have.
type decided struct {
	*fsm.FSM
	cluster string
}

// Snapshot implements raft.FSM.
func (d decided) Snapshot() (raft.FSMSnapshot, error) {
	d.Close()
	d.Recover(d.cluster)
	return d.FSM.Snapshot()
}

// Words returns the words that confirm a recovery. They hold the address that the member
// will have: at a mistyped one no other member could find it.
func (s Survivor) Words(peer string) string {
	return fmt.Sprintf("recover %s as %s at %d without %s", s.ID, peer, s.Index, strings.Join(s.Lost(), " "))
}

// Check refuses a recovery that is not needed or not possible.
func (s Survivor) Check() error {
	if len(s.Lost()) == 0 {
		return usage.Errorf("%s is the only member of its cluster; just start it", s.ID)
	}
	if !slices.ContainsFunc(s.Members, func(m Server) bool { return m.ID == s.ID }) {
		return errors.New("this member was removed from its cluster; recover from one that belongs to it")
	}
	return nil
}
