package survey

import (
	"errors"
	"strings"
	"testing"
)

func sees(id string, reads uint32, err error) Sighting {
	return Sighting{Peer: Peer{ID: id, Addr: id + ":1"}, Votes: true, Report: Report{ID: id, FormatLevel: reads}, Err: err}
}

func TestALevelIsCommonOnlyWhereEveryMemberReadsIt(t *testing.T) {
	t.Parallel()
	away := errors.New("no answer")
	for _, x := range []struct {
		name   string
		seen   Look
		want   uint32
		behind []string // who is named as behind level 3
	}{
		{"all of one build", Look{sees("n1", 3, nil), sees("n2", 3, nil)}, 3, nil},
		{"one is older", Look{sees("n1", 3, nil), sees("n2", 2, nil)}, 2, []string{"n2 reads formats up to level 2"}},
		{"one is away, whatever it said before", Look{sees("n1", 3, nil), sees("n2", 3, away)}, 0, []string{"n2 does not answer"}},
		{"two formats behind and away", Look{sees("n1", 1, nil), sees("n2", 3, nil), sees("n3", 3, away)}, 0, []string{"n1 reads formats up to level 1", "n3 does not answer"}},
	} {
		if got := x.seen.CommonLevel(); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
		said := x.seen.Behind(3)
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
	seen := Look{sees("n1", 2, nil), sees("n2", 2, nil)}
	same := []Peer{{"n1", "n1:1"}, {"n2", "n2:1"}}
	if !seen.Shows(same) {
		t.Error("the members are the same")
	}
	moved := []Peer{same[0], {"n2", "n2:2"}}
	more := append(same[:2:2], Peer{"n3", "n3:1"})
	if seen.Shows(moved) || seen.Shows(more) || seen.Shows(same[:1]) {
		t.Error("other members are taken for those that were asked")
	}
}
