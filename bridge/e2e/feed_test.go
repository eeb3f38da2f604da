// Package e2e_test runs the real bridge beside a real cluster and a real broker, and kills them.
package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/natstest"
	"voted/client"
	"voted/harness/overlay"
	"voted/internal/child"
	"voted/internal/localcluster"
	"voted/internal/pause"
)

// built is where programs are, if any test needed them.
var built string

// programs are built once for all tests.
var programs = sync.OnceValues(func() (paths [2]string, err error) {
	if built, err = os.MkdirTemp("", "bridge-e2e-"); err != nil {
		return paths, err
	}
	for i, folder := range []string{overlay.Node, "bridge/cmd/voted-bridge"} {
		if paths[i], err = overlay.Build(context.Background(), built, folder); err != nil {
			return paths, err
		}
	}
	return paths, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// rig is a broker, a cluster and bridges between them.
type rig struct {
	t       testing.TB
	broker  *natstest.Server
	cluster *localcluster.Cluster
	client  *client.Client
	id      string // of the cluster
	program string
	starter *child.Starter
}

func newRig(t testing.TB) *rig {
	t.Helper()
	paths, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, broker: natstest.Start(t), program: paths[1], starter: child.NewStarter()}
	t.Cleanup(r.starter.Close)
	if r.cluster, err = localcluster.Start(t.Context(), localcluster.Options{Binary: paths[0], Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cluster.Stop() })
	r.check(r.cluster.WaitReady(r.within(time.Minute)))
	r.client, err = client.New(r.cluster.Endpoints())
	r.check(err)
	t.Cleanup(r.client.Close)
	status, err := r.client.Cluster(t.Context())
	r.check(err)
	r.id = status.ClusterID
	return r
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	r.t.Cleanup(cancel)
	return ctx
}

// bridge starts a feed, whose process the caller kills.
func (r *rig) bridge(log io.Writer, args ...string) *exec.Cmd {
	r.t.Helper()
	args = append([]string{"feed", "--create-streams", "1", "--nats", r.broker.URL()}, args...)
	for _, url := range r.cluster.Endpoints() {
		args = append(args, "--endpoint", url)
	}
	cmd := exec.Command(r.program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	child.Isolate(cmd)
	r.check(r.starter.Start(cmd))
	return cmd
}

// create creates a poll with two options.
func (r *rig) create(ctx context.Context, d client.Definition) error {
	d.Options = []client.PollOption{{ID: "yes", Title: "Yes"}, {ID: "no", Title: "No"}}
	_, err := r.client.CreatePoll(ctx, d)
	return err
}

// journal returns the ids of all events.
func (r *rig) journal() (ids []string) {
	r.t.Helper()
	for e, err := range r.client.Events(r.within(time.Minute), client.EventsQuery{Types: []string{"*", "ballots.counted"}}) {
		r.check(err)
		ids = append(ids, e.ID)
	}
	return ids
}

// messages returns what the stream of a subject holds, once there is one.
func (r *rig) messages(subject string) (all []jetstream.Msg) {
	r.t.Helper()
	nc, err := nats.Connect(r.broker.URL())
	r.check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	r.check(err)
	r.until("the stream can be read", func() bool {
		all, err = fetch(r.within(10*time.Second), js, subject)
		if err != nil {
			r.t.Logf("%s cannot be read yet: %v", subject, err)
		}
		return err == nil
	})
	return all
}

// fetch returns all messages of a stream, or an error.
func fetch(ctx context.Context, js jetstream.JetStream, subject string) (all []jetstream.Msg, err error) {
	name, err := js.StreamNameBySubject(ctx, subject)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	want := int(stream.CachedInfo().State.Msgs)
	if want == 0 {
		return nil, nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	batch, err := consumer.Fetch(want, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		return nil, err
	}
	for m := range batch.Messages() {
		all = append(all, m)
	}
	if batch.Error() == nil && len(all) != want {
		return nil, fmt.Errorf("%d of %d messages came", len(all), want)
	}
	return all, batch.Error()
}

// until looks again and again until something is true.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for ctx := r.within(2 * time.Minute); !ok(); _ = pause.For(ctx, 50*time.Millisecond) {
		if ctx.Err() != nil {
			r.t.Fatalf("in two minutes it did not come to this: %s", what)
		}
	}
}

// busy makes events while f runs: polls are created, voted in and closed.
func (r *rig) busy(name string, f func()) {
	r.t.Helper()
	ctx, rest := context.WithCancel(r.t.Context())
	worked := make(chan error)
	go func() { worked <- r.work(ctx, name) }()
	f()
	rest()
	if err := <-worked; err != nil && !errors.Is(err, context.Canceled) {
		r.t.Error(err)
	}
}

func (r *rig) work(ctx context.Context, name string) error {
	for i := 0; ; i++ {
		id := fmt.Sprint(name, i)
		if err := r.create(ctx, client.Definition{ID: id}); err != nil {
			return err
		}
		if _, err := r.client.Cast(ctx, id, "ann", client.Choose("yes")); err != nil {
			return err
		}
		if _, err := r.client.ClosePoll(ctx, id); err != nil {
			return err
		}
	}
}

func TestEveryEventIsStoredOnceAndInOrderWhileEverythingIsKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var logs [2]bytes.Buffer
	bridges := [2]*exec.Cmd{r.bridge(&logs[0]), r.bridge(&logs[1])}
	t.Cleanup(func() {
		for i, b := range bridges {
			_ = b.Process.Kill()
			_ = b.Wait()
			if t.Failed() {
				t.Logf("bridge %d said:\n%s", i+1, logs[i].String())
			}
		}
	})
	killed := 0
	kill := func() { // SIGKILL, and another one in its place
		i := rand.N(len(bridges))
		r.check(bridges[i].Process.Kill())
		_ = bridges[i].Wait() // it was killed, and says so
		bridges[i] = r.bridge(&logs[i])
		killed++
	}
	var backup []byte
	r.busy("first", func() {
		r.goesOn(kill)
		backup = r.backup()
		r.killLeader()
		r.goesOn(kill)
		r.broker.Stop()
		kill()
		r.check(r.broker.Restart())
		r.goesOn(kill)
	})
	r.restore(backup)
	r.busy("second", func() {
		r.goesOn(kill)
		r.killLeader()
		r.goesOn(kill)
	})
	want := r.journal()
	r.until("the stream has the last event", func() bool { return r.last() >= len(want) })
	all := r.messages("voted." + r.id + ".events.>")
	if len(all) != len(want) {
		t.Errorf("the stream has %d messages, and the journal %d events", len(all), len(want))
	}
	for i, m := range all[:min(len(all), len(want))] {
		if m.Headers().Get("Nats-Msg-Id") != want[i] || m.Headers().Get("Voted-Sequence") != strconv.Itoa(i+1) || !bytes.Contains(m.Data(), []byte(want[i])) {
			t.Fatalf("message %d is %v in place of %s", i+1, m.Headers(), want[i])
		}
	}
	t.Logf("%d events, %d bridges killed", len(want), killed)
}

