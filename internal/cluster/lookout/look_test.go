package lookout

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"voted/internal/cluster/peer"
	"voted/internal/survey"
)

func TestALookTellsWhoAnswersFromWhoIsSilent(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err  error
		want *survey.Obstacle // nil: no one answered
	}{
		"the member itself": {nil, nil},
		"no one":            {io.EOF, nil},
		"another cluster":   {&peer.OtherClusterError{Addr: "a:1", Member: "n3", Cluster: "theirs", Own: "ours"}, &survey.Obstacle{Kind: survey.OtherCluster, Addr: "a:1", Member: "n3", Cluster: "theirs"}},
		"another member":    {&peer.OtherMemberError{Addr: "a:1", Member: "n2", Dialled: "n3"}, &survey.Obstacle{Kind: survey.OtherMember, Addr: "a:1", Member: "n2"}},
		"it refuses":        {&peer.RefusedError{Addr: "a:1", Method: "status", Message: "no member"}, &survey.Obstacle{Kind: survey.Refuses, Addr: "a:1", Because: "no member"}},
		"TLS at one end":    {&peer.UnheardError{Addr: "a:1", Because: "it speaks no TLS", Err: io.EOF}, &survey.Obstacle{Kind: survey.Unheard, Addr: "a:1", Because: "it speaks no TLS"}},
	} {
		err := x.err
		if err != nil { // as a call ends
			err = fmt.Errorf("call: %w", errors.Join(peer.ErrNotSent, err))
		}
		got := ObstacleOf(err)
		if (got == nil) != (x.want == nil) || got != nil && *got != *x.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
