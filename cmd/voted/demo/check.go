package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/localcluster"
)

// settleLimit bounds how long the nodes may take to reach the same log index.
const settleLimit = 20 * time.Second

// settleInterval is how often their index is checked.
const settleInterval = 50 * time.Millisecond

// check is one thing that must hold.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // what was found
}

// auditor compares what the nodes hold to the receipts of the voters.
type auditor struct {
	cluster  *localcluster.Cluster
	election *election
	schedule *schedule
	ledger   *ledger
	types    []ballotType

	checks  []check
	results client.Results
}

// verdict adds a check.
func (a *auditor) verdict(name string, problem error, detail string) {
	c := check{Name: name, OK: problem == nil, Detail: detail}
	if problem != nil {
		c.Detail = problem.Error()
	}
	a.checks = append(a.checks, c)
}

// run makes all checks.
func (a *auditor) run(ctx context.Context) {
	a.answers()
	detail, err := a.digests(ctx)
	a.verdict("equal digests at an equal log index", err, detail)
	detail, err = a.tallies(ctx)
	a.verdict("every node's tally as expected", err, detail)
	if votersOf(a.types) == votersOf(a.election.types) {
		a.verdict("the result as published, to its last decimal", a.election.Published.differs(&a.results), display.Plural(int64(len(a.election.Published.Rounds)), "round"))
	}
	detail, err = a.exports(ctx)
	a.verdict("every receipt unchanged in every export", err, detail)
}

// answers checks the ledger alone.
func (a *auditor) answers() {
	seen := a.ledger.look()
	missing := 0
	for _, r := range a.ledger.receipts {
		if r.Ballot == 0 {
			missing++
		}
	}
	var err error
	switch {
	case len(a.ledger.complaints) > 0:
		err = errors.New(a.ledger.complaints[0])
	case missing > 0:
		err = fmt.Errorf("%s have no receipt", display.Plural(int64(missing), "voter"))
	case seen.Counted > len(a.ledger.receipts):
		err = fmt.Errorf("%s answers said counted, to %d voters", display.Int(seen.Counted), len(a.ledger.receipts))
	}
	a.verdict("one receipt a voter, however often sent", err,
		display.Plural(int64(len(a.ledger.receipts)), "voter"))
}

// memberView is a member's entry in GET /v1/cluster.
type memberView struct {
	ID      string `json:"id"`
	Applied uint64 `json:"applied_index"`
	Digest  string `json:"digest"`
}

