package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
	"voted/internal/usage"
)

// cluster answers as the nodes of a cluster do.
type cluster struct {
	id      string
	page    client.EventPage
	err     error
	ballots []client.ExportedBallot
	asked   client.EventsQuery
	looks   int
}

func (c *cluster) Cluster(context.Context) (client.ClusterStatus, error) {
	return client.ClusterStatus{ClusterID: c.id}, nil
}

func (c *cluster) EventPage(_ context.Context, q client.EventsQuery) (client.EventPage, error) {
	c.asked = q
	return c.page, c.err
}

func (c *cluster) BallotsAfter(_ context.Context, _ string, after uint64) iter.Seq2[client.ExportedBallot, error] {
	return func(yield func(client.ExportedBallot, error) bool) {
		c.looks++
		for _, b := range c.ballots {
			if b.Number > after && !yield(b, nil) {
				return
			}
		}
		if c.err != nil {
			yield(client.ExportedBallot{}, c.err)
		}
	}
}

// read reads what comes after a number, and the error that ends it.
func read(ctx context.Context, j Journal, after uint64) (all []Message, err error) {
	return readAfter(ctx, j, Message{Number: after})
}

func readAfter(ctx context.Context, j Journal, last Message) (all []Message, err error) {
	for m, broken := range j.After(ctx, last) {
		if broken != nil {
			return all, broken
		}
		all = append(all, m)
	}
	return all, nil
}

func gone(oldest, newest uint64) error {
	return &client.Error{Status: 410, Code: client.CodeEventsGone, Oldest: oldest, Newest: newest}
}

func TestEventsArePublishedAsTheyCame(t *testing.T) {
	t.Parallel()
	c := &cluster{id: "c", page: client.EventPage{Newest: 9, Events: []client.JournalEvent{
		{ID: "evt_c_4", Type: "poll.closed", Number: 4, Raw: []byte(`{"id":"evt_c_4"}`)},
		{ID: "evt_c_5", Type: "ballots.counted", Number: 5, Raw: []byte(`{}`)},
	}}}
	all, err := read(t.Context(), NewEvents(c, "c"), 3)
	if err != nil || len(all) != 2 || fmt.Sprint(all[0].Number, all[0].ID, all[0].Type, string(all[0].Body), all[0].Left) != `4evt_c_4poll.closed{"id":"evt_c_4"}5` {
		t.Errorf("came %+v, %v", all, err)
	}
	if c.asked.After != "evt_c_3" || !c.asked.Follow || strings.Join(c.asked.Types, " ") != "* ballots.counted" {
		t.Errorf("asked for %+v", c.asked)
	}
	c.err = errors.New("the second page is lost")
	if all, err = read(t.Context(), NewEvents(c, "c"), 3); len(all) != 2 || err == nil {
		t.Errorf("of a page with an error came %d, %v", len(all), err)
	}
}

func TestEventsThatAreGoneAreAGapOrAnotherPast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cluster        string
		after          uint64
		oldest, newest uint64
		gap            string
		refusal        string
	}{
		"pruned":                      {"c", 3, 11, 20, `"sequence":"10","data":{"from":"4","to":"10"}`, ""},
		"never seen, pruned":          {"c", 0, 11, 20, `"sequence":"10","data":{"from":"1","to":"10"}`, ""},
		"all of them":                 {"c", 3, 21, 20, `"sequence":"20","data":{"from":"4","to":"20"}`, ""},
		"another cluster answers":     {"d", 3, 1, 20, "", "of cluster d now, and this feed began with cluster c"},
		"ahead of the cluster":        {"c", 30, 1, 20, "", "no event 30 in this cluster, which has only 20 now"},
		"ahead of an empty journal":   {"c", 1, 1, 0, "", "which has only 0 now"},
		"there again in the meantime": {"c", 12, 11, 20, "", ""},
	} {
		nodes := &cluster{id: c.cluster, err: gone(c.oldest, c.newest)}
		all, err := read(t.Context(), NewEvents(nodes, "c"), c.after)
		switch {
		case c.gap != "":
			if err != nil || len(all) != 1 || all[0].Type != TypeMissed || all[0].Number != c.oldest-1 || !strings.Contains(string(all[0].Body), c.gap) {
				t.Errorf("%s: came %+v, %v", name, all, err)
			}
		case c.refusal != "":
			if !usage.Is(err) || !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("%s: got %v", name, err)
			}
		case err == nil || usage.Is(err):
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBallotsWaitForTheClose(t *testing.T) {
	t.Parallel()
	for code, waits := range map[client.Code]bool{
		client.CodeResultsHidden: true, client.CodePollNotFound: true,
		client.CodeForbidden: false, client.CodePollNotClosed: false, client.CodeEventsGone: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &cluster{id: "c", err: &client.Error{Code: code, Newest: 2}}
			start := time.Now()
			_, err := read(t.Context(), NewBallots(c, "c", "p", time.Second, slog.New(slog.DiscardHandler)), 3)
			switch {
			case waits && (err != nil || time.Since(start) != time.Second):
				t.Errorf("%s: after %s got %v", code, time.Since(start), err)
			case !waits && !usage.Is(err):
				t.Errorf("%s: got %v", code, err)
			}
		})
	}
}

