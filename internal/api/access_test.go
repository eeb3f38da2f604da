package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	written "encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/mux"

	"voted/internal/auth"
)

// doorman accepts "Bearer NAME" as the credential of NAME.
type doorman map[string]auth.Identity

func (d doorman) Authenticate(_ context.Context, p auth.Presented) (auth.Identity, error) {
	if len(p.Certificates) > 0 {
		return d[p.Certificates[0].Subject.CommonName], nil
	}
	if len(p.Authorization) == 0 {
		return auth.Identity{}, nil
	}
	name := strings.TrimPrefix(p.Authorization[0], "Bearer ")
	if name == "keys-away" {
		return auth.Identity{}, auth.ErrKeys
	}
	who, known := d[name]
	if !known {
		return who, auth.Unauthenticated(errors.New("the token is not known here"))
	}
	return who, nil
}

func (doorman) Changes() uint64 { return 0 }

var everybody = doorman{
	"admin":   {Roles: auth.Admin, Name: "admin"},
	"gateway": {Roles: auth.Gateway, Name: "gateway"},
	"reader":  {Roles: auth.Reader, Name: "reader"},
	"metrics": {Roles: auth.Metrics, Name: "metrics"},
	"auditor": {Roles: auth.Auditor, Name: "auditor"},
	"ann":     {Roles: auth.Voter, Name: "voter:1", Voter: "ann", Poll: "p"},
	"jwt":     {Roles: auth.Voter, Name: "voter:1", Voter: "ann"},
}

func guardedRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	return newRig(t, append([]func(*Options){func(o *Options) { o.Auth = everybody }}, change...)...)
}

func as(who string) []string {
	if who == "" {
		return nil
	}
	return []string{"Authorization", "Bearer " + who}
}

func TestTheTableOfPermissionsHasEveryRouteAndMethodAndNoOthers(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	found, served := 0, map[string]bool{}
	err := g.h.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		e := route.GetHandler().(routed)
		for method := range e.actions {
			found++
			served[method+" "+e.template] = true
			if e.permitted(method) == 0 {
				t.Errorf("%s %s is in no table, so no one may use it: say in permissions who may", method, e.template)
			}
		}
		return nil
	})
	if err != nil || found < 20 {
		t.Fatalf("%d routes, %v", found, err)
	}
	for template, methods := range permissions {
		for method := range methods {
			if !served[method+" "+template] {
				t.Errorf("%s %s is in the table, and there is no such route", method, template)
			}
		}
	}
}

