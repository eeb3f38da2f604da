package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"

	"voted/client"
)

// rollFile writes a roll into a file, as a spreadsheet does.
func rollFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "members.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnOrganiserSetsUpAVoteWithScriptAndWithout(t *testing.T) {
	t.Parallel()
	s := Common(t)
	for i, look := range []Look{Phone, {NoScript: true}} {
		id := fmt.Sprintf("setup-%d", i)
		tab := s.visitor(t, look, place{role: "admin"})
		tab.Go(s.URL("/manage/new"))
		tab.Fill("Title", "Who represents us?")
		tab.Fill("Options", "Ann Smith\n"+nasty+"\ncy | Cy")
		tab.Pick("Method", "Instant runoff: rank")
		tab.Mark("Only voters on a list")
		tab.Click("Name and address")
		tab.Fill("Id in addresses", id)
		tab.Click("Seats, ties, quorum")
		tab.Fill("Quorum", "2")
		tab.Press("Check")
		tab.Shows("Nothing is created yet", "Who represents us?", nasty, "Instant runoff", "These can never be changed", "Nobody sees counts or turnout before")
		tab.Press("Change something")
		if tab.Field("Title") != "Who represents us?" || !tab.Marked("Only voters on a list") || tab.Field("Quorum") != "2" {
			t.Error("what was typed is lost")
		}
		tab.Fill("Title", "Who speaks for us?")
		tab.Press("Check")
		tab.Press("Create this vote")
		if tab.Path() != "/manage/"+id || tab.Heading() != "Who speaks for us?" {
			t.Errorf("creating led to %s: %s", tab.URL(), tab.Heading())
		}
		tab.Press("List of voters")
		tab.Attach("File", rollFile(t, "\ufeffVoter;Weight\r\nv-1;3\r\n;1\r\nv-2;1\r\n"))
		if !look.NoScript {
			tab.AwaitText("The first lines of 4:")
		}
		tab.Press("Send the list")
		tab.Shows("4 lines:", "2 new", "1 refused", "Nobody was taken off", "2 voters are on the list")
		tab.Shot("roll-sent")
		if said := tab.Complaints(); len(said) > 0 {
			t.Errorf("the browser says %q", said)
		}
		got, err := s.Client.Poll(t.Context(), id)
		if err != nil || got.Title != "Who speaks for us?" || got.Options[1].Title != nasty || got.Options[2].ID != "cy" || got.Quorum != 2 {
			t.Errorf("it is %+v, %v", got, err)
		}
	}
}

func TestADoubleClickMakesOneVote(t *testing.T) {
	t.Parallel()
	s := Common(t)
	for _, look := range []Look{Desk, {NoScript: true}} {
		title := "Double " + fresh(t)
		tab := s.visitor(t, look, place{role: "admin"})
		tab.Go(s.URL("/manage/new"))
		tab.Fill("Title", title)
		tab.Fill("Options", "Ann\nBo")
		tab.Press("Check")
		tab.leaves(func() { tab.DoubleClick("Create this vote") })
		tab.Await("the poll's page", "location.pathname.startsWith('/manage/') && document.querySelector('h1').innerText === "+quote(title))
		tab.Back() // to the review, which was the answer to a form
		tab.Reload()
		tab.Press("Create this vote")
		n := 0
		for p, err := range s.Client.Polls(t.Context(), client.PollsQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if p.Title == title {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d polls were made", n)
		}
	}
}

func TestAVoteIsSetUpWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := Common(t)
	tab := s.visitor(t, Desk, place{role: "admin"})
	tab.Go(s.URL("/manage/new"))
	tabTo := func(name string) {
		t.Helper()
		for range 60 {
			if tab.Keys(kb.Tab); strings.HasPrefix(tab.Focused(), name) {
				return
			}
		}
		t.Fatalf("Tab does not come to %q", name)
	}
	tabTo("Title")
	tab.Keys("Keyboard")
	tabTo("Options")
	tab.Keys("Ann\rBo")
	tabTo("Anyone with a voting link")
	tab.Keys(kb.ArrowDown)
	if !tab.Marked("Only voters on a list") {
		t.Error("the arrow keys do not choose")
	}
	tabTo("Check")
	tab.leaves(func() { tab.Keys(kb.Enter) })
	tab.Shows("Keyboard", "Only voters on a list")
	tabTo("Create this vote")
	tab.leaves(func() { tab.Keys(kb.Enter) })
	if tab.Heading() != "Keyboard" {
		t.Errorf("it led to %s", tab.URL())
	}
}

