package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// at runs a command line at a node.
func at(endpoint string, args ...string) outcome {
	return voted(append(args, "--endpoint", endpoint)...)
}

func (o outcome) want(t *testing.T, code int, says ...string) outcome {
	t.Helper()
	for _, s := range says {
		if !strings.Contains(o.out+o.errout, s) {
			t.Errorf("it does not say %q:\n%s%s", s, o.out, o.errout)
		}
	}
	if o.code != code {
		t.Errorf("it exits %d, want %d:\n%s%s", o.code, code, o.out, o.errout)
	}
	return o
}

func TestPollsAreMadeOfWhatPeopleType(t *testing.T) {
	t.Parallel()
	node := startCluster(t, 1, "").Nodes[0].URL
	titles := []string{"poll", "create", "t", "Thai food", "Pizza Hawaii", "Zoë", "ann=Ann Smith"}
	at(node, titles...).want(t, 0, "thai-food     Thai food", "pizza-hawaii  Pizza Hawaii", "zoe           Zoë", "ann           Ann Smith")
	at(node, titles...).want(t, 0)
	at(node, "poll", "create", "s", "2+2=4", "b").want(t, 2, `option "2+2=4": what stands before the first = is no id`)
	at(node, "poll", "create", "s", "sum=2+2=4", "Rice, beans").want(t, 0, "sum         2+2=4", "rice-beans  Rice, beans")
	at(node, "cast", "t", "v1", "thai-food").want(t, 0, "counted  ballot 1 of t")
	at(node, "receipt", "t", "v1").want(t, 0, "counted  ballot 1 of t, version 1, log index")
	at(node, "receipt", "t", "v2").want(t, 1, "voted: ")

	in4days := time.Now().Add(4*24*time.Hour + time.Minute)
	at(node, "poll", "create", "u", "a", "b", "--utc", "--closes-at", in4days.UTC().Format("2006-01-02 15:04")).
		want(t, 0, in4days.UTC().Format("closes   2006-01-02 15:04 +00:00 (in "))
	at(node, "poll", "create", "w", "a", "b", "--closes-at", "+2h").want(t, 0, "(in ")
	at(node, "poll", "create", "x", "a", "b", "--closes-at", "soon").want(t, 2, `--closes-at: "soon" is not a time; type a local time such as`)
	at(node, "poll", "create", "x", "a", "b", "--max-selections", "0").want(t, 2, "--max-selections must be 1 or more")
	at(node, "poll", "create", "x", "a", "b", "--max-score", "0").want(t, 2, "--max-score must be 1 or more")

	at(node, "poll", "set", "u", "--title", "Supper", "--closes-at", "none").want(t, 0, "Supper")
	if got := at(node, "poll", "show", "u"); strings.Contains(got.out, "closes") {
		t.Errorf("the closing was not taken away:\n%s", got.out)
	}
	at(node, "poll", "set", "u", "--title", "Dinner", "--if-revision", "1").want(t, 1, "revision 2")
	at(node, "poll", "set", "u").want(t, 2, "nothing is to be changed")
	at(node, "poll", "set", "u", "--opens-at", "25:00").want(t, 2, "--opens-at: ", "or none")
	at(node, "poll", "list", "--state", "scheduled").want(t, 0, "no poll is scheduled")
	at(node, "results", "t", "--stale").want(t, 0, "as node n1 has it", "ago")
}

