package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
)

var update = flag.Bool("update", false, "write the golden files again")

func TestTablesLookAsTheyAreMeantTo(t *testing.T) {
	t.Parallel()
	three, ballots := 3, uint64(188571)
	well := client.ClusterStatus{ClusterID: "k2j4mq7xw3ab5cde", Leader: "n2", Term: 4, Index: 90344, Quorum: 2, CanLose: 1, Members: []client.Member{
		{ID: "n1", Peer: "127.0.0.1:9080", API: "http://127.0.0.1:8080", Role: "voter", State: "follower", Healthy: true, AppliedIndex: 90344, Version: "v1"},
		{ID: "n2", Peer: "127.0.0.1:9081", API: "http://127.0.0.1:8081", Role: "voter", State: "leader", Healthy: true, AppliedIndex: 90344, Version: "v1"},
	}}
	ill := well
	ill.Leader, ill.CanLose = "", 0
	ill.Members = append([]client.Member{{ID: "n4", Peer: "10.0.0.4:9080", Role: "nonvoter", State: "unreachable"}}, well.Members...)
	ill.Members[1].Version, ill.Members[1].WebhookAllow = "v2", []string{"10.20.0.0/16", "9000"}
	refusals := &importSummary{Outcomes: map[client.Outcome]uint64{client.Counted: 12, client.Replayed: 3400}, Refused: 25, First: []refusal{
		{Line: 1002, Voter: "v-17", Code: client.CodeAlreadyVoted, Detail: "This voter has a different ballot in the box."},
		{Line: 7, Code: client.CodeMalformedRequest, Detail: "it names no voter"},
	}}
	poll := client.Poll{Definition: client.Definition{
		ID: "board", Title: "Board election", Options: []client.PollOption{{ID: "ann", Title: "Ann Smith"}, {ID: "christopher", Title: "Chris"}, {ID: "bo", Title: "bo"}},
		Method: client.IRV, MinSelections: &three, Revote: client.RevoteNever, Results: client.ResultsLive, Secrecy: client.Secret,
		ClosesAt: time.Date(2026, 12, 2, 20, 0, 0, 0, time.UTC), MaxBallots: 200000,
	}, State: client.StateOpen, Ballots: &ballots}
	for name, show := range map[string]func(o *display.Output){
		"cluster-well":    func(o *display.Output) { showCluster(o, well) },
		"cluster-ill":     func(o *display.Output) { showCluster(o, ill) },
		"import-refusals": func(o *display.Output) { refusals.show(o, "") },
		"poll": func(o *display.Output) {
			showPoll(o, poll, clock.Clock{Now: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), Zone: time.FixedZone("", 3600)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			show(display.Fixed(&b, 80, false))
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("%v: got\n%s\nwant\n%s", err, b.Bytes(), want)
			}
		})
	}
}
