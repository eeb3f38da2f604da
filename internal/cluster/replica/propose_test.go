package replica

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

func TestOnlyWhatRaftRefusedBeforeAppendingIsCertain(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		err  error
		not  bool // appended, for certain
	}{
		{"it does not lead", raft.ErrNotLeader, true},
		{"it hands leadership over", raft.ErrLeadershipTransferInProgress, true},
		{"it did not take the entry in time", raft.ErrEnqueueTimeout, true},
		{"it lost leadership meanwhile", raft.ErrLeadershipLost, false},
		{"it shut down", raft.ErrRaftShutdown, false},
		{"the deadline passed", context.DeadlineExceeded, false},
	} {
		got := sorted(x.err)
		if errors.Is(got, ErrNotAppended) != x.not || !errors.Is(got, x.err) {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if err := sorted(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}
