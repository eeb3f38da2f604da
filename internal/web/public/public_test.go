package public_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// parts are all that a poll has below its path.
var parts = []string{
	"", "?view=rounds", "?view=flow", "?view=pairs", "?view=scores", "?sort=value", "?lang=de", "?at=1", "/screen", "/embed", "/embed?theme=dark&last=1",
	"/certificate", "/live", "/live.json", "/repeats", "/download/results.json", "/download/results.csv", "/download/rounds.csv", "/download/pairs.csv",
	"/download/report.txt", "/download/chart.svg", "/download/ballots.ndjson", "/download/ballots.csv", "/download/nothing",
}

func ranking() []client.Ballot {
	return slices.Concat(times(4, client.Rank("ann", "bo")), times(3, client.Rank("bo", "ann")), times(2, client.Rank("cy", "bo")))
}

// faults lists what is wrong with a page: ids that stand twice, heads of tables without a scope, inline script or style.
func faults(body string) (wrong []string) {
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if ids[m[1]] {
			wrong = append(wrong, "the id "+m[1]+" stands twice")
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`<th\b[^>]*>`).FindAllString(body, -1) {
		if !strings.Contains(m, "scope=") {
			wrong = append(wrong, m+" has no scope")
		}
	}
	for _, m := range regexp.MustCompile(`<script\b[^>]*>|\sstyle="|\son[a-z]+="|NaN|%!`).FindAllString(body, -1) {
		if !strings.Contains(m, `src="/assets/`) {
			wrong = append(wrong, "there is "+m)
		}
	}
	if strings.Count(body, "<h1") != 1 {
		wrong = append(wrong, "there is not one h1")
	}
	return append(wrong, unbalanced(body)...)
}

var (
	void = regexp.MustCompile(`<(meta|link|br|input)\b([^>]*)>`)
	bare = regexp.MustCompile(`(\s)(defer|hidden|download|data-[a-z-]+)([\s>])`)
)

// unbalanced reads the page as strictly as XML: what HTML leaves open is closed first.
func unbalanced(body string) []string {
	body = void.ReplaceAllString(strings.TrimPrefix(body, "<!doctype html>"), "<$1$2/>")
	for range 2 { // neighbours share a blank
		body = bare.ReplaceAllString(body, `$1$2=""$3`)
	}
	d := xml.NewDecoder(strings.NewReader(body))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return []string{err.Error()}
		}
	}
}

