package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"voted/client"
	"voted/internal/profile"
	"voted/internal/profilefile"
)

// paper is the same ten ballots in each kind of file that names no voters.
var paper = map[string]string{
	"blt":         "3 1\n4 1 2 0\n3 2 0\n2 3 2 0\n1 0\n0\n\"Ann\"\n\"Bo\"\n\"Cy\"\n\"Council\"\n",
	"toi":         "# FILE NAME: c.toi\n# TITLE: Council\n# DATA TYPE: toi\n# NUMBER ALTERNATIVES: 3\n# NUMBER VOTERS: 9\n# NUMBER UNIQUE ORDERS: 3\n# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: Bo\n# ALTERNATIVE NAME 3: Cy\n4: 1,2\n3: 2\n2: 3,2\n",
	"abif":        "{title: \"Council\"}\n=ann:[Ann]\n=bo:[Bo]\n=cy:[Cy]\n4:ann>bo\n3:bo\n2:cy>bo\n1:\n",
	"ndjson":      `{"ranking":["ann","bo"],"count":4}` + "\n" + `{"ranking":["bo"],"count":3}` + "\n" + `{"ranking":["cy","bo"],"count":2}` + "\n" + `{"ranking":[]}` + "\n",
	"csv":         "ranking,count\nann>bo,4\nbo,3\ncy>bo,2\n,1\n",
	"rctab-csv":   "ballot,Ann,Bo,Cy\n" + strings.Repeat("7,1,2,\n", 4) + strings.Repeat("7,,1,\n", 3) + strings.Repeat("7,,2,1\n", 2) + "7,,,\n",
	"cvr-indents": "{\n" + cvrOfCouncil[1:],
}

const cvrOfCouncil = `{"@type":"CVR.CastVoteRecordReport","Version":"1.0.0","CVR":[
{"@type":"CVR.CVR","CurrentSnapshotId":"1","CVRSnapshot":[{"@id":"1","@type":"CVR.CVRSnapshot","Type":"original","CVRContest":[{"@type":"CVR.CVRContest","ContestId":"k","CVRContestSelection":[
 {"@type":"CVR.CVRContestSelection","ContestSelectionId":"sb","SelectionPosition":[{"@type":"CVR.SelectionPosition","HasIndication":"yes","NumberVotes":1,"Rank":1}]}]}]}]}],
"Election":[{"@id":"el","@type":"CVR.Election","Candidate":[{"@id":"cb","@type":"CVR.Candidate","Name":"Bo"}],"Contest":[{"@id":"k","@type":"CVR.CandidateContest","Name":"Council","ContestSelection":[
 {"@id":"sb","@type":"CVR.CandidateSelection","CandidateIds":["cb"]}]}]}]}
`

func TestBallotsWithoutVotersAreImportedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()
	for kind, text := range paper {
		file := write(t, filepath.Join(dir, "council."+kind), text)
		all := map[string]string{"toi": "9", "cvr-indents": "1"}[kind] // no blank ballot; one record
		if all == "" {
			all = "10"
		}
		follow(t, endpoint, []step{
			{"poll create " + kind + " ann=Ann bo=Bo cy=Cy --method irv --min-selections 0", 0, nil},
			{"import " + kind + " " + file + " --anonymous", 0, []string{"counted  " + all, "voters from anonymous-"}},
			{"import " + kind + " " + file + " --anonymous --json", 0, []string{`"outcomes":{"replayed":` + all + "}"}},
			{"results " + kind + " --json", 0, []string{`"ballots":` + all + ","}},
		})
	}
}

func TestFilesWithoutVotersAreToldApartByTheirBytesAndTheirBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()
	one := write(t, filepath.Join(dir, "one.csv"), paper["csv"])
	two := write(t, filepath.Join(dir, "two.csv"), paper["csv"])
	corrected := write(t, filepath.Join(dir, "corrected.csv"), strings.Replace(paper["csv"], "cy>bo,2", "cy>bo,3", 1))
	follow(t, endpoint, []step{
		{"poll create box ann bo cy --method irv --min-selections 0 --secrecy open", 0, nil},
		{"import box " + one + " --anonymous --json", 0, []string{`"counted":10`, `"complete":true`, `"sha256":"`, `"voters":"anonymous-`}},
		{"import box " + two + " --anonymous", 0, []string{"replayed  10"}},
		{"import box " + two + " --anonymous --batch box-2", 0, []string{"counted  10", "warning: the poll had 10 ballots before, none of this file"}},
		{"import box " + one + " --anonymous --batch box-2", 0, []string{"replayed  10"}},
		{"import box " + corrected + " --anonymous", 0, []string{"counted  11", "the ballots of both are now in the poll"}},
		{"results box --json", 0, []string{`"ballots":31,`}},
	})
}