func TestTimesAreThoseOfTheBrowsersZone(t *testing.T) {
	t.Parallel()
	s := Common(t)
	id := s.Poll(t, client.Definition{Title: "Zone"})
	tab := s.visitor(t, Desk, place{role: "admin"})
	call(tab, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
	tab.Go(s.URL("/manage/" + id + "/change"))
	tab.Shows("The time is that of America/New_York.")
	Eval[bool](tab, "(document.getElementById('closes_at').value = '2031-07-02T16:00', true)")
	tab.Press("Save")
	got, err := s.Client.Poll(t.Context(), id)
	if want := time.Date(2031, 7, 2, 20, 0, 0, 0, time.UTC); err != nil || !got.ClosesAt.Equal(want) {
		t.Errorf("it closes at %v, want %v (%v)", got.ClosesAt, want, err)
	}
	tab.Press("Change title or times")
	if at := tab.Field("Closes"); at != "2031-07-02T16:00" {
		t.Errorf("the form says %s", at)
	}
}

func TestATimeInTheHourThatAZoneHasTwiceStaysWhenOnlyTheTitleIsChanged(t *testing.T) {
	t.Parallel()
	s := Common(t)
	// Given a poll that closes in the second of the two hours that clocks in New York show alike,
	closes := time.Date(2031, 11, 2, 6, 30, 15, 0, time.UTC)
	id := s.Poll(t, client.Definition{Title: "Zone", ClosesAt: closes})
	tab := s.visitor(t, Desk, place{role: "admin"})
	call(tab, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
	tab.Go(s.URL("/manage/" + id + "/change"))
	if at := tab.Field("Closes"); at != "2031-11-02T01:30" {
		t.Fatalf("the field shows %q", at)
	}
	// when its title alone is changed, then it closes when it did.
	tab.Fill("Title", "Another zone")
	tab.Press("Save")
	if got, err := s.Client.Poll(t.Context(), id); err != nil || got.Title != "Another zone" || !got.ClosesAt.Equal(closes) {
		t.Errorf("%q closes at %v, want %v (%v)", got.Title, got.ClosesAt, closes, err)
	}
}

func TestAnOutdatedFormShowsBothVersions(t *testing.T) {
	t.Parallel()
	s := Common(t)
	id := s.Poll(t, client.Definition{Title: "First"})
	mine := s.visitor(t, Phone, place{role: "admin"})
	mine.Go(s.URL("/manage/" + id + "/change"))
	theirs := mine.Another()
	theirs.Go(s.URL("/manage/" + id + "/change"))
	theirs.Fill("Title", "Theirs")
	theirs.Press("Save")
	mine.Fill("Title", "Mine")
	mine.Press("Save")
	mine.Shows("Somebody changed it meanwhile", "Theirs")
	if mine.Field("Title") != "Mine" {
		t.Error("what was typed is lost")
	}
	checkPage(t, mine, s.Nodes[0].URL)
	mine.Shot("manage-outdated")
	mine.Press("Save")
	if mine.Heading() != "Mine" {
		t.Errorf("saving again led to %s", mine.URL())
	}
}

func TestEveryStateOfTheOrganisersPagesIsForEveryone(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	form := func(tab *Tab) {
		tab.Go(s.URL("/manage/new"))
		tab.Fill("Title", "Board "+nasty)
		tab.Fill("Options", "Ann\n"+nasty)
		tab.Click("Seats, ties, quorum")
	}
	for name, reach := range map[string]func(tab *Tab){
		"new-wrong": func(tab *Tab) {
			form(tab)
			tab.Fill("Options", "Ann")
			tab.Press("Check")
		},
		"check": func(tab *Tab) {
			form(tab)
			tab.Mark("While people vote")
			tab.Press("Check")
		},
		"refused": func(tab *Tab) {
			form(tab)
			tab.Fill("Quorum", "5")
			tab.Fill("Most voters", "3")
			tab.Press("Check")
			tab.Press("Create this vote")
			tab.Shows("There is a problem")
		},
		"delete-wrong": func(tab *Tab) {
			tab.Go(s.URL("/manage/" + p.closed + "/delete"))
			tab.Fill("Type the id to delete it", "board")
			tab.Press("Delete forever")
			tab.Shows("Nothing was deleted")
		},
		"voter-found": func(tab *Tab) {
			tab.Go(s.URL("/manage/" + p.open + "/roll"))
			tab.Fill("Voter", "v-1")
			tab.Press("Look up")
			tab.Shows("Has voted.")
		},
		"roll-workbook": func(tab *Tab) {
			tab.Go(s.URL("/manage/" + p.open + "/roll"))
			tab.Attach("File", rollFile(t, "PK\x03\x04"))
			tab.Press("Send the list")
			tab.Shows("This is an Excel workbook")
		},
		"not-found": func(tab *Tab) { tab.Go(s.URL("/manage/no-such-poll")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := s.visitor(t, Small, place{role: "admin"})
			reach(tab)
			if Eval[bool](tab, "!!document.querySelector('.problems') && !document.activeElement.matches('.problems')") {
				t.Errorf("the focus is not on what is wrong\n%s", tab.where())
			}
			checkPage(t, tab, s.Nodes[0].URL)
			tab.Shot("state-" + name)
		})
	}
}
