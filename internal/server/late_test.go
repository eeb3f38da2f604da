package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

// lateFirst is a network that holds back the first change it is given, tells its sender
// that the connection broke, and delivers it when it is told to.
type lateFirst struct {
	http.RoundTripper
	mu   sync.Mutex
	held *http.Request // guarded by mu
	body []byte        // of held; guarded by mu
	sent []string      // the changes it was given; guarded by mu
}

func (l *lateFirst) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return l.RoundTripper.RoundTrip(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, r.Method+" "+r.URL.Path)
	if l.held != nil {
		return l.RoundTripper.RoundTrip(r)
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		l.body = body
		_ = r.Body.Close() // it has been read
	}
	l.held = r.Clone(context.Background())
	return nil, errors.New("the connection broke after the request was sent")
}

// deliver sends what was held back and returns the status of the answer.
func (l *lateFirst) deliver(t *testing.T) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		t.Fatal("the call changed nothing")
	}
	r := l.held
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(l.body)), int64(len(l.body))
	resp, err := l.RoundTripper.RoundTrip(r)
	must(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode
}

// soloURL starts a cluster of one and returns where it is served.
func soloURL(t *testing.T) string {
	t.Helper()
	peer := portstest.Addr(t)
	o := Options{
		ID: "n1", DataDir: filepath.Join(t.TempDir(), "n1"), API: "127.0.0.1:0", Peer: peer,
		Cluster: []survey.Peer{{ID: "n1", Addr: peer}}, Logger: quietLog,
	}
	withHooks(t)(&o)
	s, err := New(o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s.URL()
}

// changed is a call that the client repeats, and what another client does after it.
type changed struct {
	before, call, other func(l *late) error
}

// late is one try of a changed: the poll is its own.
type late struct {
	ctx    context.Context
	c      *client.Client // whose first change comes late
	plain  *client.Client
	poll   string
	backup []byte
}

func (l *late) create(change func(d *client.Definition)) error {
	d := client.Definition{ID: l.poll, Options: client.Options("ann", "bo"), Revote: client.RevoteUntilClose}
	if change != nil {
		change(&d)
	}
	_, err := l.plain.CreatePoll(l.ctx, d)
	return err
}

func (l *late) open() error { return l.create(nil) }

func (l *late) rolled() error {
	return l.create(func(d *client.Definition) { d.Eligibility = client.OnRoll })
}

func (l *late) retitle(c *client.Client, title string) error {
	_, err := c.PatchPoll(l.ctx, l.poll, client.Patch{Title: &title})
	return err
}

func (l *late) load(c *client.Client, weight uint32) error {
	_, err := c.LoadRoll(l.ctx, l.poll, slices.Values([]client.RollEntry{{Voter: "v", Weight: weight}}), nil)
	return err
}

func (l *late) cast(c *client.Client, option string, version uint64) error {
	var err error
	if version == 0 {
		_, err = c.Cast(l.ctx, l.poll, "v", client.Choose(option))
	} else {
		_, err = c.Replace(l.ctx, l.poll, "v", client.Choose(option), version)
	}
	return err
}

func (l *late) restore(c *client.Client) error {
	sum := sha256.Sum256(l.backup)
	order := client.RestoreBackup{
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l.backup)), nil },
		Size: int64(len(l.backup)), SHA256: hex.EncodeToString(sum[:]), Confirm: "1 poll and 0 ballots",
	}
	_, err := c.Restore(l.ctx, order)
	return err
}

// tomorrow is one time for all requests: another would be another schedule.
var tomorrow = time.Now().Add(24 * time.Hour)

// schedule has the poll closed in a day.
func (l *late) schedule(c *client.Client) error {
	_, err := c.Schedule(l.ctx, l.poll, client.Scheduled{At: tomorrow, Close: l.poll})
	return err
}

// hook is a webhook for the events of the poll. Nobody is there to get them.
var hook = client.WebhookDefinition{URL: "https://127.0.0.1:8443/", Types: []string{"poll.*"}}

// addHook adds the webhook.
func (l *late) addHook(c *client.Client) error {
	d := hook
	d.Polls = []string{l.poll}
	_, err := c.PutWebhook(l.ctx, l.poll, d)
	return err
}

// hooked makes the poll, then the webhook. The first webhook of a cluster raises its format
// level, from which on there are events.
func (l *late) hooked() error {
	_, err := l.plain.PutWebhook(l.ctx, "first", hook)
	return errors.Join(err, l.open(), l.addHook(l.plain))
}

