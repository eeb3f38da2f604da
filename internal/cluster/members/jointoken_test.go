package members

import (
	"errors"
	"strings"
	"testing"

	"voted/internal/refusal"
)

func TestEveryReasonAgainstAJoinTokenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, reason := range refusal.Reasons() {
		if reason.Code() != refusal.Forbidden && reason != refusal.TokenUnclaimed || !strings.HasPrefix(reason.String(), "token_") {
			continue
		}
		var refused *refusal.Error
		if !errors.As(tokenRefused(refusal.For(reason), "n4"), &refused) || refused.Code != reason.Code() ||
			!strings.HasSuffix(refused.Detail, "; have a new one made with `voted cluster token n4`.") {
			t.Errorf("%v is said as %v", reason, refused)
		}
	}
}
