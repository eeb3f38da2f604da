package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
)

// ballotsOf returns the ballots of an open poll by voter, each as one line of JSON.
func ballotsOf(t *testing.T, s *Site, poll string) map[string]string {
	t.Helper()
	var lines bytes.Buffer
	if _, err := s.Client.Export(t.Context(), poll, client.NDJSON, &lines); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range bytes.Lines(lines.Bytes()) {
		var one struct {
			Voter      string          `json:"voter"`
			Selections json.RawMessage `json:"selections"`
			Ranking    json.RawMessage `json:"ranking"`
			Scores     json.RawMessage `json:"scores"`
		}
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if one.Voter != "" {
			all[one.Voter] = string(one.Selections) + string(one.Ranking) + string(one.Scores)
		}
	}
	return all
}

// holds fails the test unless the only ballot of an open poll is this one of v-17.
func holds(t *testing.T, s *Site, poll, ballot string) {
	t.Helper()
	if all := ballotsOf(t, s, poll); len(all) != 1 || all["v-17"] != ballot {
		t.Errorf("the ballots are %v, want %s of v-17", all, ballot)
	}
}

// sound looks at a page of the booth as axe-core, a ruler and a phone of 320 pixels see it.
func sound(t *testing.T, p *Tab) {
	t.Helper()
	if before := p.look; before.NoScript { // axe-core is script, which does not change the page
		scripted := before
		scripted.NoScript = false
		p.Look(scripted)
		defer p.Look(before)
	}
	for _, v := range p.Axe() {
		t.Errorf("%s: %s", p.Path(), v)
	}
	if wide := p.Wide(); len(wide) > 0 {
		t.Errorf("%s is wider than its window: %q", p.Path(), wide)
	}
	if faint := p.Faint(10); len(faint) > 0 {
		t.Errorf("%s has text of less contrast than 10:1: %q", p.Path(), faint)
	}
	if flat := p.Flat(56); len(flat) > 0 {
		t.Errorf("%s has controls less than 56 pixels high: %q", p.Path(), flat)
	}
}

// enter opens a ballot by its link. Where the browser has a code already, that one's page comes first.
func enter(t *testing.T, p *Tab, s *Site, poll, voter string) {
	t.Helper()
	p.Go(s.Link(t, poll, voter))
	p.Await("the ballot of "+voter, "location.pathname === '/vote/"+poll+"/ballot' && location.search === '?opened' && document.readyState === 'complete'")
}

// checking opens a ballot by its link, chooses, and comes to the page that checks it.
func checking(t *testing.T, p *Tab, s *Site, poll, choice string) {
	t.Helper()
	enter(t, p, s, poll, "v-17")
	p.Mark(choice)
	p.Press("Check my ballot")
	p.Shows("2 of 2: Check. Your ballot is not cast yet", choice)
}

