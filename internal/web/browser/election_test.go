package browser

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/localcluster"
	"voted/internal/web/frame"
)

// An election on pages alone, as people who never saw the service before hold one: the organiser sets it up, sends the
// list of voters and makes links with the command that a page shows; the voters open their links on phones, with script
// and without; a leader is killed while a ballot is on its way; the organiser closes it and opens the certificate.
func TestAnElectionIsHeldOnPagesAloneWhileALeaderDies(t *testing.T) {
	t.Parallel()
	s := NewSite(t)
	leader := s.leader(t)
	i := slices.IndexFunc(s.Nodes, func(n *localcluster.Node) bool { return n.ID != leader.ID })
	door := s.Nodes[i].URL // the node that the pages are opened at lives on

	desk := Open(t, Desk)
	desk.Go(door + "/manage")
	desk.Fill("Token", s.TokenOf("admin"))
	desk.Press("Sign in")
	desk.Press("New vote")
	desk.Fill("Title", "Board election")
	desk.Fill("Options", "ann | Ann Smith\nbo | Bo <b>\ncy | Cy")
	desk.Pick("Method", "Instant runoff: rank")
	desk.Mark("Only voters on a list")
	desk.Click("Name and address")
	desk.Fill("Id in addresses", "board-2026")
	desk.Click("Seats, ties, quorum")
	desk.Fill("Quorum", "3")
	desk.Press("Check")
	desk.Press("Create this vote")
	desk.Press("List of voters")
	roll := rollFile(t, "Voter;Weight;Name\r\nv-1;1;Ann\r\nv-2;1;Bo\r\nv-3;2;Cy\r\nv-4;1;Di\r\n")
	desk.Attach("File", roll)
	desk.Press("Send the list")
	desk.Shows("4 new", "0 refused", "4 voters are on the list")
	desk.Press("Back to Board election")
	desk.Press("Voting links and invitation")
	desk.Shows("Switch off click tracking")
	links := s.makeLinks(t, desk, roll)
	if len(links) != 4 {
		t.Fatalf("the command made %d links: %v", len(links), links)
	}

	// With script: the code is gone from the address at once, and the ranking is made by pressing names.
	one := Open(t, Phone)
	one.Follow(links["v-1"])
	one.AwaitAt("/vote/board-2026/ballot")
	for _, url := range one.History() {
		if strings.Contains(url, "#") {
			t.Errorf("the code stands in the history: %.60s…", url)
		}
	}
	for _, r := range one.Requests() {
		if strings.Contains(r.URL+r.Referer, "vc1.") {
			t.Errorf("the code is in a request: %s %s from %s", r.Method, r.URL, r.Referer)
		}
	}
	one.Click("Add Cy to your ranking")
	one.Click("Add Ann Smith to your ranking")
	one.Press("Check my ballot")
	one.Shows("1st Cy", "2nd Ann Smith", "You cannot change your ballot after you cast it.")
	one.Shot("election-check")
	one.Click("Cast my ballot")
	one.AwaitAt("/vote/board-2026/receipt")
	awaitAllHold(one)
	one.Shows("Your ballot is in the box", "this page does not show your choices")
	one.ShowsNot("Cy")
	one.Shot("election-receipt")

	// Without script: the code is pasted.
	two := Open(t, Look{Width: 320, Height: 568, NoScript: true})
	url, code, _ := strings.Cut(links["v-2"], "#")
	two.Go(url)
	two.Fill("Voting code", "  "+code+"\n")
	two.Press("Open my ballot")
	two.Pick("Ann Smith", "1st")
	two.Press("Check my ballot")
	two.Press("Cast my ballot")
	two.Shows("Your ballot is in the box")

	// The leader dies when the ballot has left the phone.
	var kill sync.Once
	three := Open(t, Phone)
	three.Follow(links["v-3"])
	three.AwaitAt("/vote/board-2026/ballot")
	three.Click("Add Bo <b> to your ranking")
	three.Press("Check my ballot")
	casts := three.Intercept("POST", "/vote/board-2026/cast", func(n int) Fate {
		return Fate{Before: func() {
			kill.Do(func() {
				if err := leader.Kill(); err != nil {
					t.Errorf("the leader cannot be killed: %v", err)
				}
			})
		}}
	})
	castOver(three, "board-2026")
	three.Shows("Your ballot is in the box")
	t.Logf("%s died, and the ballot was sent %d times", leader.ID, casts.Count())

	// The same link again shows the receipt, and a second ballot is not offered.
	again := Open(t, Phone)
	again.Follow(links["v-3"])
	again.AwaitAt("/vote/board-2026/receipt")

	// Nobody sees anything before the close.
	desk.Go(door + "/manage/board-2026")
	desk.Shows("hidden until the close")
	desk.Press("Close now")
	desk.Press("Close it now")
	desk.Shows("Closed", "3 of 4 voters have voted (75.0 %)", "Quorum 3: reached.")
	if desk.Has("Certificate") {
		desk.Press("Certificate")
		desk.Shows("Board election", "Ann Smith")
		desk.Shot("election-certificate")
	} else if slices.ContainsFunc(routes(), func(r frame.Route) bool { return r.Pattern == "GET /polls/{poll}/certificate" }) {
		t.Error("the page has no link to the certificate")
	}
	late := Open(t, Phone)
	late.Follow(links["v-4"])
	late.AwaitText("Voting has closed")

	// What was counted is what the three marked, on each node that lives and on the one that comes back.
	if err := leader.Restart(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Nodes {
		var results struct {
			Ballots int
			Weight  int
			Rounds  []struct{ Votes map[string]int }
		}
		if err := n.Get(ctx, "/v1/polls/board-2026/results", &results); err != nil {
			t.Fatal(err)
		}
		if first := map[string]int{"ann": 1, "bo": 2, "cy": 1}; results.Ballots != 3 || results.Weight != 4 || len(results.Rounds) == 0 || !maps.Equal(results.Rounds[0].Votes, first) {
			t.Errorf("%s counts %+v, want 3 ballots and first %v", n.ID, results, first)
		}
	}
	for _, tab := range []*Tab{desk, one, two} {
		if said := tab.Complaints(); len(said) > 0 {
			t.Errorf("the browser says %q", said)
		}
	}
}

// leader returns the node that leads.
func (s *Site) leader(t testing.TB) *localcluster.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	n, err := s.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var issueCommand = regexp.MustCompile(`voted roll issue .*`)

// makeLinks carries out the command that a page shows, and returns the links by voter.
func (s *Site) makeLinks(t *testing.T, tab *Tab, roll string) map[string]string {
	t.Helper()
	command := issueCommand.FindString(tab.Text())
	command = strings.NewReplacer("members.csv", roll, "./voting.key", s.SigningKey, "voted ", s.binary+" ").Replace(command)
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Dir = t.TempDir()
	var said bytes.Buffer
	shell.Stderr = &said
	if err := shell.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, said.String())
	}
	b, err := os.ReadFile(filepath.Join(shell.Dir, "links.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for line := range strings.Lines(string(b)) {
		voter, link, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Fatal(fmt.Errorf("the line %q is no link", voter))
		}
		links[voter] = link
	}
	return links
}
