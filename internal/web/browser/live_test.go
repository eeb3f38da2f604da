package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"voted/client"
	"voted/internal/localcluster"
)

// watchJS notes what a page of results shows whenever it has become another one, and keeps its streams, so that tests see
// whether they are open. A page that nobody sees lets its stream go after a moment, instead of after a minute.
const watchJS = `(() => {
	window.streams = []; window.steps = []
	const real = window.setTimeout
	window.setTimeout = (f, wait, ...rest) => real(f, wait === 60_000 ? 50 : wait, ...rest)
	window.EventSource = class extends window.EventSource { constructor(...from) { super(...from); window.streams.push(this) } }
	const number = id => Number((document.querySelector('[data-key="number.' + id + '"]')?.textContent ?? 'NaN').replace(/\D/g, ''))
	document.addEventListener('DOMContentLoaded', () => {
		const box = document.querySelector('[data-live-from]')
		if (!box) return
		const note = () => window.steps.push({Index: Number(box.dataset.index), Ann: number('ann'), Bo: number('bo')})
		note()
		new MutationObserver(note).observe(box, {attributeFilter: ['data-index']})
	})
})()`

// step is what a page showed: how many ballots for whom, at which entry.
type step struct {
	Index   uint64
	Ann, Bo int
}

// box is what was cast, ballot by ballot.
type box struct {
	mu    sync.Mutex
	first step     // guarded by mu; what was in it before; Index is not used
	casts []castAt // guarded by mu; in the order of their entries
}

type castAt struct {
	index uint64
	bo    bool
}

