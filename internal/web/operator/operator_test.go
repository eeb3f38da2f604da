package operator

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"voted/internal/web/frame"
)

// api stands for the API of one node, whose roles may do what those of the real one may.
type api struct {
	mu      sync.Mutex
	status  string // of GET /v1/cluster; empty: 503
	history string
	hooks   string   // of GET /v1/webhooks; empty: there are none
	calls   []string // what changed something; guarded by mu
}

var mayLook = []string{"admin", "gateway", "reader", "metrics"}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	role := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%q,"status":%d,"detail":"Because of %s."}`, code, status, code)
	}
	switch at := r.Method + " " + r.URL.Path; {
	case role == "":
		refuse(401, "unauthenticated")
	case at == "GET /metrics" && (role == "admin" || role == "metrics"):
		fmt.Fprint(w, "# HELP voted_x y\nvoted_backup_last_success_timestamp_seconds 1.7963e+09\nvoted_backup_last_size_bytes 1.2582912e+07\nvoted_backup_failures_total 2\n"+
			"voted_certificate_expiry_timestamp_seconds{port=\"api\"} 1.9e+09\nvoted_connections_refused_total{limit=\"total\"} 3\nvoted_connections_refused_total{limit=\"address\"} 4\n")
	case at == "GET /v1/cluster/history" && slices.Contains(mayLook, role):
		fmt.Fprint(w, a.history)
	case at == "GET /v1/cluster" && slices.Contains(mayLook, role) && a.status == "":
		refuse(503, "unavailable")
	case at == "GET /v1/cluster" && slices.Contains(mayLook, role):
		fmt.Fprint(w, a.status)
	case at == "GET /v1/cluster/stream" && slices.Contains(mayLook, role):
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: cluster\ndata: {}\n\n")
	case role != "admin":
		refuse(403, "forbidden")
	case at == "GET /v1/webhooks":
		fmt.Fprintf(w, `{"webhooks":[%s]}`, a.hooks)
	case at == "GET /v1/backup":
		w.Header().Set("Content-Type", "application/octet-stream")
		fmt.Fprint(w, "a whole backup")
	default:
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls = append(a.calls, at+" "+string(body))
		if at == "POST /v1/cluster/tokens" {
			fmt.Fprint(w, `{"id":"n4","token":"voted_join_secret","expires_at":"2026-12-01T13:00:00Z"}`)
		}
		if at == "DELETE /v1/cluster/members/n2" && strings.Contains(a.status, "unreachable") {
			refuse(409, "quorum_at_risk")
		}
	}
}

func identify(_ context.Context, _ *http.Request, authorization string) (frame.Identity, error) {
	if authorization == "" {
		return frame.Identity{}, nil
	}
	return frame.Identity{Roles: []string{strings.TrimPrefix(authorization, "Bearer ")}, Name: "token"}, nil
}

// ask sends one request to the room, as a browser that is signed in with a role.
func ask(t *testing.T, a *api, role, method, target string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	f := frame.New(frame.Options{API: a, Identify: identify, Logger: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	for _, route := range New(f).Routes() {
		f.Add(route)
		mux.Handle(route.Pattern, f.Handler(route))
	}
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if role != "" {
		r.AddCookie(&http.Cookie{Name: "voted-desk", Value: role})
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

const (
	well = `{"leader":"n1","term":4,"index":90210,"quorum":2,"can_lose":1,"format_level":2,"summary":"The cluster works and can lose one more member.","findings":[],"members":[` +
		`{"id":"n1","peer":"h:1","api":"https://n1.example","role":"voter","state":"leader","healthy":true,"applied_index":90210,"digest":"0123456789ab","version":"1","free_bytes":9663676416,"ballots_per_second":800,"cast_p50_ms":4,"cast_p99_ms":19},` +
		`{"id":"n2","peer":"h:2","api":"https://n2.example","role":"voter","state":"follower","healthy":true,"applied_index":90200,"lag_entries":10,"lag_seconds":2.5,"ballots_per_second":414,"cast_p50_ms":3,"cast_p99_ms":9,"restart_risks":["Only two would be left."]},` +
		`{"id":"n3","peer":"h:3","api":"https://n3.example","role":"voter","state":"follower","healthy":true,"applied_index":90210,"free_bytes":100,"disk_low":true}]}`
	oneAway = `{"leader":"n2","term":5,"index":90300,"quorum":2,"can_lose":0,"format_level":2,"summary":"The cluster works and can lose none.","findings":[{"kind":"away","member":"n1","text":"n1 has been away since 07:41. Start it; <its log> says why."}],"members":[` +
		`{"id":"n2","role":"voter","state":"leader","healthy":true,"applied_index":90300},{"id":"n1","role":"voter","state":"unreachable","healthy":false,"applied_index":0,"away_since":"2026-12-01T07:41:00Z"},{"id":"n3","role":"voter","state":"follower","healthy":true,"applied_index":90300},{"id":"n4","role":"nonvoter","state":"follower","healthy":true,"applied_index":7}]}`
	leaderless = `{"leader":"","term":5,"index":90300,"quorum":2,"can_lose":0,"format_level":2,"summary":"This node reaches no majority.","findings":[{"kind":"no_leader","text":"This node reaches no majority: 1 of 3 voting members answer it."}],"members":[{"id":"n3","role":"voter","state":"follower","healthy":true,"applied_index":90300}]}`
	dispute    = `{"leader":"n1","term":5,"index":90300,"quorum":2,"can_lose":0,"format_level":2,"summary":"Nothing is served.","findings":[{"kind":"digest_dispute","text":"The members n1, n2 differ."}],"members":[{"id":"n1","role":"voter","state":"leader","healthy":true,"applied_index":90300}]}`
	history    = `{"node":"n3","now":"2026-12-01T12:00:00Z","sample_seconds":1,"samples":[` +
		`{"at":"2026-12-01T11:59:59Z","counted":100,"replaced":0,"replayed":100,"refused":0,"index":1,"cast":{"p50_ms":4,"p99_ms":19},"clients":7,"streams":2},` +
		`{"at":"2026-12-01T12:00:00Z","counted":50,"replaced":10,"replayed":150,"refused":5,"index":1,"clients":8,"streams":3}],` +
		`"events":[{"seq":1,"at":"2026-12-01T11:00:00Z","kind":"started","text":"n3 started."},{"seq":2,"at":"2026-12-01T11:30:00.125Z","kind":"leader_elected","text":"n2 leads <b>."}]}`
)

func TestTheConsoleShowsEveryState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status string
		state  string
		has    []string
	}{
		"all is well":          {well, "good", []string{"The cluster works and can lose one more member.", "n1 leads in term 4", "1,214.0 ballots a second", "99 of 100 no more than 19.0 ms", "10 entries, 2.5 s", "0.0 GiB free", "short:", "may be restarted", "not now", "Nothing that this server knows of."}},
		"one is away":          {oneAway, "notice", []string{"n1 has been away since 07:41. Start it; &lt;its log&gt; says why.", "away since 2026-12-01 07:41:00 UTC", "has no vote yet"}},
		"it is cut off":        {leaderless, "bad", []string{"This node reaches no majority.", "No member leads, as far as this server knows"}},
		"the digests differ":   {dispute, "bad", []string{"Nothing is served.", "The members n1, n2 differ."}},
		"there is no status":   {"", "bad", []string{"Because of unavailable."}},
		"what happens anyway":  {"", "bad", []string{"n3 started.", "n2 leads &lt;b&gt;.", "2026-12-01 11:30:00.125", "415 answers: 150 counted, 10 replaced, 250 repetitions, 5 refused.", "One in 2 requests is a repetition", "Connected clients: 8. Live streams of results: 3."}},
		"what its metrics say": {well, "good", []string{"12.0 MiB, read back and checked", "2 failed", "Certificate for clients", "7, because there were too many"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, &api{status: c.status, history: history}, "admin", "GET", "/console", nil)
			page := w.Body.String()
			if w.Code != 200 || !strings.Contains(page, `data-state="`+c.state+`"`) {
				t.Fatalf("%d, want the state %s:\n%s", w.Code, c.state, page)
			}
			for _, want := range c.has {
				if !strings.Contains(page, want) {
					t.Errorf("it does not say %q:\n%s", want, page)
				}
			}
			for _, fault := range faults(page) {
				t.Error(fault)
			}
		})
	}
}

func TestAdminsSeeHowWebhooksAre(t *testing.T) {
	t.Parallel()
	a := &api{status: well, history: history, hooks: `{"id":"erp","url":"https://erp.example/<hooks>","state":"enabled","lag_events":3,"lag_seconds":90,"failing_since":"2026-12-01T11:00:00Z","dead_letters":2},` +
		`{"id":"crm","url":"https://crm.example","state":"disabled","reason":"it answered 410 Gone","lag_events":0,"lag_seconds":0,"dead_letters":0}`}
	page := ask(t, a, "admin", "GET", "/console", nil).Body.String()
	for _, want := range []string{"https://erp.example/&lt;hooks&gt;", "3 events, 90 s", "does not get through since", "switched off", "it answered 410 Gone", "/console/webhooks/erp/pause", "/console/webhooks/crm/resume"} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q:\n%s", want, page)
		}
	}
	for _, fault := range faults(page) {
		t.Error(fault)
	}
	if strings.Contains(page, "/console/webhooks/crm/pause") {
		t.Error("what is switched off can be paused")
	}
	if page := ask(t, a, "reader", "GET", "/console", nil).Body.String(); strings.Contains(page, "erp.example") {
		t.Error("readers see where events are sent")
	}
	a.hooks = ""
	if page := ask(t, a, "admin", "GET", "/console", nil).Body.String(); strings.Contains(page, `id="hooks"`) {
		t.Error("there is a table of nothing")
	}
}

func TestAMemberThatIsAwayStandsFirst(t *testing.T) {
	t.Parallel()
	page := ask(t, &api{status: oneAway, history: history}, "reader", "GET", "/console", nil).Body.String()
	if one, two := strings.Index(page, `data-member="n1"`), strings.Index(page, `data-member="n2"`); one < 0 || one > two {
		t.Error("n1, which is away, stands below n2")
	}
}

func TestWhoSeesTheConsoleAndItsButtons(t *testing.T) {
	t.Parallel()
	for role, c := range map[string]struct {
		status  int
		buttons bool
		own     bool
	}{
		"admin": {200, true, true}, "metrics": {200, false, true}, "reader": {200, false, false}, "gateway": {200, false, false}, "auditor": {403, false, false}, "": {303, false, false},
	} {
		t.Run("as "+role, func(t *testing.T) {
			t.Parallel()
			a := &api{status: well, history: history}
			w := ask(t, a, role, "GET", "/console", nil)
			page := w.Body.String()
			if w.Code != c.status {
				t.Fatalf("%d, want %d", w.Code, c.status)
			}
			for _, link := range []string{"/console/leader", "/console/members\"", "/console/token", "/console/backup", "/remove"} {
				if strings.Contains(page, link) != c.buttons {
					t.Errorf("the page shows %s, or lacks it", link)
				}
			}
			if strings.Contains(page, "read back and checked") != c.own {
				t.Error("what only metrics show is shown, or missing")
			}
			if c.buttons {
				return
			}
			// Without buttons there are no pages of actions either, and nothing is done.
			for _, path := range []string{"/console/leader", "/console/members", "/console/token", "/console/backup", "/console/members/n2/remove"} {
				if got := ask(t, a, role, "GET", path, nil); got.Code != 403 && got.Code != 303 {
					t.Errorf("GET %s is answered %d", path, got.Code)
				}
				if got := ask(t, a, role, "POST", path, url.Values{"id": {"n4"}}); got.Code < 400 {
					t.Errorf("POST %s is answered %d", path, got.Code)
				}
			}
			if len(a.calls) != 0 {
				t.Errorf("%q was done", a.calls)
			}
		})
	}
}

func TestEachActionSaysWhatItDoesAndWhatCanBeLostAfterwards(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path   string
		status string
		form   url.Values
		says   string
		call   string
		then   string
	}{
		"handing on":       {"/console/leader", well, url.Values{"member": {"n2"}}, "The cluster can then lose 1 more.", `POST /v1/cluster/leader {"id":"n2"}`, "/console?done=leader&member=n2"},
		"to any":           {"/console/leader", oneAway, url.Values{"member": {""}}, "The cluster can then lose none", `POST /v1/cluster/leader {}`, "/console?done=leader&member="},
		"removing":         {"/console/members/n2/remove", well, url.Values{}, "2 members vote and 2 of them answer; 2 are needed", "DELETE /v1/cluster/members/n2 ", "/console?done=remove&member=n2"},
		"removing the one": {"/console/members/n1/remove", oneAway, url.Values{}, "The cluster can then lose none", "DELETE /v1/cluster/members/n1 ", "/console?done=remove&member=n1"},
		"too many":         {"/console/members/n2/remove", oneAway, url.Values{}, "Afterwards the cluster would stop", "DELETE /v1/cluster/members/n2 ", ""},
		"pausing":          {"/console/webhooks/erp/pause", well, url.Values{}, "Nothing is sent to", `PATCH /v1/webhooks/erp {"paused":true}`, "/console?done=pause&member=erp"},
		"resuming":         {"/console/webhooks/erp/resume", well, url.Values{}, "from where it stopped", `PATCH /v1/webhooks/erp {"paused":false}`, "/console?done=resume&member=erp"},
		"adding":           {"/console/members", well, url.Values{"id": {" n4 "}, "peer": {"10.0.0.4:9080"}}, "4 members vote and 3 of them answer; 3 are needed", `POST /v1/cluster/members {"id":"n4","peer":"10.0.0.4:9080"}`, "/console?done=add&member=n4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{status: c.status, history: history}
			page := ask(t, a, "admin", "GET", c.path, nil)
			if page.Code != 200 || !strings.Contains(page.Body.String(), c.says) || len(a.calls) != 0 {
				t.Fatalf("%d, %q was done, and the page does not say %q:\n%s", page.Code, a.calls, c.says, page.Body)
			}
			for _, fault := range faults(page.Body.String()) {
				t.Error(fault)
			}
			done := ask(t, a, "admin", "POST", c.path, c.form)
			if !slices.Equal(a.calls, []string{c.call}) {
				t.Errorf("it did %q, want %s", a.calls, c.call)
			}
			if c.then == "" {
				if done.Code != 409 {
					t.Errorf("a refusal is answered %d", done.Code)
				}
				return
			}
			if done.Code != 303 || done.Header().Get("Location") != c.then {
				t.Fatalf("%d to %s", done.Code, done.Header().Get("Location"))
			}
			if after := ask(t, a, "admin", "GET", c.then, nil).Body.String(); !strings.Contains(after, `class="notice" role="status"`) {
				t.Error("the console does not say that it was done")
			}
		})
	}
	a := &api{status: well, history: history}
	if got := ask(t, a, "admin", "GET", "/console/members/n9/remove", nil); got.Code != 404 {
		t.Errorf("to remove what is no member is answered %d", got.Code)
	}
	if page := ask(t, a, "admin", "GET", "/console?done=nonsense&member=%3Cscript%3E", nil).Body.String(); strings.Contains(page, "<script>") || strings.Contains(page, `class="notice"`) {
		t.Error("what was done can be made up")
	}
}

func TestAJoinTokenIsShownOnce(t *testing.T) {
	t.Parallel()
	a := &api{status: well, history: history}
	w := ask(t, a, "admin", "POST", "/console/token", url.Values{"id": {"n4"}})
	if w.Code != 200 || !strings.Contains(w.Body.String(), "voted_join_secret") || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s %s", w.Code, w.Header().Get("Cache-Control"), w.Body)
	}
	for _, path := range []string{"/console", "/console/token"} {
		if strings.Contains(ask(t, a, "admin", "GET", path, nil).Body.String(), "voted_join_secret") {
			t.Errorf("%s shows the token again", path)
		}
	}
}

func TestABackupIsDownloadedByAPressAndNotByALook(t *testing.T) {
	t.Parallel()
	a := &api{status: well, history: history}
	if page := ask(t, a, "admin", "GET", "/console/backup", nil).Body.String(); strings.Contains(page, "a whole backup") {
		t.Error("looking at the page sends the backup")
	}
	w := ask(t, a, "admin", "POST", "/console/backup", url.Values{})
	if w.Code != 200 || w.Body.String() != "a whole backup" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestTheRestartCheckIsATrafficLightInWords(t *testing.T) {
	t.Parallel()
	a := &api{status: well, history: history}
	for id, want := range map[string]string{"n1": "Yes:", "n2": "Only two would be left."} {
		if page := ask(t, a, "reader", "GET", "/console/members/"+id+"/restart", nil).Body.String(); !strings.Contains(page, want) {
			t.Errorf("%s: %s", id, page)
		}
	}
	if page := ask(t, &api{status: oneAway, history: history}, "reader", "GET", "/console/members/n1/restart", nil).Body.String(); !strings.Contains(page, "does not answer") {
		t.Error(page)
	}
	if got := ask(t, a, "reader", "GET", "/console/members/n9/restart", nil); got.Code != 404 {
		t.Errorf("of what is no member: %d", got.Code)
	}
}

func TestWhatIsSentWhileSomebodyWatchesIsWhatThePageShows(t *testing.T) {
	t.Parallel()
	page := ask(t, &api{status: well, history: history}, "reader", "GET", "/console", nil).Body.String()
	f := frame.New(frame.Options{API: &api{}, Identify: identify})
	var live *console
	f.Handler(frame.Route{Pattern: "GET /", Serve: func(_ http.ResponseWriter, r *http.Request) error {
		c, err := read([]byte(`{"status":` + well + `,"history":` + history + `}`))
		if err == nil {
			live = consoleOf(c, frame.Words(r))
		}
		return err
	}}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if live == nil || len(live.Texts) < 30 {
		t.Fatalf("%+v", live)
	}
	for name, text := range live.Texts {
		element := regexp.MustCompile(`data-live="` + regexp.QuoteMeta(name) + `">([^<]*)<`).FindStringSubmatch(page)
		if element == nil || strings.NewReplacer("&#39;", "'", "&amp;", "&").Replace(element[1]) != text {
			t.Errorf("%s is %q, and the page has %q", name, text, element)
		}
	}
	for _, name := range regexp.MustCompile(`data-live="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if _, sent := live.Texts[name[1]]; !sent {
			t.Errorf("%s is never sent", name[1])
		}
	}
}

