package cluster

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"voted/internal/fsm"
)

// shows is a member that answers with digests by index.
func shows(id string, voter bool, digests map[uint64]string) sighting {
	m := sighting{server: Server{ID: id}, voter: voter}
	for index, d := range digests {
		m.status.Checkpoints = append(m.status.Checkpoints, fsm.Checkpoint{Index: index, Digest: d})
	}
	return m
}

// A member that names an index twice would otherwise outvote the two others, which would
// stop for good.
func TestAMemberThatRepeatsItselfHasOneVoice(t *testing.T) {
	t.Parallel()
	repeats := shows("n2", true, map[uint64]string{256: "x"})
	repeats.status.Checkpoints = append(repeats.status.Checkpoints, repeats.status.Checkpoints[0], repeats.status.Checkpoints[0])
	c := compareDigests([]sighting{shows("n1", true, map[uint64]string{256: "a"}), repeats, shows("n3", true, map[uint64]string{256: "a"})})
	if !slices.Equal(c.differ, []string{"n2"}) || c.dispute != nil || !slices.Equal(c.held, []string{"n1", "n3"}) {
		t.Errorf("%+v", c)
	}
}

func TestDigestsSayWhoDiffers(t *testing.T) {
	t.Parallel()
	type at = map[uint64]string
	away := func(id string) sighting {
		return sighting{server: Server{ID: id}, voter: true, err: errors.New("no answer")}
	}
	for _, x := range []struct {
		name    string
		seen    []sighting
		differ  []string
		dispute []string
		agreed  uint64
	}{
		{"alone", []sighting{shows("n1", true, at{256: "a"})}, nil, nil, 256},
		{"all equal", []sighting{shows("n1", true, at{256: "a", 300: "b"}), shows("n2", true, at{256: "a"}), shows("n3", true, at{256: "a", 300: "b"})}, nil, nil, 300},
		{"no index in common", []sighting{shows("n1", true, at{256: "a"}), shows("n2", true, at{257: "b"}), shows("n3", true, at{258: "c"})}, nil, nil, 0},
		{"one of three differs", []sighting{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"}), shows("n3", true, at{256: "a"})}, []string{"n2"}, nil, 256},
		{"the one that differs is compared at an older index", []sighting{shows("n1", true, at{256: "a", 512: "b"}), shows("n2", true, at{256: "x"}), shows("n3", true, at{256: "a", 512: "b"})}, []string{"n2"}, nil, 512},
		{"one to one, the third away", []sighting{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"}), away("n3")}, nil, []string{"n1", "n2"}, 0},
		{"two of five against one is no majority", []sighting{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "a"}), shows("n3", true, at{256: "x"}), away("n4"), away("n5")}, nil, []string{"n1", "n2", "n3"}, 0},
		{"two voters and no third", []sighting{shows("n1", true, at{256: "a"}), shows("n2", true, at{256: "x"})}, nil, []string{"n1", "n2"}, 0},
		{"three, each different", []sighting{shows("n1", true, at{9: "a"}), shows("n2", true, at{9: "b"}), shows("n3", true, at{9: "c"})}, nil, []string{"n1", "n2", "n3"}, 0},
		{"a non-voter differs and has no say", []sighting{shows("n1", true, at{9: "a"}), shows("n2", true, at{9: "a"}), away("n3"), shows("n4", false, at{9: "x"})}, []string{"n4"}, nil, 9},
		{"non-voters make no majority", []sighting{shows("n1", true, at{9: "a"}), away("n2"), away("n3"), shows("n4", false, at{9: "x"}), shows("n5", false, at{9: "x"})}, nil, []string{"n1", "n4", "n5"}, 0},
		{"a verdict counts more than a newer dispute", []sighting{shows("n1", true, at{256: "a", 300: "b"}), shows("n2", true, at{256: "x", 300: "y"}), shows("n3", true, at{256: "a"})}, []string{"n2"}, nil, 256},
		{"builds without checkpoints are not judged", []sighting{shows("n1", true, nil), shows("n2", true, nil), shows("n3", true, at{9: "a"})}, nil, nil, 0},
	} {
		for range 20 { // maps are walked in any order
			c := compareDigests(x.seen)
			if !slices.Equal(c.differ, x.differ) || !slices.Equal(c.dispute, x.dispute) || c.agreed != x.agreed {
				t.Errorf("%s: %s", x.name, fmt.Sprintf("%+v", c))
				break
			}
		}
	}
}