func TestBallotsComeAsTheExportHasThem(t *testing.T) {
	t.Parallel()
	c := &cluster{id: "c", ballots: []client.ExportedBallot{
		{Number: 1, Replaced: true, Raw: []byte(`{"ballot":1,"replaced":true}`)},
		{Number: 2, Raw: []byte(`{"ballot":2,"voter_key":"00"}`)},
	}}
	b := NewBallots(c, "c", "p", time.Hour, slog.New(slog.DiscardHandler))
	all, err := readAfter(t.Context(), b, Message{Number: 1, Body: []byte(`{"ballot":1,"replaced":true}`)})
	if err != nil || len(all) != 1 || all[0].Number != 2 || all[0].ID != "rec_c_p_2" || string(all[0].Body) != `{"ballot":2,"voter_key":"00"}` {
		t.Errorf("came %+v, %v", all, err)
	}
	c.err = errors.New("the stream broke")
	if all, err = read(t.Context(), b, 0); len(all) != 2 || err == nil {
		t.Errorf("of a stream that broke came %d, %v", len(all), err)
	}
}

// A box that was set back gives the same numbers to other records.
func TestTheLastRecordOfTheStreamMustBeInTheBoxStill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stored  string
		box     []client.ExportedBallot
		setBack bool
	}{
		"it is":                   {`{"ballot":2,"voter":"v","selections":["a"],"index":7}`, []client.ExportedBallot{{Number: 1}, {Number: 2, Voter: "v", Index: 7}}, false},
		"it is, with another one": {`{"ballot":1,"voter_key":"00"}`, []client.ExportedBallot{{Number: 1, VoterKey: "00"}, {Number: 2}}, false},
		"replaced since":          {`{"ballot":1,"voter_key":"00"}`, []client.ExportedBallot{{Number: 1, Replaced: true}}, false},
		"replaced before":         {`{"ballot":1,"replaced":true}`, []client.ExportedBallot{{Number: 1, Replaced: true}}, false},
		"cast at another time":    {`{"ballot":1,"voter":"v","index":7}`, []client.ExportedBallot{{Number: 1, Voter: "v", Index: 9}, {Number: 2}}, true},
		"of another voter":        {`{"ballot":1,"voter_key":"00"}`, []client.ExportedBallot{{Number: 1, VoterKey: "01"}, {Number: 2}}, true},
		"not replaced any longer": {`{"ballot":1,"replaced":true}`, []client.ExportedBallot{{Number: 1, VoterKey: "00"}}, true},
		"one too few":             {`{"ballot":2,"voter_key":"00"}`, []client.ExportedBallot{{Number: 1}}, true},
		"an empty box":            {`{"ballot":1,"voter_key":"00"}`, nil, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBallots(&cluster{id: "c", ballots: c.box}, "c", "p", time.Second, slog.New(slog.DiscardHandler))
			var is client.ExportedBallot
			if err := json.Unmarshal([]byte(c.stored), &is); err != nil {
				t.Fatal(err)
			}
			all, err := readAfter(t.Context(), b, Message{Number: is.Number, Body: []byte(c.stored)})
			if usage.Is(err) != c.setBack || !c.setBack && (err != nil || len(all) != len(c.box)-int(is.Number)) {
				t.Errorf("%s: came %v, %v", name, all, err)
			}
		})
	}
}
