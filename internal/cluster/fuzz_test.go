package cluster

import (
	"context"
	"errors"
	"testing"

	"voted/internal/poll"
)

// saying is a network whose every peer gives the same answer.
type saying struct {
	Network
	answer []byte
}

func (s saying) Call(context.Context, string, string, []byte) ([]byte, error) { return s.answer, nil }

// FuzzAnswers holds that nothing that a peer answers makes a member panic, and that only
// a verdict that says so is taken for "certainly not applied".
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "\x00rest", "\x01no leader", "\x02", "\x03unknown", "\x04\x05a sentence", "\x04", "\xff",
		`{"id":"n1","term":3,"now":"2026-11-27T07:00:00Z"}`, `{"index":7,"members":[{"id":"n1","peer":"h:1"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		n := &Node{opts: Options{Network: saying{answer: answer}}, clock: newClock(nil)}
		_, err := n.ask(t.Context(), "h:1", callPropose, nil)
		if errors.Is(err, errNotAppended) && (len(answer) == 0 || answer[0] != verdictNotAppended) {
			t.Fatalf("%q is taken for certainly not applied: %v", answer, err)
		}
		var refusal *poll.Error
		if errors.As(err, &refusal) && answer[0] != verdictRefused {
			t.Fatalf("%q is taken for a refusal", answer)
		}
		_, _, _ = n.askStatus(t.Context(), "h:1") // whatever it says, it must not panic
	})
}
