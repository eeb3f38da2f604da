package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/cmd/voted/verify"
)

// Which sentences there are is tested in package verify; here it is what the commands make
// of them.
func TestVerifyExitsByWhatIsSo(t *testing.T) {
	t.Parallel()
	golden := func(name string) string { return filepath.Join("..", "..", "proof", "testdata", "golden", name) }
	dir := t.TempDir()
	policy := golden("board-2026.policy")
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	nobody := write(t, filepath.Join(dir, "nobody"), strings.Replace(string(text), "quorum members", "quorum none", 1))
	broken := write(t, filepath.Join(dir, "broken"), strings.Replace(string(text), "n1 n2 n3", "n1 n2 n4", 1))
	large := write(t, filepath.Join(dir, "large"), strings.Repeat("x", 1<<20+1))
	node, small := goldenLog(t, "checkpoint-302").URL, goldenLog(t, "checkpoint-200").URL
	receipt, early, late := golden("counted.tlog-proof"), golden("checkpoint-200"), golden("checkpoint-302")
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"receipt " + receipt + " --policy " + policy:                               {0, "Your ballot in board-2026 is counted: record 17 of 199. Two of three members signed that (n1, n2), 2026-12-01 08:03:30 +00:00."},
		"receipt " + golden("final.tlog-proof") + " --policy " + policy:            {0, "It was not replaced before the poll closed."},
		"receipt " + golden("replaced.tlog-proof") + " --policy " + policy:         {1, "does not count any more"},
		"receipt " + receipt + " --voter v-18 --policy " + policy:                  {1, "not one of v-18"},
		"receipt " + early + " --policy " + policy:                                 {1, "not a receipt that can be read"},
		"receipt " + receipt + " --policy " + nobody:                               {2, "asks nobody to sign"},
		"receipt " + receipt + " --allow-no-quorum --policy " + nobody:             {0, "Your ballot in board-2026 is counted"},
		"receipt " + receipt + " --policy " + broken:                               {2, "cannot be used: not in the right form: line 7 of the policy names \"n4\""},
		"receipt " + receipt + " --policy " + policy + " --log-dir " + dir + "/no": {2, "there is no directory"},
		"receipt " + receipt + " --policy " + policy + " --log-dir " + dir:         {2, "there is no file checkpoint"},
		"receipt " + receipt:                                                          {2, "--policy"},
		"receipt " + dir + "/no --policy " + policy:                                   {2, "there is no file"},
		"receipt " + large + " --policy " + policy:                                    {2, "longer than 1 MiB"},
		"growth " + early + " " + early:                                               {0, "not one was changed"},
		"growth " + early + " " + late:                                                {2, "--log-dir"},
		"growth - -":                                                                  {2, "only one of the two files"},
		"growth " + early + " " + late + " --node " + node:                            {0, "has grown from 199 to 301 records"},
		"growth " + early + " " + late + " --node " + small:                           {2, "has 200 entries, and 302 are needed"},
		"growth " + early + " " + late + " --node " + node + "/elsewhere":             {2, "serves no log of board-2026"},
		"growth " + early + " " + late + " --node " + node + " --log-dir " + dir:      {2, "not by both"},
		"receipt " + receipt + " --choice ann --policy " + policy:                     {2, "does not show what it chose"},
		"receipt " + golden("opened.tlog-proof") + " --choice ann --policy " + policy: {2, "--log-dir"},
		"log " + dir + " --policy " + policy:                                          {2, "no log that can be read"},
		"fraud " + golden("17.promise") + " " + receipt + " --policy " + policy:       {1, "The promise is kept"},
		"fraud " + early + " " + early + " --policy " + policy:                        {1, "can both be honest"},
		"fraud " + early + " " + late + " --policy " + policy:                         {2, "--log-dir"},
	} {
		args := append([]string{"verify"}, strings.Fields(line)...)
		got := voted(append(args, "--utc")...)
		if got.code != want.code || !strings.Contains(got.out+got.errout, want.says) {
			t.Errorf("`voted verify %s` exits %d, want %d with %q: %s%s", line, got.code, want.code, want.says, got.out, got.errout)
		}
		if want.code == 0 && strings.Count(got.out, "\n") > 2 {
			t.Errorf("`voted verify %s` says more than two lines: %s", line, got.out)
		}
	}
}

func TestVerifyInJSONHasWhatTheSentencesSay(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("..", "..", "proof", "testdata", "golden")
	ask := func(receipt string) (v verify.Verdict, code int) {
		t.Helper()
		got := voted("verify", "receipt", filepath.Join(golden, receipt), "--policy", filepath.Join(golden, "board-2026.policy"), "--json")
		if err := json.Unmarshal([]byte(got.out), &v); err != nil {
			t.Fatalf("%v: %s%s", err, got.out, got.errout)
		}
		return v, got.code
	}
	v, code := ask("final.tlog-proof")
	if code != 0 || v.Outcome != verify.Right || v.Poll != "board-2026" || v.Voter != "v-17" || v.Ballot != 17 || v.Records != 300 ||
		v.Voters != 290 || !v.Closed || len(v.SignedBy) != 2 || v.SignedAt != "2026-12-01T08:05:12Z" {
		t.Errorf("got %+v, exit code %d", v, code)
	}
	if v, code := ask("replaced.tlog-proof"); code != 1 || v.Outcome != verify.Wrong || len(v.Sentences) != 1 {
		t.Errorf("got %+v, exit code %d", v, code)
	}
}
