package members

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/refusal"
	"voted/internal/survey"
	"voted/internal/trace"
	"voted/internal/usage"
)

// Enter makes this member part of a cluster: the one it was in, one that it founds with
// the others or that they have founded without it, or the one that --join names.
func (ms *Members) Enter() error {
	empty, err := ms.opts.Replica.Empty()
	switch {
	case err != nil:
		return err
	case !empty:
		return ms.resume()
	case len(ms.opts.Cluster) > 0:
		return ms.foundCluster()
	case len(ms.opts.Join) > 0:
		return ms.askToJoin(ms.opts.Join, false)
	}
	return usage.Errorf("the data directory is empty; name the first members with --cluster, or a running cluster with --join")
}

// foundCluster bootstraps the cluster once every member that is named has answered that
// it is empty too. Otherwise a member that lost its disk could help to elect a leader
// that lacks entries which the others have acknowledged.
func (ms *Members) foundCluster() error {
	for _, m := range ms.opts.Cluster {
		if m.ID == ms.opts.ID && m.Addr != ms.address() {
			return usage.Errorf("--cluster says that %s is at %s, --advertise-peer says %s; when a cluster is founded they must be the same", m.ID, m.Addr, ms.address())
		}
	}
	ms.log.Info("first start: asking the other members", "members", len(ms.opts.Cluster))
	said := ""
	for {
		founders, silent, err := ms.askFounders()
		var there founded
		if errors.As(err, &there) {
			return ms.joinInstead(survey.Peer(there))
		}
		if err != nil {
			return err
		}
		if len(silent) == 0 {
			return ms.bootstrap(founders)
		}
		if now := strings.Join(silent, ", "); now != said {
			ms.log.Info("waiting for members to start; a cluster is founded by all of them together", "silent", now)
			said = now
		}
		select {
		case <-time.After(askPause):
		case <-ms.ctx.Done():
			return ms.ctx.Err()
		}
	}
}

// askFounders asks every member named for its disk. silent lists those that did
// not answer.
func (ms *Members) askFounders() (founders map[string]string, silent []string, err error) {
	founders = map[string]string{ms.opts.ID: ms.opts.Replica.Disk()}
	for _, m := range ms.opts.Cluster {
		if m.ID == ms.opts.ID {
			continue
		}
		s, _, err := ms.opts.Lookout.Ask(ms.ctx, m.ID, m.Addr)
		if err != nil {
			ms.log.Debug("a member does not answer", "member", m.ID, "peer", m.Addr, "error", err)
			silent = append(silent, m.ID)
			continue
		}
		switch {
		case s.ID != m.ID:
			return nil, nil, usage.Errorf("--cluster says that %s is member %s, but member %s answers there", m.Addr, m.ID, s.ID)
		case s.Founders[ms.opts.ID] == ms.opts.Replica.Disk():
			return s.Founders, nil, nil // it has founded the cluster with this very disk
		case s.Member:
			return nil, nil, founded(m)
		case len(s.Cluster) > 0 && !samePeers(s.Cluster, ms.opts.Cluster):
			return nil, nil, usage.Errorf("member %s was started with another --cluster line (%s); it must be the same on every member", m.ID, lineOf(s.Cluster))
		}
		founders[m.ID] = s.Disk
	}
	return founders, silent, nil
}

func (ms *Members) bootstrap(founders map[string]string) error {
	var members []replica.Server
	for _, m := range sorted(ms.opts.Cluster) {
		members = append(members, replica.Server{Peer: m, Votes: true})
	}
	if err := ms.opts.Replica.Found(founders, members); err != nil {
		return err
	}
	ms.log.Info("the cluster is founded", "cluster", ms.opts.Replica.ClusterID(), "members", lineOf(ms.opts.Cluster))
	return nil
}

// founded is the error that another member has a cluster already, while this one has
// none.
type founded survey.Peer

func (m founded) Error() string { return fmt.Sprintf("member %s has a cluster already", m.ID) }

