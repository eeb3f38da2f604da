package voter

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"voted/internal/optionorder"
	"voted/internal/refusal"
	"voted/internal/web/frame"
)

const board = `{"id":"board","title":"Board","options":[{"id":"ann","title":"Ann"},{"id":"bo","title":"Bo"}],"method":"plurality",` +
	`"min_selections":1,"max_selections":1,"revote":"until_close","results":"live","secrecy":"secret","state":"open"}`

const cast = `{"poll":"board","voter":"v-17","outcome":"counted","version":1,"index":90210,"cast_at":"2026-12-02T08:00:03.123Z"}`

// answers are what stands for the API gives, by method and path; what is missing is ballot_not_found.
type answers map[string]func(w http.ResponseWriter)

// ServeHTTP implements http.Handler.
func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := a[r.Method+" "+r.URL.String()]
	if answer == nil {
		answer = refuses(404, "ballot_not_found")
	}
	answer(w)
}

func says(text string, header ...string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = io.WriteString(w, text)
	}
}

func refuses(status int, code string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"code":%q,"status":%d}`, code, status)
	}
}

// at is the API with its usual answers and some others.
func at(others answers) answers {
	all := answers{"GET /v1/polls/board": says(board)}
	for request, answer := range others {
		all[request] = answer
	}
	return all
}

// apis are the APIs of visits, by the id of their request: the pages are made once for all of them.
var apis sync.Map

var visits atomic.Uint64

var thePages = sync.OnceValue(func() http.Handler {
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := apis.Load(r.Header.Get("X-Request-Id"))
		at.(http.Handler).ServeHTTP(w, r)
	})
	f := frame.New(frame.Options{API: api, Logger: slog.New(slog.DiscardHandler), Identify: func(_ context.Context, _ *http.Request, authorization string) (frame.Identity, error) {
		switch authorization {
		case "Bearer vc1.good":
		case "Bearer vc1.away":
			return frame.Identity{}, &frame.Refused{Why: frame.Away}
		default:
			return frame.Identity{}, &frame.Refused{Why: frame.Unknown}
		}
		return frame.Identity{Roles: []string{"voter"}, Voter: "v-17", Poll: "board"}, nil
	}})
	mux := http.NewServeMux()
	for _, route := range New(f).Routes() {
		mux.Handle(route.Pattern, f.Handler(route))
	}
	return mux
})

// visit sends a request of v-17 to the pages; a form if it is not nil.
func visit(api http.Handler, method, path string, form url.Values, accept string) *httptest.ResponseRecorder {
	return visitWith("vc1.good", api, method, path, form, accept)
}

// visitWith sends a request of a browser that holds a credential.
func visitWith(credential string, api http.Handler, method, path string, form url.Values, accept string) *httptest.ResponseRecorder {
	id := "visit-" + strconv.FormatUint(visits.Add(1), 10)
	apis.Store(id, api)
	defer apis.Delete(id)
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("X-Request-Id", id)
	r.Header.Set("Accept", accept)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "voted-vote", Value: credential})
	w := httptest.NewRecorder()
	thePages().ServeHTTP(w, r)
	return w
}

const asPage, asScript = "text/html", "application/json"

var heading = regexp.MustCompile(`<h1[^>]*>(.*?)</h1>`)

func TestEveryRefusalOfABallotHasWordsAndWhatToDo(t *testing.T) {
	t.Parallel()
	form := url.Values{"voter": {"v-17"}, "choice": {"bo"}}
	seen := map[string]string{}
	for _, code := range refusal.Codes() {
		api := at(answers{"PUT /v1/polls/board/ballots/v-17": refuses(503, code.String())})
		w := visit(api, http.MethodPost, "/vote/board/cast", form, asPage)
		title := heading.FindStringSubmatch(w.Body.String())
		if w.Code == http.StatusOK || title == nil || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q\n%s", code, w.Code, w.Header().Get("Location"), w.Body)
			continue
		}
		seen[code.String()] = title[1]
		again := strings.Contains(w.Body.String(), `name="choice" value="bo"`) && strings.Contains(w.Body.String(), "Send my ballot again")
		if passes := strings.Contains(" "+strings.Join(retried, " ")+" ", " "+code.String()+" "); again != passes {
			t.Errorf("%s: that the ballot can be sent again is said: %t, want %t", code, again, passes)
		}
	}
	// What was not counted and what is not known must never sound alike.
	if seen["outcome_unknown"] == seen["unavailable"] || !strings.Contains(seen["outcome_unknown"], "do not know") {
		t.Errorf("unknown: %q; not counted: %q", seen["outcome_unknown"], seen["unavailable"])
	}
}

func TestAScriptIsToldWhereToGoOrGetsTheProblem(t *testing.T) {
	t.Parallel()
	form := url.Values{"voter": {"v-17"}, "choice": {"bo"}}
	w := visit(at(answers{"PUT /v1/polls/board/ballots/v-17": says(cast)}), http.MethodPost, "/vote/board/cast", form, asScript)
	if w.Code != http.StatusOK || w.Body.String() != `{"location":"/vote/board/receipt","version":1}`+"\n" {
		t.Errorf("cast: %d %s", w.Code, w.Body)
	}
	w = visit(at(answers{"PUT /v1/polls/board/ballots/v-17": refuses(503, "outcome_unknown")}), http.MethodPost, "/vote/board/cast", form, asScript)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"outcome_unknown"`) {
		t.Errorf("refused: %d %s", w.Code, w.Body)
	}
	replaced := at(answers{"GET /v1/polls/board/ballots/v-17": says(strings.Replace(cast, `"version":1`, `"version":2`, 1))})
	w = visit(replaced, http.MethodGet, "/vote/board/receipt", nil, asScript)
	if w.Code != http.StatusOK || w.Body.String() != `{"location":"/vote/board/receipt","version":2}`+"\n" {
		t.Errorf("which ballot is there: %d %s", w.Code, w.Body)
	}
	w = visit(at(nil), http.MethodGet, "/vote/board/receipt", nil, asScript)
	if w.Code != http.StatusNotFound {
		t.Errorf("no ballot there: %d %s", w.Code, w.Body)
	}
	w = visit(at(nil), http.MethodPost, "/vote/board/cast", url.Values{"voter": {"v-18"}, "choice": {"bo"}}, asScript)
	if w.Code != http.StatusConflict {
		t.Errorf("another voter's form: %d %s", w.Code, w.Body)
	}
}

