// Package evidence reads from every node what it holds at the end of a run, keeps
// it in files, and reads those again for a later check.
package evidence

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"voted/client"
	"voted/harness/ledger"
	"voted/harness/wire"
	"voted/harness/workload"
)

// Dir is the folder of the evidence in the output directory.
const Dir = "nodes"

const (
	// settleTime is how long nodes may take to reach the same log index once
	// sending has ended.
	settleTime = 20 * time.Second
	// settlePause is the time between two looks at the nodes.
	settlePause = 50 * time.Millisecond
	// maxLineBytes bounds a line of an export.
	maxLineBytes = 1 << 20
	// readTime bounds the export of one poll.
	readTime = 10 * time.Minute
)

// nodes are the nodes to read from.
type nodes struct {
	endpoints []string
	access    wire.Access
	direct    *http.Client // without a proxy, as the project's own client
}

// status is a node's id, and its state: the applied log index and the digest there.
type status struct {
	Node   string
	Index  uint64
	Digest string
}

// tally is one poll's tally as a node gives it.
type tally struct {
	Poll    string            `json:"poll"`
	Ballots uint64            `json:"ballots"`
	Options map[string]uint64 `json:"options"`
	Index   uint64            `json:"index"`
}

// held is what is kept of a node next to its exports, in held.json.
type held struct {
	Node   string  `json:"node"`
	Index  uint64  `json:"index"`
	Digest string  `json:"digest"`
	Polls  []tally `json:"polls"`
}

// Gather waits until all nodes stand at the same log index, and writes their
// exports, tallies and digests below dir. Its error says which node could not be
// read: then nothing is proven.
func Gather(ctx context.Context, endpoints []string, access wire.Access, plan *workload.Plan, dir string) error {
	n := nodes{endpoints, access, &http.Client{Transport: client.Connect(&http.Transport{DisableKeepAlives: true}, access.TLS)}}
	for i, endpoint := range endpoints {
		c, err := client.New([]string{endpoint}, access.Options()...)
		if err != nil {
			return err
		}
		defer c.Close()
		h := held{Node: fmt.Sprint("node-", i+1)}
		if s, err := n.ask(ctx, endpoint); err == nil && s.Node != "" {
			h.Node = s.Node
		}
		to := filepath.Join(dir, Dir, h.Node)
		if err := os.MkdirAll(to, 0o755); err != nil {
			return fmt.Errorf("the exports cannot be kept: %w", err)
		}
		for p := range plan.Polls {
			id := plan.Poll(p).Definition.ID
			if err := export(ctx, c, id, filepath.Join(to, id+".ndjson.gz")); err != nil {
				return fmt.Errorf("poll %s cannot be exported from %s: %w", id, endpoint, err)
			}
			t, err := results(ctx, c, id)
			if err != nil {
				return fmt.Errorf("the results of poll %s cannot be read from %s: %w", id, endpoint, err)
			}
			h.Polls = append(h.Polls, t)
		}
		if err := save(filepath.Join(to, "held.json"), h); err != nil {
			return err
		}
	}
	return n.digests(ctx, dir)
}

// digests reads the digests at an equal index, after everything else was read.
func (n nodes) digests(ctx context.Context, dir string) error {
	all, err := n.level(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		path := filepath.Join(dir, Dir, s.Node, "held.json")
		var h held
		if err := load(path, &h); err != nil {
			return err
		}
		h.Index, h.Digest = s.Index, s.Digest
		if err := save(path, h); err != nil {
			return err
		}
	}
	return nil
}

// level waits until all nodes stand at the same index.
func (n nodes) level(ctx context.Context) ([]status, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		all := make([]status, len(n.endpoints))
		var err error
		equal := true
		for i, e := range n.endpoints {
			var failed error
			if all[i], failed = n.ask(ctx, e); failed != nil {
				err = failed
			}
			equal = equal && all[i].Index == all[0].Index
		}
		if err == nil && equal {
			return all, nil
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("they stand at %v", all)
			}
			return nil, fmt.Errorf("the nodes did not reach the same log index within %s: %w", settleTime, err)
		}
	}
}

// ask asks a node for its own entry among the members. It does not use the project's
// client, which leaves out the digest: that is for operators.
func (n nodes) ask(ctx context.Context, endpoint string) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/v1/cluster", nil)
	if err != nil {
		return status{}, err
	}
	n.access.Authorize(req)
	resp, err := n.direct.Do(req)
	if err != nil {
		return status{}, fmt.Errorf("%s cannot be asked: %w", endpoint, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status{}, fmt.Errorf("%s answered %s to GET /v1/cluster", endpoint, resp.Status)
	}
	var body struct {
		Members []struct {
			ID     string `json:"id"`
			Index  uint64 `json:"applied_index"`
			Digest string `json:"digest"`
		} `json:"members"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return status{}, fmt.Errorf("%s did not answer with the members of a cluster: %w", endpoint, err)
	}
	s := status{Node: resp.Header.Get("Voted-Node")}
	for _, m := range body.Members {
		if m.ID == s.Node {
			s.Index, s.Digest = m.Index, m.Digest
		}
	}
	if s.Node == "" {
		return s, fmt.Errorf("%s does not name itself; is it a node of voted?", endpoint)
	}
	return s, nil
}

func export(ctx context.Context, c *client.Client, poll, path string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := c.Audit(ctx, poll, z); err != nil {
		return err
	}
	return z.Close()
}

func results(ctx context.Context, c *client.Client, poll string) (tally, error) {
	r, err := c.Results(ctx, poll, client.Linearizable)
	if err != nil {
		return tally{}, err
	}
	t := tally{Poll: poll, Ballots: r.Ballots, Options: map[string]uint64{}, Index: r.Index}
	for _, o := range r.Options {
		n := o.Votes
		if r.Method == client.ScoreVoting {
			n = o.Score
		}
		t.Options[o.ID] = uint64(n)
	}
	return t, nil
}

// Load reads what Gather kept.
func Load(dir string, plan *workload.Plan) ([]ledger.Holdings, error) {
	folders, err := os.ReadDir(filepath.Join(dir, Dir))
	if err != nil {
		return nil, fmt.Errorf("%s holds no exports: %w", dir, err)
	}
	var all []ledger.Holdings
	for _, f := range folders {
		from := filepath.Join(dir, Dir, f.Name())
		var h held
		if err := load(filepath.Join(from, "held.json"), &h); err != nil {
			return nil, err
		}
		if len(h.Polls) != plan.Polls {
			return nil, fmt.Errorf("%s holds %d polls where the run had %d", from, len(h.Polls), plan.Polls)
		}
		one := ledger.Holdings{Node: h.Node, Index: h.Index, Digest: h.Digest}
		for _, t := range h.Polls {
			path := filepath.Join(from, t.Poll+".ndjson.gz")
			one.Polls = append(one.Polls, ledger.PollState{
				Ballots: t.Ballots, Options: t.Options,
				Each: func(f func(ledger.Record) error) error { return read(path, f) },
			})
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds the exports of no node", dir)
	}
	return all, nil
}

// read calls f with each ballot that counts of a kept export.
func read(path string, f func(ledger.Record) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s is not a kept export: %w", path, err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, maxLineBytes)
	for lines.Scan() {
		var r ledger.Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if r.Version == 0 { // no ballot that counts
			continue
		}
		if err := f(r); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s ends in the middle: %w", path, lines.Err())
	}
	return lines.Err()
}

func save(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}

func load(path string, v any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return nil
}