// faults lists what is wrong with a page: what is no XML, ids that are there twice, headings of tables without a scope,
// and controls without a label.
func faults(page string) (wrong []string) {
	ids, labels, controls := map[string]bool{}, map[string]bool{}, []string{}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!doctype html>")))
	d.Strict, d.AutoClose, d.Entity = true, xml.HTMLAutoClose, xml.HTMLEntity
	d.Strict = false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return append(wrong, "it cannot be read: "+err.Error())
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attr := map[string]string{}
		for _, a := range e.Attr {
			attr[a.Name.Local] = a.Value
		}
		if id := attr["id"]; id != "" {
			if ids[id] {
				wrong = append(wrong, "the id "+id+" is there twice")
			}
			ids[id] = true
		}
		switch e.Name.Local {
		case "th":
			if attr["scope"] == "" {
				wrong = append(wrong, "a heading has no scope")
			}
		case "label":
			labels[attr["for"]] = true
		case "input", "select":
			if attr["type"] != "hidden" {
				controls = append(controls, attr["id"])
			}
		}
		if attr["style"] != "" {
			wrong = append(wrong, "there is inline style")
		}
	}
	for _, id := range controls {
		if !labels[id] {
			wrong = append(wrong, "the control "+id+" has no label")
		}
	}
	return wrong
}

func TestThatTheSearchForFaultsFindsThem(t *testing.T) {
	t.Parallel()
	if got := faults(`<p id="a"><i id="a"></i></p><table><tr><th>x</th></tr></table><input id="b"><p style="color:red">`); len(got) != 4 {
		t.Errorf("%q", got)
	}
}