// A ballot that is being changed is not there because the one that it replaces is.
func TestAnEarlierBallotIsNotTakenForTheOneThatWasSent(t *testing.T) {
	t.Parallel()
	form := url.Values{"voter": {"v-17"}, "choice": {"bo"}, "replaces": {"1"}}
	unknown := visit(at(answers{"PUT /v1/polls/board/ballots/v-17": refuses(503, "outcome_unknown")}), http.MethodPost, "/vote/board/cast", form, asPage)
	look := "/vote/board/receipt?instead-of=1"
	if !strings.Contains(unknown.Body.String(), `href="`+look+`"`) {
		t.Errorf("the page that does not know does not lead to %s:\n%s", look, unknown.Body)
	}
	for version, earlier := range map[string]bool{"1": true, "2": false} {
		api := at(answers{"GET /v1/polls/board/ballots/v-17": says(strings.Replace(cast, `"version":1`, `"version":`+version, 1))})
		page := visit(api, http.MethodGet, look, nil, asPage).Body.String()
		if says := strings.Contains(page, "Your earlier ballot is in the box</h1>") && strings.Contains(page, "The one that you sent instead of it is not there yet."); says != earlier {
			t.Errorf("with version %s in the box the page says that it is the earlier ballot: %t\n%s", version, says, page)
		}
		if strings.Contains(page, "Your new ballot is in the box") == earlier {
			t.Errorf("with version %s in the box the page is wrong about the new ballot:\n%s", version, page)
		}
		// Of a node that is cut off the earlier ballot says nothing: the one that is looked for may be elsewhere.
		const receipt = "GET /v1/polls/board/ballots/v-17"
		api = at(answers{receipt: refuses(503, "unavailable"), receipt + "?consistency=stale": api[receipt]})
		for _, accept := range []string{asPage, asScript} {
			if w := visit(api, http.MethodGet, look, nil, accept); (w.Code == http.StatusServiceUnavailable) != earlier {
				t.Errorf("with version %s in what a node without a leader has: %d\n%s", version, w.Code, w.Body)
			}
		}
	}
}

