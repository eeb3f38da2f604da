package cluster

import (
	"errors"
	"slices"
	"testing"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/history"
	"voted/internal/survey"
)

func TestWhatChangesBetweenTwoLooksIsNotedOnce(t *testing.T) {
	t.Parallel()
	server := func(id string, votes bool) replica.Server {
		return replica.Server{Peer: survey.Peer{ID: id, Addr: id + ":1"}, Votes: votes}
	}
	well := func(id string) survey.Sighting {
		return survey.Sighting{Peer: survey.Peer{ID: id, Addr: id + ":1"}, Votes: true, Report: survey.Report{ID: id, Peer: id + ":1", Member: true, Applied: 9}}
	}
	away := func(id string) survey.Sighting {
		m := well(id)
		m.Err = errors.New("no answer")
		return m
	}
	low := func(id string) survey.Sighting {
		m := well(id)
		m.Report.Low = true
		return m
	}
	trio := []replica.Server{server("n1", true), server("n2", true), server("n3", true)}
	var noted []string
	c := chronicle{note: func(e history.Event) { noted = append(noted, string(e.Kind)+" "+e.Member) }}
	for _, step := range []struct {
		name    string
		look    survey.Look
		members []replica.Server
		want    []string
	}{
		{"the first look is no change", survey.Look{well("n1"), well("n2"), well("n3")}, trio, nil},
		{"one is away", survey.Look{well("n1"), well("n2"), away("n3")}, trio, []string{"finding n3"}},
		{"it still is", survey.Look{well("n1"), well("n2"), away("n3")}, trio, nil},
		{"another is short of space, which leaves too few", survey.Look{well("n1"), low("n2"), away("n3")}, trio, []string{"finding n2", "finding "}},
		{"the first is back", survey.Look{well("n1"), low("n2"), well("n3")}, trio, []string{"finding_over ", "finding_over n3"}},
		{"and away again, the other well", survey.Look{well("n1"), well("n2"), away("n3")}, trio, []string{"finding n3", "finding_over n2"}},
		{"it is removed and one is added", survey.Look{well("n1"), well("n2"), well("n4")}, []replica.Server{server("n1", true), server("n2", true), server("n4", false)}, []string{"member_added n4", "member_removed n3", "finding_over n3"}},
		{"which gets a vote", survey.Look{well("n1"), well("n2"), well("n4")}, []replica.Server{server("n1", true), server("n2", true), server("n4", true)}, []string{"member_votes n4"}},
	} {
		noted = nil
		c.look(&survey.Inspection{Self: "n1", Leader: "n1", Look: step.look, Now: time.Now()}, step.members)
		if !slices.Equal(noted, step.want) {
			t.Errorf("%s: %q, want %q", step.name, noted, step.want)
		}
	}
}
