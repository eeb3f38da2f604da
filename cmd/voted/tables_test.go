package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTablesLookAsTheyAreMeantTo(t *testing.T) {
	t.Parallel()
	three, ballots := 3, uint64(188571)
	well := client.ClusterStatus{Leader: "n2", Term: 4, Index: 90344, Quorum: 2, CanLose: 1, Members: []client.Member{
		{ID: "n1", Peer: "127.0.0.1:9080", API: "http://127.0.0.1:8080", Role: "voter", State: "follower", Healthy: true, AppliedIndex: 90344, Version: "v1"},
		{ID: "n2", Peer: "127.0.0.1:9081", API: "http://127.0.0.1:8081", Role: "voter", State: "leader", Healthy: true, AppliedIndex: 90344, Version: "v1"},
	}}
	ill := well
	ill.Leader, ill.CanLose = "", 0
	ill.Members = append([]client.Member{{ID: "n4", Peer: "10.0.0.4:9080", Role: "nonvoter", State: "unreachable"}}, well.Members...)
	ill.Members[1].Version = "v2"
	refusals := &importSummary{Outcomes: map[client.Outcome]uint64{client.Counted: 12, client.Replayed: 3400}, Refused: 25, First: []refusal{
		{1002, "v-17", client.CodeAlreadyVoted, "This voter has a different ballot in the box."},
		{7, "", client.CodeMalformedRequest, "it names no voter"},
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
		"poll":            func(o *display.Output) { showPoll(o, poll) },
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

func TestBallotFilesAreReadLineByLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		want       []string // voter, or "!line"
	}{
		"CSV with a byte order mark":     {"a.csv", "\uFEFFVoter, Ranking\nann,bo\n", []string{"ann"}},
		"CSV with quotes over two lines": {"a.csv", "voter,selections\n\"an\nn\",bo\nbo,x\n", []string{"an\nn", "bo"}},
		"CSV with a stray quote":         {"a.csv", "voter,selections\nan\"n,bo\nbo,x\n", []string{"!2", "bo"}},
		"CSV with versions":              {"a.csv", "voter,if_version,scores\nann,2,a:5;b:0\nbo,x,a:1\ncy,,a\n", []string{"ann", "!3", "!4"}},
		"NDJSON by its first byte":       {"-", "{\"voter\":\"ann\",\"scores\":{}}\n\n{\"voter\":\"bo\",\"ranking\":[\"a\"]}", []string{"ann", "bo"}},
		"NDJSON with bad lines":          {"a.jsonl", "[]\n{\"voter\":1}\n{\"selections\":[]}\n{\"voter\":\"bo\",\"ranking\":7}\n", []string{"!1", "!2", "!3", "!4"}},
		"an empty file of NDJSON":        {"a.ndjson", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := readAll(t, c.file, c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// readAll returns the voters of a file, and "!line" for what is no ballot.
func readAll(t *testing.T, name, text string) (got []string) {
	t.Helper()
	r, err := newBallotReader(name, "auto", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.next()
		var bad *lineError
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.As(err, &bad):
			got = append(got, fmt.Sprintf("!%d", bad.Line))
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, b.Voter)
		}
	}
}