func TestAfterTheCloseAVoterWhoseBallotCountsIsNotToldThatThereIsNone(t *testing.T) {
	t.Parallel()
	const receipt, none = "GET /v1/polls/board/ballots/v-17", "There is no ballot of yours in the box."
	closed := says(strings.Replace(board, `"state":"open"`, `"state":"closed","closed_at":"2026-12-02T20:00:00Z"`, 1))
	changed := url.Values{"voter": {"v-17"}, "choice": {"bo"}, "replaces": {"1"}}
	faulty := url.Values{"voter": {"v-17"}, "replaces": {"1"}}
	for name, request := range map[string]struct {
		method, path string
		form         url.Values
	}{
		"open the ballot":            {http.MethodGet, "/vote/board/ballot", nil},
		"check it":                   {http.MethodPost, "/vote/board/review", changed},
		"check one with a fault":     {http.MethodPost, "/vote/board/review", faulty},
		"change the choices":         {http.MethodPost, "/vote/board/ballot", changed},
		"cast one that has a fault":  {http.MethodPost, "/vote/board/cast", faulty},
		"check a first ballot":       {http.MethodPost, "/vote/board/review", url.Values{"voter": {"v-17"}, "choice": {"bo"}}},
		"change a first one's marks": {http.MethodPost, "/vote/board/ballot", url.Values{"voter": {"v-17"}, "choice": {"bo"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := visit(at(answers{"GET /v1/polls/board": closed, receipt: says(cast)}), request.method, request.path, request.form, asPage)
			if in.Code != http.StatusSeeOther || in.Header().Get("Location") != "/vote/board/receipt" {
				t.Errorf("with a ballot in the box: %d to %q\n%s", in.Code, in.Header().Get("Location"), in.Body)
			}
			out := visit(at(answers{"GET /v1/polls/board": closed}), request.method, request.path, request.form, asPage)
			if !strings.Contains(out.Body.String(), none) {
				t.Errorf("without a ballot in the box: %d\n%s", out.Code, out.Body)
			}
			unknown := visit(at(answers{"GET /v1/polls/board": closed, receipt: refuses(503, "unavailable")}), request.method, request.path, request.form, asPage)
			if unknown.Code != http.StatusServiceUnavailable || strings.Contains(unknown.Body.String(), none) {
				t.Errorf("where it is not known: %d\n%s", unknown.Code, unknown.Body)
			}
		})
	}
}

// An issuer whose keys cannot be fetched says nothing about a code: the voter keeps it, and the page tries again.
func TestAVoterKeepsTheCodeWhileItsIssuerIsAway(t *testing.T) {
	t.Parallel()
	form := url.Values{"voter": {"v-17"}, "choice": {"bo"}}
	for name, request := range map[string]struct {
		method, path string
		form         url.Values
		accept       string
	}{
		"a ballot is opened":          {http.MethodGet, "/vote/board/ballot", nil, asPage},
		"the link is opened again":    {http.MethodGet, "/vote/board", nil, asPage},
		"a ballot is cast":            {http.MethodPost, "/vote/board/cast", form, asPage},
		"a script casts":              {http.MethodPost, "/vote/board/cast", form, asScript},
		"a code is given":             {http.MethodPost, "/vote/board", url.Values{"code": {"vc1.away"}}, asPage},
		"a code alone is given":       {http.MethodPost, "/vote", url.Values{"code": {"vc1.away"}}, asPage},
		"a script looks for a ballot": {http.MethodGet, "/vote/board/receipt", nil, asScript},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := visitWith("vc1.away", at(nil), request.method, request.path, request.form, request.accept)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "3" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%d, to come again after %q s, cookie %q\n%s", w.Code, w.Header().Get("Retry-After"), w.Header().Get("Set-Cookie"), w.Body)
			}
			if request.path == "/vote" {
				return
			}
			form := request.form
			if form.Has("code") {
				form = url.Values{"code": {"vc1.other"}}
			}
			refused := visitWith("vc1.other", at(nil), request.method, request.path, form, request.accept)
			if request.path == "/vote/board" && request.method == http.MethodGet {
				return // the door is shown to whoever comes
			}
			if refused.Code != http.StatusForbidden || !strings.Contains(refused.Header().Get("Set-Cookie"), "Max-Age=0") {
				t.Errorf("a code that is refused: %d, cookie %q", refused.Code, refused.Header().Get("Set-Cookie"))
			}
		})
	}
}

