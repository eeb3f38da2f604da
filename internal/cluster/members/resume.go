package members

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"voted/internal/cluster/lookout"
	"voted/internal/survey"
	"voted/internal/usage"
)

// resume goes on with the cluster that the data directory belongs to. --cluster and
// --join then only give addresses of members. If most of those addresses belong to
// another cluster, the operator must have meant another directory.
func (ms *Members) resume() error {
	var named []survey.Peer
	for _, s := range ms.opts.Cluster {
		if s.ID != ms.opts.ID {
			named = append(named, s)
		}
	}
	for _, addr := range ms.opts.Join {
		named = append(named, survey.Peer{Addr: addr})
	}
	strangers := ms.foreignAt(named)
	if 2*len(strangers) > len(named) {
		return ms.misplaced(strangers)
	}
	ms.log.Info("going on with the cluster of this data directory", "cluster", ms.opts.Replica.ClusterID(), "directory", ms.opts.Replica.Disk())
	return nil
}

// foreignAt asks all addresses at once, and returns those that belong to another cluster.
func (ms *Members) foreignAt(named []survey.Peer) (strangers []survey.Obstacle) {
	answers := make(chan error, len(named))
	for _, s := range named {
		go func() { // ends with its call
			_, _, err := ms.opts.Lookout.Ask(ms.ctx, s.ID, s.Addr)
			answers <- err
		}()
	}
	for range named {
		if o := lookout.ObstacleOf(<-answers); o != nil && o.Kind == survey.OtherCluster {
			strangers = append(strangers, *o)
		}
	}
	return strangers
}

// misplaced is the error that the data directory belongs to another cluster than the
// members around this one.
func (ms *Members) misplaced(strangers []survey.Obstacle) error {
	who := make([]string, len(strangers))
	for i, s := range strangers {
		who[i] = fmt.Sprintf("%s at %s", s.Member, s.Addr)
	}
	slices.Sort(who)
	return usage.Errorf("the data directory belongs to cluster %s, and the members around it belong to cluster %s (%s). Nothing was changed there. "+
		"Start %s with the data directory of that cluster (--data); or, to let it in there with nothing, on an empty one with --join",
		ms.opts.Replica.ClusterID(), strangers[0].Cluster, strings.Join(who, ", "), ms.opts.ID)
}

// endAmongStrangers ends this member if the processes at the addresses of a majority of
// the voting members belong to another cluster: nothing can ever be decided here.
func (ms *Members) endAmongStrangers(look survey.Look) {
	if strangers, majority := look.Strangers(); majority {
		ms.opts.Fail(ms.misplaced(strangers))
	}
}

// checkLine logs which parts of --cluster do not fit the membership.
func (ms *Members) checkLine(members []survey.Peer) {
	for _, s := range ms.opts.Cluster {
		if !slices.ContainsFunc(members, func(m survey.Peer) bool { return m.ID == s.ID }) {
			ms.log.Warn("--cluster names a member that the membership does not know; a running cluster is changed with voted cluster add", "member", s.ID, "peer", s.Addr)
		}
	}
}

// seek asks the addresses of --join which member is there, while members are missing: one
// may have come back at an address that the membership does not name. It does not wait
// for the answers.
func (ms *Members) seek(seen survey.Look) {
	missing := slices.ContainsFunc(seen, func(m survey.Sighting) bool { return m.Err != nil })
	if missing && len(ms.opts.Join) > 0 && ms.seeking.CompareAndSwap(false, true) {
		ms.opts.Go(func() {
			defer ms.seeking.Store(false)
			ms.askWhere(ms.ctx, seen)
		})
	}
}

func (ms *Members) askWhere(ctx context.Context, seen survey.Look) {
	type found struct{ id, addr string }
	answers := make(chan found, len(ms.opts.Join))
	for _, addr := range ms.opts.Join {
		go func() { // ends with its call
			s, _, err := ms.opts.Lookout.Ask(ctx, "", addr)
			if err != nil || s.ClusterID != ms.opts.Replica.ClusterID() {
				answers <- found{}
				return
			}
			answers <- found{s.ID, addr}
		}()
	}
	for range ms.opts.Join {
		f := <-answers
		if slices.ContainsFunc(seen, func(m survey.Sighting) bool { return m.ID == f.id && m.Err != nil }) {
			ms.opts.Lookout.Meet(f.id, f.addr)
		}
	}
}
