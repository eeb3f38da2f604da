package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
	"voted/internal/localcluster"
)

// hookCluster starts one node that calls receivers at these URLs.
func hookCluster(t *testing.T, receivers ...string) *localcluster.Cluster {
	t.Helper()
	allow := []string{"127.0.0.0/8"}
	for _, r := range receivers {
		u, err := url.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		allow = append(allow, u.Port())
	}
	ctx := testContext(t, time.Minute)
	c, err := localcluster.Start(ctx, localcluster.Options{
		Binary: os.Args[0], Env: []string{asVoted + "=1"}, Nodes: 1, Webhooks: allow,
		Args: func(int) []string { return []string{"--log-level", "warn"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWebhooksAreManagedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	c := hookCluster(t, receiver.URL)
	secret, rotated := filepath.Join(t.TempDir(), "erp.secret"), filepath.Join(t.TempDir(), "new.secret")
	add := "webhook add erp " + receiver.URL + "/hooks --type poll.* --poll board-*"
	follow(t, c.Endpoints(), []step{
		{"webhook list", 0, []string{"state"}},
		{"webhook add erp http://127.0.0.1:1/", 1, []string{"url: Port 1 is not one", "--webhook-allow 1"}},
		{"webhook add erp " + receiver.URL + " --type poll.melted", 1, []string{"types[0]: There are no such events"}},
		{add + " -o " + secret, 0, []string{"erp is verifying; its secret is in " + secret}},
		{add, 0, []string{"whsec_"}},
		{"webhook add erp " + receiver.URL, 1, []string{"another definition"}},
		{"webhook pause erp", 0, []string{"erp is paused: paused by an administrator"}},
		{"webhook ping erp", 0, []string{"erp answers 204 from 127.0.0.1:"}},
		{"webhook rotate erp --overlap 1h -o " + rotated, 0, []string{"its secret is in " + rotated}},
		{"webhook rotate erp --overlap 1.5s", 2, []string{"whole seconds"}},
		{"webhook show erp", 0, []string{receiver.URL, "paused by an administrator", "signs too until", "poll.closed"}},
		{"webhook show erp --json", 0, []string{`"id":"erp"`}},
		{"webhook resume erp", 0, []string{"erp is "}},
		{"webhook redeliver erp", 2, []string{"--after with a number"}},
		{"webhook redeliver erp --after 0", 0, []string{"0 events wait"}},
		{"webhook redeliver erp evt_x_1", 1, []string{"events[0]: It is no id of an event of this cluster"}},
		{"webhook add erp " + receiver.URL + " --replace", 0, []string{"erp is ", "whsec_"}},
		{"webhook list", 0, []string{"erp", receiver.URL}},
		{"webhook attempts erp", 0, []string{"result"}},
		{"webhook rm erp", 0, []string{"nothing more is sent to erp"}},
		{"webhook rm erp --json", 0, []string{`{"deleted":"erp"}`}},
		{"webhook show erp", 1, []string{"no webhook with this id"}},
		{"webhook add erp " + receiver.URL + " --from then", 2, []string{"--from is now, oldest"}},
	})
	var secrets []string
	for _, file := range []string{secret, rotated} {
		b, err := os.ReadFile(file)
		info, missing := os.Stat(file)
		if err != nil || missing != nil || !strings.HasPrefix(string(b), "whsec_") || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s holds %d bytes with mode %v: %v", file, len(b), info.Mode(), err)
		}
		secrets = append(secrets, string(b))
	}
	// What is printed for programs has the secret only where no file has it.
	for args, printed := range map[string]bool{" --json": true, " --json -o " + secret: false} {
		got := voted(strings.Fields("webhook add other " + receiver.URL + args + " --endpoint " + c.Endpoints()[0])...)
		if got.code != 0 || !strings.Contains(got.out, `"id":"other"`) || strings.Contains(got.out, "whsec_") != printed {
			t.Errorf("webhook add%s: exit %d, %s", args, got.code, got.out)
		}
	}
	if b, err := os.ReadFile(secret); err != nil || !strings.HasPrefix(string(b), "whsec_") {
		t.Errorf("the file holds %d bytes: %v", len(b), err)
	}
	if secrets[0] == secrets[1] {
		t.Error("a rotation gives the same secret")
	}
}

// A secret that cannot be written is not made.
func TestAFileThatCannotBeWrittenIsSaidBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(s.Close)
	got := voted("webhook", "add", "erp", "https://a.example", "-o", filepath.Join(t.TempDir(), "none", "x"), "--endpoint", s.URL)
	if got.code != 2 || asked || !strings.Contains(got.errout, "none") {
		t.Errorf("it exits %d, asked the node: %t, and says %s", got.code, asked, got.errout)
	}
}

func TestAWebhookIsShownWithWhatWaitsFailsAndWasGivenUp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	w := client.Webhook{
		ID: "erp", URL: "https://a.example", State: "disabled", Reason: "it answered 410 Gone", Rate: 20, Cursor: 41,
		LagEvents: 3, LagSeconds: 90, FailingSince: at, DeadLetters: 1, Redelivering: 2,
		Dead: []client.DeadLetter{{Event: "evt_c_7", At: at, Status: 404}, {Event: "evt_c_8", At: at, Fault: "timeout", Redelivered: true}},
	}
	var b bytes.Buffer
	o := display.Fixed(&b, 200, false)
	showWebhook(o, w, clock.Local(true))
	showDead(o, w.Dead, clock.Local(true))
	showAttempts(o, []client.WebhookAttempt{
		{At: at, Attempt: 1, Result: "ok", Status: 204, Milliseconds: 12},
		{At: at, Event: "evt_c_9", Number: 9, Attempt: 2, Result: "failed", Failure: "It answered 500.", NextAt: at},
	}, clock.Local(true))
	for _, want := range []string{
		"it answered 410 Gone", "all events up to 41", "3 events for 1m30s", "since 2026-12-01 12:00", "1 event given up",
		"2 events to be sent once more", "evt_c_7", "404", "evt_c_8", "timeout", "delivered since", "ping", "evt_c_9", "It answered 500. Again at",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
}