func TestARouteThatIsNotInTheTableIsRefusedToAll(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.h.add("/v1/novel", map[string]action{"GET": func(w *response, _ *http.Request) error {
		w.send(http.StatusOK, typeText, []byte("served"))
		return nil
	}})
	for who := range everybody {
		r := httptest.NewRequest("GET", "/v1/novel", nil)
		r.Header.Set("Authorization", "Bearer "+who)
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		if rec.Code != http.StatusForbidden {
			t.Errorf("%s: %d", who, rec.Code)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", shownSecret, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, as("gateway")...).want(201)
	const may, mayNot, who = "may", "403 forbidden", "401 unauthenticated"
	for _, c := range []struct {
		method, path, body string
		want               map[string]string // by sender; mayNot if not named
	}{
		{"GET", "/livez", "", map[string]string{"": may, "nobody": may, "ann": may, "metrics": may, "reader": may, "auditor": may, "gateway": may, "admin": may, "jwt": may}},
		{"GET", "/readyz", "", map[string]string{"": may, "nobody": may, "ann": may, "metrics": may, "reader": may, "auditor": may, "gateway": may, "admin": may, "jwt": may}},
		{"GET", "/metrics", "", map[string]string{"metrics": may, "admin": may}},
		{"GET", "/v1/polls", "", map[string]string{"reader": may, "gateway": may, "admin": may}},
		{"GET", "/v1/polls/p", "", map[string]string{"reader": may, "gateway": may, "admin": may, "ann": may, "jwt": may}},
		{"GET", "/v1/polls/p/results", "", map[string]string{"reader": may, "gateway": may, "admin": may, "ann": may, "jwt": may}},
		{"GET", "/v1/polls/other", "", map[string]string{"reader": may, "gateway": may, "admin": may, "jwt": may}},
		{"GET", "/v1/polls/p/ballots", "", map[string]string{"reader": may, "admin": may}},
		{"GET", "/v1/polls/p/audit", "", map[string]string{"auditor": may}},
		{"GET", "/v1/polls/p/ballots/ann", "", map[string]string{"gateway": may, "ann": may, "jwt": may}},
		{"GET", "/v1/polls/p/ballots/bo", "", map[string]string{"gateway": may}},
		{"GET", "/v1/polls/p/ballots/never-seen", "", map[string]string{"gateway": may}},
		{"PUT", "/v1/polls/p/ballots/ann", forAnn, map[string]string{"gateway": may, "ann": may, "jwt": may}},
		{"PUT", "/v1/polls/p/ballots/%61nn", forAnn, map[string]string{"gateway": may, "ann": may, "jwt": may}},
		{"PUT", "/v1/polls/p/ballots/bo", forAnn, map[string]string{"gateway": may}},
		{"PUT", "/v1/polls/p/ballots/ann%00", forAnn, map[string]string{"gateway": may}},
		{"PUT", "/v1/polls/other/ballots/ann", forAnn, map[string]string{"gateway": may, "jwt": may}},
		{"PUT", "/v1/polls/q", twoOptions, map[string]string{"admin": may}},
		{"POST", "/v1/polls/p/close", "", map[string]string{"admin": may}},
		{"POST", "/v1/cluster/leader", "", map[string]string{"admin": may}},
		{"DELETE", "/v1/cluster/members/n9", "", map[string]string{"admin": may}},
		{"POST", "/v1/cluster/tokens", `{"id":"n9"}`, map[string]string{"admin": may}},
		{"DELETE", "/v1/cluster/tokens/n9", "", map[string]string{"admin": may}},
		{"GET", "/v1/polls/p/results/repeats", "", map[string]string{"reader": may, "gateway": may, "admin": may, "ann": may, "jwt": may}},
		{"GET", "/v1/polls/p/ballots/ann/holders", "", map[string]string{"gateway": may, "ann": may, "jwt": may}},
		{"GET", "/v1/polls/p/ballots/bo/holders", "", map[string]string{"gateway": may}},
		{"GET", "/v1/cluster/history", "", map[string]string{"admin": may, "gateway": may, "reader": may, "metrics": may}},
		{"HEAD", "/v1/cluster/stream", "", map[string]string{"admin": may, "gateway": may, "reader": may, "metrics": may}},
		{"GET", "/v1/cluster", "", map[string]string{"admin": may, "gateway": may, "reader": may, "metrics": may}},
	} {
		for _, sender := range []string{"", "nobody", "ann", "jwt", "metrics", "reader", "auditor", "gateway", "admin"} {
			a := g.do(c.method, c.path, c.body, as(sender)...)
			got := may
			if a.status == 401 || a.status == 403 {
				got = fmt.Sprint(a.status, " ", a.json()["code"])
			}
			want := c.want[sender]
			switch {
			case want == "" && (sender == "" || sender == "nobody"):
				want = who
			case want == "":
				want = mayNot
			}
			if got != want {
				t.Errorf("%s %s by %q: %s, want %s (%d %s)", c.method, c.path, sender, got, want, a.status, a.body)
			}
			if a.status == 401 && a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s: WWW-Authenticate is %q", c.method, c.path, a.header.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestNoAnswerTellsAVoterWhoElseVoted(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, as("gateway")...).want(201)
	same := func(paths ...string) {
		t.Helper()
		first := ""
		for _, path := range paths {
			a := g.do("GET", path, "", as("ann")...).want(403)
			v := a.json()
			delete(v, "request_id")
			if said := fmt.Sprint(v); first == "" {
				first = said
			} else if said != first {
				t.Errorf("%s is answered differently:\n%s\n%s", path, first, said)
			}
		}
	}
	same("/v1/polls/p/ballots/bo", "/v1/polls/p/ballots/nobody", "/v1/polls/none/ballots/bo", "/v1/polls/none", "/v1/polls/p/ballots")
}

// A credential proves who a sender is; whether they may vote is looked up on the roll
// each time.
func TestACredentialIsWorthNothingOnceTheRollHasDroppedItsVoter(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", members, as("admin")...).want(201)
	roll := append([]string{"Content-Type", "application/x-ndjson"}, as("admin")...)
	g.do("PUT", "/v1/polls/p/roll", `{"voter":"ann"}`, roll...).want(200)
	g.do("DELETE", "/v1/polls/p/roll/ann", "", as("admin")...).want(204)
	dropped := g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("ann")...).want(403).code("not_eligible")
	g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("jwt")...).want(403).code("not_eligible")
	g.do("GET", "/v1/polls/p/ballots/ann", "", as("gateway")...).want(404)
	// Back on the roll the same credential counts again, once.
	g.do("PUT", "/v1/polls/p/roll", `{"voter":"ann"}`, roll...).want(200)
	g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("ann")...).want(201)
	g.do("DELETE", "/v1/polls/p/roll/ann", "", as("admin")...).want(204)
	g.do("PUT", "/v1/polls/p/ballots/ann", forBo, as("ann")...).want(403).code("not_eligible").lacks("voted")
	if !strings.Contains(fmt.Sprint(dropped.json()["detail"]), "roll") {
		t.Errorf("it is not said why: %s", dropped.body)
	}
}

func TestIdentityHeadersAreNotFollowed(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	for _, name := range []string{"X-Forwarded-User", "X-Remote-User", "X-Forwarded-Client-Cert", "X-Client-Cert", "Voted-Role", "Cookie", "X-Authorization", "Proxy-Authorization"} {
		g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, name, "Bearer admin").want(401)
	}
}

