package api

import (
	"net/http"
	"testing"
)

// A cluster that was founded again from a backup reaches indexes that the first one
// used for something else.
func TestWhatWasSeenOfAnotherClusterSaysNothingHere(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.b.set(func(b *backend) { b.cluster = "first" })
	g.poll("p", twoOptions)
	g.poll("q", twoOptions)
	g.cast("p", "v", forAnn)
	seen := g.follow(g.serve(), "p")
	seen.block()
	id, _ := seen.event()
	if id != "3-first" {
		t.Fatalf("the first event is %q", id)
	}
	tag := g.do("GET", "/v1/polls/p/results", "").want(200).header.Get("ETag")
	token := "/v1/polls?page_size=1&page_token=" + g.do("GET", "/v1/polls?page_size=1", "").want(200).json()["next_page_token"].(string)

	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", tag).want(304)
	g.do("GET", token, "").want(200)
	again := g.follow(g.serve(), "p", "Last-Event-ID", id)
	again.block()
	g.cast("p", "w", forAnn)
	if next, _ := again.event(); next != "4-first" {
		t.Errorf("who has seen %s of this cluster is sent %q next", id, next)
	}

	// The same state under the same indexes, in another life.
	g.b.set(func(b *backend) { b.cluster = "second" })
	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", tag).want(200)
	g.do("GET", token, "").want(400).holds("of this cluster")
	for _, id := range []string{id, "4-first", "4", "4-", "90210-first"} {
		other := g.follow(g.serve(), "p", "Last-Event-ID", id)
		other.block()
		if next, _ := other.event(); next != "4-second" {
			t.Errorf("who has seen %s of another cluster is sent %q", id, next)
		}
	}
	g.close("p")
	if f := g.follow(g.serve(), "p", "Last-Event-ID", "5-first"); f.resp.StatusCode != http.StatusOK {
		t.Errorf("who has seen the end in another cluster is answered %d", f.resp.StatusCode)
	}
	if f := g.follow(g.serve(), "p", "Last-Event-ID", "5-second"); f.resp.StatusCode != http.StatusNoContent {
		t.Errorf("who has seen the end here is answered %d", f.resp.StatusCode)
	}
}
