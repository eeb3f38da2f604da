package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARollFromFileToTurnout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster := startCluster(t, 1, "")
	csv := write(t, filepath.Join(dir, "members.csv"), "\ufeffvoter,weight\nv1,3\n\"v2, jr\",1\nv3,10\n")
	heavier := write(t, filepath.Join(dir, "heavier"), `{"voter":"v1","weight":4}`+"\n\n"+`{"voter":"v3","weight":5}`+"\n"+`{"voter":"v4"}`+"\n"+`{"voter":"v5","weight":1000001}`)
	torn := write(t, filepath.Join(dir, "torn.csv"), "voter\nv6\n\"v7\n")
	untitled := write(t, filepath.Join(dir, "untitled.csv"), "v1,3\n")
	rejects := filepath.Join(dir, "rejects")
	follow(t, cluster.Endpoints(), []step{
		{"poll create lunch pizza sushi", 0, nil},
		{"roll load lunch " + csv, 1, []string{"this poll has no roll", "--eligibility roll"}},
		{"poll create board ann bo --eligibility roll --quorum 2", 0, []string{"voters   those on its roll", "quorum   2 voters"}},
		{"cast board v1 ann", 1, []string{"not on the poll's roll"}},
		{"roll load board " + untitled, 2, []string{"the first line must be the titles"}},
		{"roll load board " + csv, 0, []string{"3 voters of", "added  3"}},
		{"roll load board " + csv, 0, []string{"unchanged  3"}},
		{"cast board v1 ann", 0, []string{"counted"}},
		{"roll load board " + heavier + " --rejects " + rejects, 1, []string{"changed  1", "added    1", "refused  2", "already_voted", "malformed_request"}},
		{"roll load board " + torn, 1, []string{"added    1", "refused  1", "3", "the quote that begins here is not closed"}},
		{"roll show board", 0, []string{"5 voters on the roll of board, weight 11", "1 voted (20.0 %), weight 3"}},
		{"roll show board v1", 0, []string{"v1 may vote, with weight 3, and has voted"}},
		{"roll show board v9", 1, []string{"not on the roll", "voted roll load"}},
		{"roll drop board v1", 0, []string{"v1 is dropped; the ballot that was counted stays"}},
		{"roll drop board v3", 0, []string{"v3 is dropped"}},
		{"roll drop board v9", 1, []string{"v9 is not on the roll of board, and nothing was changed"}},
		{"cast board v3 bo", 1, []string{"not on the poll's roll"}},
		{"roll show board v3 --json", 0, []string{`"weight":5,"eligible":false,"voted":false`}},
		{"poll close board", 0, nil},
		{"results board", 0, []string{"turnout 1 of 4", "weight 3 of 6", "quorum 2 voters: not met"}},
	})
	// The export of a weighted poll can be imported like any other.
	ndjsonOut, csvOut := filepath.Join(dir, "out.ndjson"), filepath.Join(dir, "out.csv")
	follow(t, cluster.Endpoints(), []step{
		{"poll create club ann bo --eligibility roll --secrecy open", 0, nil},
		{"roll load club " + csv, 0, []string{"added  3"}},
		{"cast club v1 ann", 0, []string{"counted"}},
		{"cast club v3 bo", 0, []string{"counted"}},
		{"export club", 0, []string{`"voter":"v1","selections":["ann"]`, `"weight":3}`, `"weight":10}`}},
		{"export club -o " + ndjsonOut, 0, nil},
		{"export club --format csv -o " + csvOut, 0, nil},
		{"poll create copy ann bo", 0, nil},
		{"import copy " + csvOut, 0, []string{"counted  2"}},
		{"import copy " + ndjsonOut, 0, []string{"replayed  2"}},
	})
	if b, err := os.ReadFile(rejects); err != nil || strings.Count(string(b), "\n") != 2 || !strings.Contains(string(b), `"code":"already_voted"`) {
		t.Errorf("the rejects are %q, %v", b, err)
	}
}
