package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
)

// cluster counts as voted does, unless it is told to lie.
type cluster struct {
	box     []string // options, in the order of the box
	of      map[string]uint64
	lies    map[string]bool
	castErr func(voter string) error // after the ballot was counted
	takes   time.Duration
}

func (c *cluster) Cast(_ context.Context, poll, voter string, b client.Ballot) (client.Receipt, error) {
	time.Sleep(c.takes)
	_, counted := c.of[voter]
	if !counted || c.lies["twice"] {
		c.box = append(c.box, b.Selections[0])
		if !counted || !c.lies["one receipt"] {
			c.of[voter] = uint64(len(c.box))
		}
	}
	if counted && c.lies["refuses"] {
		return client.Receipt{}, &client.Error{Code: client.CodeAlreadyVoted}
	}
	if c.castErr != nil {
		if err := c.castErr(voter); err != nil {
			return client.Receipt{}, err
		}
	}
	return client.Receipt{Poll: poll, Voter: voter, Version: 1, Ballot: c.of[voter], Index: 10 + c.of[voter]}, nil
}

func (c *cluster) Results(context.Context, string, client.Consistency) (client.Results, error) {
	r := client.Results{Ballots: uint64(len(c.box))}
	for _, option := range Options {
		votes := 0
		for i, b := range c.box {
			if b == option && (!c.lies["loses"] || i != 1) {
				votes++
			}
		}
		r.Options = append(r.Options, client.OptionResult{ID: option, Votes: client.Votes(votes)})
	}
	return r, nil
}

func newCluster(lies ...string) *cluster {
	c := &cluster{of: map[string]uint64{}, lies: map[string]bool{}}
	for _, lie := range lies {
		c.lies[lie] = true
	}
	return c
}

func probe(c *cluster) *Prober {
	return &Prober{Nodes: []Node{c, c, c}, Poll: "p", Late: time.Second}
}

func TestAClusterThatCountsExactlyOnceIsOK(t *testing.T) {
	t.Parallel()
	p := probe(newCluster())
	for range 10 {
		if result, err := p.Round(t.Context()); result != OK || err != nil {
			t.Fatal(result, err)
		}
	}
}

func TestAClusterThatLiesIsWrong(t *testing.T) {
	t.Parallel()
	for says, lies := range map[string][]string{
		"has two receipts":              {"twice"},
		"has 2 votes, and must have 1":  {"twice", "one receipt"},
		"has 0 votes, and must have 1":  {"loses"},
		"refused as the voter's second": {"refuses"},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			p, found := probe(newCluster(lies...)), ""
			for range 3 {
				if result, err := p.Round(t.Context()); result == Wrong {
					found += err.Error()
				}
			}
			if !strings.Contains(found, says) {
				t.Errorf("the rounds say %q", found)
			}
		})
	}
}

// round is one of five seconds of virtual time.
func round(t *testing.T, p *Prober) (Result, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return p.Round(ctx)
}

func TestABallotWhoseOutcomeIsUnknownMayCountAndIsSettledLater(t *testing.T) {
	t.Parallel()
	for name, counts := range map[string]bool{"it counted": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCluster()
				p := probe(c)
				c.castErr = func(voter string) error {
					if !counts {
						delete(c.of, voter)
						c.box = nil
					}
					return client.ErrOutcomeUnknown
				}
				for range 3 {
					if result, err := round(t, p); result != Failed || !errors.Is(err, client.ErrOutcomeUnknown) {
						t.Fatal(result, err)
					}
				}
				c.castErr = nil
				for range 2 {
					if result, err := round(t, p); result != OK {
						t.Fatal(result, err)
					}
				}
				if len(p.open) != 0 || len(c.box) != 5 {
					t.Errorf("%d ballots are open, %d are counted", len(p.open), len(c.box))
				}
			})
		})
	}
}

// ill is a node that refuses connections, or takes long to answer.
type ill struct {
	*cluster
	gone  bool
	takes time.Duration
	asked int
}

func (n *ill) answers(ctx context.Context) error {
	n.asked++
	if n.gone {
		return &client.UnansweredError{}
	}
	select {
	case <-time.After(n.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *ill) Cast(ctx context.Context, poll, voter string, b client.Ballot) (client.Receipt, error) {
	if err := n.answers(ctx); err != nil {
		return client.Receipt{}, err
	}
	return n.cluster.Cast(ctx, poll, voter, b)
}

func (n *ill) Results(ctx context.Context, poll string, c client.Consistency) (client.Results, error) {
	if err := n.answers(ctx); err != nil {
		return client.Results{}, err
	}
	return n.cluster.Results(ctx, poll, c)
}

func TestARoundGoesOnWithoutTheNodesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	const hangs = time.Hour
	for _, x := range []struct {
		name string
		ill  ill
		all  bool // nodes are, not one
		want Result
	}{
		{"one is gone", ill{gone: true}, false, OK},
		{"one hangs", ill{takes: hangs}, false, OK},
		{"all take longer than one is waited for at first", ill{takes: 300 * time.Millisecond}, true, Late},
		{"all are gone", ill{gone: true}, true, Failed},
		{"all hang", ill{takes: hangs}, true, Failed},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				x.ill.cluster = newCluster()
				p := probe(x.ill.cluster)
				p.Nodes[1] = &x.ill
				if x.all {
					p.Nodes[0], p.Nodes[2] = &x.ill, &x.ill
				}
				for range 6 {
					if result, err := round(t, p); result != x.want {
						t.Fatal(result, err)
					}
				}
				if !x.all && x.ill.asked != 6 {
					t.Errorf("in six rounds it was asked %d times", x.ill.asked)
				}
			})
		})
	}
}

func TestARoundThatTakesLongIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.takes = 501 * time.Millisecond
		if result, err := probe(c).Round(t.Context()); result != Late || err == nil {
			t.Error(result, err)
		}
		c.takes = 499 * time.Millisecond
		if result, err := probe(c).Round(t.Context()); result != OK {
			t.Error(result, err)
		}
	})
}

func TestALongOutageLeavesABoundedNumberOfBallotsToSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.castErr = func(string) error { return client.ErrOutcomeUnknown }
		p := probe(c)
		for range 3 * mostOpen {
			if result, err := round(t, p); result != Failed {
				t.Fatal(result, err)
			}
		}
		if len(p.open) != mostOpen {
			t.Errorf("%d ballots are open", len(p.open))
		}
	})
}
