package scale

import (
	"context"
	"fmt"
	"net/url"

	"voted/bench/closedloop"
	"voted/client"
	"voted/internal/thousands"
)

const (
	// manyPrefix begins the ids of the polls; a number of ten digits follows.
	manyPrefix = "scale-"
	// definition is that of each poll.
	definition = `{"options":["a","b"]}`
	// singlePoll is the one that the many are compared with.
	singlePoll = "one"
)

// manyPolls makes many polls, fills them, and measures on the way.
func (r *rig) manyPolls(ctx context.Context) error {
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	if err := r.makePoll(ctx, singlePoll); err != nil {
		return err
	}
	rep := r.report
	one, err := r.singles(ctx, singlePoll, 0, r.length())
	if err != nil {
		return err
	}
	rep.Singles.Empty = single(one)
	r.options.Say("one poll, single ballots: %s/s, p99 %.1f ms", thousands.Float(rep.Singles.Empty.Rate, 0), rep.Singles.Empty.P99)
	before, err := r.rest(ctx)
	if err != nil {
		return err
	}
	r.rebase(before)
	if err := r.createPolls(ctx); err != nil {
		return err
	}
	after, err := r.rest(ctx)
	if err != nil {
		return err
	}
	rep.BytesAPoll = growthEach(before, after, r.options.Polls)
	r.options.Say("at rest: %.0f B an empty poll", rep.BytesAPoll)
	listing, err := r.listing(ctx)
	if err != nil {
		return err
	}
	rep.Listing = &listing
	r.rebase(after)
	if err := r.fill(ctx, closedloop.Bulk{
		Streams: pollStreams, Poll: manyPrefix, Prefix: r.prefix(), PerRequest: int(r.options.Voters), PerPoll: true,
	}, r.options.Polls*r.options.Voters); err != nil {
		return err
	}
	if err := r.atSize(ctx, manyPrefix, r.options.Polls); err != nil {
		return err
	}
	again, err := r.singles(ctx, singlePoll, 0, r.length())
	if err != nil {
		return err
	}
	afterwards := single(again)
	many, err := r.singles(ctx, manyPrefix, r.options.Polls, r.length())
	if err != nil {
		return err
	}
	rep.Singles.OnePoll = &afterwards
	rep.Singles.OnePollRatio = ratio(many.PerSecond(), afterwards.Rate)
	return nil
}

// createPolls makes the polls, step by step.
func (r *rig) createPolls(ctx context.Context) error {
	for made := uint64(0); made < r.options.Polls; {
		n := min(r.options.step(r.options.Polls), r.options.Polls-made)
		result, err := closedloop.Single{
			Targets: r.targets(), Connections: r.options.Connections, Requests: n, First: made,
			Poll: manyPrefix, Definition: definition,
		}.Run(ctx)
		if err != nil {
			return err
		}
		if result.Acknowledged != n {
			return fmt.Errorf("%d of %d polls were made: %s", result.Acknowledged, n, result.Problem)
		}
		made += n
		r.step("polls", made, made, result)
	}
	return nil
}

// listing measures pages of the list of polls, one after another.
func (r *rig) listing(ctx context.Context) (Reading, error) {
	var token string
	node := r.cluster.Nodes[0]
	reading, err := r.timed(ctx, reads, func(int) error {
		page := struct {
			Next string `json:"next_page_token"`
		}{}
		path := fmt.Sprintf("/v1/polls?page_size=%d", listPage)
		if token != "" {
			path += "&page_token=" + url.QueryEscape(token)
		}
		err := node.Get(ctx, path, &page)
		token = page.Next
		return err
	})
	if err != nil {
		return Reading{}, fmt.Errorf("the polls cannot be listed: %w", err)
	}
	return reading, nil
}

// tallied sums the ballots of all polls, out of the list.
func (r *rig) tallied(ctx context.Context) (uint64, error) {
	var sum uint64
	for p, err := range r.client.Polls(ctx, client.PollsQuery{PageSize: 1000}) {
		if err != nil {
			return 0, fmt.Errorf("the polls cannot be counted: %w", err)
		}
		if p.Ballots != nil {
			sum += *p.Ballots
		}
	}
	return sum, nil
}