func TestTheFocusIsMovedToWhatIsWrongAndOnlyThere(t *testing.T) {
	t.Parallel()
	blank := at(answers{"GET /v1/polls/board": says(strings.Replace(board, `"min_selections":1`, `"min_selections":0`, 1))})
	for name, c := range map[string]struct {
		api                     answers
		path                    string
		well, wrong             url.Values
		wellStatus, wrongStatus int
	}{
		"the door":       {at(nil), "/vote/board", url.Values{"code": {"vc1.good"}}, url.Values{"code": {"vc1.bad"}}, 303, 403},
		"a ballot":       {at(nil), "/vote/board/review", url.Values{"choice": {"bo"}}, url.Values{}, 200, 422},
		"a blank ballot": {blank, "/vote/board/cast", nil, url.Values{"voter": {"v-17"}}, 0, 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := visit(c.api, http.MethodPost, c.path, c.wrong, asPage)
			page := w.Body.String()
			if w.Code != c.wrongStatus || !strings.Contains(page, `<div class="problems" role="alert">`) || !strings.Contains(page, "/problems.js") {
				t.Errorf("%d, want %d with a summary and its script:\n%s", w.Code, c.wrongStatus, page)
			}
			if c.well == nil {
				return
			}
			if w := visit(c.api, http.MethodPost, c.path, c.well, asPage); w.Code != c.wellStatus || strings.Contains(w.Body.String(), "problems") {
				t.Errorf("where nothing is wrong: %d\n%s", w.Code, w.Body)
			}
		})
	}
}

func TestTheReceiptSaysWhoHoldsTheBallot(t *testing.T) {
	t.Parallel()
	const receipt, holders = "GET /v1/polls/board/ballots/v-17", "GET /v1/polls/board/ballots/v-17/holders"
	for name, c := range map[string]struct {
		api  answers
		says []string
		not  string
	}{
		"all":             {answers{receipt: says(cast), holders: says(`{"holders":["n1","n2","n3"],"others":[],"needed":2}`)}, []string{"Held by all 3 servers.", "n1 · n2 · n3"}, "which is enough"},
		"a majority":      {answers{receipt: says(cast), holders: says(`{"holders":["n1","n3"],"others":["n2"],"needed":2}`)}, []string{"Held by 2 of 3 servers, which is enough", "n1 · n3"}, "n2"},
		"too few answer":  {answers{receipt: says(cast), holders: says(`{"holders":["n1"],"others":["n2","n3"],"needed":2}`)}, []string{"1 of 3 servers say now"}, "which is enough"},
		"it is not known": {answers{receipt: says(cast), holders: refuses(503, "unavailable")}, []string{"Your ballot is in the box"}, "Held by"},
		"the box is away": {
			answers{receipt: refuses(503, "unavailable"), receipt + "?consistency=stale": says(cast, "Voted-Age", "12")},
			[]string{"Your ballot is in the box", "this is as of 12 seconds ago"},
			"Change my ballot",
		},
		"the box is away, and the ballot is not known": {
			answers{receipt: refuses(503, "unavailable"), receipt + "?consistency=stale": refuses(503, "unavailable")},
			[]string{"The ballot box cannot be reached right now"},
			"in the box</h1>",
		},
		"logs are kept":                   {answers{receipt: says(cast), "GET /v1/polls/board/log/checkpoint": says("head")}, []string{"Download the proof", "It does not show your choice.", "voted verify receipt board.tlog-proof"}, "within a few seconds"},
		"a proof is made":                 {answers{receipt: says(cast), "GET /v1/polls/board/log/checkpoint": refuses(503, "proof_pending")}, []string{"within a few seconds"}, ""},
		"a proof says how many there are": {answers{receipt: says(cast), "GET /v1/polls/board/log/checkpoint": refuses(403, "results_hidden")}, []string{"There is one after the vote has closed"}, "Download"},
		"no logs are kept":                {answers{receipt: says(cast)}, nil, "proof"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := visit(at(c.api), http.MethodGet, "/vote/board/receipt", nil, asPage).Body.String()
			for _, s := range c.says {
				if !strings.Contains(page, s) {
					t.Errorf("it does not say %q:\n%s", s, page)
				}
			}
			if c.not != "" && strings.Contains(page, c.not) {
				t.Errorf("it says %q:\n%s", c.not, page)
			}
			if strings.Contains(page, "Ann") || strings.Contains(page, "Bo<") {
				t.Errorf("it names an option:\n%s", page)
			}
		})
	}
}