func (l *late) pauseHook(c *client.Client, paused bool) error {
	_, err := c.PatchWebhook(l.ctx, l.poll, client.WebhookPatch{Paused: &paused})
	return err
}

func (l *late) rotate(c *client.Client) error {
	_, err := c.RotateWebhook(l.ctx, l.poll, time.Hour)
	return err
}

// replaceHook deletes the webhook and adds it once more.
func (l *late) replaceHook() error {
	return errors.Join(l.plain.DeleteWebhook(l.ctx, l.poll), l.addHook(l.plain))
}

// redeliver has an event of the poll sent once more.
func (l *late) redeliver() error {
	for e, err := range l.plain.Events(l.ctx, client.EventsQuery{Polls: []string{l.poll}}) {
		if err == nil {
			_, err = l.c.RedeliverWebhook(l.ctx, l.poll, e.ID)
		}
		return err
	}
	return errors.New("the poll has no event")
}

// hookPicture is what administrators decided about the webhook.
func (l *late) hookPicture(t *testing.T) string {
	t.Helper()
	w, err := l.plain.Webhook(l.ctx, l.poll)
	if errors.Is(err, client.CodeWebhookNotFound) {
		return "no webhook"
	}
	must(t, err)
	secret, err := l.plain.PutWebhook(l.ctx, l.poll, client.WebhookDefinition{URL: w.URL, Types: w.Types, Polls: w.Polls})
	must(t, err)
	return fmt.Sprint(w.URL, w.Revision, w.State == "paused", w.Redelivering, w.PreviousUntil, secret.Secret)
}

