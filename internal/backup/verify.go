package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/tally"
	"voted/proof"
)

// Report is what a backup holds.
type Report struct {
	fsm.BackupInfo
	SHA256  string       `json:"sha256"`
	Bytes   int64        `json:"bytes"`
	Polls   uint64       `json:"polls"`
	Ballots uint64       `json:"ballots"`
	Tables  []PollReport `json:"tables"` // a poll each, in the order of their creation
	// Against is how the backup compares with a head; nil if none was given.
	Against *Held `json:"against,omitempty"`
}

// PollReport is one poll, counted again.
type PollReport struct {
	ID      string        `json:"id"`
	Title   string        `json:"title,omitempty"`
	Method  string        `json:"method"`
	State   string        `json:"state"`
	Ballots uint64        `json:"ballots"` // voters, each once
	Winners []string      `json:"winners"`
	Options []OptionCount `json:"options"`
	// OrderDecided: a tie was decided by the order of the options. OtherOrdersElect are the
	// options that would have won with another order, among the orders that were counted.
	OrderDecided     bool     `json:"order_decided,omitempty"`
	OtherOrdersElect []string `json:"other_orders_elect,omitempty"`
	Digest           string   `json:"digest"`
}

// OptionCount is what one option received.
type OptionCount struct {
	ID    string `json:"id"`
	Votes int64  `json:"votes"`
	Score int64  `json:"score,omitempty"`
}

// Verify reads a whole backup, checks it to its end, and counts every poll again from
// its records. If head is not nil, it also compares the backup with that. An error names
// what is damaged and where.
func Verify(r io.Reader, head *proof.Checkpoint) (*Report, error) {
	sum, size := sha256.New(), &counter{}
	info, state, err := fsm.ReadBackup(io.TeeReader(r, io.MultiWriter(sum, size)))
	if err != nil {
		return nil, err
	}
	report := &Report{BackupInfo: info, SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: size.n, Tables: []PollReport{}}
	for start := uint32(0); ; {
		page, next := state.List(start, pollsAtOnce, func(poll.Info) bool { return true })
		for _, p := range page {
			again, err := recount(state, p.Rules.ID)
			if err != nil {
				return nil, fmt.Errorf("poll %s: %w", p.Rules.ID, err)
			}
			report.Tables = append(report.Tables, tableOf(p, again.result))
			report.Ballots += p.Ballots
		}
		if start = next; next == 0 {
			break
		}
	}
	report.Polls = uint64(len(report.Tables))
	if head != nil {
		if report.Against, err = against(state, info.Cluster, *head); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// pollsAtOnce is how many polls are listed at a time.
const pollsAtOnce = 1000

func tableOf(p poll.Info, result tally.Result) PollReport {
	t := PollReport{
		ID: p.Rules.ID, Title: p.Rules.Title, Method: p.Rules.Method, State: p.Phase.String(), Ballots: p.Ballots,
		Winners: []string{}, Digest: hex.EncodeToString(p.Digest[:]),
	}
	for _, w := range result.Winners {
		t.Winners = append(t.Winners, p.Rules.Options[w].ID)
	}
	for _, tie := range result.Ties {
		t.OrderDecided = t.OrderDecided || tie.Step == tally.TieListed
	}
	for _, other := range result.OtherOrders {
		t.OtherOrdersElect = append(t.OtherOrdersElect, p.Rules.Options[other].ID)
	}
	for i, o := range result.Options {
		t.Options = append(t.Options, OptionCount{ID: p.Rules.Options[i].ID, Votes: o.Votes, Score: o.Score})
	}
	return t
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}
