package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"voted/internal/refusal"
)

func TestABackupIsHandedOutWholeOrCutOff(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	if a := g.do("GET", "/v1/backup", "").want(200); a.body != "a backup" {
		t.Errorf("it is %q", a.body)
	}
	g.do("HEAD", "/v1/backup", "").want(200)
	g.do("GET", "/v1/backup", "", "Accept", "text/html").want(406).code("not_acceptable")
	g.b.set(func(b *backend) { b.breaks = errors.New("the disk is gone") })
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("a backup that broke off ends like a whole one")
		}
	}()
	g.do("GET", "/v1/backup", "")
}

func TestARestoreOverDataNeedsTheExactWordsBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const path = "/v1/restore"
	send := func(query string) answer {
		return g.do("POST", path+query, "a backup", "Content-Type", mediaBackup)
	}
	send("").want(200)
	g.do("PUT", "/v1/polls/p", `{"options":["a","b"]}`).want(201)
	g.do("PUT", "/v1/polls/p/ballots/ann", `{"selections":["a"]}`).want(201)
	for _, wrong := range []string{"", "?confirm=yes", "?confirm=" + url.QueryEscape("1 poll and 2 ballots")} {
		a := send(wrong).want(409).code("confirmation_needed")
		if !strings.Contains(a.body, `{"field":"confirm","detail":"1 poll and 1 ballot"}`) {
			t.Errorf("%q: the words to send are missing: %s", wrong, a.body)
		}
	}
	if n := len(g.b.restored); n != 1 {
		t.Fatalf("%d restores reached the cluster", n)
	}
	send("?confirm=" + url.QueryEscape("1 poll and 1 ballot")).want(200)
	if last := g.b.restored[len(g.b.restored)-1]; last != "a backup 1 poll and 1 ballot" {
		t.Errorf("what reached the cluster is %q", last)
	}
}

func TestARestoreThatCannotBeIsRefusedInWords(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("POST", "/v1/restore", "x", "Content-Type", "text/plain").want(415)
	g.do("POST", "/v1/restore?sha256=12", "x", "Content-Type", mediaBackup).want(400).code("malformed_request")
	g.do("GET", "/v1/restore", "").want(405)
	for _, fault := range []*refusal.Error{
		refusal.New(refusal.InvalidBackup, "It is damaged."), refusal.New(refusal.StorageFull, "It is full."),
		refusal.New(refusal.OutcomeUnknown, "Nobody knows."),
	} {
		g.b.set(func(b *backend) { b.restoreFault = fault })
		g.do("POST", "/v1/restore", "x", "Content-Type", mediaBackup).code(fault.Code.String())
	}
}

func TestBackupsAreForAdminsAloneAndAudited(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	for who, want := range map[string]int{"": 401, "gateway": 403, "reader": 403, "metrics": 403, "ann": 403, "admin": 200} {
		g.do("GET", "/v1/backup", "", as(who)...).want(want)
		g.do("POST", "/v1/restore", "x", append(as(who), "Content-Type", mediaBackup)...).want(want)
	}
	for _, method := range []string{"GET", "POST"} {
		for _, template := range []string{"/v1/backup", "/v1/restore"} {
			e := &endpoint{h: g.h, template: template}
			if roles := e.permitted(method); roles != 0 && !e.isAudited(roles, method) {
				t.Errorf("%s %s is not in the audit log", method, template)
			}
		}
	}
}