// digests waits until all nodes are at the same log index and compares digests.
func (a *auditor) digests(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	var err error
	for {
		var views []memberView
		if views, err = a.views(ctx); err == nil {
			var level bool
			if level, err = sameDigests(views); level {
				if err != nil {
					return "", err
				}
				return fmt.Sprintf("%s… at %s", short(views[0].Digest), display.Int(views[0].Applied)), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the nodes did not come to the same log index: %w", err)
		case <-time.After(settleInterval): // there is no event when another process has caught up
		}
	}
}

// sameDigests reports whether the nodes are at the same log index; if so, err says whether
// their digests differ.
func sameDigests(views []memberView) (level bool, err error) {
	for _, v := range views[1:] {
		if v.Applied != views[0].Applied {
			return false, fmt.Errorf("%s is at %d, %s at %d", views[0].ID, views[0].Applied, v.ID, v.Applied)
		}
	}
	for _, v := range views {
		if v.Digest == "" {
			return true, fmt.Errorf("%s states no digest", v.ID)
		}
		if v.Digest != views[0].Digest {
			return true, fmt.Errorf("%s and %s differ at log index %d: %s and %s",
				views[0].ID, v.ID, v.Applied, short(views[0].Digest), short(v.Digest))
		}
	}
	return true, nil
}

func short(digest string) string { return digest[:min(len(digest), 12)] }

// views asks one node for all members, so that the states are of about the same moment.
func (a *auditor) views(ctx context.Context) ([]memberView, error) {
	var s struct {
		Members []memberView `json:"members"`
	}
	if err := a.cluster.Nodes[0].Get(ctx, "/v1/cluster", &s); err != nil {
		return nil, err
	}
	if len(s.Members) != len(a.cluster.Nodes) {
		return nil, fmt.Errorf("%d members are listed, there are %d nodes", len(s.Members), len(a.cluster.Nodes))
	}
	return s.Members, nil
}

// tallies asks every node for the results and compares them to the recount.
func (a *auditor) tallies(ctx context.Context) (string, error) {
	id := a.election.Definition.ID
	expected, err := a.election.counted(a.types)
	if err != nil {
		return "", err
	}
	for i, n := range a.cluster.Nodes {
		r, err := a.only(n).Results(ctx, id, client.Linearizable)
		if err != nil {
			return "", fmt.Errorf("%s: %w", n.ID, err)
		}
		if i == 0 {
			a.results = r
		}
		if r.Ballots != uint64(len(a.schedule.votes)) {
			return "", fmt.Errorf("%s counts %s ballots of %s voters", n.ID, display.Int(r.Ballots), display.Int(len(a.schedule.votes)))
		}
		if err := same(&r, &expected); err != nil {
			return "", fmt.Errorf("%s: %w", n.ID, err)
		}
		if !a.election.plain() {
			continue
		}
		winner, rounds := a.election.runoff(a.types)
		if !slices.Equal(r.Winners, []string{winner}) {
			return "", fmt.Errorf("%s says that %v wins, not %s", n.ID, r.Winners, winner)
		}
		if err := sameRounds(r.Rounds, rounds); err != nil {
			return "", fmt.Errorf("%s: %w", n.ID, err)
		}
	}
	return display.Plural(int64(len(a.schedule.votes)), "ballot") + ", one a voter", nil
}

func sameRounds(got []client.Round, want []round) error {
	if len(got) != len(want) {
		return fmt.Errorf("there are %d rounds, not %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		votes := map[string]client.Votes{}
		for id, v := range g.Votes {
			if _, standing := w.Votes[id]; standing || v != 0 {
				votes[id] = v
			}
		}
		if !maps.Equal(votes, w.Votes) || !slices.Equal(g.Eliminated, w.Eliminated) || g.Exhausted != w.Exhausted {
			return fmt.Errorf("round %d has %v, %v out and %v exhausted, not %v, %v and %v",
				i+1, g.Votes, g.Eliminated, g.Exhausted, w.Votes, w.Eliminated, w.Exhausted)
		}
	}
	return nil
}

// only makes a client of a single node.
func (a *auditor) only(n *localcluster.Node) *client.Client {
	c, err := client.New([]string{n.URL}, append(a.cluster.ClientOptions(), client.WithConnections(1))...)
	if err != nil {
		panic(err) // the URL was made by localcluster
	}
	return c
}

// exports reads every node's export. The first is compared line for line to the
// receipts; the others must be the same bytes.
func (a *auditor) exports(ctx context.Context) (string, error) {
	var first []byte
	for i, n := range a.cluster.Nodes {
		hash := sha256.New()
		var to io.Writer = hash
		var compared *comparison
		if i == 0 {
			compared = a.compare()
			to = io.MultiWriter(hash, compared)
		}
		if _, err := a.only(n).Audit(ctx, a.election.Definition.ID, to); err != nil {
			return "", fmt.Errorf("%s: %w", n.ID, err)
		}
		if compared != nil {
			if err := compared.end(); err != nil {
				return "", fmt.Errorf("%s: %w", n.ID, err)
			}
			first = hash.Sum(nil)
		} else if sum := hash.Sum(nil); !bytes.Equal(sum, first) {
			return "", fmt.Errorf("the exports of %s and %s differ", a.cluster.Nodes[0].ID, n.ID)
		}
	}
	return "SHA-256 " + short(hex.EncodeToString(first)) + "…", nil
}

// comparison reads an export as it arrives and checks each ballot against its receipt.
type comparison struct {
	pipe *io.PipeWriter
	done chan error
}

// compare starts a comparison.
func (a *auditor) compare() *comparison {
	r, w := io.Pipe()
	c := &comparison{pipe: w, done: make(chan error, 1)}
	go func() { // ends with the export
		err := a.strike(r)
		r.CloseWithError(err)
		c.done <- err
	}()
	return c
}

// Write takes a part of the export.
func (c *comparison) Write(p []byte) (int, error) { return c.pipe.Write(p) }

// end waits for the verdict.
func (c *comparison) end() error {
	c.pipe.Close()
	return <-c.done
}

// strike compares each ballot that counts to the receipt with its number. The poll is
// secret: what auditors read has no voters, but ballot numbers, which the receipts have too.
func (a *auditor) strike(r io.Reader) error {
	byNumber := make(map[uint64]uint32, len(a.ledger.receipts))
	for v, held := range a.ledger.receipts {
		byNumber[held.Ballot] = uint32(v)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var b client.ExportedBallot
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			return fmt.Errorf("a line of the export cannot be read: %w", err)
		}
		if b.Version == 0 { // no ballot that counts
			continue
		}
		voter, ok := byNumber[b.Number]
		if !ok {
			return fmt.Errorf("ballot %d is in the export, and no one sent it", b.Number)
		}
		delete(byNumber, b.Number)
		held, want := a.ledger.receipts[voter], a.types[a.schedule.votes[voter]].Ranking
		if b.Version != held.Version {
			return fmt.Errorf("ballot %d is not as in the receipt of %s", b.Number, voterID(voter))
		}
		if !slices.EqualFunc(b.Ballot.Ranking, want, slices.Equal[[]string]) {
			return fmt.Errorf("ballot %d ranks %v, and %s sent %v", b.Number, b.Ballot.Ranking, voterID(voter), want)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(byNumber) > 0 {
		return fmt.Errorf("%s acknowledged and not in the export", display.Plural(int64(len(byNumber)), "ballot"))
	}
	return nil
}
