package feed

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"strconv"
	"time"

	"voted/client"
	"voted/internal/pause"
	"voted/internal/usage"
)

// Ballots is the box of a poll: its records in order, those too that later ones replace. It
// shows what the poll's export shows, and nothing while that is hidden.
type Ballots struct {
	cluster Cluster
	id      string // of the cluster
	poll    string
	every   time.Duration
	log     *slog.Logger
	waiting client.Code // why there is nothing to read now, as logged last
}

// NewBallots returns the box of a poll. No event tells of each ballot, so it is looked at
// every so often.
func NewBallots(c Cluster, id, poll string, every time.Duration, log *slog.Logger) *Ballots {
	return &Ballots{cluster: c, id: id, poll: poll, every: every, log: log}
}

// After yields the records after the one that was stored last, which it reads again: a box that
// was set back gives the same numbers to other records. Where results are hidden before the
// close, and where the poll is not there yet, it waits.
func (b *Ballots) After(ctx context.Context, last Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		again, any := last.Number > 0, false
		for r, err := range b.cluster.BallotsAfter(ctx, b.poll, max(last.Number, 1)-1) {
			if err != nil {
				if err = b.explain(err, last.Number); err != nil {
					yield(Message{}, err)
					return
				}
				again = false
				break
			}
			b.waiting = ""
			if again {
				if again = false; !same(last.Body, r) {
					yield(Message{}, b.setBack(last.Number))
					return
				}
				continue
			}
			any = true
			id := "rec_" + b.id + "_" + b.poll + "_" + strconv.FormatUint(r.Number, 10)
			if !yield(Message{Number: r.Number, ID: id, Body: r.Raw}, nil) {
				return
			}
		}
		if again && ctx.Err() == nil {
			yield(Message{}, b.setBack(last.Number))
			return
		}
		if !any {
			_ = pause.For(ctx, b.every)
		}
	}
}

// Newest is not known: a poll may hide how many records it has.
func (b *Ballots) Newest(context.Context) (uint64, bool) { return 0, false }

// explain returns nil if err says that there is nothing to read yet.
func (b *Ballots) explain(err error, after uint64) error {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case client.CodeResultsHidden, client.CodePollNotFound:
		if b.waiting != refused.Code {
			b.waiting = refused.Code
			b.log.Info("ballots are not published yet", "poll", b.poll, "reason", refused)
		}
		return nil
	case client.CodeEventsGone:
		return b.setBack(after)
	case client.CodeForbidden, client.CodePollNotClosed:
		return usage.Errorf("the ballots of poll %s cannot be published: %v", b.poll, refused)
	}
	return err
}

func (b *Ballots) setBack(last uint64) error {
	return usage.Errorf("the stream ends with record %d of poll %s, which is not in its box now: the box was set back to an earlier "+
		"state, as by a restore. Tell whoever reads the stream, and then purge it or make a new one: the feed begins it with the "+
		"first record", last, b.poll)
}

// same reports whether a record is the one that was stored. Of one that was replaced since then nothing may be shown.
func same(stored []byte, r client.ExportedBallot) bool {
	var was client.ExportedBallot
	err := json.Unmarshal(stored, &was)
	return err == nil && was.Number == r.Number && (r.Replaced || was.Voter == r.Voter && was.VoterKey == r.VoterKey && was.Index == r.Index)
}
