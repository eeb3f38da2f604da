package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPollOfABackupIsCountedAsTheClusterCountsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()
	ranked := write(t, filepath.Join(dir, "ranked.csv"), "voter,ranking\nv1,ann>bo\nv2,bo>ann\nv3,cy>ann\nv4,ann\nv5,bo\nv6,cy\nv7,bo\nv8,di>bo\n")
	chosen := write(t, filepath.Join(dir, "chosen.csv"), "voter,selections\nv1,ann\nv2,bo\n")
	voters := write(t, filepath.Join(dir, "voters.csv"), "voter,weight\nv1,5\nv2,3\n")
	scored := write(t, filepath.Join(dir, "scored.csv"), "voter,scores\nv1,ann=7;bo=0\nv2,bo=2\n")
	file := filepath.Join(dir, "monday.backup")
	follow(t, endpoint, []step{
		{"poll create irv ann=Ann bo=Bo cy=Cy di=Di --title Board --method irv --rule until=two --rule withdrawn=di --ballots as_marked", 0, nil},
		{"poll create stv ann bo cy di --method stv --seats 2 --tie-break lot", 0, nil},
		{"poll create seeded ann bo --method approval --tie-break lot", 0, nil},
		{"poll create weighted ann bo --eligibility roll --secrecy open", 0, nil},
		{"poll create score ann bo --method score --max-score 9 --rule by=mean", 0, nil},
		{"import irv " + ranked, 0, nil},
		{"import stv " + ranked, 0, nil},
		{"import seeded " + chosen, 0, nil},
		{"poll close seeded", 0, nil},
		{"poll lot seeded --seed dice", 0, nil},
		{"roll load weighted " + voters, 0, nil},
		{"import weighted " + chosen, 0, nil},
		{"import score " + scored, 0, nil},
		{"backup " + file, 0, nil},
	})
	follow(t, nil, []step{
		{"tally " + file + " --poll irv", 0, []string{"Board", "the backup of log", "8 ballots"}},
		{"tally " + file + " --poll irv --report", 0, []string{"ballots from", "a backup", "rule"}},
		{"tally " + file + " --poll irv --method borda --json", 0, []string{`"method":"borda"`, "not as the poll says, by irv"}},
	})
	for _, poll := range []string{"irv", "stv", "seeded", "weighted", "score"} {
		polled := voted("results", poll, "--json", "--endpoint", endpoint[0])
		counted := voted("tally", file, "--poll", poll, "--json")
		if counted.code != 0 {
			t.Fatalf("%s: %s", poll, counted.errout)
		}
		want, got := object(t, polled.out), object(t, counted.out)
		for _, name := range []string{"index", "certified", "closed_index", "digest", "weight", "turnout"} { // a file has none, and is none
			delete(want, name)
		}
		if poll == "weighted" { // weights become counts
			want["ballots"] = 8.0
		}
		if at := missing(want, got); at != "" {
			t.Errorf("%s: %s differs from the poll's:\n%s\n%s", poll, at, counted.out, polled.out)
		}
	}
}

func TestABackupThatCannotBeTrustedOrUnderstoodIsNotCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoint := startCluster(t, 1, "").Endpoints()
	file, other := filepath.Join(dir, "b.backup"), filepath.Join(dir, "two.backup")
	choices := write(t, filepath.Join(dir, "c.csv"), "voter,selections\nv1,ann\nv2,bo\nv3,ann\n")
	follow(t, endpoint, []step{
		{"backup " + filepath.Join(dir, "none.backup"), 0, nil},
		{"poll create lunch ann bo", 0, nil},
		{"import lunch " + choices, 0, nil},
		{"backup " + file, 0, nil},
		{"poll create dinner ann bo", 0, nil},
		{"backup " + other, 0, nil},
	})
	follow(t, nil, []step{
		{"tally " + filepath.Join(dir, "none.backup"), 2, []string{"it holds no poll; name a poll with --poll"}},
		{"tally " + file, 0, []string{"3 ballots"}}, // its only poll
		{"tally " + file + " --poll dinner", 2, []string{`holds no poll "dinner"; it holds lunch`}},
		{"tally " + file + " --definition " + choices, 2, []string{"is not the definition of a poll"}},
		{"tally " + file + " --contest x", 2, []string{"leave out --definition"}},
		{"tally " + file + " --method irv", 2, []string{"holds choices, which this method does not count"}},
		{"tally " + choices + " --poll lunch", 2, []string{"--poll names a poll of a backup"}},
		{"tally " + other, 2, []string{"it holds lunch, dinner; name a poll with --poll"}},
	})
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{9, len(whole) / 2, len(whole) - 1} {
		if got := voted("tally", write(t, filepath.Join(dir, "cut"), string(whole[:cut]))); got.code != 1 || !strings.Contains(got.errout, "cannot be trusted") {
			t.Errorf("cut at %d of %d: %d, %s", cut, len(whole), got.code, got.errout)
		}
	}
	for at := len("VOTEDBAK"); at < len(whole); at += max(1, len(whole)/50) {
		damaged := []byte(string(whole))
		damaged[at] ^= 1
		if got := voted("tally", write(t, filepath.Join(dir, "damaged"), string(damaged))); got.code == 0 {
			t.Errorf("a bit at %d of %d: counted all the same\n%s", at, len(whole), got.out)
		}
	}
}
