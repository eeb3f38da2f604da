package server

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"voted/internal/auth"
)

// polling is one guarded node with an admin's token and a key that signs voting codes.
type polling struct {
	t      *testing.T
	server *Server
	admin  string
	signer *auth.CredentialKey
	log    *lines
	tokens string
}

func newPolling(t *testing.T, change func(o *Options)) *polling {
	t.Helper()
	dir := t.TempDir()
	p := &polling{t: t, log: &lines{}, tokens: filepath.Join(dir, "tokens")}
	private, public, err := auth.NewCredentialKey()
	must(t, err)
	p.signer, err = auth.ParseCredentialKey(private)
	must(t, err)
	token, line, err := auth.NewToken(auth.Admin|auth.Reader|auth.Gateway, "desk")
	must(t, err)
	p.admin = token
	must(t, os.WriteFile(p.tokens, []byte(line+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "voting.pub"), public, 0o600))
	p.server = alone(t, func(o *Options) {
		o.Tokens, o.CredentialKeys = p.tokens, filepath.Join(dir, "voting.pub")
		o.Logger = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if change != nil {
			change(o)
		}
	})
	return p
}

// do sends a request to the API as the admin.
func (p *polling) do(method, path, body string, header ...string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL()+path, strings.NewReader(body))
	must(p.t, err)
	r.Header.Set("Authorization", "Bearer "+p.admin)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	must(p.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(p.t, err)
	return resp.StatusCode, string(b)
}

// create makes a poll of four options; more is further members of its definition.
func (p *polling) create(id, more string) {
	p.t.Helper()
	body := `{"title":"Poll ` + id + `","options":[{"id":"ann","title":"Ann"},{"id":"bo","title":"Bo"},{"id":"cy","title":"Cy"},{"id":"di","title":"Di"}]` + more + `}`
	if status, said := p.do(http.MethodPut, "/v1/polls/"+id, body); status != http.StatusCreated {
		p.t.Fatalf("poll %s: %d %s", id, status, said)
	}
}

func (p *polling) code(poll, voter string) string {
	p.t.Helper()
	code, err := p.signer.Issue(poll, voter, time.Now(), time.Now().Add(time.Hour))
	must(p.t, err)
	return code
}

// cast are the ballots of an open poll, as readers see them: voter and what was chosen.
func (p *polling) cast(poll string) map[string]string {
	p.t.Helper()
	status, text := p.do(http.MethodGet, "/v1/polls/"+poll+"/ballots", "", "Accept", "application/x-ndjson")
	if status != http.StatusOK {
		p.t.Fatalf("the ballots of %s: %d %s", poll, status, text)
	}
	all := map[string]string{}
	for line := range strings.Lines(text) {
		var one struct {
			Voter      string          `json:"voter"`
			Selections json.RawMessage `json:"selections"`
			Ranking    json.RawMessage `json:"ranking"`
			Scores     json.RawMessage `json:"scores"`
		}
		must(p.t, json.Unmarshal([]byte(line), &one))
		if one.Voter != "" {
			all[one.Voter] = string(one.Selections) + string(one.Ranking) + string(one.Scores)
		}
	}
	return all
}

// browser is a browser without script.
type browser struct {
	*polling
	client *http.Client
	at     string // the path of the page that is shown
	status int
	page   string
}

func (p *polling) browser() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	must(p.t, err)
	return &browser{polling: p, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

func (b *browser) send(method, path string, form url.Values) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL()+path, strings.NewReader(form.Encode()))
	must(b.t, err)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Accept-Language", "en")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := b.client.Do(r)
	must(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(b.t, err)
	b.at, b.status, b.page = resp.Request.URL.Path, resp.StatusCode, string(text)
}

func (b *browser) goTo(path string) { b.t.Helper(); b.send(http.MethodGet, path, nil) }

func (b *browser) open(poll, code string) {
	b.t.Helper()
	b.send(http.MethodPost, "/vote/"+poll, url.Values{"code": {code}})
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	hidden   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	someTag  = regexp.MustCompile(`<[^>]*>`)
	manyGaps = regexp.MustCompile(`\s+`)
)

