package simtest

import (
	"fmt"
	"testing"

	"voted/internal/cluster/peer"
)

// If a duplicate arrived although its caller's error says that nothing was sent, that
// would be a fault of the simulation, not of the product.
func TestOnlyWhatMayHaveBeenDoneComesLate(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		method string
		answer answer
		want   bool
	}{
		{"the connection was refused", "propose", answer{err: fmt.Errorf("%w: refused", peer.ErrNotSent)}, false},
		{"the connection broke", "propose", answer{err: errBroken}, true},
		{"the leader did it", "propose", answer{body: []byte{0}}, true},
		{"it was not the leader", "propose", answer{body: []byte{1}}, false},
		{"it was too busy", "execute", answer{body: []byte{2}}, false},
		{"a question was answered", "status", answer{body: []byte{1}}, true},
	} {
		if got := mayBeDone(x.method, x.answer); got != x.want {
			t.Errorf("%s: %t", x.name, got)
		}
	}
}
