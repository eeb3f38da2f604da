package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"voted/internal/auth"
)

// eachRoute calls do with every method of every route, and with a path of its template.
func (g *rig) eachRoute(do func(template, method, path string)) {
	g.t.Helper()
	found := 0
	err := g.h.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		e := route.GetHandler().(routed)
		path := strings.NewReplacer("{poll}", "p", "{voter}", "v", "{id}", "n9", "{code}", "not_found").Replace(e.template)
		for method := range e.actions {
			found++
			do(e.template, method, path)
		}
		return nil
	})
	if err != nil || found < 20 {
		g.t.Fatalf("%d routes, %v", found, err)
	}
}

// asGet is where HEAD stands in the tables.
func asGet(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

func TestAQueryThatARouteDoesNotTakeIsRefusedOnEveryRoute(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	before := g.b.digest()
	g.eachRoute(func(template, method, path string) {
		queries := []string{"sinse%FF=5", "\xff=1", "state=%FF", "sinse=5", "since=5;", "x=%zz", "a;b", ";", "%", "SINCE=1"}
		for _, name := range queryNames[template][asGet(method)] {
			queries = append(queries, name+"=1&"+name+"=1", name+"=1;", name+"=1&sinse=5", strings.ToUpper(name)+"=1")
			if !slices.Contains(switches, name) {
				queries = append(queries, name+"=", name)
			}
		}
		for _, query := range queries {
			if a := g.do(method, path+"?"+query, ""); a.status != http.StatusBadRequest || method != http.MethodHead && a.json()["code"] != "malformed_request" {
				t.Errorf("%s %s?%s is answered %d: %s", method, path, query, a.status, a.body)
			}
		}
	})
	if g.b.digest() != before {
		t.Error("something was changed")
	}
}

func TestAQueryIsRefusedByTheNameThatIsWrong(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	for query, want := range map[string]string{
		"sinse=5":         `{"field":"sinse","detail":"This name is not known in the query here, only since; leave it out, or correct its spelling."}`,
		"since=5&since=5": `{"field":"since","detail":"This name stands twice in the query; keep one."}`,
		"since=":          `{"field":"since","detail":"This name has no value in the query; give one, or leave it out."}`,
		"since=5;":        `The query cannot be read; separate NAME=VALUE pairs with \u0026, and percent-encode what is special.`,
	} {
		a := g.do("PUT", "/v1/polls/p/roll?"+query, `{"voter":"v","weight":7}`, "Content-Type", mediaNDJSON).want(400)
		if !strings.Contains(a.body, want) && !strings.Contains(a.body, strings.ReplaceAll(want, `\u0026`, "&")) {
			t.Errorf("%s is answered %s", query, a.body)
		}
	}
	g.do("GET", "/v1/polls/p/results?consistency=stale", "").want(200)
	g.do("GET", "/v1/polls/p/results?%63onsistency=stale", "").want(200)
	g.do("GET", "/v1/polls?", "").want(200)
	g.do("GET", "/readyz?verbose", "").want(200)
	g.do("GET", "/readyz?verbose=1", "").want(200)
}

func TestTheReferenceListsTheNamesThatQueriesTake(t *testing.T) {
	t.Parallel()
	d := theReference(t)
	g := newRig(t)
	g.eachRoute(func(template, method, _ string) {
		if method == http.MethodHead {
			return
		}
		var documented []string
		methods := d.root["paths"].(object)[template].(object)
		parameters, _ := methods[strings.ToLower(method)].(object)["parameters"].([]any)
		for _, p := range parameters {
			if o := d.resolve(p); o["in"] == "query" {
				documented = append(documented, o["name"].(string))
			}
		}
		taken := slices.Sorted(slices.Values(queryNames[template][method]))
		slices.Sort(documented)
		if !slices.Equal(documented, taken) {
			t.Errorf("%s %s takes %v, and the reference lists %v", method, template, taken, documented)
		}
	})
}

func TestAPreconditionIsHonouredOrRefusedOnEveryRoute(t *testing.T) {
	t.Parallel()
	d := theReference(t)
	g, _ := webhookRig(t)
	g.poll("p", twoOptions)
	g.do("PATCH", "/v1/polls/p", `{"title":"new"}`).want(200).has("ETag", `"2"`)
	g.do("PUT", "/v1/webhooks/n9", aWebhook).want(201)
	g.do("PATCH", "/v1/webhooks/n9", `{"rate":1}`).want(200).has("ETag", `"2"`)
	before := g.b.digest()
	g.eachRoute(func(template, method, path string) {
		honoured := preconditions[template][asGet(method)]
		body := ""
		switch {
		case method == http.MethodPatch && template == "/v1/webhooks/{id}":
			body = `{"paused":true}`
		case method == http.MethodPut && template == "/v1/webhooks/{id}":
			body = aWebhook
		case method == http.MethodPatch:
			body = `{"title":"late"}`
		case method == http.MethodPut && template == "/v1/polls/{poll}":
			body = twoOptions
		case method == http.MethodPut:
			body = forAnn
		}
		for header, bit := range map[string]int{"If-Match": ifMatchTag, "If-None-Match": ifNoneMatchTags | ifNoneMatchAny} {
			value, met := `"1"`, http.StatusPreconditionFailed
			switch {
			case honoured&ifNoneMatchTags != 0 && header == "If-None-Match":
				value, met = "*", http.StatusNotModified
				if template == "/v1/polls/{poll}/ballots/{voter}" || isLog(template) {
					met = http.StatusNotFound // there is no ballot, and this node keeps no logs
				}
			case bit&ifNoneMatchAny != 0:
				value = "*"
			}
			a := g.do(method, path, body, header, value)
			want := met
			if honoured&bit == 0 {
				want = http.StatusBadRequest
			}
			if a.status != want || want == http.StatusBadRequest && method != http.MethodHead && a.json()["code"] != "malformed_request" {
				t.Errorf("%s %s with %s: %s is answered %d, not %d: %s", method, path, header, value, a.status, want, a.body)
			}
			if method == http.MethodHead {
				continue
			}
			if documented := d.takes(template, method, header); documented != (honoured&bit != 0) {
				t.Errorf("%s %s: the reference lists %s: %t", method, template, header, documented)
			}
		}
	})
	if g.b.digest() != before {
		t.Error("something was changed")
	}
}

// takes reports whether the reference lists a header of a request.
func (d *document) takes(template, method, header string) bool {
	parameters, _ := d.root["paths"].(object)[template].(object)[strings.ToLower(method)].(object)["parameters"].([]any)
	return slices.ContainsFunc(parameters, func(p any) bool {
		o := d.resolve(p)
		return o["in"] == "header" && o["name"] == header
	})
}

func TestAPollIsChangedAtTheRevisionThatIsMeant(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("PUT", "/v1/polls/p", twoOptions, "If-Match", `"1"`).want(412).code("version_mismatch").holds("is not there")
	g.do("PUT", "/v1/polls/p", twoOptions, "If-None-Match", "*").want(201)
	g.do("PUT", "/v1/polls/p", twoOptions, "If-None-Match", "*").want(412).code("version_mismatch").has("ETag", `"1"`)
	g.do("PUT", "/v1/polls/p", twoOptions, "If-Match", `"1"`).want(200)
	g.do("PUT", "/v1/polls/p", twoOptions, "If-None-Match", `"1"`).want(400)
	g.do("PATCH", "/v1/polls/p", `{"title":"new"}`, "If-Match", `"1"`).want(200).has("ETag", `"2"`)
	g.do("POST", "/v1/polls/p/close", "", "If-Match", `"1"`).want(412).code("version_mismatch").has("ETag", `"2"`)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"state":"open"`).has("Cache-Control", "no-store")
	g.do("POST", "/v1/polls/p/close", "", "If-Match", `"2"`).want(200)
	g.do("POST", "/v1/polls/p/close", "", "If-Match", `"2"`).want(200)
	g.do("DELETE", "/v1/polls/p", "", "If-Match", `"1"`).want(412).code("version_mismatch")
	g.do("DELETE", "/v1/polls/p", "", "If-Match", `"2"`).want(204)
	g.do("DELETE", "/v1/polls/p", "", "If-Match", `"2"`).want(204)
	g.do("DELETE", "/v1/polls/p", "", "If-Match", "*").want(400)
	g.do("DELETE", "/v1/polls/p", "", "If-Match", `W/"2"`).want(400).holds("a proxy that compresses answers; send the version from the body")
}

func TestEveryGuardedRouteDocumentsWhatTheGuardAnswers(t *testing.T) {
	t.Parallel()
	stranger := doorman{"stranger": {Roles: auth.Metrics | auth.Voter, Name: "stranger", Voter: "nobody", Poll: "none"}}
	for name, x := range map[string]struct {
		status int
		header []string
		change func(*Options)
	}{
		"nothing is presented":       {http.StatusUnauthorized, nil, func(o *Options) { o.Auth = everybody }},
		"a credential for something": {http.StatusForbidden, []string{"Authorization", "Bearer stranger"}, func(o *Options) { o.Auth = stranger }},
		"an unknown credential":      {http.StatusUnauthorized, []string{"Authorization", "Bearer unknown"}, func(o *Options) { o.Auth = stranger }},
		"too much from one address": {http.StatusTooManyRequests, nil, func(o *Options) {
			o.Auth, o.Limits = everybody, Limits{PerAddress: Rate{PerSecond: 1e-6, Burst: 1}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, x.change)
			g.do("GET", "/v1/polls", "") // takes up what is left of a rate
			g.eachRoute(func(template, method, path string) {
				e := endpoint{template: template}
				roles := e.permitted(method)
				if roles.Has(auth.Anybody) || x.status == http.StatusForbidden && roles.Has(auth.Metrics) {
					return
				}
				if a := g.do(method, path, "", x.header...); a.status != x.status {
					t.Errorf("%s %s is answered %d, not %d: %s", method, path, a.status, x.status, a.body)
				}
			})
		})
	}
}