func TestTheChecksOfPagesFindFaults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`<h1 id="a"></h1><p id="a"></p>`:     "the id a stands twice",
		`<h1></h1><table><th>x</th></table>`: "<th> has no scope",
		`<h1></h1><p style="x"></p>`:         ` style="`,
		`<h1></h1><script>alert(1)</script>`: "<script>",
		`<p></p>`:                            "h1",
		`<h1><b></h1>`:                       "element <b> closed by </h1>",
	} {
		if got := strings.Join(faults(body), "; "); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestPagesOfEveryMethodAreSoundAndShowEveryName(t *testing.T) {
	t.Parallel()
	n := given(t)
	hostile := []client.PollOption{{ID: "ann", Title: `</script><b>"Ann"`}, {ID: "bo", Title: "בו & co"}, {ID: "cy", Title: "100% {0}"}}
	for _, method := range client.Methods() {
		id := "sound-" + strings.ReplaceAll(string(method), "_", "-")
		d := client.Definition{ID: id, Title: "<i>Who?</i>", Options: hostile, Method: method, Audience: client.AudienceAnyone, Description: "<script>\n</p>"}
		ballots := ranking()
		switch method {
		case client.Plurality, client.Approval:
			ballots = append(times(3, client.Choose("ann")), times(2, client.Choose("bo"))...)
		case client.ScoreVoting, client.STAR, client.STARPR:
			ballots = append(times(3, client.Score(map[string]int{"ann": 5, "bo": 2})), times(2, client.Score(map[string]int{"cy": 4}))...)
		}
		n.poll(t, d, ballots...)
		for _, state := range []string{"open", "closed"} {
			for _, part := range parts {
				if strings.HasPrefix(part, "/download") || part == "/live" || part == "/live.json" || part == "/repeats" || part == "/certificate" && state == "open" {
					continue
				}
				got := n.get(t, "", "/polls/"+id+part)
				if wrong := faults(got.body); got.status != 200 || len(wrong) > 0 {
					t.Errorf("%s %s%s: %d %v\n%s", state, id, part, got.status, wrong, got.body)
				}
				for _, name := range []string{"&lt;/script&gt;&lt;b&gt;&#34;Ann&#34;", "בו &amp; co", "{0}", "&lt;i&gt;Who?&lt;/i&gt;"} {
					if !strings.Contains(got.body, name) {
						t.Errorf("%s %s%s does not show %s", state, id, part, name)
					}
				}
			}
			n.close(t, id)
		}
	}
}

// Where results are hidden, no page and no download says how many have voted, to anybody. The numbers of the election are
// such that they stand nowhere by chance.
func TestHiddenResultsLeakNowhere(t *testing.T) {
	t.Parallel()
	n := given(t)
	const voted = 137
	n.poll(t, client.Definition{
		ID: "hidden", Options: client.Options("ann", "bo"), Results: client.ResultsAfterClose, Audience: client.AudienceAnyone, Quorum: 211,
	}, slices.Concat(times(voted, client.Choose("ann")))...)
	number := regexp.MustCompile(`(^|[^0-9a-z.])137([^0-9a-z]|$)|100[.,]0`)
	voter := n.credential(t, "hidden", "v0")
	// What each visitor sees; live is whether a voter sees it in the stream.
	walk := func() (leaks []string, shown int, live bool) {
		for _, role := range append([]string{"voter"}, visitors...) {
			for _, part := range parts {
				var cookie []string
				who := role
				if role == "voter" {
					cookie, who = []string{"Cookie", voter}, ""
				}
				got := n.get(t, who, "/polls/hidden"+part, cookie...)
				if number.MatchString(got.body) || number.MatchString(fmt.Sprint(got.header)) {
					leaks = append(leaks, fmt.Sprintf("%q sees it at %q: %s", role, part, number.FindString(got.body)))
					live = live || role == "voter" && part == "/live"
				}
				shown++
			}
		}
		return leaks, shown, live
	}
	if leaks, shown, _ := walk(); len(leaks) > 0 || shown != (1+len(visitors))*len(parts) {
		t.Errorf("%d pages: %v", shown, leaks)
	}
	n.close(t, "hidden")
	if leaks, _, live := walk(); len(leaks) < (1+len(visitors))*10 || !live {
		t.Errorf("after the close it is shown on %d pages only: the walk would not find it: %v", len(leaks), leaks)
	}
}

// A voter sees the results of the poll they vote in, as they come, and of no other that is not for everybody.
func TestAVotersCookieShowsTheResultsOfTheirPollAlone(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "theirs", Options: client.Options("ann", "bo")}, client.Choose("ann"))
	n.poll(t, client.Definition{ID: "others", Options: client.Options("ann", "bo")}, client.Choose("ann"))
	for _, part := range []string{"", "/live", "/live.json"} {
		for voter, want := range map[string]bool{n.credential(t, "theirs", "v0"): true, n.credential(t, "others", "v0"): false, "": false} {
			// An open stream does not end: its head says whether there is one.
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+"/polls/theirs"+part, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", voter)
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if (resp.StatusCode == http.StatusOK) != want {
				t.Errorf("%s with the cookie %.12q of %v: %d", part, voter, want, resp.StatusCode)
			}
		}
	}
}

