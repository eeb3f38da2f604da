package cluster

import (
	"errors"
	"slices"
	"testing"
)

func TestTheDisksOfAMajorityDecide(t *testing.T) {
	t.Parallel()
	at := func(id string, voter, low bool, last uint64) sighting {
		return sighting{server: Server{ID: id}, voter: voter, status: status{Low: low, LastIndex: last}}
	}
	away := func(id string) sighting {
		return sighting{server: Server{ID: id}, voter: true, err: errors.New("no answer")}
	}
	for _, x := range []struct {
		name string
		seen []sighting
		want shortage
	}{
		{"all have space", []sighting{at("n1", true, false, 9), at("n2", true, false, 9), at("n3", true, false, 8)}, shortage{best: "n1"}},
		{"one is short: the others go on, the one that is furthest may lead", []sighting{at("n1", true, true, 9), at("n2", true, false, 8), at("n3", true, false, 9)}, shortage{low: []string{"n1"}, best: "n3"}},
		{"two of three are short", []sighting{at("n1", true, true, 9), at("n2", true, true, 9), at("n3", true, false, 9)}, shortage{low: []string{"n1", "n2"}, refuse: true, best: "n3"}},
		{"one is short and one away: the short one is needed", []sighting{at("n1", true, false, 9), at("n2", true, true, 9), away("n3")}, shortage{low: []string{"n2"}, refuse: true, best: "n1"}},
		{"one is away and nobody short: no reason to refuse", []sighting{at("n1", true, false, 9), away("n2"), away("n3")}, shortage{best: "n1"}},
		{"alone and short", []sighting{at("n1", true, true, 9)}, shortage{low: []string{"n1"}, refuse: true}},
		{"a non-voter is short", []sighting{at("n1", true, false, 9), at("n2", true, false, 9), at("n4", false, true, 9)}, shortage{low: []string{"n4"}, best: "n1"}},
		{"a non-voter with space does not help", []sighting{at("n1", true, true, 9), at("n4", false, false, 9)}, shortage{low: []string{"n1"}, refuse: true}},
	} {
		got := judgeSpace(x.seen)
		if !slices.Equal(got.low, x.want.low) || got.refuse != x.want.refuse || got.best != x.want.best {
			t.Errorf("%s: %+v, want %+v", x.name, got, x.want)
		}
	}
}