func TestACertificateCountsOnlyWhereTLSHasVerifiedIt(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	cert := &x509.Certificate{}
	cert.Subject.CommonName = "admin"
	for name, c := range map[string]struct {
		state *tls.ConnectionState
		want  int
	}{
		"verified":   {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}, 200},
		"only shown": {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, 401},
		"plain HTTP": {nil, 401},
	} {
		r := httptest.NewRequest("GET", "/v1/polls", nil)
		r.TLS = c.state
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		if rec.Code != c.want {
			t.Errorf("%s: %d, want %d", name, rec.Code, c.want)
		}
	}
}

func TestWhileKeysAreAwayTheSenderIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("GET", "/v1/polls/p", "", as("keys-away")...).want(503).code("unavailable")
}

// ledger is an audit log in memory.
type ledger struct {
	mu      sync.Mutex
	entries []AuditEntry
	raw     strings.Builder
	full    bool
}

func (l *ledger) Record(entry any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errors.New("no space is left")
	}
	e := entry.(AuditEntry)
	l.entries = append(l.entries, e)
	b, err := json.Marshal(e)
	l.raw.Write(b)
	return err
}

func TestAdminActionsAreRecordedBeforeAndAfterAndNothingElseIs(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	g := guardedRig(t, func(o *Options) { o.Audit = l })
	step := func(want string, a answer) {
		t.Helper()
		got := ""
		for _, e := range l.entries {
			got += fmt.Sprint(e.Event, " ", e.Method, " ", e.Route, " ", e.Poll, e.Member, e.Request, " ", e.Status, "; ")
		}
		if got != want {
			t.Errorf("recorded %q, want %q (%d %s)", got, want, a.status, a.body)
		}
		if n := len(l.entries); n == 2 && (l.entries[0].Action != l.entries[1].Action || !slices.Contains([]string{"admin", "auditor"}, l.entries[0].Client)) {
			t.Errorf("the two do not belong together: %+v", l.entries)
		}
		l.entries = nil
	}
	step("begin PUT /v1/polls/{poll} p 0; end PUT /v1/polls/{poll} p 201; ", g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201))
	step("begin PUT /v1/polls/{poll} p 0; end PUT /v1/polls/{poll} p 409; ", g.do("PUT", "/v1/polls/p", revotable, as("admin")...).want(409))
	step("", g.do("PUT", "/v1/polls/p/ballots/secret-voter", forAnn, as("gateway")...).want(201))
	step("", g.do("GET", "/v1/polls/p", "", as("admin")...).want(200))
	step("", g.do("PUT", "/v1/polls/x", twoOptions, as("gateway")...).want(403))
	step(`begin POST /v1/cluster/leader {"id":"n2"} 0; end POST /v1/cluster/leader  200; `, g.do("POST", "/v1/cluster/leader", `{"id":"n2"}`, as("admin")...).want(200))
	step("begin POST /v1/polls/{poll}/close p 0; end POST /v1/polls/{poll}/close p 200; ", g.do("POST", "/v1/polls/p/close", "", as("admin")...).want(200))
	step("begin GET /v1/polls/{poll}/audit p 0; end GET /v1/polls/{poll}/audit p 200; ", g.do("GET", "/v1/polls/p/audit", "", as("auditor")...).want(200))
	step("", g.do("GET", "/v1/polls/p/audit", "", as("admin")...).want(403))
	for _, secret := range []string{"secret-voter", "Bearer", "selections", "ann"} {
		if strings.Contains(l.raw.String(), secret) {
			t.Errorf("the audit log holds %q", secret)
		}
	}
	l.full = true
	g.do("PUT", "/v1/polls/z", twoOptions, as("admin")...).want(503).code("unavailable")
	g.do("GET", "/v1/polls/p/audit", "", as("auditor")...).want(503).code("unavailable").lacks("nonce")
	l.full = false
	g.do("GET", "/v1/polls/z", "", as("admin")...).want(404)
}

