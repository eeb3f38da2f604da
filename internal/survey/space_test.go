package survey

import (
	"errors"
	"slices"
	"testing"
)

func TestTheDisksOfAMajorityDecide(t *testing.T) {
	t.Parallel()
	at := func(id string, votes, low bool, last uint64) Sighting {
		return Sighting{Peer: Peer{ID: id}, Votes: votes, Report: Report{Low: low, LastIndex: last}}
	}
	away := func(id string) Sighting {
		return Sighting{Peer: Peer{ID: id}, Votes: true, Err: errors.New("no answer")}
	}
	for _, x := range []struct {
		name string
		seen Look
		want Shortage
	}{
		{"all have space", Look{at("n1", true, false, 9), at("n2", true, false, 9), at("n3", true, false, 8)}, Shortage{Best: Peer{ID: "n1"}}},
		{"one is short: the others go on, the one that is furthest may lead", Look{at("n1", true, true, 9), at("n2", true, false, 8), at("n3", true, false, 9)}, Shortage{Low: []string{"n1"}, Best: Peer{ID: "n3"}}},
		{"two of three are short", Look{at("n1", true, true, 9), at("n2", true, true, 9), at("n3", true, false, 9)}, Shortage{Low: []string{"n1", "n2"}, Refuse: true, Best: Peer{ID: "n3"}}},
		{"one is short and one away: the short one is needed", Look{at("n1", true, false, 9), at("n2", true, true, 9), away("n3")}, Shortage{Low: []string{"n2"}, Refuse: true, Best: Peer{ID: "n1"}}},
		{"one is away and none is short: no reason to refuse", Look{at("n1", true, false, 9), away("n2"), away("n3")}, Shortage{Best: Peer{ID: "n1"}}},
		{"alone and short", Look{at("n1", true, true, 9)}, Shortage{Low: []string{"n1"}, Refuse: true}},
		{"one without a vote is short", Look{at("n1", true, false, 9), at("n2", true, false, 9), at("n4", false, true, 9)}, Shortage{Low: []string{"n4"}, Best: Peer{ID: "n1"}}},
		{"one without a vote does not help with its space", Look{at("n1", true, true, 9), at("n4", false, false, 9)}, Shortage{Low: []string{"n1"}, Refuse: true}},
	} {
		got := x.seen.Space()
		if !slices.Equal(got.Low, x.want.Low) || got.Refuse != x.want.Refuse || got.Best != x.want.Best {
			t.Errorf("%s: %+v, want %+v", x.name, got, x.want)
		}
	}
}
