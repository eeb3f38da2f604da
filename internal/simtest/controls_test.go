package simtest

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/api"
	"voted/internal/cluster"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Each bug is planted in the simulation, never in the product, and must be found:
// otherwise the results of the simulation prove nothing.
func TestPlantedBugsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("ten clusters; the long tests run them")
	}
	crashes := []Fault{
		{Kind: FaultCrashAll, At: 1 * time.Second, For: time.Second},
		{Kind: FaultCrashAll, At: 3 * time.Second, For: time.Second},
		{Kind: FaultCrashAll, At: 5 * time.Second, For: time.Second},
	}
	misplaced := []Fault{
		{Kind: FaultForeign, At: 500 * time.Millisecond, For: 2 * time.Second, Who: 1},
		{Kind: FaultForeign, At: 3 * time.Second, For: 2 * time.Second, Who: 2},
	}
	cuts := []Fault{
		{Kind: FaultIsolate, At: time.Second, For: 3 * time.Second, Who: 0},
		{Kind: FaultIsolate, At: 4500 * time.Millisecond, For: time.Second, Who: -1},
	}
	for _, bug := range []struct {
		name   string
		shows  string // a part of the violation
		plant  Option
		faults []Fault
	}{
		{"a disk forgets acknowledged entries in a crash", "O1", amnesiac, crashes},
		{"a ballot is acknowledged before it is committed", "is not there", earlyAcknowledgement, crashes},
		{"duplicates are counted again", "O3", noDeduplication, nil},
		{"a member skips an entry", "O4", skippedEntry, nil},
		{"reads are answered without asking the leader", "O5", staleReads, cuts},
		{"a forwarded batch is acknowledged without being sent", "O1", forgedVerdict, cuts},
		{"members do not ask which cluster they hear", "", noGreeting, misplaced},
		// Only requests through the API can find these.
		{"the API answers a replay as newly counted", "O5", replaysAsCounted, nil},
		{"the API calls an unknown outcome certainly not counted", "O3", unknownAsUnavailable, nil},
		{"the API reads without asking the leader", "O5", unsynced, cuts},
	} {
		t.Run(bug.name, func(t *testing.T) {
			w := Standard(6 * time.Second)
			w.Think = 20 * time.Millisecond
			// By chance one run may miss it, but hardly six.
			for seed := uint64(1); seed <= 6; seed++ {
				o := Play(t, Scenario{Options: []Option{Seed(seed), bug.plant}, Workload: w, Faults: bug.faults})
				for _, v := range o.Violations {
					if strings.Contains(v, bug.shows) {
						t.Logf("found with seed %d, %d violations: %.200s", seed, len(o.Violations), v)
						return
					}
				}
			}
			t.Error("it was not found")
		})
	}
}

func noGreeting(c *Cluster) { c.settings.noGreeting, c.settings.rehearsed = true, true }

func amnesiac(c *Cluster) { c.settings.amnesia = 12 }

// earlyAcknowledgement answers as soon as the ballot is on its way.
func earlyAcknowledgement(c *Cluster) {
	c.settings.noReceipts = true
	c.settings.castBug = func(cast castFunc) castFunc {
		return func(_ context.Context, n *cluster.Node, b *poll.Ballot) (poll.Outcome, error) {
			c.closing.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), defaultDeadline)
				defer cancel()
				_, _ = cast(ctx, n, b) // its outcome is ignored
			})
			time.Sleep(300 * time.Microsecond)
			return poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Version: 1}}, nil
		}
	}
}

// noDeduplication makes the product count a ballot that came before as a new one.
func noDeduplication(c *Cluster) {
	attempts := newDice(c.seed, "salt")
	c.settings.castBug = func(cast castFunc) castFunc {
		return func(ctx context.Context, n *cluster.Node, b *poll.Ballot) (poll.Outcome, error) {
			again := false
			n.Read(func(s *poll.State) {
				_, err := s.Receipt(b.Poll, b.Key)
				again = err == nil
			})
			if again {
				b.Key[0] ^= byte(1 + attempts.n(255))
			}
			return cast(ctx, n, b)
		}
	}
}

