package browser

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"voted/client"
	"voted/internal/localcluster"
)

// roles of the console's nodes in a test: the one that leads, and one that is watched.
func (s *Site) leaderAndOther(t *testing.T) (leader, other *localcluster.Node) {
	t.Helper()
	status, err := s.Client.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Nodes {
		if n.ID == status.Leader {
			leader = n
		} else {
			other = n
		}
	}
	if leader == nil {
		t.Fatal("no node leads")
	}
	return leader, other
}

// watchConsole signs in at a node and opens its console.
func watchConsole(t *testing.T, s *Site, n *localcluster.Node, role string, look Look) *Tab {
	t.Helper()
	p := Open(t, look)
	p.Go(n.URL + "/signin?next=/console")
	p.Fill("Token", s.TokenOf(role))
	p.Press("Sign in")
	p.AwaitAt("/console")
	return p
}

// awaitLive waits until an event has come by the console's stream: only then its script says that it is live.
func awaitLive(p *Tab) {
	p.t.Helper()
	p.Await("the console is live", "document.querySelector('[data-watch]')?.textContent === 'Live'")
}

func TestTheConsoleShowsTheLeaderDyingWhileSomebodyWatches(t *testing.T) {
	t.Parallel()
	s := NewSite(t)
	leader, watched := s.leaderAndOther(t)
	// Given a console that is open while ballots are cast,
	p := watchConsole(t, s, watched, "reader", Desk)
	awaitLive(p)
	p.Shows("The cluster works and can lose one more member.", leader.ID+" leads in term")
	p.ShowsNot("Hand leadership on")
	Eval[bool](p, "window.same = true")
	poll := s.Poll(t, client.Definition{})
	stop := make(chan struct{})
	var casting sync.WaitGroup
	casting.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.Client.Cast(t.Context(), poll, fmt.Sprint("v", n), client.Choose("ann")); err != nil && t.Context().Err() == nil {
				t.Errorf("ballot %d: %v", n, err)
				return
			}
		}
	})
	p.Await("ballots are shown", `!document.querySelector('[data-live=rate]').textContent.startsWith('0.0 ')`)
	// when the leader dies,
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	// then the page says so, who leads now, and how long nothing was counted; and it is announced.
	p.AwaitText(leader.ID + " no longer leads.")
	p.AwaitText("The first ballots under")
	p.Await("the member is shown as away", `document.querySelector('[data-member="`+leader.ID+`"]').classList.contains('away')`)
	p.Await("something was announced", `document.querySelector('[data-announce]').textContent !== ''`)
	p.ShowsNot(leader.ID+" leads in term", "Nothing that this server knows of.")
	p.Shot("console-leader-dead")
	p.Look(Desk)
	// When it is back, the page says that, too.
	if err := leader.Restart(); err != nil {
		t.Fatal(err)
	}
	p.AwaitText(leader.ID + " answers again.")
	p.AwaitText("The cluster works and can lose one more member.")
	close(stop)
	casting.Wait()
	if !Eval[bool](p, "window.same === true") {
		t.Error("the page was loaded again, instead of being kept up to date")
	}
	for _, complaint := range p.Complaints() {
		t.Error(complaint)
	}
}

func TestTheConsoleCanBePausedAndGoesOn(t *testing.T) {
	t.Parallel()
	s := Common(t)
	p := watchConsole(t, s, s.Nodes[0], "admin", Desk)
	awaitLive(p)
	p.Click("Pause updates")
	p.AwaitText("Paused")
	asof := Eval[string](p, "document.querySelector('[data-live=asof]').textContent")
	p.Click("Go on")
	awaitLive(p)
	p.Await("the page goes on", "document.querySelector('[data-live=asof]').textContent !== "+quote(asof))
	for _, path := range []string{"/console", "/console/leader", "/console/members", "/console/token", "/console/backup", "/console/members/n2/remove", "/console/members/n2/restart", "/console/webhooks/erp/pause"} {
		p.Go(s.Nodes[0].URL + path)
		p.Shot("console" + strings.ReplaceAll(strings.TrimPrefix(path, "/console"), "/", "-"))
	}
	for _, complaint := range p.Complaints() {
		t.Error(complaint)
	}
}

func TestWithoutScriptTheConsoleIsLoadedAgainByItself(t *testing.T) {
	t.Parallel()
	s := Common(t)
	look := Desk
	look.NoScript = true
	p := watchConsole(t, s, s.Nodes[0], "reader", look)
	p.Shows("Loaded once", "What happened")
	before := p.Sent("GET", "/console")
	p.awaitSeen("the page is loaded again", func() bool { return p.Sent("GET", "/console") > before })
}
