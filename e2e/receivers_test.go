package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// receiver is an endpoint of webhooks on this machine. It keeps what comes, and answers with
// what answer writes, or 204.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivery                                   // guarded by mu
	answer func(w http.ResponseWriter, d delivery) bool // guarded by mu; false: with 204
	news   chan struct{}                                // of capacity 1
}

// delivery is a request that a receiver got.
type delivery struct {
	at     time.Time
	header http.Header
	body   []byte
	event  client.WebhookEvent // not verified
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{news: make(chan struct{}, 1)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	d := delivery{at: time.Now(), header: q.Header.Clone(), body: body}
	if q.Method != http.MethodPost || err != nil || json.Unmarshal(body, &d.event) != nil {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	r.mu.Lock()
	r.got = append(r.got, d)
	answer := r.answer
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	if answer == nil || !answer(w, d) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// answers sets how events are answered; pings are taken.
func (r *receiver) answers(answer func(w http.ResponseWriter, d delivery) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(w http.ResponseWriter, d delivery) bool {
		return d.event.Type != "webhook.ping" && answer != nil && answer(w, d)
	}
}

// events returns what came, without pings.
func (r *receiver) events() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.got), func(d delivery) bool { return d.event.Type == "webhook.ping" })
}

// await returns what came, as soon as there are n events.
func (r *receiver) await(t *testing.T, n int) []delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if all := r.events(); len(all) >= n {
			return all
		}
		select {
		case <-r.news:
		case <-ctx.Done():
			t.Fatalf("%d of %d events came", len(r.events()), n)
		}
	}
}

// said lists the events that came as type and poll.
func listed(all []delivery) (list []string) {
	for _, d := range all {
		list = append(list, d.event.Type+" "+d.event.Poll)
	}
	return list
}

// calling is a cluster that sends webhooks to receivers.
type calling struct {
	*localcluster.Cluster
	cl *client.Client
}

// startCalling starts a cluster that may call the receivers.
func startCalling(t *testing.T, program string, nodes int, to ...*receiver) calling {
	t.Helper()
	allow := []string{"127.0.0.0/8"}
	for _, r := range to {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		allow = append(allow, u.Port())
	}
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: program, Nodes: nodes, Dir: t.TempDir(), Webhooks: allow})
	if err != nil {
		t.Fatal(err)
	}
	stopsAtTheEnd(t, c)
	ready(t, c)
	return calling{c, dial(t, c.Endpoints()...)}
}

// add adds a webhook for the events of one poll, and returns its secret.
func (h calling) add(t *testing.T, id string, to *receiver, types ...string) string {
	t.Helper()
	w, err := h.cl.PutWebhook(t.Context(), id, client.WebhookDefinition{URL: to.URL + "/", Polls: []string{id}, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	return w.Secret
}

// until waits until a webhook is as it must be.
func (h calling) until(t *testing.T, id string, is func(w client.Webhook) bool) (w client.Webhook) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if w, err = h.cl.Webhook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if is(w) {
			return w
		}
		if time.Now().After(deadline) {
			t.Fatalf("the webhook is %s", w.Raw)
		}
	}
}

// verified checks deliveries by a secret.
func verified(t *testing.T, secret string, all ...delivery) {
	t.Helper()
	for _, d := range all {
		if _, err := client.VerifyWebhook(secret, d.header, d.body, time.Hour); err != nil {
			t.Errorf("%s: %v", d.header.Get("Webhook-Id"), err)
		}
	}
}

// What a receiver sees, whoever wrote it: requests, and nothing of the cluster's inside.
func TestWebhooksAsTheirReceiversSeeThem(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		run  func(t *testing.T, h calling, id string, to *receiver)
	}{
		{"a retry has the same id and body and a time of its own", aRetry},
		{"a receiver that is gone is left alone until somebody resumes", aGoneReceiver},
		{"Retry-After is waited for", aRetryAfter},
		{"the events of a hidden poll have no counts before it closes", aHiddenPoll},
		{"the results of a closing are those of the poll", aClosing},
		{"an event is sent once more under its id", aRedelivery},
		{"both secrets sign while one is rotated", aRotation},
		{"what is deleted gets nothing more", aDeletion},
		{"what waits at a pause is sent after it", aPause},
	}
	to := make([]*receiver, len(cases))
	for i := range to {
		to[i] = newReceiver(t)
	}
	h := startCalling(t, binary, 3, to...)
	t.Run("each", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, h, fmt.Sprint("p", i), to[i])
			})
		}
	})
}