// skippedEntry makes one member store a tick instead of some ballots.
func skippedEntry(c *Cluster) {
	c.settings.storeBug = func(member string) func([]raft.Log) {
		if member != "n2" {
			return nil
		}
		return func(logs []raft.Log) {
			for i := range logs {
				if logs[i].Type == raft.LogCommand && logs[i].Index%40 == 0 {
					logs[i].Data = fsm.AppendCommand(nil, 0, poll.Tick{})
				}
			}
		}
	}
}

func staleReads(c *Cluster) { c.settings.syncBug = true }

// forgedVerdict sometimes answers in the place of the leader, and sends nothing.
func forgedVerdict(c *Cluster) {
	c.settings.networkBug = func(p *port) callerFunc {
		return func(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
			ballots, err := fsm.CountFrame(body)
			if method != "propose" || err != nil || !p.net.draw.chance(0.05) {
				return p.call(ctx, addr, method, body)
			}
			outcomes := make([]poll.Outcome, ballots)
			for i := range outcomes {
				outcomes[i] = poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: uint32(i + 1)}}
			}
			return append([]byte{0}, fsm.AppendOutcomes(nil, 1, 1, outcomes)...), nil
		}
	}
}

// rewritten lets a bug change the answers of the API.
func rewritten(c *Cluster, change func(*httptest.ResponseRecorder)) {
	c.settings.apiBug = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			change(answer)
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()) // a recorder takes everything
		})
	}
}

func replaysAsCounted(c *Cluster) {
	rewritten(c, func(a *httptest.ResponseRecorder) {
		if a.Header().Get("Idempotent-Replayed") == "" {
			return
		}
		a.Code = http.StatusCreated
		a.Header().Del("Idempotent-Replayed")
		a.Body = bytes.NewBuffer(bytes.Replace(a.Body.Bytes(), []byte("replayed"), []byte("counted"), 1))
	})
}

// unknownAsUnavailable also makes all but one member never receive the outcome of what
// they forward.
func unknownAsUnavailable(c *Cluster) {
	c.settings.networkBug = func(p *port) callerFunc {
		return func(ctx context.Context, addr, method string, body []byte) ([]byte, error) {
			answer, err := p.call(ctx, addr, method, body)
			if method == "propose" && p.addr != address("n1") && err == nil {
				return nil, errBroken
			}
			return answer, err
		}
	}
	rewritten(c, func(a *httptest.ResponseRecorder) {
		body := bytes.ReplaceAll(a.Body.Bytes(), []byte(`"`+refusal.OutcomeUnknown.String()+`"`), []byte(`"`+refusal.Unavailable.String()+`"`))
		a.Body = bytes.NewBuffer(body)
	})
}

func unsynced(c *Cluster) {
	c.settings.backendBug = func(member api.Cluster) api.Cluster { return hasty{member} }
}

// hasty returns its present state without waiting, however old it is.
type hasty struct{ api.Cluster }

func (hasty) Sync(context.Context) error { return nil }

// One member's clock is wrong by an hour, before and while it leads.
func TestAWrongClockClosesNoPollEarly(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		var faults []Fault
		for at := time.Second; at < 15*time.Second; at += 3 * time.Second {
			faults = append(faults,
				Fault{Kind: FaultClock, At: at, Who: int(seed)},
				Fault{Kind: FaultCrash, At: at + time.Second, For: time.Second, Who: -1})
		}
		s := Scenario{Options: []Option{Seed(seed)}, Workload: Standard(20 * time.Second), Faults: faults, Clocks: true}
		if o := Play(t, s); len(o.Violations) > 0 {
			complain(t, s, seed, o)
			return
		}
	}
}
