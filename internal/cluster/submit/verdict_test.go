package submit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/refusal"
)

func TestAnErrorTellsWhetherTheLogWasTouched(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		err  error
		not  bool
	}{
		{"the leader said no", fmt.Errorf("%w: why", replica.ErrNotAppended), true},
		{"its queue was full", errBusy, true},
		{"the connection was refused", fmt.Errorf("dial: %w", peer.ErrNotSent), true},
		{"the connection broke", errors.New("EOF"), false},
		{"the deadline passed", context.DeadlineExceeded, false},
		{"the handler failed", &peer.RemoteError{Method: "propose", Message: "boom"}, false},
	} {
		if definitelyNot(x.err) != x.not {
			t.Errorf("%s: certainly not appended = %v, want %v", x.name, !x.not, x.not)
		}
	}
}

func TestVerdictsCrossTheNetworkUnchanged(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil, errBusy, fmt.Errorf("%w: not here", replica.ErrNotAppended),
		refusal.New(refusal.QuorumAtRisk, "no"), errors.New("something else"),
	} {
		s := &Submitter{Options: Options{Logger: slog.New(slog.DiscardHandler)}}
		s.Network = answering(s.Verdict(t.Context(), Propose, err, func() []byte { return []byte("ok") }))
		rest, got := s.Ask(t.Context(), "", Propose, nil)
		var want, is *refusal.Error
		switch {
		case err == nil:
			if got != nil || string(rest) != "ok" {
				t.Errorf("done came back as %q, %v", rest, got)
			}
		case errors.As(err, &want):
			if !errors.As(got, &is) || is.Code != want.Code || is.Detail != want.Detail {
				t.Errorf("%v came back as %v", err, got)
			}
		case errors.Is(err, errBusy) != errors.Is(got, errBusy), errors.Is(err, replica.ErrNotAppended) != errors.Is(got, replica.ErrNotAppended):
			t.Errorf("%v came back as %v", err, got)
		case definitelyNot(err) != definitelyNot(got):
			t.Errorf("%v came back as %v, which says something else about the log", err, got)
		}
	}
}

// answering is a network whose every call is answered alike.
type answering []byte

func (a answering) Call(context.Context, string, string, []byte) ([]byte, error) { return a, nil }

func TestAnErrorNamesTheBatchUnderWhichOtherMembersLogIt(t *testing.T) {
	t.Parallel()
	b := &batch{}
	before := GaveUp(false, nil)
	if got := b.named(before); got != before {
		t.Errorf("a ballot that was in no batch yet: %v", got)
	}
	b.id = "n1-ab-7"
	err := b.named(GaveUp(false, errBusy))
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.TooManyRequests || !errors.Is(err, errBusy) {
		t.Fatalf("naming the batch made another error of it: %v", err)
	}
	if !strings.Contains(err.Error(), "batch n1-ab-7: ") || strings.Contains(refused.Detail, b.id) {
		t.Errorf("the batch belongs into the log, not into the answer: %v, %q", err, refused.Detail)
	}
	if err := b.named(GaveUp(true, nil)); !strings.HasSuffix(err.Error(), ": batch n1-ab-7") {
		t.Errorf("without a cause: %v", err)
	}
}