func aRetry(t *testing.T, h calling, id string, to *receiver) {
	to.answers(func(w http.ResponseWriter, _ delivery) bool {
		if len(to.events()) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	secret := h.add(t, id, to, "poll.created")
	createPoll(t, h.cl, client.Definition{ID: id})
	all := to.await(t, 3)[:3]
	verified(t, secret, all...)
	for i, d := range all {
		if d.header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") || !bytes.Equal(d.body, all[0].body) ||
			d.header.Get("Voted-Attempt") != fmt.Sprint(i+1) || len(d.body) > 20_000 {
			t.Errorf("attempt %d is %v %s, the first one was %v %s", i+1, d.header, d.body, all[0].header, all[0].body)
		}
	}
	if first, third := all[0].header.Get("Webhook-Timestamp"), all[2].header.Get("Webhook-Timestamp"); first >= third {
		t.Errorf("the first attempt was signed at %s, the third at %s", first, third)
	}
	h.until(t, id, func(w client.Webhook) bool { return w.FailingSince.IsZero() && w.LagEvents == 0 })
	a, err := h.cl.WebhookAttempts(t.Context(), id)
	if err != nil || !slices.ContainsFunc(a.Attempts, func(a client.WebhookAttempt) bool { return a.Status == 500 && !a.NextAt.IsZero() }) {
		t.Errorf("the attempts are %s: %v", a.Raw, err)
	}
}

func aGoneReceiver(t *testing.T, h calling, id string, to *receiver) {
	to.answers(func(w http.ResponseWriter, d delivery) bool {
		if strings.Contains(string(d.body), id+"-told") || d.event.Type == "webhook.disabled" {
			return false
		}
		w.WriteHeader(http.StatusGone)
		return true
	})
	h.add(t, id, to, "poll.created")
	// Others are told; these events are about no poll, so they come whatever polls are named.
	if _, err := h.cl.PutWebhook(t.Context(), id+"-told", client.WebhookDefinition{URL: to.URL + "/told", Types: []string{"webhook.disabled"}}); err != nil {
		t.Fatal(err)
	}
	h.until(t, id+"-told", func(w client.Webhook) bool { return w.State == "enabled" })
	createPoll(t, h.cl, client.Definition{ID: id})
	gone := h.until(t, id, func(w client.Webhook) bool { return w.State == "disabled" })
	if !strings.Contains(gone.Reason, "410") || gone.LagEvents != 1 {
		t.Errorf("it is %s", gone.Raw)
	}
	if all := to.await(t, 2); !slices.Equal(listed(all), []string{"poll.created " + id, "webhook.disabled "}) {
		t.Errorf("what came is %q", listed(all))
	}
	to.answers(nil)
	goOn := false
	if _, err := h.cl.PatchWebhook(t.Context(), id, client.WebhookPatch{Paused: &goOn}); err != nil {
		t.Fatal(err)
	}
	if all := to.await(t, 3); !bytes.Equal(all[2].body, all[0].body) {
		t.Errorf("it goes on with %s, and not with %s", all[2].body, all[0].body)
	}
}

func aRetryAfter(t *testing.T, h calling, id string, to *receiver) {
	to.answers(func(w http.ResponseWriter, _ delivery) bool {
		if len(to.events()) > 1 {
			return false
		}
		w.Header().Set("Retry-After", "3") // more than the first delay, however it is drawn
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	h.add(t, id, to, "poll.created")
	createPoll(t, h.cl, client.Definition{ID: id})
	if all := to.await(t, 2); all[1].at.Sub(all[0].at) < 3*time.Second {
		t.Errorf("it came again after %v", all[1].at.Sub(all[0].at))
	}
}

func aHiddenPoll(t *testing.T, h calling, id string, to *receiver) {
	h.add(t, id, to, "*", "ballots.counted")
	createPoll(t, h.cl, client.Definition{ID: id, Results: client.ResultsAfterClose, Quorum: 1})
	for v := range 2 {
		if _, err := h.cl.Cast(t.Context(), id, fmt.Sprint("v", v), client.Choose("ann")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.cl.ClosePoll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	all := to.await(t, 4)
	for _, d := range all[:2] {
		if bytes.Contains(d.body, []byte(`"ballots"`)) || bytes.Contains(d.body, []byte(`"results"`)) {
			t.Errorf("before the close comes %s", d.body)
		}
	}
	if !strings.HasPrefix(listed(all)[0], "poll.created") || !strings.HasPrefix(listed(all)[1], "poll.opened") {
		t.Errorf("what came is %q", listed(all))
	}
	if !bytes.Contains(bytes.Join([][]byte{all[2].body, all[3].body}, nil), []byte(`"ballots":2`)) {
		t.Errorf("at the close came %s %s", all[2].body, all[3].body)
	}
}

func aClosing(t *testing.T, h calling, id string, to *receiver) {
	secret := h.add(t, id, to, "poll.closed")
	createPoll(t, h.cl, client.Definition{ID: id})
	for v := range 3 {
		if _, err := h.cl.Cast(t.Context(), id, fmt.Sprint("v", v), client.Choose([]string{"ann", "ann", "bo"}[v])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.cl.ClosePoll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	d := to.await(t, 1)[0]
	verified(t, secret, d)
	var sent struct {
		Data struct {
			Ballots int
			Results map[string]any
		}
	}
	var asked map[string]any
	var b bytes.Buffer
	if _, err := h.cl.ResultsAs(t.Context(), id, client.Linearizable, "", &b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(d.body, &sent), json.Unmarshal(b.Bytes(), &asked)); err != nil {
		t.Fatal(err)
	}
	if at := asked["closed_index"]; sent.Data.Results["index"] != at {
		t.Errorf("results in an event are of index %v, which must stay the same: want %v", sent.Data.Results["index"], at)
	}
	delete(asked, "index") // of the moment at which they were asked for
	delete(sent.Data.Results, "index")
	if sent.Data.Ballots != 3 || !reflect.DeepEqual(sent.Data.Results, asked) {
		t.Errorf("sent are\n%s, asked for are\n%s", d.body, &b)
	}
}

func aRedelivery(t *testing.T, h calling, id string, to *receiver) {
	h.add(t, id, to, "poll.created")
	createPoll(t, h.cl, client.Definition{ID: id})
	first := to.await(t, 1)[0]
	h.until(t, id, func(w client.Webhook) bool { return w.LagEvents == 0 })
	if _, err := h.cl.RedeliverWebhook(t.Context(), id, first.event.ID); err != nil {
		t.Fatal(err)
	}
	again := to.await(t, 2)[1]
	if again.header.Get("Webhook-Id") != first.header.Get("Webhook-Id") || !bytes.Equal(again.body, first.body) {
		t.Errorf("first came %s, then %s", first.body, again.body)
	}
	h.until(t, id, func(w client.Webhook) bool { return w.Redelivering == 0 })
}

func aRotation(t *testing.T, h calling, id string, to *receiver) {
	old := h.add(t, id, to, "poll.*")
	w, err := h.cl.RotateWebhook(t.Context(), id, time.Hour)
	if err != nil || w.Secret == old || w.PreviousUntil.IsZero() {
		t.Fatalf("%s: %v", w.Raw, err)
	}
	createPoll(t, h.cl, client.Definition{ID: id})
	both := to.await(t, 2)
	verified(t, old, both...)
	verified(t, w.Secret, both...)
	last, err := h.cl.RotateWebhook(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.cl.ClosePoll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	closed := to.await(t, 3)[2]
	verified(t, last.Secret, closed)
	for _, ended := range []string{old, w.Secret} {
		if _, err := client.VerifyWebhook(ended, closed.header, closed.body, time.Hour); err == nil {
			t.Error("a secret that has ended signs")
		}
	}
}

func aDeletion(t *testing.T, h calling, id string, to *receiver) {
	h.add(t, id, to, "poll.*")
	createPoll(t, h.cl, client.Definition{ID: id})
	to.await(t, 2)
	h.until(t, id, func(w client.Webhook) bool { return w.LagEvents == 0 })
	for range 2 {
		if err := h.cl.DeleteWebhook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.cl.ClosePoll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// A webhook that is added after the close gets it, and so would the one before.
	if _, err := h.cl.PutWebhook(t.Context(), id+"-next", client.WebhookDefinition{
		URL: to.URL + "/next", Polls: []string{id}, Types: []string{"poll.closed"}, From: "oldest",
	}); err != nil {
		t.Fatal(err)
	}
	if all := to.await(t, 3); len(all) != 3 || all[2].event.Type != "poll.closed" {
		t.Errorf("what came is %q", listed(all))
	}
}

func aPause(t *testing.T, h calling, id string, to *receiver) {
	h.add(t, id, to, "poll.created", "poll.closed")
	h.until(t, id, func(w client.Webhook) bool { return w.State == "enabled" })
	pause := true
	if _, err := h.cl.PatchWebhook(t.Context(), id, client.WebhookPatch{Paused: &pause}); err != nil {
		t.Fatal(err)
	}
	createPoll(t, h.cl, client.Definition{ID: id})
	if w := h.until(t, id, func(w client.Webhook) bool { return w.LagEvents == 1 }); w.State != "paused" || len(to.events()) != 0 {
		t.Errorf("%d events came; the webhook is %s", len(to.events()), w.Raw)
	}
	pause = false
	if _, err := h.cl.PatchWebhook(t.Context(), id, client.WebhookPatch{Paused: &pause}); err != nil {
		t.Fatal(err)
	}
	to.await(t, 1)
}

// A receiver that hangs holds up nobody but itself.
func TestAReceiverThatHangsDelaysNoOther(t *testing.T) {
	t.Parallel()
	hanging, well := newReceiver(t), newReceiver(t)
	h := startCalling(t, binary, 1, hanging, well)
	hung, release := make(chan struct{}, 100), make(chan struct{})
	t.Cleanup(func() { close(release) }) // before the receiver closes
	hanging.answers(func(http.ResponseWriter, delivery) bool {
		hung <- struct{}{}
		<-release
		return false
	})
	for id, to := range map[string]*receiver{"hanging": hanging, "well": well} {
		if _, err := h.cl.PutWebhook(t.Context(), id, client.WebhookDefinition{URL: to.URL, Types: []string{"poll.created"}, Rate: 100}); err != nil {
			t.Fatal(err)
		}
	}
	createPoll(t, h.cl, client.Definition{ID: "first"})
	<-hung
	for n := range 10 {
		createPoll(t, h.cl, client.Definition{ID: fmt.Sprint("p", n)})
	}
	if all := well.await(t, 11); len(hanging.events()) > 2 {
		t.Errorf("%d events came to the one, and %d to the one that hangs", len(all), len(hanging.events()))
	}
}

// A backup that is looked at elsewhere must not call anybody.
func TestAfterARestoreNoReceiverIsCalledUntilSomebodySaysSo(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	h := startCalling(t, binary, 1, to)
	h.add(t, "p", to, "poll.*")
	createPoll(t, h.cl, client.Definition{ID: "p"})
	to.await(t, 2)
	h.until(t, "p", func(w client.Webhook) bool { return w.LagEvents == 0 })
	var backup bytes.Buffer
	if _, err := h.cl.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if _, err := h.cl.Restore(t.Context(), client.RestoreBackup{
		Confirm: "1 poll and 0 ballots",
		Open:    func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(backup.Bytes())), nil },
	}); err != nil {
		t.Fatal(err)
	}
	w, err := h.cl.Webhook(t.Context(), "p")
	if err != nil || w.State != "paused" || w.Reason != "restored from a backup" {
		t.Fatalf("it is %s: %v", w.Raw, err)
	}
	if _, err := h.cl.ClosePoll(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if all := to.events(); len(all) != 2 {
		t.Errorf("what came is %q", listed(all))
	}
	goOn := false
	if _, err := h.cl.PatchWebhook(t.Context(), "p", client.WebhookPatch{Paused: &goOn}); err != nil {
		t.Fatal(err)
	}
	if all := to.await(t, 3); all[2].event.Type != "poll.closed" {
		t.Errorf("what came is %q", listed(all))
	}
}

// Members of two builds must not see different webhooks.
func TestWebhooksWaitUntilEveryMemberReadsThem(t *testing.T) {
	t.Parallel()
	h := startCalling(t, laterBuild(t, todaysLevel-1), 3)
	today := h.Nodes[0]
	restartWith(t, today, binary)
	ready(t, h.Cluster)
	status, body := request(t, "PUT", today.URL+"/v1/webhooks/w", `{"url":"https://127.0.0.1:8443/"}`, "Content-Type", "application/json")
	if says := fmt.Sprintf("reads formats up to level %d", todaysLevel-1); status.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, says) {
		t.Errorf("it is answered with %d %s", status.StatusCode, body)
	}
}
