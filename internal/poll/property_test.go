package poll

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

var (
	randomCommands = flag.Int("poll.commands", 1_000_000, "how many random commands the model test runs")
	randomSeed     = flag.Uint64("poll.seed", 0, "run one history of the model test again (0: many fresh ones)")
)

// A random history agrees with the model in every answer, and with itself after
// every entry. Rapid makes a failing one small.
func TestAnyHistoryAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		roll := rapidDice(t)
		w := newTwin()
		if err := w.play(roll, 10+roll(100)); err != nil {
			t.Fatal(err)
		}
	})
}

// The same, very often: the floor is a million commands in an ordinary run.
func TestAMillionCommandsAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	goal := *randomCommands
	switch {
	case *randomSeed != 0:
		goal = 1
	case testing.Short() || raceEnabled:
		goal /= 20
	}
	base := rand.Uint64()
	if *randomSeed != 0 {
		base = *randomSeed - 1
	}
	var number, done atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{} // guarded by mu
	for range 2 {
		group.Go(func() {
			for int(done.Load()) < goal && !t.Failed() {
				seed := base + uint64(number.Add(1))
				w := newTwin()
				if err := w.playSeeded(seed); err != nil {
					t.Errorf("seed %d, run it again with -poll.seed=%d: entry %d: %v\nlast entries: %+v", seed, seed, len(w.log), err, w.log[max(0, len(w.log)-3):])
				}
				done.Add(int64(w.commands))
				mu.Lock()
				for answer, n := range w.seen {
					seen[answer] += n
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	t.Logf("%d commands in %d histories: %v", done.Load(), number.Load(), seen)
	for _, answer := range everyAnswer {
		if *randomSeed == 0 && seen[answer] == 0 {
			t.Errorf("the answer %q never came up: the commands no longer reach it", answer)
		}
	}
}

// everyAnswer is what random commands must reach, or the comparison proves little.
var everyAnswer = []string{
	"counted ", "replaced ", "replayed ",
	"refused poll_not_found", "refused poll_not_open", "refused poll_closed", "refused invalid_ballot",
	"refused poll_full", "refused already_voted", "refused version_mismatch", "refused superseded",
	"poll.Create ", "poll.Create poll_exists", "poll.Create invalid_poll", "poll.Create idempotency_key_reused",
	"poll.Patch ", "poll.Patch poll_not_found", "poll.Patch poll_closed", "poll.Patch version_mismatch", "poll.Patch invalid_poll",
	"refused not_eligible",
	"poll.Enroll ", "poll.Enroll poll_not_found", "poll.Enroll roll_not_found",
	"poll.Drop ", "poll.Drop poll_not_found", "poll.Drop roll_not_found", "poll.Drop poll_closed", "poll.Drop superseded",
	"line superseded", "line already_voted", "line poll_closed", "line malformed_request",
	"log", "closed log",
	"event poll.created", "event poll.updated", "event poll.opened", "event poll.closed", "event poll.deleted",
	"event schedule.done", "event schedule.cancelled", "task done", "task refused", "task cancelled",
	"poll.Schedule ", "poll.Schedule schedule_exists", "poll.Schedule invalid_schedule",
	"poll.Unschedule ", "poll.Unschedule schedule_not_found", "poll.Unschedule schedule_exists",
	"event webhook.disabled", "event cluster.alarm", "event cluster.recovered",
	"hook verifying", "hook enabled", "hook paused", "hook disabled", "dead letter", "redelivered", "redelivery asked for",
	"poll.PutEndpoint ", "poll.PutEndpoint webhook_exists", "poll.PutEndpoint invalid_webhook", "poll.PutEndpoint webhook_not_found",
	"poll.PutEndpoint version_mismatch", "poll.PutEndpoint idempotency_key_reused",
	"poll.PatchEndpoint ", "poll.PatchEndpoint webhook_not_found", "poll.PatchEndpoint version_mismatch", "poll.PatchEndpoint invalid_webhook",
	"poll.DropEndpoint ", "poll.DropEndpoint version_mismatch", "poll.RotateKey ", "poll.RotateKey webhook_not_found",
	"poll.Redeliver ", "poll.Redeliver webhook_not_found", "poll.Redeliver invalid_webhook", "poll.Progress ", "poll.Alarm ",
	"poll.Alarm malformed_request",
	"event poll.milestone", "event poll.quorum_met", "event poll.lot_drawn", "event ballots.counted", "event roll.changed",
	"poll.Raise ", "poll.DrawLot ", "poll.DrawLot poll_not_found", "poll.DrawLot poll_not_closed", "poll.DrawLot invalid_poll", "poll.DrawLot lot_drawn",
	"counted further: irv", "counted further: stv", "counted further: borda",
	"counted further: schulze", "counted further: ranked_pairs", "counted further: minimax", "counted further: copeland",
	"poll.Close ", "poll.Close poll_not_found", "poll.Delete ", "poll.Delete poll_not_found", "poll.Delete poll_not_closed", "poll.Tick ",
}

// playSeeded runs the history of a seed; a panic, too, is reported with it.
func (w *twin) playSeeded(seed uint64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	roll := seededDice(seed)
	return w.play(roll, 20+roll(140))
}

// play runs a history of so many entries, checking after each.
func (w *twin) play(roll dice, entries int) error {
	h := newHistory(roll, w.model)
	for n := range entries {
		s := h.next()
		if err := w.run(s); err != nil {
			return err
		}
		for _, m := range w.model.polls {
			// What was not touched is looked at now and then.
			if m.changed == w.model.index || (n+1)%16 == 0 {
				if err := w.check(m); err != nil {
					return err
				}
			}
		}
		if err := w.checkEvents(); err != nil {
			return err
		}
		if err := w.checkTasks(); err != nil {
			return err
		}
		if err := w.checkHooks(); err != nil {
			return err
		}
		if err := w.sometimes(n, roll); err != nil {
			return err
		}
	}
	for len(w.held) > 0 {
		if err := w.release(); err != nil {
			return err
		}
	}
	if len(w.state.views) != 0 {
		return fmt.Errorf("%d closed views are kept", len(w.state.views))
	}
	return nil
}

func (w *twin) sometimes(n int, roll dice) error {
	if n%8 != 7 {
		return nil
	}
	switch roll(4) {
	case 0:
		if len(w.held) < 3 {
			w.hold()
		}
	case 1:
		return w.release()
	case 2:
		if roll(4) == 0 {
			return w.reload()
		}
	case 3:
		if polls := w.model.polls; len(polls) > 0 {
			if err := w.checkLog(polls[roll(len(polls))]); err != nil {
				return err
			}
		}
	}
	return w.list(1+roll(3), Phase(roll(3)))
}
