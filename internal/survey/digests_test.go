package survey

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"voted/internal/poll"
)

// shows is a member that answers with digests by index.
func shows(id string, votes bool, digests map[uint64]string) Sighting {
	m := Sighting{Peer: Peer{ID: id}, Votes: votes}
	for index, d := range digests {
		m.Report.Checkpoints = append(m.Report.Checkpoints, poll.Checkpoint{Index: index, Digest: d})
	}
	return m
}

// A member that names an index twice would otherwise outvote the two others, which would
// stop for good.
func TestAMemberThatRepeatsItselfHasOneVoice(t *testing.T) {
	t.Parallel()
	repeats := shows("n2", true, map[uint64]string{256: "x"})
	repeats.Report.Checkpoints = append(repeats.Report.Checkpoints, repeats.Report.Checkpoints[0], repeats.Report.Checkpoints[0])
	c := Look{shows("n1", true, map[uint64]string{256: "a"}), repeats, shows("n3", true, map[uint64]string{256: "a"})}.Digests()
	if !slices.Equal(c.Differ, []string{"n2"}) || c.Dispute != nil || !slices.Equal(c.Held, []string{"n1", "n3"}) {
		t.Errorf("%+v", c)
	}
}

func TestDigestsSayWhoDiffers(t *testing.T) {
	t.Parallel()
	type at = map[uint64]string
	away := func(id string) Sighting {
		return Sighting{Peer: Peer{ID: id}, Votes: true, Err: errors.New("no answer")}
	}
	for _, x := range []struct {
		name    string
		seen    Look
		differ  []string
		dispute []string
		agreed  uint64
	}{
		{"alone", Look{shows("n1", true, at{256: "a"})}, nil, nil, 256},
		{"all equal", Look{shows("n1", true, at{256: "a", 300: "b"}), shows("n2", true, at{256: "a"}), shows("n3", true, at{256: "a", 300: "b"})}, nil, nil, 300},
		{"no index in common", Look{shows("n1", true, at{256: "a"}), shows("n2", true, at{257: "b"}), shows("n3", true, at{258: "c"})}, nil, nil, 0},
		{"one of three differs", Look{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"}), shows("n3", true, at{256: "a"})}, []string{"n2"}, nil, 256},
		{"the one that differs is compared at an older index", Look{shows("n1", true, at{256: "a", 512: "b"}), shows("n2", true, at{256: "x"}), shows("n3", true, at{256: "a", 512: "b"})}, []string{"n2"}, nil, 512},
		{"one to one, the third away", Look{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"}), away("n3")}, nil, []string{"n1", "n2"}, 0},
		{"two of five against one is no majority", Look{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "a"}), shows("n3", true, at{256: "x"}), away("n4"), away("n5")}, nil, []string{"n1", "n2", "n3"}, 0},
		{"two vote and there is no third", Look{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"})}, nil, []string{"n1", "n2"}, 0},
		{"three, each different", Look{shows("n1", true, at{9: "a"}), shows("n2", true, at{9: "b"}), shows("n3", true, at{9: "c"})}, nil, []string{"n1", "n2", "n3"}, 0},
		{"one without a vote differs and has no say", Look{shows("n1", true, at{9: "a"}), shows("n2", true, at{9: "a"}), away("n3"), shows("n4", false, at{9: "x"})}, []string{"n4"}, nil, 9},
		{"members without a vote make no majority", Look{shows("n1", true, at{9: "a"}), away("n2"), away("n3"), shows("n4", false, at{9: "x"}), shows("n5", false, at{9: "x"})}, nil, []string{"n1", "n4", "n5"}, 0},
		{"a verdict counts more than a newer dispute", Look{shows("n1", true, at{256: "a", 300: "b"}), shows("n2", true, at{256: "x", 300: "y"}), shows("n3", true, at{256: "a"})}, []string{"n2"}, nil, 256},
		{"builds without checkpoints are not judged", Look{shows("n1", true, nil), shows("n2", true, nil), shows("n3", true, at{9: "a"})}, nil, nil, 0},
	} {
		for range 20 { // maps are walked in any order
			c := x.seen.Digests()
			if !slices.Equal(c.Differ, x.differ) || !slices.Equal(c.Dispute, x.dispute) || c.Agreed != x.agreed {
				t.Errorf("%s: %s", x.name, fmt.Sprintf("%+v", c))
				break
			}
		}
	}
}
