package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"voted/internal/ports/portstest"

	"voted/client"
)

// The procedure "Recover from loss of quorum" of docs/operations.md.
func TestAMemberThatIsLeftBecomesAClusterAgain(t *testing.T) {
	t.Parallel()
	c := start(t, "--snapshot-every", "64")
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	l.grow(t, 300)
	l.finish(t)
	checkDigests(t, c) // what was acknowledged has also reached n1
	left := c.Nodes[0]
	recovery := []string{"recover", "--data", left.DataDir, "--id", "n1", "--peer", left.PeerAddr}
	if _, errs, code := voted(t, recovery...); code != 2 || !strings.Contains(errs, "stop it first") {
		t.Errorf("while it runs: exit code %d: %s", code, errs)
	}
	for _, n := range c.Nodes {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	_, errs, code := voted(t, recovery...)
	words := regexp.MustCompile(`recover n1 as \S+ at \d+ without n2 n3`).FindString(errs)
	if code != 1 || words == "" || !strings.Contains(errs, "nothing was changed") {
		t.Fatalf("without a confirmation: exit code %d: %s", code, errs)
	}
	if _, errs, code := voted(t, append(recovery, "--confirm", "yes")...); code != 1 || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("with another confirmation: exit code %d: %s", code, errs)
	}
	if _, errs, code := voted(t, "recover", "--data", left.DataDir, "--id", "n2", "--peer", left.PeerAddr); code != 2 || !strings.Contains(errs, "belongs to member") {
		t.Errorf("under another id: exit code %d: %s", code, errs)
	}
	if _, _, code := voted(t, "recover", "--data", t.TempDir(), "--id", "n1", "--peer", left.PeerAddr); code != 2 {
		t.Errorf("an empty directory: exit code %d", code)
	}
	mustVoted(t, append(recovery, "--confirm", words)...)
	if err := left.Restart(); err != nil {
		t.Fatal(err)
	}
	urls := []string{left.URL, joins(t, "n4", left.PeerAddr), joins(t, "n5", left.PeerAddr)}
	waitForVoters(t, dial(t, left.URL), 3)
	for i, url := range urls { // each takes a new ballot, too
		at := dial(t, url)
		r, err := at.Results(t.Context(), "board", client.Linearizable)
		if err != nil || int(r.Ballots) != len(l.receipts)+i {
			t.Errorf("%s counts %d of %d, %v", url, r.Ballots, len(l.receipts)+i, err)
		}
		for voter, want := range l.receipts {
			got, err := at.Cast(t.Context(), "board", voter, client.Choose(l.choice[voter]))
			if err != nil || got.Ballot != want.Ballot || got.Index != want.Index {
				t.Errorf("%s at %s had %+v and gets %+v, %v", voter, url, want, got, err)
			}
			break
		}
		if _, err := at.Cast(t.Context(), "board", "new at "+url, client.Choose("ann")); err != nil {
			t.Errorf("%s takes no new ballot: %v", url, err)
		}
	}
}

// joins starts a further node with an empty directory, and returns its URL.
func joins(t *testing.T, id, peer string) string {
	t.Helper()
	api := portstest.Addr(t)
	cmd := exec.Command(binary, "serve", "--id", id, "--data", filepath.Join(t.TempDir(), id), "--api", api, "--peer", portstest.Addr(t), "--join", peer)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
	})
	return "http://" + api
}

func waitForVoters(t *testing.T, c *client.Client, want int) {
	t.Helper()
	seen := ""
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		s, err := c.Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		voters := 0
		for _, m := range s.Members {
			if m.Role == "voter" && m.Healthy {
				voters++
			}
		}
		if voters == want && len(s.Members) == want {
			return
		}
		seen = fmt.Sprintf("%+v", s.Members)
	}
	t.Fatalf("there are not %d voters: %s", want, seen)
}