// repeated are the methods of a Client that repeat a change by themselves.
var repeated = map[string]changed{
	"CreatePoll": {
		call: func(l *late) error {
			_, err := l.c.CreatePoll(l.ctx, client.Definition{ID: l.poll, Options: client.Options("ann", "bo")})
			return err
		},
		other: func(l *late) error { return l.retitle(l.plain, "new") },
	},
	"CreatePollWithKey": {
		call: func(l *late) error {
			p, err := l.c.CreatePollWithKey(l.ctx, "", client.Definition{Options: client.Options("ann", "bo")})
			l.poll = p.ID
			return err
		},
		other: func(l *late) error { return l.retitle(l.plain, "new") },
	},
	"DrawLot": {
		before: func(l *late) error {
			err := l.create(func(d *client.Definition) { d.TieBreak = client.TiesByLot })
			if err == nil {
				_, err = l.plain.ClosePoll(l.ctx, l.poll)
			}
			return err
		},
		call: func(l *late) error {
			_, err := l.c.DrawLot(l.ctx, l.poll, client.Lot{Order: []string{"bo", "ann"}})
			return err
		},
		other: func(l *late) error { return l.plain.DeletePoll(l.ctx, l.poll) },
	},
	"PatchPoll": {
		before: (*late).open,
		call:   func(l *late) error { return l.retitle(l.c, "mine") },
		other:  func(l *late) error { return l.retitle(l.plain, "theirs") },
	},
	"Schedule": {
		before: (*late).open,
		call:   func(l *late) error { return l.schedule(l.c) },
		other:  func(l *late) error { return l.plain.Unschedule(l.ctx, l.poll) },
	},
	"Unschedule": {
		before: func(l *late) error { return errors.Join(l.open(), l.schedule(l.plain)) },
		call:   func(l *late) error { return l.c.Unschedule(l.ctx, l.poll) },
		other:  func(l *late) error { return l.schedule(l.plain) }, // its id stays taken
	},
	"PutWebhook": {
		before: (*late).open,
		call:   func(l *late) error { return l.addHook(l.c) },
		other:  func(l *late) error { return l.plain.DeleteWebhook(l.ctx, l.poll) },
	},
	"PatchWebhook": {
		before: (*late).hooked,
		call:   func(l *late) error { return l.pauseHook(l.c, true) },
		other:  func(l *late) error { return l.pauseHook(l.plain, false) },
	},
	"DeleteWebhook": {
		before: (*late).hooked,
		call:   func(l *late) error { return l.c.DeleteWebhook(l.ctx, l.poll) },
		other:  func(l *late) error { return l.addHook(l.plain) },
	},
	"RotateWebhook": {
		before: (*late).hooked,
		call:   func(l *late) error { return l.rotate(l.c) },
		other:  func(l *late) error { return l.rotate(l.plain) },
	},
	"RedeliverWebhook": {
		before: (*late).hooked,
		call:   (*late).redeliver,
		other:  (*late).replaceHook,
	},
	"RedeliverWebhookAfter": {
		before: (*late).hooked,
		call:   func(l *late) error { _, err := l.c.RedeliverWebhookAfter(l.ctx, l.poll, 0); return err },
		other:  (*late).replaceHook,
	},
	"ClosePoll": {
		before: (*late).open,
		call:   func(l *late) error { _, err := l.c.ClosePoll(l.ctx, l.poll); return err },
		other:  func(l *late) error { return l.plain.DeletePoll(l.ctx, l.poll) },
	},
	"DeletePoll": {
		before: func(l *late) error {
			err := l.open()
			if err == nil {
				_, err = l.plain.ClosePoll(l.ctx, l.poll)
			}
			return err
		},
		call: func(l *late) error { return l.c.DeletePoll(l.ctx, l.poll) },
		other: func(l *late) error {
			if err := l.open(); !errors.Is(err, client.CodePollExists) {
				return fmt.Errorf("the id of a deleted poll was used again: %w", err)
			}
			return nil
		},
	},
	"Cast": {
		before: (*late).open,
		call:   func(l *late) error { return l.cast(l.c, "ann", 0) },
		other:  func(l *late) error { return l.cast(l.plain, "bo", 1) },
	},
	"Replace": {
		before: func(l *late) error { return errors.Join(l.open(), l.cast(l.plain, "ann", 0)) },
		call:   func(l *late) error { return l.cast(l.c, "bo", 1) },
		other:  func(l *late) error { return l.cast(l.plain, "ann", 2) },
	},
	"CastMany": {
		before: (*late).open,
		call: func(l *late) error {
			var all []error
			votes := slices.Values([]client.BulkBallot{{Voter: "v", Ballot: client.Choose("ann")}})
			for a, err := range l.c.CastMany(l.ctx, l.poll, votes) {
				all = append(all, err, a.Err())
			}
			return errors.Join(all...)
		},
		other: func(l *late) error { return l.cast(l.plain, "bo", 1) },
	},
	"LoadRoll": {
		before: (*late).rolled,
		call:   func(l *late) error { return l.load(l.c, 3) },
		other:  func(l *late) error { return l.load(l.plain, 5) },
	},
	"DropVoter": {
		before: func(l *late) error { return errors.Join(l.rolled(), l.load(l.plain, 3)) },
		call:   func(l *late) error { return l.c.DropVoter(l.ctx, l.poll, "v") },
		other:  func(l *late) error { return l.load(l.plain, 3) },
	},
	"Restore": {
		before: func(l *late) error {
			if err := l.open(); err != nil {
				return err
			}
			var b bytes.Buffer
			_, err := l.plain.Backup(l.ctx, &b)
			l.backup = b.Bytes()
			return errors.Join(err, l.retitle(l.plain, "before"))
		},
		call:  func(l *late) error { return l.restore(l.c) },
		other: func(l *late) error { return l.retitle(l.plain, "after") },
	},
}

// once are the methods that change something and repeat it only where nothing happened.
var once = map[string]func(ctx context.Context, c *client.Client) error{
	"AddMember":    func(ctx context.Context, c *client.Client) error { return c.AddMember(ctx, "n4", "127.0.0.1:1") },
	"RemoveMember": func(ctx context.Context, c *client.Client) error { return c.RemoveMember(ctx, "n4") },
	"NewJoinToken": func(ctx context.Context, c *client.Client) error {
		_, err := c.NewJoinToken(ctx, "n4", time.Hour)
		return err
	},
	"RevokeJoinTokens":   func(ctx context.Context, c *client.Client) error { return c.RevokeJoinTokens(ctx, "n4") },
	"TransferLeadership": func(ctx context.Context, c *client.Client) error { return c.TransferLeadership(ctx, "n1") },
	"PingWebhook":        func(ctx context.Context, c *client.Client) error { _, err := c.PingWebhook(ctx, "w"); return err },
}

// readers are the methods that change nothing at the service.
var readers = []string{
	"Audit", "AuditBallots", "Backup", "BallotsAfter", "Close", "Cluster", "ClusterAt", "Endpoints", "Enrolled", "EventPage", "Events", "Export", "ExportBallots", "Hedges", "HistoryAt", "Holders", "LogFile", "Poll", "Polls", "Proof", "Proofs",
	"Ready", "Receipt", "Repeats", "Results", "ResultsAs", "Roll", "ScheduleList", "Scheduled", "Watch",
	"Webhook", "WebhookAttempts", "Webhooks",
}