func (b *box) cast(t testing.TB, s *Site, poll string, n int) bool {
	choice := client.Choose("ann")
	if n%3 == 0 {
		choice = client.Choose("bo")
	}
	receipt, err := s.Client.Cast(t.Context(), poll, fmt.Sprint("w-", n), choice)
	if err != nil {
		if t.Context().Err() == nil {
			t.Errorf("ballot %d: %v", n, err)
		}
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.casts = append(b.casts, castAt{receipt.Index, n%3 == 0})
	return true
}

// at is what was in the box at an entry.
func (b *box) at(index uint64) step {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := step{Index: index, Ann: b.first.Ann, Bo: b.first.Bo}
	for _, c := range b.casts {
		switch {
		case c.index > index:
		case c.bo:
			s.Bo++
		default:
			s.Ann++
		}
	}
	return s
}

// wrong lists the steps that show something else than what was in the box, or that go back.
func (b *box) wrong(steps []step) (all []string) {
	for i, s := range steps {
		if want := b.at(s.Index); s != want {
			all = append(all, fmt.Sprintf("the page showed %+v, and the box had %+v", s, want))
		}
		if i > 0 && s.Index < steps[i-1].Index {
			all = append(all, fmt.Sprintf("entry %d was shown after %d", s.Index, steps[i-1].Index))
		}
	}
	return all
}

func TestAPageThatJumpsBackOrMiscountsIsNoticed(t *testing.T) {
	t.Parallel()
	b := &box{first: step{Ann: 1}, casts: []castAt{{10, false}, {11, true}, {20, false}}}
	for _, c := range []struct {
		name  string
		steps []step
		wrong int
	}{
		{"right", []step{{9, 1, 0}, {10, 2, 0}, {15, 2, 1}, {20, 3, 1}}, 0},
		{"one ballot too many", []step{{10, 3, 0}}, 1},
		{"a ballot of a later entry", []step{{15, 3, 1}}, 1},
		{"back", []step{{15, 2, 1}, {10, 2, 0}}, 1},
	} {
		if got := b.wrong(c.steps); len(got) != c.wrong {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// watch opens a page of live results.
func watch(t *testing.T, url string, look Look) *Tab {
	t.Helper()
	p := Open(t, look)
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchJS})
	if status := p.Go(url); status != http.StatusOK {
		t.Fatalf("%s has status %d", url, status)
	}
	p.Await("the page is live", says("live"))
	return p
}

// says is true when a page says how it is kept up to date, by the word's name in the template.
func says(word string) string {
	return "(s => s.textContent === s.dataset." + word + ")(document.querySelector('[data-live-status]'))"
}

// notLive is true while a screen shows that its numbers are not live.
const notLive = "document.querySelector('[data-live-notice]').checkVisibility()"

// moves waits until a page shows a later entry than now.
func moves(p *Tab, what string) {
	p.t.Helper()
	p.Await(what, fmt.Sprintf("window.steps.at(-1).Index > %d", Eval[uint64](p, "window.steps.at(-1).Index")))
}

// showsMore waits until a page shows a ballot that was cast after now, and not only one that was on its way.
func (b *box) showsMore(p *Tab, what string) {
	p.t.Helper()
	now := b.at(whole)
	p.Await(what, fmt.Sprintf("(s => s.Ann + s.Bo > %d)(window.steps.at(-1))", now.Ann+now.Bo+1))
}

// whole is an entry after all others.
const whole = 1 << 62

// People watch on three servers while ballots come in; a leader dies; a tab is frozen, hidden, left and returned to. What
// is shown is always what the box had at the entry that the page names, and never something older than before.
func TestLiveResultsAreRightWhateverHappens(t *testing.T) {
	t.Parallel()
	s := NewSite(t)
	leader := s.leader(t)
	others := slices.DeleteFunc(slices.Clone(s.Nodes), func(n *localcluster.Node) bool { return n == leader })
	poll := s.Poll(t, client.Definition{Title: "Board", Audience: client.AudienceAnyone})
	b := &box{}
	for n := range 4 { // a page whose first ballot comes is made again
		b.cast(t, s, poll, n)
	}
	// Given three people who watch, each at another server, while ballots come in,
	atLeader := watch(t, leader.URL+"/polls/"+poll, Desk)
	phone := watch(t, others[0].URL+"/polls/"+poll, Phone)
	hall := watch(t, others[1].URL+"/polls/"+poll+"/screen", Desk)
	tabs := map[string]*Tab{"at the leader": atLeader, "on a phone": phone, "in the hall": hall}
	lobby := watch(t, leader.URL+"/polls/"+poll+"/screen", Desk)
	if Eval[bool](lobby, notLive) {
		t.Error("a screen that is live says that it is not")
	}
	stop := make(chan struct{})
	var casting sync.WaitGroup
	casting.Go(func() {
		pace := time.NewTicker(40 * time.Millisecond)
		defer pace.Stop()
		for n := 4; ; n++ {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			if !b.cast(t, s, poll, n) {
				return
			}
		}
	})
	for name, p := range tabs {
		moves(p, "ballots are shown "+name)
	}
	// when the leader dies, then the others' pages go on, and the one of its own server says that it is away.
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	atLeader.Await("the page says that its server is away", says("away"))
	lobby.Await("a screen says that its server is away", says("away")+" && "+notLive)
	b.showsMore(phone, "ballots are shown after the leader's death on a phone")
	b.showsMore(hall, "ballots are shown after the leader's death in the hall")
	if err := leader.Restart(); err != nil {
		t.Fatal(err)
	}

	// When a phone freezes the tab, it goes on where it is after that.
	call(phone, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen})
	asleep := Eval[int](phone, "window.steps.length")
	frozen := b.at(whole)
	b.showsMore(hall, "ballots are shown in the hall while the phone sleeps")
	if now := Eval[int](phone, "window.steps.length"); now > asleep+1 {
		t.Errorf("the tab is not frozen: it has shown %d changes more", now-asleep)
	}
	call(phone, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateActive})
	phone.Await("the phone shows what came while it slept", fmt.Sprintf("window.steps.at(-1).Ann + window.steps.at(-1).Bo > %d", frozen.Ann+frozen.Bo))

	// A tab that nobody sees lets its stream go, and has one again when it is seen.
	seen := func(hidden bool) {
		Eval[bool](phone, fmt.Sprintf(`(Object.defineProperty(document, 'hidden', {value: %t, configurable: true}), document.dispatchEvent(new Event('visibilitychange')))`, hidden))
	}
	const none, one = "window.streams.every(s => s.readyState === EventSource.CLOSED)", "window.streams.filter(s => s.readyState === EventSource.OPEN).length === 1"
	seen(true)
	phone.Await("a tab that nobody sees has no stream", none)
	seen(false)
	phone.Await("it has one again", one)
	b.showsMore(phone, "ballots are shown after the tab is seen again")

	// A page that the browser keeps while another is shown has none either: browsers do not keep it otherwise.
	passes := func(event string) {
		Eval[bool](phone, "window.dispatchEvent(new PageTransitionEvent("+quote(event)+", {persisted: true}))")
	}
	passes("pagehide")
	phone.Await("a page that is kept has no stream", none)
	passes("pageshow")
	phone.Await("it has one again", one)
	b.showsMore(phone, "ballots are shown after the page has come back")

	// A page that is left and returned to goes on, whether the browser kept it or loads it again.
	hallBefore := Eval[[]step](hall, "window.steps")
	Eval[bool](hall, "window.kept = true")
	hall.Go(others[1].URL + "/")
	hall.Back()
	hall.Await("the page is live again", says("live"))
	b.showsMore(hall, "ballots are shown after going back")
	if Eval[bool](hall, "window.kept === true") {
		hallBefore = nil // it is the same document, which has them
		t.Log("the browser had kept the page")
	}

	// The server that was away is back: its page goes on, by a stream or by asking again and again.
	b.showsMore(atLeader, "ballots are shown where the server was away")
	atLeader.Await("the page no longer says that its server is away", "!"+says("away"))
	close(stop)
	casting.Wait()
	// Then all pages come to the same, which is what every server counts,
	last := b.at(whole)
	for name, p := range tabs {
		p.Await("the last ballot is shown "+name, fmt.Sprintf("(s => s.Ann === %d && s.Bo === %d)(window.steps.at(-1))", last.Ann, last.Bo))
	}
	results, err := s.Client.Results(t.Context(), poll, client.Linearizable)
	if err != nil || results.Ballots != uint64(last.Ann+last.Bo) {
		t.Errorf("%d ballots were counted, %d were cast (%v)", results.Ballots, last.Ann+last.Bo, err)
	}
	// and no page has ever shown anything else.
	shown := 0
	for name, p := range tabs {
		steps := Eval[[]step](p, "window.steps")
		if p == hall {
			steps = append(hallBefore, steps...)
		}
		shown += len(steps)
		for _, w := range b.wrong(steps) {
			t.Errorf("%s: %s", name, w)
		}
	}
	t.Logf("%d ballots, %d times a page became another one", last.Ann+last.Bo, shown)
	if shown < 15 {
		t.Errorf("only %d steps were seen: this test looks at too little", shown)
	}
	for _, complaint := range slices.Concat(phone.Complaints(), hall.Complaints()) {
		if !strings.Contains(complaint, "ERR_") { // that a server is away is said by the browser, too
			t.Error(complaint)
		}
	}
}

