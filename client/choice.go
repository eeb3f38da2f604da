package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"voted/internal/pause"
	"voted/internal/poll"
	"voted/internal/tally"
	"voted/proof"
)

// asCast reports whether a proof that was checked, under this head, shows the choice of this
// ballot. It reports false without an error where that cannot be seen: the proof shows no choice,
// or the log, which says what the numbers of the options mean, is hidden. It fails with
// proof.ErrSeal if the choice is another one, and if the log cannot be read.
func (c *Client) asCast(ctx context.Context, p *proof.Receipt, h proof.Head, b Ballot) (bool, error) {
	if p.Opening == nil {
		return false, nil
	}
	rules, err := c.loggedRules(ctx, p.Poll, h)
	if errors.Is(err, CodeResultsHidden) || errors.Is(err, CodeForbidden) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("what the recorded choice means: %w", err)
	}
	if cast, ok := b.encode(rules); !ok || !bytes.Equal(cast, p.Opening.Selections) {
		return false, fmt.Errorf("%w: another choice was recorded than the one that was cast", proof.ErrSeal)
	}
	return true, nil
}

// encode returns the ballot as a log has it; false if by these rules it is none.
func (b Ballot) encode(rules *poll.Rules) ([]byte, bool) {
	form := rules.Form()
	if b.Selections != nil && form != tally.Choice || b.Ranking != nil && form != tally.Ranking || b.Scores != nil && form != tally.Scores {
		return nil, false
	}
	m := poll.Marks{Selections: b.Selections, Ranking: b.Ranking}
	for option, points := range b.Scores {
		m.Scores = append(m.Scores, poll.Score{Option: option, Points: points})
	}
	selections, faults := rules.Encode(m)
	return selections, faults == nil
}

// loggedRules returns the rules that a poll's log begins with, by a head that was checked. They are
// read once for each log: whoever signs two beginnings of one log leaves proof of it.
func (c *Client) loggedRules(ctx context.Context, id string, h proof.Head) (*poll.Rules, error) {
	if rules, ok := c.began.Load(h.Origin); ok {
		return rules.(*poll.Rules), nil
	}
	first, err := c.firstEntry(ctx, id, h)
	if err != nil {
		return nil, err
	}
	definition, err := c.LogFile(ctx, id, LogDefinition)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(definition) != first.Rules {
		return nil, fmt.Errorf("%w: the definition is not the one that the log begins with", proof.ErrNotInTree)
	}
	rules, err := poll.ReadLogged(definition)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", proof.ErrMalformed, err)
	}
	c.began.Store(h.Origin, rules)
	return rules, nil
}

// firstEntry reads the first entry of a log, and checks that it is in the tree of the head.
func (c *Client) firstEntry(ctx context.Context, id string, h proof.Head) (first proof.DefinitionEntry, err error) {
	width := int(min(h.Size, proof.TileWidth))
	bundle, err := c.tile(ctx, id, proof.Tile{Level: proof.EntryBundle, Width: width})
	if err != nil {
		return first, err
	}
	entries, err := proof.ParseBundle(bundle, width)
	if err != nil {
		return first, err
	}
	v, err := proof.Published(h.Size, func(t proof.Tile) ([]proof.Hash, error) {
		b, err := c.tile(ctx, id, t)
		if err != nil {
			return nil, err
		}
		return proof.ParseHashes(b)
	})
	if err != nil {
		return first, err
	}
	path, err := v.Inclusion(0)
	if err != nil {
		return first, err
	}
	if err := proof.CheckInclusion(h.Root, h.Size, 0, proof.LeafHash(entries[0]), path); err != nil {
		return first, err
	}
	return proof.ParseDefinitionEntry(entries[0])
}

// tile reads a tile of a signed head. A node that does not have that head yet does not have the
// tile either, and gets a moment.
func (c *Client) tile(ctx context.Context, id string, t proof.Tile) (b []byte, err error) {
	for until := time.Now().Add(quorumWait); ; {
		b, err = c.LogFile(ctx, id, t.Path())
		if !errors.Is(err, CodeNotFound) || time.Now().After(until) || pause.For(ctx, quorumAgain) != nil {
			return b, err
		}
	}
}