func TestWhoSeesAPollThatIsNotForEverybody(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "inside", Options: client.Options("ann", "bo")}, client.Choose("ann"))
	for role, want := range map[string]int{"": 303, "admin": 200, "gateway": 200, "reader": 200, "auditor": 404, "metrics": 404} {
		for _, part := range []string{"", "/screen"} {
			got, none := n.get(t, role, "/polls/inside"+part), n.get(t, role, "/polls/nosuchpoll"+part)
			if got.status != want {
				t.Errorf("%q%s: %d, want %d", role, part, got.status, want)
			}
			if want == 404 && strip(got.body) != strip(none.body) {
				t.Errorf("%q can tell it from a poll that there is not", role)
			}
		}
		if got := n.get(t, role, "/polls/inside/embed"); got.status != 404 || strings.Contains(got.body, "inside") && strings.Contains(got.body, "ann") {
			t.Errorf("a frame shows %q what is not for everybody: %d", role, got.status)
		}
	}
}

// strip takes the request's id out of a page, and its own path.
func strip(body string) string {
	body = regexp.MustCompile(`[a-z0-9]{12}-p[a-z0-9]+`).ReplaceAllString(body, "ID")
	return regexp.MustCompile(`/polls/[a-z]+`).ReplaceAllString(body, "/polls/ID")
}

func TestOnlyNamedOriginsMayShowResultsInAFrame(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "framed", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone}, client.Choose("ann"))
	got := n.get(t, "", "/polls/framed/embed")
	if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors https://www.example.org;") || got.header.Get("X-Frame-Options") != "" {
		t.Errorf("%s, %s", csp, got.header.Get("X-Frame-Options"))
	}
	if strings.Contains(got.body, "<form") || strings.Contains(got.body, "/vote/") {
		t.Error("there is something to press in a frame")
	}
	if csp := n.get(t, "", "/polls/framed").header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the page itself: %s", csp)
	}
}

func TestTheAnswerAndTheRoundsInWords(t *testing.T) {
	t.Parallel()
	n := given(t)
	options := []client.PollOption{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: "Bo"}, {ID: "cy", Title: "Cy"}}
	n.poll(t, client.Definition{ID: "told", Options: options, Method: client.IRV, Audience: client.AudienceAnyone}, ranking()...)
	plain := func(s string) string { return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(s) }
	if got := plain(n.get(t, "", "/polls/told").body); !strings.Contains(got, "Ahead: Bo, in round 2 of 2") || strings.Contains(got, "won") && strings.Contains(got, "Bo won") {
		t.Errorf("while it is open: %s", got)
	}
	n.close(t, "told")
	for lang, sentences := range map[string][]string{
		"en": {"Bo won, in round 2 of 2, with 5 of 9 ballots that still ranked somebody (55.6 %).", "Round 1: Cy is out. Of 2 votes of Cy that moved, 2 went to Bo.", "9 ballots count", "Final."},
		"de": {"Bo hat gewonnen, in Runde 2 von 2, mit 5 von 9 Stimmzetteln, die noch eine Option nannten (55,6 %).", "Runde 1: Cy scheidet aus.", "Endgültig."},
	} {
		got := plain(n.get(t, "", "/polls/told?lang="+lang).body)
		for _, sentence := range sentences {
			if !strings.Contains(got, sentence) {
				t.Errorf("%s: %q is not said:\n%s", lang, sentence, got)
			}
		}
	}
}

// Where voters have weights, rounds count weights: a sentence that calls them ballots names more than there are.
func TestRoundsOfWeightsAreNotCalledBallots(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "heavy", Options: client.Options("ann", "bo", "cy"), Method: client.IRV, Audience: client.AudienceAnyone, Eligibility: client.OnRoll})
	if _, err := n.client.LoadRoll(t.Context(), "heavy", slices.Values([]client.RollEntry{{Voter: "v0", Weight: 5}, {Voter: "v1", Weight: 4}, {Voter: "v2", Weight: 2}}), nil); err != nil {
		t.Fatal(err)
	}
	for i, vote := range []client.Ballot{client.Rank("ann"), client.Rank("bo"), client.Rank("cy", "bo")} {
		if _, err := n.client.Cast(t.Context(), "heavy", fmt.Sprint("v", i), vote); err != nil {
			t.Fatal(err)
		}
	}
	for lang, want := range map[string]string{"en": "with 6 of a weight of 11", "de": "mit 6 von einem Gewicht von 11"} {
		if got := n.get(t, "", "/polls/heavy?lang="+lang).body; !strings.Contains(got, want) || strings.Contains(got, "6 of 11 ballots") {
			t.Errorf("%s: %q is not said:\n%s", lang, want, got)
		}
	}
}