func TestAScreenSaysThatItIsPausedAndAFrameCanBe(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Title: "Board", Audience: client.AudienceAnyone})
	hall := watch(t, s.URL("/polls/"+poll+"/screen"), Desk)
	hall.Keys("p")
	hall.Await("the screen says that it is paused", says("paused")+" && "+notLive)
	hall.Keys("p")
	hall.Await("the screen says nothing once it goes on", "!("+notLive+")")
	frame := watch(t, s.URL("/polls/"+poll+"/embed"), Phone)
	frame.Click("Pause updates")
	frame.Await("the frame says that it is paused", says("paused"))
}

func TestAStreamThatDiesWithoutAWordIsOpenedAgain(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Title: "Board", Audience: client.AudienceAnyone})
	p := watch(t, s.URL("/polls/"+poll), Phone)
	// Given a stream of which the page has heard nothing for a minute, by its clock, whatever came just before,
	Eval[bool](p, `(real => {
		let ahead = 0;
		window.jumps = setInterval(() => { ahead += 60_000; }, 1000);
		Date.now = () => real() + ahead;
		return true;
	})(Date.now.bind(Date))`)
	// then it opens another one.
	p.Await("another stream", "window.streams.length > 1 && window.streams[0].readyState === EventSource.CLOSED")
	Eval[bool](p, "(clearInterval(window.jumps), true)")
	p.Await("it is open", "window.streams.at(-1).readyState === EventSource.OPEN")
	p.Await("the page is live", says("live"))
}
