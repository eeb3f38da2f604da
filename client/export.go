package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Format is how ballots are exported.
type Format string

// The formats. Those after CSV are for other programs: they name no voters, numbers or
// times, and their order follows from the ballots alone. Not every ballot has a form in
// each: where it has none, the export is refused with CodeNotAcceptable.
const (
	NDJSON   Format = "ndjson"
	CSV      Format = "csv"
	CVR      Format = "cvr"       // cast vote records, NIST SP 1500-103, in JSON
	PrefLib  Format = "preflib"   // rankings and choices
	BLT      Format = "blt"       // rankings
	ABIF     Format = "abif"      // all
	RCTabCSV Format = "rctab-csv" // rankings
)

// Formats lists all formats, in the order to show them.
func Formats() []Format { return []Format{NDJSON, CSV, CVR, PrefLib, BLT, ABIF, RCTabCSV} }

// ExportedBallot is one record of a poll's box, or a choice with the number of ballots that
// hold it.
type ExportedBallot struct {
	// Number in the poll's box, from 1; 0 for a choice.
	Number uint64
	// Count is how many ballots hold the choice; 0 for a record.
	Count uint64
	// Voter is set in open polls, VoterKey (hexadecimal) in secret ones and in audits.
	Voter, VoterKey string
	Ballot          Ballot
	// Version is 0 for a record that was superseded, which an audit shows without its choice.
	Version uint64
	// Index and CastAt are set in open polls and in audits only. In exports of secret polls
	// they would reveal a person's ballot to anyone who knows when that person voted.
	Index  uint64
	CastAt time.Time
	// Weight is the ballot's weight in a poll with a roll, or that of all ballots of a
	// choice; 0 in other polls, where all count the same.
	Weight uint64
	// Supersedes is the record that this one replaces, 0 if none; only of BallotsAfter.
	Supersedes uint64
	// Replaced: a later record replaces this one, of which nothing else is shown; only of
	// BallotsAfter, in secret polls.
	Replaced bool
	// Raw is the record as the node wrote it; only of BallotsAfter.
	Raw json.RawMessage
}

// exportLine is a record in NDJSON.
type exportLine struct {
	Number   uint64 `json:"ballot"`
	Count    uint64 `json:"count"`
	Voter    string `json:"voter,omitempty"`
	VoterKey string `json:"voter_key,omitempty"`
	ballotJSON
	Version uint64    `json:"version"`
	Index   uint64    `json:"index"`
	CastAt  time.Time `json:"cast_at"`
	Weight  uint64    `json:"weight"`

	Supersedes uint64 `json:"supersedes"`
	Replaced   bool   `json:"replaced"`
}

// UnmarshalJSON reads a line of an export.
func (e *ExportedBallot) UnmarshalJSON(data []byte) error {
	var l exportLine
	if err := decodeJSON(data, &l); err != nil {
		return fmt.Errorf("a line of the export cannot be read: %w", err)
	}
	b, err := l.ballot()
	*e = ExportedBallot{
		Number: l.Number, Count: l.Count, Voter: l.Voter, VoterKey: l.VoterKey, Ballot: b,
		Version: l.Version, Index: l.Index, CastAt: l.CastAt, Weight: l.Weight,
		Supersedes: l.Supersedes, Replaced: l.Replaced,
	}
	return err
}

// Export writes what readers may see of the ballots of a poll, all at the one log index
// that Meta names, to w; an empty format is NDJSON. A poll that discloses its ballots shows
// each of them; of another secret poll, how many hold each choice is shown once it has
// closed (CodePollNotClosed before). After an error w is incomplete: an export that has begun
// is neither resumed nor tried again.
func (c *Client) Export(ctx context.Context, poll string, f Format, w io.Writer) (Meta, error) {
	var k call
	if err := k.route("/v1/polls/", poll, "/ballots"); err != nil {
		return Meta{}, err
	}
	if f != "" {
		k.query = "format=" + string(appendEscaped(nil, string(f)))
	}
	return c.download(ctx, &k, w)
}

// Audit writes a poll's whole log, with what opens the ballots that count, to w as NDJSON,
// as of the log index that Meta names. It needs the role auditor. After an error w is
// incomplete.
func (c *Client) Audit(ctx context.Context, poll string, w io.Writer) (Meta, error) {
	var k call
	if err := k.route("/v1/polls/", poll, "/audit"); err != nil {
		return Meta{}, err
	}
	return c.download(ctx, &k, w)
}

// Backup writes an online backup of the cluster's state to w. After an error w is
// incomplete.
func (c *Client) Backup(ctx context.Context, w io.Writer) (Meta, error) {
	return c.download(ctx, &call{path: "/v1/backup"}, w)
}

// download opens a stream at any endpoint and copies it.
func (c *Client) download(ctx context.Context, k *call, w io.Writer) (Meta, error) {
	meta, err := c.open(ctx, k)
	if err != nil {
		return meta, err
	}
	defer k.opened.close()
	if _, err := io.Copy(w, k.opened); err != nil {
		return meta, fmt.Errorf("what was written is incomplete; start it again: %w", err)
	}
	return meta, nil
}

// open sends a call for a stream of any media type.
func (c *Client) open(ctx context.Context, k *call) (Meta, error) {
	k.method, k.stream = http.MethodGet, true
	k.header = c.header(c.preference(c.callDeadline(ctx)), "*/*", "")
	c.authorize(k.header)
	return c.do(ctx, k)
}

// ExportBallots iterates over what Export writes. An error ends it; what was yielded before
// is then not all.
func (c *Client) ExportBallots(ctx context.Context, poll string) iter.Seq2[ExportedBallot, error] {
	return c.exported(ctx, poll, "/ballots", "format="+string(NDJSON), false)
}

// AuditBallots iterates over the ballots that count of a poll, in the order of its box, with
// all of their receipts. It needs the role auditor. An error ends it; the ballots yielded
// before are then not all.
func (c *Client) AuditBallots(ctx context.Context, poll string) iter.Seq2[ExportedBallot, error] {
	lines := c.exported(ctx, poll, "/audit", "", false)
	return func(yield func(ExportedBallot, error) bool) {
		for b, err := range lines {
			if (err != nil || b.Version > 0) && !yield(b, err) {
				return
			}
		}
	}
}

// exported iterates over the lines of a route of a poll; keep: with the lines as they came.
func (c *Client) exported(ctx context.Context, poll, route, query string, keep bool) iter.Seq2[ExportedBallot, error] {
	return func(yield func(ExportedBallot, error) bool) {
		k := call{query: query, mediaType: "application/x-ndjson"}
		err := k.route("/v1/polls/", poll, route)
		if err == nil {
			_, err = c.open(ctx, &k)
		}
		if err != nil {
			yield(ExportedBallot{}, err)
			return
		}
		defer k.opened.close()
		lines := bufio.NewReaderSize(k.opened, 32<<10)
		for {
			line, err := readLine(lines, maxLineBytes)
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return
			}
			var b ExportedBallot
			if err == nil {
				err = json.Unmarshal(line, &b)
			}
			if keep {
				b.Raw = bytes.Clone(line)
			}
			if err != nil {
				yield(ExportedBallot{}, fmt.Errorf("the export ended early; start it again: %w", err))
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}