// last is the number of the last message of the stream of events, 0 while there is none.
func (r *rig) last() int {
	nc, err := nats.Connect(r.broker.URL())
	if err != nil {
		return 0
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	r.check(err)
	stream, err := js.Stream(r.within(5*time.Second), "voted-"+r.id+"-events")
	if err != nil {
		return 0
	}
	return int(stream.CachedInfo().State.LastSeq)
}

// goesOn waits until the stream has grown, and calls kill several times meanwhile.
func (r *rig) goesOn(kill func()) {
	r.t.Helper()
	for range 3 {
		before := r.last()
		r.until("the stream grows", func() bool { return r.last() > before })
		kill()
	}
}

// killLeader kills the leader of the cluster and starts it again.
func (r *rig) killLeader() {
	r.t.Helper()
	leader, err := r.cluster.Leader(r.within(time.Minute))
	r.check(err)
	r.check(leader.Kill())
	r.check(leader.Restart())
}

func (r *rig) backup() []byte {
	var b bytes.Buffer
	_, err := r.client.Backup(r.within(time.Minute), &b)
	r.check(err)
	return b.Bytes()
}

// restore restores a backup, in the words that it asks for.
func (r *rig) restore(backup []byte) {
	r.t.Helper()
	sum := sha256.Sum256(backup)
	b := client.RestoreBackup{
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(backup)), nil },
		Size: int64(len(backup)), SHA256: hex.EncodeToString(sum[:]),
	}
	r.until("the backup is restored", func() bool {
		_, err := r.client.Restore(r.within(time.Minute), b)
		var refused *client.Error
		if errors.As(err, &refused) && refused.Code == client.CodeConfirmationNeeded {
			b.Confirm = refused.Fields[0].Detail
		}
		return err == nil
	})
}

func TestBallotsAreStoredOnceThePollShowsThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := r.within(time.Minute)
	r.check(r.create(ctx, client.Definition{ID: "board.1", Results: client.ResultsAfterClose, Disclosure: client.DiscloseBallots, Revote: client.RevoteUntilClose}))
	for i := range 100 {
		receipt, err := r.client.Cast(ctx, "board.1", fmt.Sprint("v-", i), client.Choose("yes"))
		r.check(err)
		if i%10 == 0 {
			_, err := r.client.Replace(ctx, "board.1", fmt.Sprint("v-", i), client.Choose("no"), receipt.Version)
			r.check(err)
		}
	}
	var log bytes.Buffer
	bridge := r.bridge(&log, "--ballots", "board.1")
	t.Cleanup(func() { _ = bridge.Process.Kill(); _ = bridge.Wait() })
	subject := "voted." + r.id + ".ballots.board.1"
	r.until("the events are stored", func() bool { return r.last() >= len(r.journal()) })
	if all := r.messages(subject); len(all) != 0 {
		t.Errorf("%d ballots are published before the close", len(all))
	}
	_, err := r.client.ClosePoll(ctx, "board.1")
	r.check(err)
	r.until("all records are stored", func() bool { return len(r.messages(subject)) == 110 })
	var lines []string
	for b, err := range r.client.BallotsAfter(ctx, "board.1", 0) {
		r.check(err)
		lines = append(lines, string(b.Raw))
	}
	for i, m := range r.messages(subject) {
		if string(m.Data()) != lines[i] || m.Headers().Get("Voted-Sequence") != strconv.Itoa(i+1) || strings.Contains(lines[i], "v-") {
			t.Errorf("record %d is published as %s, and exported as %s", i+1, m.Data(), lines[i])
		}
	}
}

func TestAFeedThatIsOfNoUseSaysWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.check(r.create(r.within(time.Minute), client.Definition{ID: "plain"}))
	var log bytes.Buffer
	bridge := r.bridge(&log, "--ballots", "plain")
	err := bridge.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 78 || !strings.Contains(log.String(), "the ballots of poll plain cannot be published") {
		t.Errorf("it ends with %v:\n%s", err, log.String())
	}
}
