package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLeaderLogsARequestUnderTheIDThatTheNodeWhichTookItHas(t *testing.T) {
	t.Parallel()
	audits := t.TempDir()
	c := newTrio(t, func(o *Options) { o.Audit = filepath.Join(audits, o.ID) })
	follower, _ := c.places()
	for _, r := range []struct{ id, method, path, body, media, call string }{
		{"make-1", "PUT", "/v1/polls/p", `{"options":["ann","bo"]}`, "application/json", "execute"},
		{"bulk-1", "POST", "/v1/polls/p/ballots", `{"voter":"v1","selections":["ann"]}`, "application/x-ndjson", "propose"},
		{"read-1", "GET", "/v1/polls/p/results", "", "", "read-index"},
		{"remove-1", "DELETE", "/v1/cluster/members/n9", "", "", "change"}, // it is not there: done
	} {
		header := []string{"X-Request-Id", r.id}
		if r.media != "" {
			header = append(header, "Content-Type", r.media)
		}
		c.do(follower, r.method, r.path, r.body, header...)
		if len(c.elsewhere(follower, "request_id="+r.id, "call="+r.call)) == 0 {
			t.Errorf("%s: the leader has no line about %s", r.id, r.call)
		}
		if len(c.logs[follower].with("request_id="+r.id)) == 0 {
			t.Errorf("%s: the node that took it has no line", r.id)
		}
	}
	audit, err := os.ReadFile(filepath.Join(audits, follower))
	must(t, err)
	for _, id := range []string{"make-1", "remove-1"} {
		if !strings.Contains(string(audit), `"request_id":"`+id+`"`) {
			t.Errorf("the audit log does not name %s:\n%s", id, audit)
		}
	}
}

func TestSingleBallotsTravelUnderTheIDOfTheirBatch(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	follower, _ := c.places()
	c.do(follower, "PUT", "/v1/polls/p", `{"options":["ann","bo"]}`)
	c.do(follower, "PUT", "/v1/polls/p/ballots/v1", `{"selections":["ann"]}`, "X-Request-Id", "mine-1")
	if len(c.elsewhere(follower, "call=propose", "request_id="+follower+"-")) == 0 {
		t.Error("the leader has no line about the batch")
	}
	if len(c.elsewhere(follower, "mine-1")) > 0 {
		t.Error("the ballot's own id travelled")
	}
}