func TestWhatCannotBeImportedWithoutVotersIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	blt := file("council.blt", paper["blt"])
	skips := file("skips.blt", strings.Replace(paper["blt"], "2 3 2 0", "2 3 - 2 0", 1))
	withdrawn := file("withdrawn.blt", strings.Replace(paper["blt"], "3 1\n", "3 1\n-1\n", 1))
	stranger := file("stranger.blt", strings.Replace(paper["blt"], `"Cy"`, `"Di"`, 1))
	cut := file("cut.blt", strings.TrimSuffix(paper["blt"], "\"Council\"\n"))
	follow(t, endpoint, []step{
		{"poll create council ann=Ann bo=Bo cy=Cy --method irv --min-selections 0", 0, nil},
		{"poll create roll ann=Ann bo=Bo cy=Cy --method irv --eligibility roll", 0, nil},
		{"poll create choose ann=Ann bo=Bo cy=Cy", 0, nil},
		{"import council " + blt, 2, []string{"is BLT, which names no voters; add --anonymous"}},
		{"import council " + file("c.toi", paper["toi"]), 2, []string{"is PrefLib", "add --anonymous"}},
		{"import council " + file("c.json", paper["cvr-indents"]), 2, []string{"is NIST cast vote records", "add --anonymous"}},
		{"import council " + file("rctab.csv", paper["rctab-csv"]), 2, []string{"add --anonymous"}},
		{"import roll " + blt + " --anonymous", 2, []string{"counts only voters on its roll"}},
		{"import nosuch " + blt + " --anonymous", 1, []string{"there is no such poll"}},
		{"import choose " + blt + " --anonymous", 2, []string{"the file holds rankings, which the poll does not count"}},
		{"import council " + skips + " --anonymous", 2, []string{"(2) that skip a rank", "nothing was imported"}},
		{"import council " + stranger + " --anonymous", 2, []string{"which the definition lacks"}},
		{"import council " + cut + " --anonymous", 2, []string{"line 9", "nothing was imported"}},
		{"import council " + file("named.csv", "voter,ranking\nv1,ann\n") + " --anonymous", 2, []string{"names the voters of 1 ballot; leave --anonymous out"}},
		{"import council " + blt + " --batch x", 2, []string{"add --anonymous"}},
		{"import council " + blt + " --anonymous --voter-column x", 2, []string{"leave one of them out"}},
		{"import council " + blt + " --anonymous --from blt --format csv", 2, []string{"leave --format out"}},
		{"import council " + blt + " --anonymous --from word", 2, []string{"no kind of file"}},
		{"import council " + blt + " --anonymous --rejects " + blt, 2, []string{"the file that is being read"}},
		{"import council /nowhere.blt --anonymous", 2, []string{"there is no file"}},
		{"results council --json", 0, []string{`"ballots":0,`}},
		{"import council " + withdrawn + " --anonymous", 0, []string{"counted  10", "the file says that options were withdrawn"}},
		{"poll create marked ann=Ann bo=Bo cy=Cy --method irv --ballots as_marked", 0, nil},
		{"import marked " + skips + " --anonymous", 0, []string{"counted  10"}},
	})
}

// What is cast is what the file has, ballot by ballot, and each under an id of its own.
func TestBallotsWithoutVotersKeepTheirMarks(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"rankings": "ranking,count\nann>_>bo=cy>ann,2\n,3\ncy,1\n", "choices": "selections,count\nann;bo,2\n,1\n", "scores": "scores,count\nann=3;bo=0,2\n,1\n",
	} {
		options := []profile.Option{{ID: "ann", Title: "ann"}, {ID: "bo", Title: "bo"}, {ID: "cy", Title: "cy"}}
		found, err := profilefile.Read(strings.NewReader(text), profilefile.Asked{Options: options})
		if err != nil {
			t.Fatal(err)
		}
		found.Sort(false)
		a := &anonymousInput{file: &ballotsFile{Found: found}, prefix: "p-"}
		again, voters := profile.Collector{Form: found.Form}, map[string]bool{}
		for range a.size() {
			b, err := a.next()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			voters[b.Voter] = true
			collect(&again, options, b.Ballot)
			if err := again.Add(1); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.next(); err == nil {
			t.Errorf("%s: there is one ballot too many", name)
		}
		got := profile.Profile{Options: options, Form: found.Form, Groups: again.Groups()}
		got.Sort(false)
		if len(voters) != int(found.Ballots()) || len(got.Groups) != len(found.Groups) {
			t.Fatalf("%s: %d voters with %v, want %v", name, len(voters), got.Groups, found.Groups)
		}
		for i, g := range found.Groups {
			if fmt.Sprint(got.Groups[i]) != fmt.Sprint(g) {
				t.Errorf("%s: cast is %v, in the file %v", name, got.Groups[i], g)
			}
		}
	}
}

func collect(c *profile.Collector, options []profile.Option, b client.Ballot) {
	number := map[string]int{}
	for i, o := range options {
		number[o.ID] = i
	}
	for _, id := range b.Selections {
		c.Mark(number[id])
	}
	for id, points := range b.Scores {
		c.Score(number[id], points)
	}
	for i, tier := range b.Ranking {
		for _, id := range tier {
			c.MarkAt(i, number[id])
		}
	}
}
