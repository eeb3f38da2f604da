package submit

import (
	"errors"
	"testing"

	"voted/internal/cluster/replica"
	"voted/internal/refusal"
)

// FuzzAnswers checks that no answer of a peer makes a member panic, and that only the
// verdict for it is read as "certainly not applied".
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"", "\x00rest", "\x01no leader", "\x02", "\x03unknown", "\x04\x05a sentence", "\x04", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		s := &Submitter{Options: Options{Network: answering(answer)}}
		_, err := s.Ask(t.Context(), "h:1", Propose, nil)
		if errors.Is(err, replica.ErrNotAppended) && (len(answer) == 0 || answer[0] != verdictNotAppended) {
			t.Fatalf("%q is taken for certainly not applied: %v", answer, err)
		}
		var refused *refusal.Error
		if errors.As(err, &refused) && answer[0] != verdictRefused {
			t.Fatalf("%q is taken for a refusal", answer)
		}
	})
}
