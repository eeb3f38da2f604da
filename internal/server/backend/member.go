// Package backend shows a member of the cluster to the API in the API's own terms.
package backend

import (
	"context"

	"voted/internal/api"
	"voted/internal/cluster"
)

// Member is a cluster node as the API knows it.
type Member struct {
	*cluster.Node
	Dir string // of the member's data: uploads go there
}

var _ api.Cluster = Member{}

// Status implements api.Members.
func (m Member) Status(ctx context.Context) (api.ClusterStatus, error) {
	s, err := m.Node.Status(ctx)
	if err != nil {
		return api.ClusterStatus{}, err
	}
	out := api.ClusterStatus{Leader: s.Leader, Term: s.Term, Index: s.Index, Quorum: s.Quorum, CanLose: s.CanLose, FormatLevel: s.Level, Summary: s.Summary}
	for _, f := range s.Findings {
		out.Findings = append(out.Findings, api.Finding(f))
	}
	for _, x := range s.Members {
		out.Members = append(out.Members, api.MemberStatus{
			ID: x.ID, Peer: x.Peer, API: x.API, Role: roleOf(x), State: stateOf(x), Healthy: x.Reached,
			AppliedIndex: x.Applied, Digest: x.Digest, Version: x.Version,
			ReadsFormat: x.Reads, FreeBytes: x.Free, DiskLow: x.Low, AwaySince: x.AwaySince, RestartRisks: x.RestartRisks,
		})
	}
	return out, nil
}

func roleOf(m cluster.Member) string {
	if m.Voter {
		return "voter"
	}
	return "nonvoter"
}

func stateOf(m cluster.Member) string {
	switch {
	case !m.Reached:
		return "unreachable"
	case m.Leader:
		return "leader"
	}
	return "follower"
}