// Programs that read audit logs rely on these names, and simple ones on their order.
func TestARequestIsRecordedInTheSameTwoLinesAsEver(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	g := guardedRig(t, func(o *Options) { o.Audit = l })
	g.do("POST", "/v1/cluster/leader", `{"id":"n2"}`, append(as("admin"), "X-Request-Id", "mine-1")...).want(200)
	g.do("PUT", "/v1/polls/p", twoOptions, append(as("admin"), "X-Request-Id", "mine-2")...).want(201)
	var lines strings.Builder
	write := written.NewEncoder(&lines) // as package audit writes them
	for _, e := range l.entries {
		if err := write.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	got := regexp.MustCompile(`"time":"[^"]*Z"`).ReplaceAllString(lines.String(), "AT")
	got = regexp.MustCompile(`"action":"[a-z2-7]{26}"`).ReplaceAllString(got, "ACTION")
	const want = `{AT,"event":"begin",ACTION,"node":"n1","client":"admin","address":"192.0.2.1","request_id":"mine-1","method":"POST","route":"/v1/cluster/leader","request":"{\"id\":\"n2\"}"}` + "\n" +
		`{AT,"event":"end",ACTION,"node":"n1","client":"admin","address":"192.0.2.1","request_id":"mine-1","method":"POST","route":"/v1/cluster/leader","status":200}` + "\n" +
		`{AT,"event":"begin",ACTION,"node":"n1","client":"admin","address":"192.0.2.1","request_id":"mine-2","method":"PUT","route":"/v1/polls/{poll}","poll":"p"}` + "\n" +
		`{AT,"event":"end",ACTION,"node":"n1","client":"admin","address":"192.0.2.1","request_id":"mine-2","method":"PUT","route":"/v1/polls/{poll}","poll":"p","status":201}` + "\n"
	if got != want {
		t.Errorf("the lines are\n%s, want\n%s", got, want)
	}
}

func TestVotersAndTokensStandInNoLogAndNoError(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/p/ballots/secret-voter", forAnn, as("gateway")...).want(201)
	for _, a := range []answer{
		g.do("PUT", "/v1/polls/p/ballots/secret-voter", forAnn, as("secret-token")...).want(401),
		g.do("PUT", "/v1/polls/p/ballots/secret-voter", forAnn, as("ann")...).want(403),
		g.do("PUT", "/v1/polls/p/ballots/secret-voter", forBo, as("gateway")...).want(409),
	} {
		a.lacks("secret-voter").lacks("secret-token")
	}
	for _, secret := range []string{"secret-voter", "secret-token", "selections"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