func TestJSONIsWhatTheNodeSent(t *testing.T) {
	t.Parallel()
	node := startCluster(t, 1, "").Nodes[0].URL
	body := func(path string) string {
		resp, err := http.Get(node + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	made := at(node, "poll", "create", "p", "a", "b", "--revote", "until_close", "--json").want(t, 0)
	if want := body("/v1/polls/p"); made.out != want {
		t.Errorf("got\n%swant\n%s", made.out, want)
	}
	at(node, "cast", "p", "v", "a", "--json").want(t, 0)
	if got, want := at(node, "receipt", "p", "v", "--json").want(t, 0).out, body("/v1/polls/p/ballots/v"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	at(node, "poll", "create", "board", "a", "b", "--eligibility", "roll").want(t, 0)
	roll := write(t, filepath.Join(t.TempDir(), "roll.csv"), "voter,weight\nv,3\n")
	at(node, "roll", "load", "board", roll).want(t, 0)
	if got, want := at(node, "roll", "show", "board", "--json").want(t, 0).out, body("/v1/polls/board/roll"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := at(node, "roll", "show", "board", "v", "--json").want(t, 0).out, body("/v1/polls/board/roll/v"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	stale := at(node, "results", "p", "--stale", "--json").want(t, 0)
	if !strings.HasPrefix(stale.out, `{"poll":"p"`) || strings.Count(stale.out, "\n") != 1 || !strings.Contains(stale.errout, "it last knew itself up to date") {
		t.Errorf("stale results: %q, and their age: %q", stale.out, stale.errout)
	}
	shown := at(node, "poll", "show", "p", "--json").want(t, 0).out
	if listed := at(node, "poll", "list", "--json").want(t, 0).out; !strings.HasPrefix(listed, shown) {
		t.Errorf("listed as\n%sshown as\n%s", listed, shown)
	}
	file := write(t, filepath.Join(t.TempDir(), "shown.json"), shown)
	at(node, "poll", "create", "q", "--file", file).want(t, 0)
	var p, q map[string]any
	again := at(node, "poll", "show", "q", "--json").out
	if err := json.Unmarshal([]byte(shown), &p); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(again), &q); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"title", "options", "method", "min_selections", "max_selections", "revote", "results", "secrecy", "max_ballots", "eligibility"} {
		if fmt.Sprint(p[name]) != fmt.Sprint(q[name]) {
			t.Errorf("%s is %v, was %v", name, q[name], p[name])
		}
	}
}

func TestADefinitionFileIsReadAsStrictlyAsTheAPIReadsIt(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{"options":["a","b"],"colour":1}`:                              "no definition has /colour",
		`{"options":["a",{"id":"b","titel":"B"}]}`:                      "no definition has /options/1/titel",
		`{"Options":["a","b"]}`:                                         "no definition has /Options",
		`{"options":["a","b"],"options":["a","c"]}`:                     "/options stands there twice",
		`{"options":["a","b"]} {}`:                                      "it is no JSON",
		`{"options":["a",{"title":"B"}]}`:                               "needs an id",
		`{"options":["a","b"],"title":5}`:                               "/title has a value of another type",
		`{"options":["a","b"],"max_selections":0}`:                      "max_selections must be 1 or more",
		`{"options":["a","b"],"closes_at":"2026-12-02"}`:                "/closes_at",
		`{"options":["a","b"],"closes_at":"2026-12-02T20:00:00+24:00"}`: "/closes_at",
		`{"options":["a","b"],"opens_at":"2026-12-02T20:00:00+23:60"}`:  "/opens_at",
		"{\"options\":[\"a\",\"b\"],\"title\":\"\xff\"}":                "it is no JSON in UTF-8",
	} {
		file := write(t, filepath.Join(t.TempDir(), "poll.json"), text)
		got := voted("poll", "create", "p", "--file", file)
		if got.code != exitUsage || !strings.Contains(got.errout, says) || strings.Count(got.errout, "\n") != 1 {
			t.Errorf("%s: exits %d and says %q, want %q", text, got.code, got.errout, says)
		}
	}
}

// hostile is a node that wants to get at the terminal.
func hostile(t *testing.T) string {
	t.Helper()
	const poll = `{"id":"p","title":"\u001b]0;owned\u0007\u001b[2J","options":[{"id":"a","title":"x\u202eevil"},{"id":"b","title":"\u009b31m\u200b"}],` +
		`"method":"plurality","min_selections":1,"max_selections":1,"revote":"never\u001b[1A","results":"live","secrecy":"secret","max_ballots":0,` +
		`"eligibility":"anyone","state":"open","ballots":1,"revision":1,"created_at":"2026-12-01T12:00:00.000Z"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/cluster"):
			fmt.Fprint(w, `{"leader":"n1\u001b[2J","members":[{"id":"\u001b[31mn1","api":"http://\u202e","peer":"x","state":"leader\u0007","healthy":true,"role":"voter"}],"findings":[{"kind":"k","text":"\u001b[5mbad"}],"summary":"\u009d"}`)
		case strings.HasSuffix(r.URL.Path, "/results"):
			fmt.Fprint(w, `{"poll":"p","method":"plurality\u001b[2J","state":"open","index":1,"ballots":1,"winners":["a"],"options":[{"id":"a","votes":1},{"id":"b","votes":0}],"tie_breaking":""}`)
		case strings.HasSuffix(r.URL.Path, "/missing"):
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, `{"title":"\u001b[2J","detail":"\u001b]52;c;AAAA\u0007","code":"teapot"}`)
		case r.URL.Path == "/v1/polls":
			fmt.Fprint(w, `{"polls":[`+poll+`]}`)
		default:
			fmt.Fprint(w, poll)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestNothingThatANodeSaysIsObeyedByTheTerminal(t *testing.T) {
	t.Parallel()
	node := hostile(t)
	for _, line := range []string{"poll show p", "poll list", "results p", "cluster status", "poll show missing", "poll show p --json"} {
		got := at(node, strings.Fields(line)...)
		for _, r := range got.out + got.errout {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200b) && !strings.Contains(line, "--json") {
				t.Errorf("`voted %s` sends %U:\n%q", line, r, got.out+got.errout)
				break
			}
		}
		if got.out+got.errout == "" {
			t.Errorf("`voted %s` says nothing", line)
		}
	}
	at(node, "poll", "show", "p").want(t, 0, `\x1b]0;owned\x07\x1b[2J`, `x\u202eevil`, `\u009b31m\u200b`)
	at(node, "poll", "show", "missing").want(t, 1, `\x1b]52;c;AAAA\x07`)
}

func TestOnePollThatCannotBeReadKeepsNoOtherFromTheList(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"polls":[{"id":"y","closes_at":"10000-01-01T23:58:59.000Z"},{"id":"fine","state":"open","method":"plurality","ballots":0}]}`)
	}))
	t.Cleanup(s.Close)
	at(s.URL, "poll", "list").want(t, 1, "fine", "a poll is left out that this program cannot read")
	at(s.URL, "poll", "list", "--json").want(t, 1, `"id":"fine"`, "left out")
}

func TestChangesOfTheClusterThatAreNoneAreTold(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, 3, "")
	leader, err := cluster.Leader(testContext(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	follow(t, cluster.Endpoints(), []step{
		{"cluster remove nope", 1, []string{"there is no member nope, and nothing was changed", "voted cluster status"}},
		{"cluster remove nope --json", 1, []string{"there is no member nope"}},
		{"cluster lead nope", 1, []string{"there is no member nope"}},
		{"cluster lead " + leader.ID, 0, []string{leader.ID + " leads already; nothing was changed"}},
		{"cluster add n4 0.0.0.0:9080", 1, []string{"stands for every address of a machine"}},
		{"cluster add n4 [::]:9080", 1, []string{"stands for every address of a machine"}},
		{"cluster add n4 [::ffff:0.0.0.0]:9080", 1, []string{"stands for every address of a machine"}},
	})
	got := voted("cluster", "status", "--json", "--endpoint", leader.URL)
	var status client.ClusterStatus
	if err := json.Unmarshal([]byte(got.out), &status); err != nil || len(status.Members) != 3 {
		t.Errorf("%v: %s", err, got.out)
	}
}
