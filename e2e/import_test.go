package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// Ballots without voters, in a file with counts: enough that an import takes a while.
const paperBallots = 400_000

func paperFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "paper.blt")
	third := paperBallots / 4
	writeFile(t, path, fmt.Appendf(nil, "3 1\n%d 1 2 0\n%d 2 0\n%d 3 1 2 0\n0\n\"ann\"\n\"bo\"\n\"cy\"\n\"Paper\"\n", 2*third, third, third))
	return path
}

func importing(t *testing.T, urls []string, file string) *exec.Cmd {
	t.Helper()
	args := []string{"import", "paper", file, "--anonymous", "--json", "--timeout", "60s"}
	for _, url := range urls {
		args = append(args, "--endpoint", url)
	}
	return exec.CommandContext(t.Context(), binary, args...)
}

// An import of ballots without voters that is killed, during which the leader is killed
// too, is finished by the same command; and then the same command counts nothing.
func TestAnImportOfBallotsWithoutVotersIsExactThroughKills(t *testing.T) {
	t.Parallel()
	c := start(t)
	at := dial(t, c.Endpoints()...)
	createPoll(t, at, client.Definition{ID: "paper", Method: client.IRV})
	file := paperFile(t)

	// Given an import that is under way
	first := importing(t, c.Endpoints(), file)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for n := uint64(0); n == 0; { // there is no event at the first counted ballot
		r, err := at.Results(t.Context(), "paper", client.Linearizable)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d ballots: %v", n, err)
		}
		n = r.Ballots
	}

	// when the leader is killed, and then the import
	victim := leaderOf(t, c)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	r, err := at.Results(t.Context(), "paper", client.Linearizable)
	if err != nil || r.Ballots == 0 || r.Ballots >= paperBallots {
		t.Fatalf("the import was not broken off: %d ballots, %v", r.Ballots, err)
	}

	// then the next one counts the rest, and a third one nothing.
	for _, want := range []string{`"counted":`, `"outcomes":{"replayed":400000}`} {
		again := importing(t, c.Endpoints(), file)
		var said bytes.Buffer
		again.Stderr = &said
		out, err := again.Output()
		if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), `"complete":true,"answered":400000`) {
			t.Fatalf("%v, %s\n%s", err, out, said.Bytes())
		}
	}
	if r, err = at.Results(t.Context(), "paper", client.Linearizable); err != nil {
		t.Fatal(err)
	}
	votes := r.Rounds[0].Votes
	if r.Ballots != paperBallots || votes["ann"] != paperBallots/2 || votes["bo"] != paperBallots/4 || votes["cy"] != paperBallots/4 {
		t.Errorf("%d ballots, %v", r.Ballots, votes)
	}
	checkDigests(t, c)
}
