package cluster

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func sees(id string, reads uint32, err error) sighting {
	return sighting{server: Server{ID: id, Peer: id + ":1"}, voter: true, status: status{ID: id, Reads: reads}, err: err}
}

func TestALevelIsCommonOnlyWhereEveryMemberReadsIt(t *testing.T) {
	t.Parallel()
	away := errors.New("no answer")
	for _, x := range []struct {
		name   string
		seen   []sighting
		want   uint32
		behind []string // who is named as behind level 3
	}{
		{"all of one build", []sighting{sees("n1", 3, nil), sees("n2", 3, nil)}, 3, nil},
		{"one is older", []sighting{sees("n1", 3, nil), sees("n2", 2, nil)}, 2, []string{"n2 reads formats up to level 2"}},
		{"one knows no levels", []sighting{sees("n1", 0, nil), sees("n2", 3, nil)}, 1, []string{"n1 reads formats up to level 1"}},
		{"one is away, whatever it said before", []sighting{sees("n1", 3, nil), sees("n2", 3, away)}, 0, []string{"n2 does not answer"}},
		{"two formats behind and away", []sighting{sees("n1", 1, nil), sees("n2", 3, nil), sees("n3", 3, away)}, 0, []string{"n1 reads formats up to level 1", "n3 does not answer"}},
	} {
		if got := commonLevel(x.seen); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
		said := behind(x.seen, 3)
		if (said == "") != (x.behind == nil) {
			t.Errorf("%s: %q", x.name, said)
		}
		for _, who := range x.behind {
			if !strings.Contains(said, who) {
				t.Errorf("%s: %q does not say %q", x.name, said, who)
			}
		}
	}
}

func TestAMemberThatCameSinceTheOthersWereAskedHoldsTheLevelBack(t *testing.T) {
	t.Parallel()
	seen := []sighting{sees("n1", 2, nil), sees("n2", 2, nil)}
	c := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1:1"}, {ID: "n2", Address: "n2:1"}}}
	if !sameMembers(seen, c) {
		t.Error("the members are the same")
	}
	moved := raft.Configuration{Servers: []raft.Server{c.Servers[0], {ID: "n2", Address: "n2:2"}}}
	more := raft.Configuration{Servers: append(c.Servers[:2:2], raft.Server{ID: "n3", Address: "n3:1"})}
	if sameMembers(seen, moved) || sameMembers(seen, more) {
		t.Error("other members are taken for those that were asked")
	}
}