// press sends the form of the page that leads to a path, with its hidden fields and these marks.
func (b *browser) press(path string, marks url.Values) {
	b.t.Helper()
	for _, form := range formTag.FindAllStringSubmatch(b.page, -1) {
		if form[1] != path {
			continue
		}
		all := url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(form[2], -1) {
			all.Add(field[1], field[2])
		}
		for name, values := range marks {
			all[name] = append(all[name], values...)
		}
		b.send(http.MethodPost, path, all)
		return
	}
	b.t.Fatalf("the page %s has no form for %s:\n%s", b.at, path, b.page)
}

// text is the page without its tags.
func (b *browser) text() string {
	return manyGaps.ReplaceAllString(someTag.ReplaceAllString(b.page, ""), " ")
}

// shows fails unless the page shown has a path and says something.
func (b *browser) shows(path string, says ...string) {
	b.t.Helper()
	for _, s := range says {
		if !strings.Contains(b.text(), s) {
			b.t.Errorf("%s (%d) does not say %q:\n%s", b.at, b.status, s, b.text())
		}
	}
	if b.at != path {
		b.t.Errorf("the page is %s, want %s:\n%s", b.at, path, b.text())
	}
}

func TestABallotIsWhatWasMarkedOnThePages(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	for name, c := range map[string]struct {
		definition string
		marks      string // of the form
		checks     string // what the page that checks says
		ballot     string
	}{
		"plurality":                {``, "choice=bo", "Bo You left out: Ann, Cy, Di.", `["bo"]`},
		"plurality-blank":          {`,"min_selections":0`, "choice=-&blank=yes", "Your ballot is blank.", `[]`},
		"plurality-blank-unmarked": {`,"min_selections":0`, "blank=yes", "Your ballot is blank.", `[]`},
		"plurality-two-seats":      {`,"seats":2`, "choice=di&choice=ann", "Ann Di You left out: Bo, Cy.", `["ann","di"]`},
		"approval":                 {`,"method":"approval"`, "choice=ann&choice=cy", "Ann Cy", `["ann","cy"]`},
		"approval-up-to-three":     {`,"method":"approval","max_selections":3`, "choice=ann&choice=cy", "You chose 2. You may choose up to 3.", `["ann","cy"]`},
		"approval-as-marked":       {`,"method":"approval","max_selections":1,"ballots":"as_marked"`, "choice=ann&choice=cy", "this ballot would count for none of them", `["ann","cy"]`},
		"score":                    {`,"method":"score"`, "score.ann=3&score.bo=10&score.cy=", "10 Bo 3 Ann You left out: Cy, Di.", `{"ann":3,"bo":10}`},
		"score-of-a-hundred":       {`,"method":"score","max_score":100`, "score.ann=99&score.bo=0", "99 Ann 0 Bo", `{"ann":99,"bo":0}`},
		"star":                     {`,"method":"star"`, "score.ann=5&score.di=5", "5 Ann 5 Di", `{"ann":5,"di":5}`},
		"star-pr":                  {`,"method":"star_pr","seats":2`, "score.ann=5&score.di=1", "5 Ann 1 Di", `{"ann":5,"di":1}`},
		"irv":                      {`,"method":"irv"`, "rank.bo=1&rank.ann=2&rank.cy=", "1st Bo 2nd Ann You left out: Cy, Di.", `["bo","ann"]`},
		"irv-with-a-gap":           {`,"method":"irv"`, "rank.bo=1&rank.ann=3", "We read your 3rd as your 2nd.", `["bo","ann"]`},
		"irv-as-marked-with-a-gap": {`,"method":"irv","ballots":"as_marked"`, "rank.bo=1&rank.ann=3", "You left out the 2nd rank.", `["bo",null,"ann"]`},
		"irv-as-marked-with-a-tie": {`,"method":"irv","ballots":"as_marked"`, "rank.bo=1&rank.ann=1", "Ann and Bo are both 1st.", `[["ann","bo"]]`},
		"stv":                      {`,"method":"stv","seats":2`, "rank.di=1&rank.cy=2&rank.bo=3", "1st Di 2nd Cy 3rd Bo You left out: Ann.", `["di","cy","bo"]`},
		"borda":                    {`,"method":"borda"`, "rank.di=1&rank.cy=1&rank.bo=2", "1st Cy, Di 2nd Bo", `[["cy","di"],"bo"]`},
		"schulze":                  {`,"method":"schulze"`, "rank.di=1&rank.cy=1&rank.bo=3", "1st Cy, Di 2nd Bo", `[["cy","di"],"bo"]`},
		"ranked-pairs":             {`,"method":"ranked_pairs"`, "rank.ann=1", "1st Ann", `["ann"]`},
		"minimax":                  {`,"method":"minimax"`, "rank.ann=2", "We read your 2nd as your 1st.", `["ann"]`},
		"copeland-blank":           {`,"method":"copeland","min_selections":0`, "blank=yes", "Your ballot is blank.", `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p.of(t)
			p.create(name, `,"secrecy":"open"`+c.definition)
			b := p.browser()
			b.open(name, p.code(name, "v-17"))
			b.shows("/vote/"+name+"/ballot", "1 of 2: Choose", "Voting as v-17")
			marks, err := url.ParseQuery(c.marks)
			must(t, err)
			confirm := url.Values{}
			if marks.Has("blank") {
				marks.Del("blank")
				confirm.Set("blank", "yes")
			}
			b.press("/vote/"+name+"/review", marks)
			b.shows("/vote/"+name+"/review", "2 of 2: Check. Your ballot is not cast yet", c.checks, "This vote is open")
			if got := p.cast(name); len(got) != 0 {
				t.Fatalf("before the ballot is cast there is %v", got)
			}
			if confirm.Has("blank") { // not without the box
				b.press("/vote/"+name+"/cast", nil)
				b.shows("/vote/"+name+"/cast", "Tick the box", "2 of 2: Check")
			}
			b.press("/vote/"+name+"/cast", confirm)
			b.shows("/vote/"+name+"/receipt", "Your ballot is in the box", "Poll "+name)
			if got := p.cast(name)["v-17"]; got != c.ballot {
				t.Errorf("the ballot is %s, want %s", got, c.ballot)
			}
		})
	}
}

// of is the same polling place for a subtest.
func (p *polling) of(t *testing.T) *polling {
	same := *p
	same.t = t
	return &same
}

func TestABallotThatBreaksTheRulesIsShownAgainWithItsMarks(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	for name, c := range map[string]struct{ definition, marks, says, keeps string }{
		"none":             {``, "", "Choose at least 1 option.", ""},
		"too-many":         {`,"method":"approval","max_selections":2`, "choice=ann&choice=bo&choice=cy", "You chose 3. Choose no more than 2.", `value="cy" type="checkbox" checked`},
		"too-few":          {`,"method":"approval","min_selections":2`, "choice=ann", "Choose at least 2 options.", `value="ann" type="checkbox" checked`},
		"one-rank-for-two": {`,"method":"irv"`, "rank.ann=2&rank.bo=2", "Ann and Bo are both 2nd. Give each a different rank.", `<option value="2" selected>2nd`},
		"no-rank":          {`,"method":"irv"`, "rank.ann=", "Rank at least 1 option.", ""},
		"a-rank-too-low":   {`,"method":"irv"`, "rank.ann=5", "Ann: give a whole number from 1 to 4", ""},
		"too-many-ranks":   {`,"method":"stv","max_selections":2`, "rank.ann=1&rank.bo=2&rank.cy=3", "You ranked 3. Rank no more than 2.", `<option value="1" selected>1st`},
		"a-score-too-high": {`,"method":"score","max_score":100`, "score.ann=101", "Ann: give a whole number from 0 to 100", `value="101" aria-invalid="true"`},
		"no-score":         {`,"method":"star"`, "score.ann=", "Give at least 1 score.", ""},
		"too-many-scores":  {`,"method":"star","max_selections":1`, "score.ann=1&score.bo=1", "You gave 2 scores. Give no more than 1.", ""},
		"none-and-some":    {`,"min_selections":0`, "choice=ann&choice=-", "also “none of these”", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p.of(t)
			p.create(name, `,"secrecy":"open"`+c.definition)
			b := p.browser()
			b.open(name, p.code(name, "v-17"))
			marks, err := url.ParseQuery(c.marks)
			must(t, err)
			b.press("/vote/"+name+"/review", marks)
			b.shows("/vote/"+name+"/review", "There is a problem", c.says, "1 of 2: Choose")
			if b.status != http.StatusUnprocessableEntity || !strings.Contains(b.page, c.keeps) || !strings.Contains(b.page, "<title>Error:") {
				t.Errorf("%d; %q is not kept:\n%s", b.status, c.keeps, b.page)
			}
			marks.Set("voter", "v-17") // and not by going around the page that checks
			b.send(http.MethodPost, "/vote/"+name+"/cast", marks)
			if got := p.cast(name); b.status != http.StatusUnprocessableEntity || len(got) != 0 {
				t.Errorf("cast all the same: %d, %v", b.status, got)
			}
		})
	}
}

func TestTheDoorSaysWhyACodeDoesNotOpenABallot(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", "")
	p.create("rolled", `,"eligibility":"roll"`)
	good := p.code("board", "v-17")
	old, err := p.signer.Issue("board", "v-17", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	must(t, err)
	early, err := p.signer.Issue("board", "v-17", time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
	must(t, err)
	for name, c := range map[string]struct{ poll, code, at, says string }{
		"a code":                       {"board", good, "/vote/board/ballot", "1 of 2: Choose"},
		"a whole link":                 {"board", "https://vote.example.org/vote/board#" + good, "/vote/board/ballot", "1 of 2: Choose"},
		"a link with the long form":    {"board", "https://vote.example.org/vote/board#c=" + good + "&.=1", "/vote/board/ballot", "1 of 2: Choose"},
		"a link over two lines":        {"board", " <https://vote.example.org/vote/board#" + good[:60] + "\r\n  " + good[60:] + ">\n", "/vote/board/ballot", "1 of 2: Choose"},
		"a link at the first door":     {"", "https://vote.example.org/vote/board#" + good, "/vote/board/ballot", "1 of 2: Choose"},
		"a code at the first door":     {"", good, "/vote/board/ballot", "1 of 2: Choose"},
		"a code that is cut short":     {"board", good[:len(good)-9], "/vote/board", "This link is not complete."},
		"a beginning of a code":        {"board", good[:20], "/vote/board", "This link is not complete."},
		"nothing":                      {"board", " ", "/vote/board", "This link is not complete."},
		"an unknown code":              {"board", "abc", "/vote/board", "This link is not valid here."},
		"one that has ended":           {"board", old, "/vote/board", "This link was valid until "},
		"one that begins later":        {"board", early, "/vote/board", "This link is valid from "},
		"one of another poll":          {"rolled", good, "/vote/rolled", "This link is for another vote."},
		"a token":                      {"board", p.admin, "/vote/board", "This is a token, not a voting code."},
		"a poll that is not there":     {"nothing", p.code("nothing", "v-17"), "/vote/nothing", "This link is not valid here."},
		"a code that is far too long":  {"board", strings.Repeat("x", 5000), "/vote/board", "This link is not complete."},
		"a path that cannot be a poll": {"%3Cb%3E", good, "/vote/<b>", "This link is not complete."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := p.of(t).browser()
			path := "/vote"
			if c.poll != "" {
				path += "/" + c.poll
			}
			b.goTo(path)
			before := strings.ReplaceAll(b.page, path, "")
			b.send(http.MethodPost, path, url.Values{"code": {c.code}})
			b.shows(c.at, c.says)
			if strings.Contains(b.page, good) {
				t.Error("the page repeats the code")
			}
			elsewhere := p.of(t).browser()
			elsewhere.goTo("/vote/never-heard-of")
			if same := strings.ReplaceAll(elsewhere.page, "/vote/never-heard-of", ""); c.poll != "" && !strings.Contains(c.poll, "%") && same != before {
				t.Error("the door of this poll differs from that of one that is not there")
			}
		})
	}
}

func TestABrowserWithoutCookiesIsTold(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", "")
	b := p.browser()
	b.client.Jar = nil
	b.open("board", p.code("board", "v-17"))
	b.shows("/vote/board/ballot", "Your browser did not keep a cookie")
	b.goTo("/vote/board/receipt")
	b.shows("/vote/board", "Open your ballot")
}

func TestAVoteIsChangedAndOldCopiesChangeNothing(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", `,"secrecy":"open","revote":"until_close"`)
	b := p.browser()
	b.open("board", p.code("board", "v-17"))
	b.press("/vote/board/review", url.Values{"choice": {"ann"}})
	b.shows("/vote/board/review", "You can change your ballot until the vote closes.")
	first := url.Values{"voter": {"v-17"}, "choice": {"ann"}}
	b.press("/vote/board/cast", nil)
	b.shows("/vote/board/receipt", "Your ballot is in the box", "Change my ballot")

	b.send(http.MethodPost, "/vote/board/cast", first) // again: the same receipt, without a word about it
	b.shows("/vote/board/receipt", "Your ballot is in the box")
	b.goTo("/vote/board") // the link again
	b.shows("/vote/board/receipt", "Your ballot is in the box")

	b.goTo("/vote/board/ballot")
	b.shows("/vote/board/ballot", "This replaces the ballot that you cast on")
	b.press("/vote/board/review", url.Values{"choice": {"bo"}})
	b.shows("/vote/board/review", "Bo", "This replaces the ballot that you cast on")
	change := b.page
	b.press("/vote/board/ballot", nil) // back, and the marks are there
	if !strings.Contains(b.page, `value="bo" type="radio" checked`) || !strings.Contains(b.page, `name="replaces" value="1"`) {
		t.Errorf("marks or version are lost:\n%s", b.page)
	}
	b.page = change
	b.press("/vote/board/cast", nil)
	b.shows("/vote/board/receipt", "Your new ballot is in the box", "It replaced your earlier ballot")

	b.send(http.MethodPost, "/vote/board/cast", first) // a late copy of the first
	b.shows("/vote/board/cast", "You have since changed this ballot", "The newer one counts", "See the receipt")
	b.send(http.MethodPost, "/vote/board/cast", url.Values{"voter": {"v-17"}, "choice": {"cy"}, "replaces": {"1"}}) // from another tab
	b.shows("/vote/board/cast", "Your ballot was changed somewhere else meanwhile", "See the receipt")
	b.send(http.MethodPost, "/vote/board/cast", url.Values{"voter": {"v-17"}, "choice": {"di"}}) // a form that knew of none
	b.shows("/vote/board/cast", "A different ballot of yours is already in the box", "It was cast on", "Replace it with this one")
	if got := p.cast("board")["v-17"]; got != `["bo"]` {
		t.Fatalf("the ballot is %s", got)
	}
	b.press("/vote/board/review", nil)
	b.shows("/vote/board/review", "Di", "This replaces the ballot that you cast on")
	b.press("/vote/board/cast", nil)
	b.shows("/vote/board/receipt", "Your new ballot is in the box")
	if got := p.cast("board")["v-17"]; got != `["di"]` {
		t.Fatalf("the ballot is %s", got)
	}
}

func TestEachStateOfAPollHasItsPages(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("later", `,"opens_at":"2099-12-24T20:00:00Z"`)
	p.create("once", ``)
	p.create("full", `,"max_ballots":1`)
	p.create("rolled", `,"eligibility":"roll"`)
	p.create("hidden", `,"results":"after_close","closes_at":"2099-12-24T20:00:00Z"`)
	b := p.browser()

	b.open("later", p.code("later", "v-17"))
	b.shows("/vote/later/ballot", "Voting opens on 24 December 2099, 20:00 UTC.", "Ann", "Di")
	if strings.Contains(b.page, `name="choice"`) {
		t.Error("there are controls before the opening")
	}
	b.send(http.MethodPost, "/vote/later/cast", url.Values{"voter": {"v-17"}, "choice": {"ann"}})
	b.shows("/vote/later/cast", "Voting has not opened yet")

	b.open("once", p.code("once", "v-17"))
	b.press("/vote/once/review", url.Values{"choice": {"ann"}})
	b.shows("/vote/once/review", "You cannot change your ballot after you cast it.", "Your name is not kept with your ballot")
	b.press("/vote/once/cast", nil)
	b.shows("/vote/once/receipt", "It cannot be changed.", "Held by the only server.", "this page does not show your choices")
	b.goTo("/vote/once/ballot")
	b.shows("/vote/once/receipt", "Your ballot is in the box")
	b.send(http.MethodPost, "/vote/once/cast", url.Values{"voter": {"v-17"}, "choice": {"bo"}})
	b.shows("/vote/once/cast", "A different ballot of yours is already in the box", "This one was not counted")
	if strings.Contains(b.page, "Replace it") {
		t.Error("a ballot that cannot be changed is offered for replacing")
	}

	b.open("full", p.code("full", "v-1"))
	b.press("/vote/full/review", url.Values{"choice": {"ann"}})
	b.press("/vote/full/cast", nil)
	other := p.browser()
	other.open("full", p.code("full", "v-2"))
	other.press("/vote/full/review", url.Values{"choice": {"ann"}})
	other.press("/vote/full/cast", nil)
	other.shows("/vote/full/cast", "The vote has all the ballots it takes")

	b.open("rolled", p.code("rolled", "stranger")) // told before the ballot is filled in
	b.shows("/vote/rolled", "You are not on the list of voters for this vote")
	if status, said := p.do(http.MethodPut, "/v1/polls/rolled/roll", `{"voter":"v-17","weight":3}`, "Content-Type", "application/x-ndjson"); status != http.StatusOK {
		t.Fatalf("%d %s", status, said)
	}
	b.open("rolled", p.code("rolled", "v-17"))
	b.shows("/vote/rolled/ballot", "Your ballot has the weight 3.")
	b.press("/vote/rolled/review", url.Values{"choice": {"ann"}})
	if status, said := p.do(http.MethodDelete, "/v1/polls/rolled/roll/v-17", ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, said)
	}
	b.press("/vote/rolled/cast", nil) // taken off meanwhile
	b.shows("/vote/rolled/cast", "You are not on the list of voters for this vote", "Nothing was counted")

	b.open("hidden", p.code("hidden", "v-17"))
	b.press("/vote/hidden/review", url.Values{"choice": {"ann"}})
	b.press("/vote/hidden/cast", nil)
	b.shows("/vote/hidden/receipt", "Results are shown after 24 December 2099")

	if status, said := p.do(http.MethodPost, "/v1/polls/once/close", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, said)
	}
	b.goTo("/vote/once")
	b.shows("/vote/once/receipt", "Voting has closed. Your ballot is among those that were counted.")
	late := p.browser()
	late.open("once", p.code("once", "v-99"))
	late.shows("/vote/once/ballot", "Voting has closed", "There is no ballot of yours in the box.")
	late.send(http.MethodPost, "/vote/once/cast", url.Values{"voter": {"v-99"}, "choice": {"bo"}})
	late.shows("/vote/once/cast", "Voting has closed. This ballot was not counted")
}

func TestAFormOfAnotherVoterCastsNothing(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", `,"secrecy":"open"`)
	b := p.browser()
	b.open("board", p.code("board", "v-17"))
	b.press("/vote/board/review", url.Values{"choice": {"ann"}})
	form := b.page
	b.open("board", p.code("board", "v-18")) // another tab of the same browser
	b.shows("/vote/board/ballot", "Voting as v-18")
	b.page = form
	b.press("/vote/board/cast", nil)
	b.shows("/vote/board/cast", "This form was opened for another voter", "Nothing was counted")
	if got := p.cast("board"); b.status != http.StatusConflict || len(got) != 0 {
		t.Errorf("%d, %v", b.status, got)
	}
	b.goTo("/vote/board/ballot")
	b.press("/vote/board/leave", nil)
	b.shows("/vote/board", "You have left your ballot.")
	b.goTo("/vote/board/ballot")
	b.shows("/vote/board", "Open your ballot")
}

// linkTag is what a program that opens all links finds.
var linkTag = regexp.MustCompile(`(?:href|src)="(/[^"#]*)`)

func TestProgramsThatOpenLinksChangeNothing(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", `,"secrecy":"open","revote":"until_close"`)
	b := p.browser()
	b.open("board", p.code("board", "v-17"))
	seen, next := map[string]bool{}, []string{"/", "/vote/board", "/vote/board/ballot", "/vote/board/review", "/vote/board/cast", "/vote/board/receipt", "/vote/board/leave", "/signout"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		b.send(http.MethodHead, path, nil)
		b.goTo(path)
		if strings.HasPrefix(path, "/assets/") {
			continue
		}
		for _, m := range linkTag.FindAllStringSubmatch(b.page, -1) {
			next = append(next, m[1])
		}
	}
	b.goTo("/vote/board/ballot?lang=en")
	b.shows("/vote/board/ballot", "Voting as v-17") // it has not been left, either
	if got := p.cast("board"); len(got) != 0 || len(seen) < 15 {
		t.Errorf("after %d links there is %v", len(seen), got)
	}
}

func TestVotersCodesAndChoicesOfPagesStandInNoLog(t *testing.T) {
	t.Parallel()
	p := newPolling(t, func(o *Options) { o.Audit = filepath.Join(t.TempDir(), "audit") })
	p.create("board", "")
	code := p.code("board", "zebra-voter")
	b := p.browser()
	b.open("board", code)
	b.press("/vote/board/review", url.Values{"choice": {"cy"}})
	b.press("/vote/board/cast", nil)
	b.shows("/vote/board/receipt", "Your ballot is in the box")
	b.send(http.MethodPost, "/vote/board/cast", url.Values{"voter": {"zebra-voter"}, "choice": {"di"}})
	b.open("board", code+"x")
	b.send(http.MethodPost, "/signin", url.Values{"token": {p.admin}})
	for _, secret := range []string{"zebra", code, code[10:40], p.admin, "choice", "selections"} {
		if found := p.log.with(secret); len(found) > 0 {
			t.Errorf("the log has %q: %s", secret, found[0])
		}
	}
	if len(p.log.with("route=", "/vote/{poll}/cast", "request_id=")) == 0 {
		t.Error("the log has no page at all: this test would find nothing")
	}
}

func TestAPageAndWhatItAsksForHaveOneRequestID(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	p.create("board", "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL()+"/vote/board", strings.NewReader(url.Values{"code": {p.code("board", "v-17")}}.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Request-Id", "of-a-proxy-7")
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	must(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("X-Request-Id") != "of-a-proxy-7" {
		t.Errorf("%d, request %q", resp.StatusCode, resp.Header.Get("X-Request-Id"))
	}
	for _, route := range []string{"/vote/{poll}", "/v1/polls/{poll}", "/v1/polls/{poll}/ballots/{voter}"} {
		if len(p.log.with("of-a-proxy-7", route)) == 0 {
			t.Errorf("the log does not name the request with %s", route)
		}
	}
}

func TestLimitsHoldForPages(t *testing.T) {
	t.Parallel()
	p := newPolling(t, func(o *Options) { o.RatePerClient = 0.01 })
	p.create("board", "")
	code := p.code("board", "v-17")
	b := p.browser()
	b.open("board", code) // its first call is the last that this client may send
	b.shows("/vote/board", "Many people are here now", "Try again in")
	if b.status != http.StatusTooManyRequests {
		t.Errorf("status %d", b.status)
	}
}

func TestAWithdrawnTokenEndsASession(t *testing.T) {
	t.Parallel()
	p := newPolling(t, nil)
	b := p.browser()
	b.send(http.MethodPost, "/signin", url.Values{"token": {p.admin}})
	b.goTo("/")
	b.shows("/", "Signed in as desk.")
	must(t, os.WriteFile(p.tokens, []byte("# none\n"), 0o600))
	p.server.Reread()
	for end := time.Now().Add(10 * time.Second); strings.Contains(b.text(), "Signed in as"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the session goes on")
		}
		b.goTo("/")
	}
}

func TestAnOpenNodeTakesTheVotersNameAndSaysSo(t *testing.T) {
	t.Parallel()
	p := &polling{t: t, server: alone(t, nil), log: &lines{}}
	p.create("lunch", `,"secrecy":"open"`)
	b := p.browser()
	b.goTo("/vote/lunch")
	b.shows("/vote/lunch", "This cluster is not guarded.", "Voter")
	b.open("lunch", " Zoe\u0308 ../Ann ") // another writing of the same id
	b.shows("/vote/lunch/ballot", "Voting as Zoë ../Ann", "This cluster is not guarded.")
	b.press("/vote/lunch/review", url.Values{"choice": {"cy"}})
	b.press("/vote/lunch/cast", nil)
	b.shows("/vote/lunch/receipt", "Your ballot is in the box")
	if got := p.cast("lunch")["Zoë ../Ann"]; got != `["cy"]` {
		t.Errorf("the ballots are %v", p.cast("lunch"))
	}
	b.open("lunch", "a\x00b")
	b.shows("/vote/lunch", "This cannot be a voter.")
}

func TestWithoutPagesThePortIsTheAPIsAlone(t *testing.T) {
	t.Parallel()
	p := newPolling(t, func(o *Options) { o.Pages = Pages{Pages: "none"} })
	b := p.browser()
	b.goTo("/")
	if b.status != http.StatusNotFound || !strings.Contains(b.page, `"code":"not_found"`) {
		t.Errorf("%d %s", b.status, b.page)
	}
	if _, err := New(Options{ID: "n1", DataDir: t.TempDir(), API: "127.0.0.1:0", Peer: "127.0.0.1:0", Pages: Pages{Pages: "votes"}}); err == nil || !strings.Contains(err.Error(), "--pages") {
		t.Errorf("a group that is not there: %v", err)
	}
}
