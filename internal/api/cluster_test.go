package api

import (
	"errors"
	"strings"
	"testing"

	"voted/internal/refusal"
)

func TestMembersAreShownAddedAndRemoved(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/v1/cluster", "").want(200).holds(`{"cluster_id":"k2j4mq7xw3ab5cde","leader":"n2","term":3,"index":7,"quorum":2,"can_lose":1,"members":[{"id":"n1","peer":"127.0.0.1:1","api":"http://127.0.0.1:2","role":"voter","state":"follower","healthy":true,"applied_index":7,"digest":"00ff","version":"1"},`)
	g.do("POST", "/v1/cluster/members", `{"id":"n3","peer":"host:9080"}`).want(201).has("Location", "/v1/cluster/members/n3")
	g.do("POST", "/v1/cluster/members", `{"id":"n3","peer":"host:9080"}`).want(409).code("member_exists")
	g.do("DELETE", "/v1/cluster/members/n3", "").want(204)
	g.do("DELETE", "/v1/cluster/members/n3", "").want(404).code("member_not_found")
	g.do("DELETE", "/v1/cluster/members/-", "").want(404).code("member_not_found")
	g.do("POST", "/v1/cluster/leader", `{"id":"n2"}`).want(200).holds(`"leader":"n2"`)
	g.do("POST", "/v1/cluster/leader", "").want(200).holds(`"leader":"n1"`)
	g.do("POST", "/v1/cluster/leader", `{"id":"-"}`).want(404)
	g.do("POST", "/v1/cluster/leader", `{"to":"n1"}`).want(400)
	for _, body := range []string{`{}`, `{"id":"n4"}`, `{"id":"n4","peer":"host"}`, `{"id":"n4","peer":":1"}`, `{"id":"n4","peer":"h:0"}`, `{"id":"n4","peer":"h:http"}`, `{"id":"-","peer":"h:1"}`} {
		g.do("POST", "/v1/cluster/members", body).want(400).holds(`"errors":[`)
	}
	g.b.set(func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") })
	g.do("GET", "/v1/cluster", "").want(503)
}

func TestJoinTokensAreMadeAndWithdrawn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("POST", "/v1/cluster/tokens", `{"id":"n4"}`).want(201).has("Cache-Control", "no-store").
		holds(`{"id":"n4","token":"voted_join_secret","expires_at":"2026-12-01T09:00:00Z"}`)
	g.do("POST", "/v1/cluster/tokens", `{"id":"n4","ttl_seconds":60}`).want(201).holds(`"expires_at":"2026-12-01T08:01:00Z"`)
	g.do("DELETE", "/v1/cluster/tokens/n4", "").want(204)
	g.do("DELETE", "/v1/cluster/tokens/-", "").want(404).code("member_not_found")
	for body, says := range map[string]string{
		`{}`: `"field":"id"`, `{"id":"-"}`: `"field":"id"`, `{"id":"n4","ttl_seconds":0}`: "Give 1 to 604800 seconds.",
		`{"id":"n4","ttl_seconds":604801}`: "Give 1 to 604800 seconds.", `{"id":"n4","ttl_seconds":-1}`: "Give 1 to 604800",
		`{"id":"n4","ttl":"1h"}`: "ttl", `{"id":"n4","ttl_seconds":1.5}`: "",
	} {
		g.do("POST", "/v1/cluster/tokens", body).want(400).holds(says)
	}
	g.b.set(func(b *backend) { b.fault = refusal.New(refusal.Forbidden, "Members talk without TLS.") })
	g.do("POST", "/v1/cluster/tokens", `{"id":"n4"}`).want(403).code("forbidden")
	g.do("DELETE", "/v1/cluster/tokens/n4", "").want(403)
}

func TestLivenessDependsOnNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.b.set(func(b *backend) {
		b.leader, b.fault = "", errors.New("all is lost")
		b.ready = map[string]error{"leader": errors.New("none is\nknown"), "disk": errors.New("full")}
	})
	g.do("GET", "/livez", "").want(200).has("Voted-Leader", "")
	g.do("GET", "/readyz", "").want(503).code("unavailable").holds("disk, leader")
	a := g.do("GET", "/readyz?verbose", "").want(503)
	if want := "[+]serving ok\n[-]disk: full\n[-]leader: none is known\n"; a.body != want {
		t.Errorf("verbose says\n%s", a.body)
	}
}

func TestReadinessGoesOffWithDrain(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/readyz", "").want(200)
	g.do("GET", "/readyz?verbose", "").want(200).holds("[+]serving ok\n[+]cluster ok\n")
	g.h.Drain()
	g.do("GET", "/readyz", "").want(503)
	g.do("GET", "/readyz?verbose", "").want(503).holds("[-]serving: ")
	g.do("GET", "/livez", "").want(200)
	g.poll("p", twoOptions) // what is under way is still served
}

func TestTheReferenceAndMetricsAreServed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/openapi.yaml", "").want(200).holds(`"openapi": "3.1.0"`).has("Content-Type", "application/yaml")
	g.do("HEAD", "/openapi.yaml", "").want(200)
	g.poll("p", twoOptions)
	g.cast("p", "v-17", forAnn)
	g.do("PUT", "/v1/polls/p/ballots/v-17", forBo).want(409)
	g.do("GET", "/nowhere", "").want(404)
	a := g.do("GET", "/metrics", "").want(200).lacks("v-17")
	for _, series := range []string{
		`voted_ballots_total{outcome="counted"} 1`, `voted_ballots_total{outcome="already_voted"} 1`,
		`voted_http_requests_total{class="2xx",method="PUT",route="/v1/polls/{poll}/ballots/{voter}"} 1`,
		`voted_http_requests_total{class="4xx",method="PUT",route="/v1/polls/{poll}/ballots/{voter}"} 1`,
		`voted_http_requests_total{class="4xx",method="other",route="unmatched"} 1`,
		`voted_http_request_duration_seconds_count{method="PUT",route="/v1/polls/{poll}"} 1`,
		`voted_build_info{version="test"} 1`,
	} {
		a.holds(series + "\n")
	}
}

func TestRequestsAreLoggedWithoutWhoTheyAreAbout(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/v1/polls/p/ballots/v-17", "", "X-Request-Id", "seen-1").want(404)
	log := g.log.String()
	if !strings.Contains(log, "seen-1") || !strings.Contains(log, "/v1/polls/{poll}/ballots/{voter}") || strings.Contains(log, "v-17") {
		t.Errorf("the log says\n%s", log)
	}
}