// A table of scores has a cell for each score, also where nobody has scored an option.
func TestTheTableOfScoresHasNoHoles(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "scored", Options: client.Options("ann", "bo"), Method: client.STAR, Audience: client.AudienceAnyone}, times(12, client.Score(map[string]int{"ann": 5}))...)
	n.close(t, "scored")
	for _, cell := range []string{`data-key="score.5.ann">12<`, `data-key="score.0.bo">0<`, `data-key="score.5.bo">0<`} {
		if got := n.get(t, "", "/polls/scored?view=scores").body; !strings.Contains(got, cell) {
			t.Errorf("%s is not there:\n%s", cell, got)
		}
	}
}

func TestTheCertificateHasTheDigestThatABackupHas(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "sealed", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone}, client.Choose("ann"))
	if got := n.get(t, "", "/polls/sealed/certificate"); got.status != 409 {
		t.Errorf("an open poll has a certificate: %d", got.status)
	}
	n.close(t, "sealed")
	res, err := n.client.Results(t.Context(), "sealed", client.Linearizable)
	if err != nil || len(res.Digest) != 64 {
		t.Fatal(res.Digest, err)
	}
	if got := n.get(t, "", "/polls/sealed/certificate"); !strings.Contains(got.body, res.Digest) || !strings.Contains(got.body, "voted verify backup sealed.backup") || !strings.Contains(got.body, "/v1/polls/sealed/ballots") {
		t.Errorf("%d:\n%s", got.status, got.body)
	}
}

func TestTablesHoldNoFormulas(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{
		ID: "sheet", Audience: client.AudienceAnyone, Method: client.IRV,
		Options: []client.PollOption{{ID: "ann", Title: "=HYPERLINK(1)"}, {ID: "bo", Title: "-1"}, {ID: "cy", Title: "@x"}},
	}, ranking()...)
	for _, file := range []string{"results.csv", "rounds.csv", "pairs.csv"} {
		got := n.get(t, "", "/polls/sheet/download/"+file)
		if strings.Contains(got.body, ",=") || strings.Contains(got.body, ",@") || file == "results.csv" && !strings.Contains(got.body, "'=HYPERLINK(1)") {
			t.Errorf("%s:\n%s", file, got.body)
		}
		if !strings.Contains(got.header.Get("Content-Disposition"), `filename="sheet-`+file+`"`) {
			t.Errorf("%s is named %s", file, got.header.Get("Content-Disposition"))
		}
	}
}

func TestAPageWithAThousandOptionsIsSmallEnough(t *testing.T) {
	t.Parallel()
	n := given(t)
	var titles []string
	for i := range 1024 {
		titles = append(titles, fmt.Sprint("option-", i))
	}
	n.poll(t, client.Definition{ID: "many", Options: client.Options(titles...), Audience: client.AudienceAnyone}, client.Choose("option-1023"))
	began := time.Now()
	got := n.get(t, "", "/polls/many")
	if len(got.body) > 320<<10 || strings.Count(got.body, "<tr") < 1024 || !strings.Contains(got.body, "30 of 1,024 options") {
		t.Errorf("%d bytes after %v", len(got.body), time.Since(began))
	}
	if small := n.get(t, "", "/polls/many/embed"); small.status != 200 {
		t.Errorf("in a frame: %d", small.status)
	}
}