func TestEveryFormOfBallotIsVotedWithoutScript(t *testing.T) {
	t.Parallel()
	s := Common(t)
	for name, c := range map[string]struct {
		poll   client.Definition
		mark   func(p *Tab)
		ballot string
	}{
		"one choice":     {client.Definition{}, func(p *Tab) { p.Mark("Bo") }, `["bo"]`},
		"blank":          {client.Definition{MinSelections: new(0)}, func(p *Tab) { p.Mark("Blank ballot: none of these") }, `[]`},
		"several":        {client.Definition{Method: "approval"}, func(p *Tab) { p.Mark("Ann"); p.Mark("Cy") }, `["ann","cy"]`},
		"ranks":          {client.Definition{Method: "irv"}, func(p *Tab) { p.Pick("Cy", "1st"); p.Pick("Ann", "2nd") }, `["cy","ann"]`},
		"shared ranks":   {client.Definition{Method: "schulze"}, func(p *Tab) { p.Pick("Cy", "1st"); p.Pick("Ann", "1st"); p.Pick("Bo", "3rd") }, `[["ann","cy"],"bo"]`},
		"scores to pick": {client.Definition{Method: "star"}, func(p *Tab) { p.pickScore("score.ann", "5"); p.pickScore("score.bo", "0") }, `{"ann":5,"bo":0}`},
		"scores to type": {client.Definition{Method: "score", MaxScore: 100}, func(p *Tab) { p.Fill("Ann", "70"); p.Fill("Cy", "100") }, `{"ann":70,"cy":100}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.poll.Secrecy = client.Open
			poll := s.Poll(t, c.poll)
			look := Small
			look.NoScript = true
			p := Open(t, look)
			p.Go(s.URL("/vote/" + poll))
			p.Fill("Voting code", s.Link(t, poll, "v-17"))
			p.Press("Open my ballot")
			sound(t, p)
			p.Shot("choose-" + strings.ReplaceAll(name, " ", "-"))
			c.mark(p)
			p.Press("Check my ballot")
			sound(t, p)
			p.Shot("check-" + strings.ReplaceAll(name, " ", "-"))
			if name == "blank" {
				p.Mark("I want to cast a blank ballot.")
			}
			p.Press("Cast my ballot")
			p.Shows("Your ballot is in the box")
			sound(t, p)
			holds(t, s, poll, c.ballot)
		})
	}
}

// pickScore marks the radio button with a name and a value: its label is the number alone.
func (p *Tab) pickScore(name, value string) {
	p.t.Helper()
	p.clickAt(found[spot](p, "middle(document.querySelector('input[name=\""+name+"\"][value=\""+value+"\"]'))"), 1)
}

func TestTheCodeOfALinkStaysInTheBrowser(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{})
	credential := s.Credential(t, poll, "v-17")
	for _, link := range []string{"#" + credential, "#c=" + credential + "&.=1"} {
		p := Open(t, Phone)
		p.Go(s.URL("/vote/"+poll) + link)
		p.AwaitAt("/vote/" + poll + "/ballot")
		if at := p.URL(); strings.Contains(at, "#") || strings.Contains(at, credential) {
			t.Errorf("the address is %s", at)
		}
		for _, at := range p.History() {
			if strings.Contains(at, credential) {
				t.Errorf("the history has %s", at)
			}
		}
		for _, r := range p.Requests()[1:] { // the first names what the tab was told to visit
			if strings.Contains(r.URL, credential) || strings.Contains(r.Referer, credential) {
				t.Errorf("%s %s from %s", r.Method, r.URL, r.Referer)
			}
		}
		if wrong := p.Complaints(); len(wrong) > 0 {
			t.Errorf("the browser says %q", wrong)
		}
	}
	for _, n := range s.Nodes {
		if strings.Contains(n.LogTail(), credential) {
			t.Errorf("the log of %s has the code", n.ID)
		}
	}
}

func TestABallotWhoseAnswersAreLostIsCountedOnce(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Bo")
	lost := p.Intercept(http.MethodPost, "/vote/"+poll+"/cast", func(n int) Fate { return Fate{LoseAnswer: n <= 2} })
	p.Click("Cast my ballot")
	p.AwaitAt("/vote/" + poll + "/receipt")
	p.Shows("Your ballot is in the box")
	p.ShowsNot("again. However")
	if lost.Count() != 3 {
		t.Errorf("it was sent %d times, want 3", lost.Count())
	}
	holds(t, s, poll, `["bo"]`)
}

func TestABallotIsSentAgainAfterWhateverPasses(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Ann")
	again := make(chan struct{})
	fates := []Fate{
		{LoseRequest: true},
		{Status: 429, Header: map[string]string{"Retry-After": "1"}},
		{Status: 503},
		{Status: 507},
		{Before: func() { <-again }},
	}
	sent := p.Intercept(http.MethodPost, "/vote/"+poll+"/cast", func(n int) Fate { return fates[n-1] })
	p.Click("Cast my ballot")
	p.AwaitText("Sending your ballot again. However often it is sent, it is counted once.")
	if got := ballotsOf(t, s, poll); len(got) != 0 {
		t.Errorf("before the ballot came through there is %v", got)
	}
	close(again)
	p.AwaitAt("/vote/" + poll + "/receipt")
	if sent.Count() != len(fates) {
		t.Errorf("it was sent %d times, want %d", sent.Count(), len(fates))
	}
	holds(t, s, poll, `["ann"]`)
}

func TestARefusalIsShownAndNotSentAgain(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Ann")
	if _, err := s.Client.ClosePoll(t.Context(), poll); err != nil {
		t.Fatal(err)
	}
	p.Click("Cast my ballot")
	p.AwaitText("Voting has closed. This ballot was not counted")
	if n := p.Sent(http.MethodPost, "/vote/"+poll+"/cast"); n != 2 { // by the script, and then for the page
		t.Errorf("it was sent %d times", n)
	}
	sound(t, p)
}

func TestABallotWaitsForTheNetwork(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Cy")
	p.Offline(true)
	p.Click("Cast my ballot")
	p.AwaitText("You are offline. Your ballot is not in the box yet.")
	if got := ballotsOf(t, s, poll); len(got) != 0 {
		t.Errorf("without a network there is %v", got)
	}
	p.Shot("offline")
	p.Offline(false)
	p.AwaitAt("/vote/" + poll + "/receipt")
	holds(t, s, poll, `["cy"]`)
}

func TestWithoutANetworkItIsNotSaidOfABallotThatWasSentThatItIsOutside(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Cy")
	// Given that the ballot was counted and the answer has not reached the page,
	counted, offline := make(chan struct{}), make(chan struct{})
	p.Intercept(http.MethodPost, "/vote/"+poll+"/cast", func(n int) Fate {
		if n > 1 {
			return Fate{}
		}
		return Fate{LoseAnswer: true, After: func() { close(counted); <-offline }}
	})
	p.Click("Cast my ballot")
	<-counted
	holds(t, s, poll, `["cy"]`)
	// when the network is gone,
	p.Offline(true)
	close(offline)
	// then the page says that it is offline, and nothing of where the ballot is.
	p.AwaitText("You are offline. Keep this page open: your ballot is sent again as soon as you are back, and counted once.")
	p.ShowsNot("not in the box yet")
	p.Offline(false)
	p.AwaitAt("/vote/" + poll + "/receipt")
	holds(t, s, poll, `["cy"]`)
}

func TestLookingForABallotDoesNotFindTheOneThatItReplaces(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open, Revote: client.RevoteUntilClose})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Ann")
	p.Click("Cast my ballot")
	p.AwaitAt("/vote/" + poll + "/receipt")
	p.Press("Change my ballot")
	p.Mark("Cy")
	p.Press("Check my ballot")
	// Given a change that is lost for so long that the page no longer sends it by itself,
	var lose atomic.Bool
	lose.Store(true)
	p.Intercept(http.MethodPost, "/vote/"+poll+"/cast", func(int) Fate { return Fate{LoseRequest: lose.Load()} })
	p.Click("Cast my ballot")
	p.AwaitText("Sending your ballot again.")
	Eval[bool](p, "((now) => { Date.now = () => now() + 180_000; return true })(Date.now)")
	p.AwaitText("We do not know whether your ballot arrived.")
	// when the voter looks whether it is there, then the earlier one is not taken for it.
	p.Click("Look whether it is there")
	p.AwaitText("Your earlier ballot is in the box, and this one is not there yet.")
	sound(t, p)
	lose.Store(false)
	p.Click("Send it now")
	p.AwaitText("Your new ballot is in the box")
	holds(t, s, poll, `["cy"]`)
}

func TestPressingTwiceReloadingAndGoingBackCastOneBallot(t *testing.T) {
	t.Parallel()
	s := Common(t)
	for _, script := range []bool{true, false} {
		poll := s.Poll(t, client.Definition{Secrecy: client.Open})
		look := Phone
		p := Open(t, look)
		checking(t, p, s, poll, "Bo")
		look.NoScript = !script
		p.Look(look)
		p.Reload() // sends the form to the page that checks again
		p.Shows("2 of 2: Check")
		p.leaves(func() { p.DoubleClick("Cast my ballot") })
		p.AwaitAt("/vote/" + poll + "/receipt")
		p.Reload()
		p.Shows("Your ballot is in the box")
		p.Back()
		if script { // the page that checked it is no longer in the history
			p.AwaitAt("/vote/" + poll + "/receipt")
		} else { // the browser asks before it shows the answer to a form again
			p.Reload()
			p.AwaitText("2 of 2: Check")
			p.leaves(func() { p.Click("Cast my ballot") })
			p.AwaitAt("/vote/" + poll + "/receipt")
		}
		p.Go(s.Link(t, poll, "v-17"))
		p.AwaitAt("/vote/" + poll + "/receipt")
		holds(t, s, poll, `["bo"]`)
		receipt, err := s.Client.Receipt(t.Context(), poll, "v-17")
		if err != nil || receipt.Version != 1 {
			t.Errorf("with script %t: version %d, %v", script, receipt.Version, err)
		}
		if wrong := p.Complaints(); len(wrong) > 0 {
			t.Errorf("the browser says %q", wrong)
		}
	}
}

func TestTwoVotersInOneBrowserDoNotVoteForEachOther(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open})
	first := Open(t, Phone)
	checking(t, first, s, poll, "Ann")
	second := first.Another()
	enter(t, second, s, poll, "v-18")
	second.Shows("Voting as v-18")
	first.Click("Cast my ballot")
	first.AwaitText("This form was opened for another voter")
	if got := ballotsOf(t, s, poll); len(got) != 0 {
		t.Errorf("there is %v", got)
	}
	sound(t, first)
}

// awaitAllHold checks a receipt again until all servers hold the ballot: some apply it a moment after the answer.
func awaitAllHold(p *Tab) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(spaced(p.Text()), "Held by all 3 servers."); p.Press("Check again") {
		if time.Now().After(deadline) {
			p.t.Fatalf("after %s not all servers hold the ballot\n%s", patience, p.where())
		}
	}
}

func TestAVoteIsChangedInTheBrowser(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open, Revote: client.RevoteUntilClose})
	p := Open(t, Phone)
	checking(t, p, s, poll, "Ann")
	late := p.Another() // a copy of the first ballot, which is sent later
	checking(t, late, s, poll, "Ann")
	p.Click("Cast my ballot")
	p.AwaitAt("/vote/" + poll + "/receipt")
	awaitAllHold(p)
	p.Shot("receipt")
	p.Press("Change my ballot")
	p.Mark("Cy")
	p.Press("Check my ballot")
	p.Shows("This replaces the ballot that you cast on")
	p.Click("Cast my ballot")
	p.AwaitText("Your new ballot is in the box")
	late.Click("Cast my ballot")
	late.AwaitText("You have since changed this ballot")
	late.Shot("superseded")
	holds(t, s, poll, `["cy"]`)
}

func TestARankingIsMadeWithButtons(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Secrecy: client.Open, Method: "irv"})
	p := Open(t, Small)
	enter(t, p, s, poll, "v-17")
	p.Click("Add Bo to your ranking")
	p.Click("Add Cy to your ranking")
	p.Click("Add Ann to your ranking")
	p.Click("Move Ann up")
	if at := p.Focused(); at != "Move Ann up" {
		t.Errorf("the focus is on %q", at)
	}
	p.Shows("Ann is number 2 of 3 in your ranking.")
	p.Click("Move Ann up") // to the top: its button is off, and the focus goes to a neighbour
	if at := p.Focused(); at != "Move Ann down" {
		t.Errorf("the focus is on %q", at)
	}
	sound(t, p)
	p.Shot("ranking")
	p.Click("Remove Bo from your ranking")
	p.Press("Check my ballot")
	p.Shows("1st Ann", "2nd Cy", "You left out: Bo.")
	p.Press("Change my choices")
	p.Shows("Your ranking", "1. Ann", "2. Cy")
	p.Press("Check my ballot")
	p.Click("Cast my ballot")
	p.AwaitAt("/vote/" + poll + "/receipt")
	holds(t, s, poll, `["ann","cy"]`)
	if wrong := p.Complaints(); len(wrong) > 0 {
		t.Errorf("the browser says %q", wrong)
	}
}

// castOver casts a ballot over the death of the leader, and comes to the receipt. Where an election takes longer than the
// node waits, the page says that it does not know, and the ballot is sent again.
func castOver(p *Tab, poll string) {
	p.t.Helper()
	began := time.Now()
	p.Click("Cast my ballot")
	for {
		p.Await("the receipt, or why there is none", "['/receipt', '/cast'].some((end) => location.pathname === '/vote/"+poll+"' + end) && document.readyState === 'complete'")
		took := time.Since(began).Round(time.Millisecond)
		if strings.HasSuffix(p.Path(), "/receipt") {
			p.t.Logf("over the death of the leader the receipt came after %s", took)
			return
		}
		if took > time.Minute {
			p.t.Fatalf("the ballot was sent for %s\n%s", took, p.where())
		}
		p.Press("Send my ballot again")
	}
}

func TestARankingSaysTheNamesAsTheyAreAndLeadsToWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Method: "irv", MinSelections: new(2), Options: []client.PollOption{
		{ID: "dues", Title: "Raise dues by 5%"}, {ID: "pay", Title: "Pay $& or $$"}, {ID: "stay", Title: "Stay @ #1"},
	}})
	p := Open(t, Phone)
	enter(t, p, s, poll, "v-17")
	p.Click("Add Raise dues by 5% to your ranking")
	p.Shows("Raise dues by 5% is number 1 of 1 in your ranking.")
	p.Click("Add Pay $& or $$ to your ranking")
	p.Shows("Pay $& or $$ is number 2 of 2 in your ranking.")
	p.Click("Add Stay @ #1 to your ranking")
	p.Shows("Stay @ #1 is number 3 of 3 in your ranking.")
	p.Click("Remove Stay @ #1 from your ranking")
	p.Click("Remove Pay $& or $$ from your ranking")
	// Given a ranking that is too short, when it is checked, then the focus is on the summary,
	p.Press("Check my ballot")
	p.Await("the focus is on the summary", "document.activeElement.matches('.problems')")
	// and its link leads to a button of the option.
	p.Click("Rank at least 2 options.")
	p.Await("the focus is on a button", "document.activeElement.matches('button')")
	if at := p.Focused(); at != "Remove Raise dues by 5% from your ranking" {
		t.Errorf("the focus is on %q", at)
	}
	sound(t, p)
}

func TestABallotSurvivesTheLeader(t *testing.T) {
	t.Parallel()
	s := NewSite(t)
	for _, script := range []bool{true, false} {
		poll := s.Poll(t, client.Definition{Secrecy: client.Open})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		leader, err := s.Leader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at := s.Nodes[0]
		if at == leader {
			at = s.Nodes[1]
		}
		look := Phone
		look.NoScript = !script
		p := Open(t, look)
		p.Go(at.URL + "/vote/" + poll)
		p.Fill("Voting code", s.Credential(t, poll, "v-17"))
		p.Press("Open my ballot")
		p.Mark("Bo")
		p.Press("Check my ballot")
		p.Intercept(http.MethodPost, "/vote/"+poll+"/cast", func(n int) Fate {
			if n > 1 {
				return Fate{}
			}
			return Fate{Before: func() { _ = leader.Kill() }}
		})
		castOver(p, poll)
		p.Shows("Your ballot is in the box")
		if err := leader.Restart(); err != nil {
			t.Fatal(err)
		}
		holds(t, s, poll, `["bo"]`)
	}
}

func TestTheDoorAndItsWordsAreSound(t *testing.T) {
	t.Parallel()
	s := Common(t)
	p := Open(t, Small)
	p.Go(s.URL("/vote/no-such-poll"))
	sound(t, p)
	p.Shot("door")
	p.Fill("Voting code", "vc1.abc")
	p.Press("Open my ballot")
	p.Shows("This link is not complete.")
	sound(t, p)
	p.Shot("door-refused")
	german := Phone
	german.Language = "de"
	p.Look(german)
	for _, path := range []string{"/", "/signin", "/help", "/about/secrecy", "/vote", "/nothing"} {
		p.Go(s.URL(path))
		outside(t, p)
		p.Shot("de" + strings.ReplaceAll(path, "/", "-"))
	}
	if os.Getenv("CI") != "" && len(p.Complaints()) > 0 {
		t.Errorf("the browser says %q", p.Complaints())
	}
}

// outside is sound for pages outside the booth, whose controls are at least 44 pixels high.
func outside(t *testing.T, p *Tab) {
	t.Helper()
	for _, v := range p.Axe() {
		t.Errorf("%s: %s", p.Path(), v)
	}
	if wide := p.Wide(); len(wide) > 0 {
		t.Errorf("%s is wider than its window: %q", p.Path(), wide)
	}
	if flat := p.Flat(44); len(flat) > 0 {
		t.Errorf("%s has controls less than 44 pixels high: %q", p.Path(), flat)
	}
}
