package api

import (
	"testing"
	"time"

	"voted/internal/survey"
)

func TestAStatusIsWrittenInTheseBytes(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.b.set(func(b *backend) {
		b.members = survey.Status{
			ClusterID: "k2j4mq7xw3ab5cde", Leader: "n2", Term: 3, Index: 7, Quorum: 2, CanLose: 1, FormatLevel: 1, Summary: "One <is> away.",
			Members: []survey.Member{
				{
					Peer: survey.Peer{ID: "n1", Addr: "127.0.0.1:1"}, API: "http://127.0.0.1:2", Role: survey.Voting, State: survey.Following, Healthy: true, AppliedIndex: 7, Digest: "00ff", Version: "1",
					FormatLevel: 1, FreeBytes: 100, DiskLow: true, RestartRisks: []string{"a", "b"},
				},
				{Peer: survey.Peer{ID: "n2", Addr: "127.0.0.1:3"}, API: "http://127.0.0.1:4", Role: survey.Voting, State: survey.Leading, Healthy: true},
				{Peer: survey.Peer{ID: "n3", Addr: "127.0.0.1:5"}, Role: survey.NonVoting, State: survey.Unreachable, AwaySince: time.Date(2026, 12, 1, 12, 0, 0, 5e8, time.UTC)},
			},
			Findings: []survey.Finding{{Kind: "away", Member: "n3", Text: "It is."}, {Kind: "no_leader", Text: "No member leads."}},
		}
	})
	if got := g.do("GET", "/v1/cluster", "").want(200).body; got != status+"\n" {
		t.Errorf("it is %s", got)
	}
}

// status is what clients of the first release read.
const status = "" +
	`{"cluster_id":"k2j4mq7xw3ab5cde","leader":"n2","term":3,"index":7,"quorum":2,"can_lose":1,"members":[` +
	`{"id":"n1","peer":"127.0.0.1:1","api":"http://127.0.0.1:2","role":"voter","state":"follower","healthy":true,"applied_index":7,"digest":"00ff","version":"1","reads_format":1,"free_bytes":100,"disk_low":true,"restart_risks":["a","b"]},` +
	`{"id":"n2","peer":"127.0.0.1:3","api":"http://127.0.0.1:4","role":"voter","state":"leader","healthy":true,"applied_index":0},` +
	`{"id":"n3","peer":"127.0.0.1:5","api":"","role":"nonvoter","state":"unreachable","healthy":false,"applied_index":0,"away_since":"2026-12-01T12:00:00.5Z"}` +
	`],"format_level":1,"summary":"One <is> away.","findings":[` +
	`{"kind":"away","member":"n3","text":"It is."},` +
	`{"kind":"no_leader","text":"No member leads."}]}`