func BenchmarkBallotPage(b *testing.B) {
	api := at(nil)
	for b.Loop() {
		if w := visit(api, http.MethodGet, "/vote/board/ballot", nil, asPage); w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}

func TestALongBallotIsAPageOfBearableSize(t *testing.T) {
	t.Parallel()
	var options []string
	for i := range 1024 {
		options = append(options, fmt.Sprintf(`{"id":"o%d","title":"Option %d </script> \u202dabc"}`, i, i))
	}
	for method, most := range map[string]int{"plurality": 150 << 10, "irv": 200 << 10, "star": 200 << 10} {
		long := strings.NewReplacer(`{"id":"ann","title":"Ann"},{"id":"bo","title":"Bo"}`, strings.Join(options, ","), `"method":"plurality"`, `"method":"`+method+`","max_score":5`).Replace(board)
		w := visit(at(answers{"GET /v1/polls/board": says(long)}), http.MethodGet, "/vote/board/ballot", nil, asPage)
		if page := w.Body.String(); w.Code != http.StatusOK || len(page) > most || strings.Count(page, "Option ") < 1024 || strings.Contains(page, "Option 7 </script>") {
			t.Errorf("%s: %d, %d bytes, want %d at most", method, w.Code, len(page), most)
		}
	}
}

// The order is the one of package optionorder, which anybody can repeat: a voter sees the same on every page and device.
func TestABallotHasTheOrderThatTheDefinitionAsksFor(t *testing.T) {
	t.Parallel()
	ids := []string{"ann", "bo", "cy", "di", "eve"}
	for order, want := range map[string][]int{"": {0, 1, 2, 3, 4}, "listed": {0, 1, 2, 3, 4}, "shuffled": optionorder.Of("board", "v-17", ids)} {
		if order == "shuffled" && slices.IsSorted(want) {
			t.Fatal("for this voter the shuffled order is the listed one: this test finds nothing")
		}
		poll := fmt.Sprintf(`{"id":"board","state":"open","method":"plurality","max_selections":1,"option_order":%q,`, order) +
			`"options":[{"id":"ann"},{"id":"bo"},{"id":"cy"},{"id":"di"},{"id":"eve"}]}`
		page := visit(at(answers{"GET /v1/polls/board": says(poll)}), http.MethodGet, "/vote/board/ballot", nil, "text/html").Body.String()
		var shown []int
		for _, m := range regexp.MustCompile(`name="choice" value="([a-z]+)"`).FindAllStringSubmatch(page, -1) {
			shown = append(shown, slices.Index(ids, m[1]))
		}
		if !slices.Equal(shown, want) {
			t.Errorf("%q: options are shown in the order %v, want %v\n%s", order, shown, want, page)
		}
	}
}