func TestEveryMethodOfTheClientSaysHowItRepeats(t *testing.T) {
	t.Parallel()
	of := reflect.TypeFor[*client.Client]()
	for i := range of.NumMethod() {
		name := of.Method(i).Name
		kinds := 0
		if _, known := repeated[name]; known {
			kinds++
		}
		if _, known := once[name]; known {
			kinds++
		}
		if slices.Contains(readers, name) {
			kinds++
		}
		if kinds != 1 {
			t.Errorf("%s stands in %d of the lists repeated, once and readers", name, kinds)
		}
	}
}

func TestAFirstTryThatComesLateUndoesNothing(t *testing.T) {
	t.Parallel()
	url := soloURL(t)
	for name, x := range repeated {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := url
			if name == "Restore" || name == "CreatePollWithKey" { // they are about all polls
				node = soloURL(t)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			network := &lateFirst{RoundTripper: &http.Transport{}}
			defer network.RoundTripper.(*http.Transport).CloseIdleConnections()
			l := &late{ctx: ctx, c: clientOf(t, node, client.WithTransport(network)), plain: clientOf(t, node), poll: "p-" + name}
			if x.before != nil {
				must(t, x.before(l))
			}
			must(t, x.call(l))
			if len(network.sent) != 2 {
				t.Fatalf("the call was sent as %v; this test is of one that is repeated", network.sent)
			}
			must(t, x.other(l))
			want := l.picture(t, node)
			status := network.deliver(t)
			if got := l.picture(t, node); got != want {
				t.Errorf("the late first try was answered %d and changed\n%sto\n%s", status, want, got)
			}
		})
	}
}

func TestWhatNothingTellsFromADuplicateIsSentOnce(t *testing.T) {
	t.Parallel()
	url := soloURL(t)
	for name, call := range once {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := &lateFirst{RoundTripper: &http.Transport{}}
			err := call(t.Context(), clientOf(t, url, client.WithTransport(network)))
			if !errors.Is(err, client.ErrOutcomeUnknown) || len(network.sent) != 1 {
				t.Errorf("it was sent as %v and ended with %v", network.sent, err)
			}
		})
	}
}

func clientOf(t *testing.T, url string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New([]string{url}, options...)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// where are the log index and time that an answer names of itself, not of what it shows.
var where = regexp.MustCompile(`"index":\d+`)

// picture is all that the poll shows, and how many polls there are under made ids.
func (l *late) picture(t *testing.T, node string) string {
	t.Helper()
	var b bytes.Buffer
	for _, path := range []string{"", "/ballots", "/ballots/v", "/results", "/roll", "/roll/v"} {
		resp, err := http.Get(node + "/v1/polls/" + l.poll + path)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
		if resp.StatusCode != http.StatusOK {
			body = nil // a problem names its request
		}
		fmt.Fprintf(&b, "%s %d %s\n", path, resp.StatusCode, where.ReplaceAll(body, nil))
	}
	made := regexp.MustCompile(`^[a-z2-7]{26}$`)
	count := 0
	for p, err := range l.plain.Polls(l.ctx, client.PollsQuery{}) {
		must(t, err)
		if made.MatchString(p.ID) {
			count++
		}
	}
	fmt.Fprintf(&b, "%d made\n%s\n", count, l.hookPicture(t))
	return b.String()
}

func TestEventsAndTagsOfANodeNameItsCluster(t *testing.T) {
	t.Parallel()
	node := soloURL(t)
	plain := clientOf(t, node)
	_, err := plain.CreatePoll(t.Context(), client.Definition{ID: "p", Options: client.Options("ann", "bo")})
	must(t, err)
	status, err := plain.Cluster(t.Context())
	must(t, err)
	if status.ClusterID == "" {
		t.Fatal("the cluster has no id")
	}
	resp, err := http.Get(node + "/v1/polls/p/results")
	must(t, err)
	must(t, resp.Body.Close())
	if tag := resp.Header.Get("ETag"); !strings.HasSuffix(tag, "-"+status.ClusterID+`-open"`) {
		t.Errorf("the tag of results is %s, in the cluster %s", tag, status.ClusterID)
	}
	resp, err = http.Get(node + "/v1/polls/p/results/stream")
	must(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			if !strings.HasSuffix(id, "-"+status.ClusterID) {
				t.Errorf("an event is %s, in the cluster %s", id, status.ClusterID)
			}
			return
		}
	}
	t.Errorf("no event came: %v", lines.Err())
}
