package cluster

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
)

// Survivor is what a stopped member has on its disk.
type Survivor struct {
	ID      string
	Index   uint64   // of the last entry in its log
	Members []Server // as it knows them
}

// Lost names the members that a recovery from this one gives up.
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

// Examine reads what the store of a stopped member holds. A log that its snapshot contradicts
// is discarded, as at a start.
func Examine(store Store, id string) (Survivor, error) {
	s := Survivor{ID: id}
	owner, err := store.Value(valueMember)
	if err != nil {
		return s, err
	}
	if string(owner) != id {
		return s, fmt.Errorf("%w: the data directory belongs to member %q, not %s; name that one with --id", ErrUsage, owner, id)
	}
	if empty, err := store.Empty(); err != nil {
		return s, err
	} else if empty {
		return s, fmt.Errorf("%w: this member has never belonged to a cluster: there is nothing to recover", ErrUsage)
	}
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
	for _, m := range c.Servers {
		s.Members = append(s.Members, Server{string(m.ID), string(m.Address)})
	}
	return s, nil
}

func offline(id string) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id)
	c.Logger = hclog.NewNullLogger()
	return c
}

// Recover makes the survivor the only member of its cluster, at the address peer. All
// that is in its log counts from then on, also what had not been decided; what only the
// others had is gone. It changes nothing where anything in the log cannot be read.
func Recover(store Store, s Survivor, peer string) (err error) {
	disk, err := store.Value(valueDisk)
	if err != nil {
		return err
	}
	founders, err := json.Marshal(map[string]string{s.ID: string(disk)})
	if err != nil {
		return err
	}
	defer func() {
		if fault := recover(); fault != nil { // of a command that cannot be read: nothing was written yet
			err = fmt.Errorf("nothing was changed: %v", fault)
		}
	}()
	_, transport := raft.NewInmemTransport(raft.ServerAddress(peer))
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(s.ID), Address: raft.ServerAddress(peer)}}}
	state := fsm.New(nil)
	defer state.Close()
	if err := raft.RecoverCluster(offline(s.ID), decided{state}, store, store, store.Snapshots(), transport, alone); err != nil {
		return fmt.Errorf("member %s cannot be recovered: %w", s.ID, err)
	}
	// Of those who founded the cluster only this disk belongs to it.
	return store.SetValue(valueFounders, founders)
}

// decided is the state when the log has ended: a restore that had begun never ends.
type decided struct{ *fsm.FSM }

// Snapshot implements raft.FSM.
func (d decided) Snapshot() (raft.FSMSnapshot, error) {
	d.Close()
	return d.FSM.Snapshot()
}

// Words are what confirms a recovery.
func (s Survivor) Words() string {
	return fmt.Sprintf("recover %s at %d without %s", s.ID, s.Index, strings.Join(s.Lost(), " "))
}

// Check refuses what needs no recovery.
func (s Survivor) Check() error {
	if len(s.Lost()) == 0 {
		return fmt.Errorf("%w: %s is the only member of its cluster; just start it", ErrUsage, s.ID)
	}
	if !slices.ContainsFunc(s.Members, func(m Server) bool { return m.ID == s.ID }) {
		return errors.New("this member was removed from its cluster; recover from one that belongs to it")
	}
	return nil
}