// joinInstead enters the cluster that another first member belongs to, as under
// orchestrators, where each member is always started with the same line. Without --join
// it does so only if an admin has added this member and it has never started: a mistyped
// line must not lead into another cluster.
func (ms *Members) joinInstead(m survey.Peer) error {
	if len(ms.opts.Join) > 0 {
		return ms.askToJoin(ms.opts.Join, false)
	}
	others := []string{m.Addr}
	for _, o := range ms.opts.Cluster {
		if o.ID != ms.opts.ID && o.ID != m.ID {
			others = append(others, o.Addr)
		}
	}
	err := ms.askToJoin(others, true)
	if usage.Is(err) {
		return usage.Errorf("member %s has a cluster already, and this data directory is empty. If this member lost its disk: remove it (voted cluster remove %s); "+
			"then let it in again (voted cluster add %s %s) and start it as before, or start it with --join %s. The cluster says: %w",
			m.ID, ms.opts.ID, ms.opts.ID, ms.address(), m.Addr, err)
	}
	return err
}

// askToJoin asks members of a running cluster to admit this one, without a vote at first.
// onlyAdded: only if an admin has added it.
func (ms *Members) askToJoin(through []string, onlyAdded bool) error {
	token, err := ms.joinToken()
	if err != nil {
		return err
	}
	said := ""
	for {
		var last error
		for _, addr := range through {
			id := ms.opts.IDs.Next()
			err := ms.askThrough(id, addr, token, onlyAdded)
			var refused *refusal.Error
			switch {
			case err == nil:
				ms.log.Info("joined; catching up before voting", "cluster", ms.opts.Replica.ClusterID(), "through", addr, "request_id", id)
				return nil
			case errors.As(err, &refused) && !mayPass(refused.Code):
				return usage.Errorf("%s", refused.Detail)
			}
			last = err
		}
		if now := last.Error(); now != said {
			ms.log.Info("waiting for a member that lets this one in", "error", now)
			said = now
		}
		select {
		case <-time.After(askPause):
		case <-ms.ctx.Done():
			return ms.ctx.Err()
		}
	}
}

// mayPass reports whether a refusal to join may end by itself, so that asking again makes
// sense.
func mayPass(c refusal.Code) bool {
	return c == refusal.Unavailable || c == refusal.OutcomeUnknown || c == refusal.TooManyRequests || c == refusal.UpgradePending
}

// askThrough asks the member at addr to have the leader admit this one, under a request
// id that the logs of all three name.
func (ms *Members) askThrough(id, addr, token string, onlyAdded bool) error {
	ctx, cancel := context.WithTimeout(trace.With(ms.ctx, trace.Carried{ID: id}), 5*askTime)
	defer cancel()
	c, err := json.Marshal(change{Op: "join", ID: ms.opts.ID, Peer: ms.address(), Token: token, Disk: ms.opts.Replica.Disk(), FormatLevel: ms.opts.FormatLevel, OnlyAdded: onlyAdded})
	if err != nil {
		return err
	}
	cluster, err := ms.opts.Submitter.Ask(ctx, addr, CallJoin, c)
	if err != nil {
		return err
	}
	if len(cluster) == 0 {
		return fmt.Errorf("the member at %s did not say which cluster it belongs to", addr)
	}
	return ms.opts.Replica.Enter(string(cluster))
}

func sorted(servers []survey.Peer) []survey.Peer {
	return slices.SortedFunc(slices.Values(servers), func(a, b survey.Peer) int { return strings.Compare(a.ID, b.ID) })
}

func samePeers(a, b []survey.Peer) bool { return slices.Equal(sorted(a), sorted(b)) }

func lineOf(servers []survey.Peer) string {
	entries := make([]string, len(servers))
	for i, s := range sorted(servers) {
		entries[i] = s.ID + "=" + s.Addr
	}
	return strings.Join(entries, ",")
}
