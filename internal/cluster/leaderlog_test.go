package cluster_test

import (
	"testing"
	"time"

	"voted/internal/cluster"
)

func TestEachMembersLogSaysWhoLeadsOrThatNoMemberDoes(t *testing.T) {
	t.Parallel()
	logs := map[string]*lines{"n1": {}, "n2": {}, "n3": {}}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) {
		o.Logger = logs[id].logger()
	})
	// Given a leader, its followers say who it is;
	leader := c.leader()
	var others []string
	for id, log := range logs {
		if id == leader {
			log.await(t, "this member leads")
			continue
		}
		others = append(others, id)
		log.await(t, `"another member leads" leader=`+leader)
	}
	// when it hands over, it logs that it no longer leads, and who does.
	if err := c.nodes[leader].TransferLeadership(ctxFor(t, 20*time.Second), others[0]); err != nil {
		t.Fatal(err)
	}
	logs[leader].await(t, `level=INFO msg="this member no longer leads: it handed over"`)
	logs[leader].await(t, `"another member leads" leader=`+others[0])
	// When the two others are gone, the new leader warns that it no longer leads, and says
	// that no member does.
	c.stop(others[1])
	c.stop(leader)
	logs[others[0]].await(t, `level=WARN msg="this member no longer leads: a majority did not answer it`)
	logs[others[0]].await(t, "this member knows of no leader")
}
