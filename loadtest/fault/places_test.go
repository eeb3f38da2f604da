package fault

import (
	"testing"
	"time"
)

func TestAMoveIsTheLeadersEveryOtherTime(t *testing.T) {
	t.Parallel()
	followers, all := 0, Schedule(3, []Weighted{{Kind: Move, Weight: 1}}, time.Second, 400*time.Second)
	for _, p := range all {
		if p.onFollower() {
			followers++
		}
	}
	if share := float64(followers) / float64(len(all)); share < 0.4 || share > 0.6 {
		t.Errorf("%d of %d moves are a follower's", followers, len(all))
	}
	for target, want := range map[string]bool{"n1": true, "n2": false} {
		e := Event{Kind: Move, Leader: "n1", Target: target}
		if e.OnLeader() != want {
			t.Errorf("n1 leads and %s moves: whether a change of leader is expected is %t", target, e.OnLeader())
		}
	}
}
