package api

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/proof"
)

// A log is what anybody can check a poll by: see package proof. What is in it stays as it is,
// until a restore or a recovery begins another log of the poll: under the same paths, which
// have no lineage. So a cache may keep everything here, and asks whether it is still so.

// logTemplates are the routes that --public-logs opens to everybody.
var logTemplates = []string{
	"/v1/polls/{poll}/log/checkpoint", "/v1/polls/{poll}/log/tile/{tile}", "/v1/polls/{poll}/log/definition",
	"/v1/polls/{poll}/log/profile", "/v1/polls/{poll}/log/closing", "/v1/polls/{poll}/log/policy",
}

// mediaBytes is of tiles, entries and definitions.
const mediaBytes = "application/octet-stream"

var (
	typeBytes  = []string{mediaBytes}
	typeNDJSON = []string{mediaNDJSON}
	// fresh lets caches keep an answer, and ask whether it is still so before they use it.
	fresh = []string{"no-cache"}
)

// logged is a poll, and the head of its log that answers are made under.
type logged struct {
	poll.Capture
	head Head
}

// noLogs is the refusal of a member that keeps no logs.
func noLogs() error {
	return refusal.New(refusal.NotFound, "This node keeps no logs that prove what was counted: it was started without --log-name. Ask one that does.")
}

// onLog runs what serves a part of a poll's log.
func (h *Handler) onLog(w *response, r *http.Request, mediaType string, do func(ctx context.Context, c *poll.Capture, info poll.Info) error) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaType); err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	if h.prover == nil {
		return noLogs()
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	c, info, err := h.captured(ctx, w, id)
	if err != nil {
		return err
	}
	return do(ctx, &c, info)
}

// captured takes a poll as this node has it. What is made of it is checked against a signed
// head, so it may be behind.
func (h *Handler) captured(ctx context.Context, w *response, id string) (c poll.Capture, info poll.Info, err error) {
	if err := h.cluster.Doubt(); err != nil {
		return c, info, err
	}
	if _, err := h.rules(ctx, id); err != nil {
		return c, info, err
	}
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		c, info, refused = s.Capture(id)
		w.index = s.Index()
	})
	if refused != nil {
		return c, info, refused
	}
	return c, info, nil
}

// underHead runs what serves a part of a log that a head covers. A log shows how many voted,
// so it is hidden as long as results are.
func (h *Handler) underHead(w *response, r *http.Request, mediaType string, do func(ctx context.Context, l *logged) error) error {
	return h.onLog(w, r, mediaType, func(ctx context.Context, c *poll.Capture, info poll.Info) error {
		if !info.Visible() {
			return refusal.Of(refusal.ResultsHidden)
		}
		head, ok := h.prover.Head(info.Rules.ID)
		if !ok {
			return refusal.Of(refusal.ProofPending)
		}
		return do(ctx, &logged{*c, head})
	})
}

// getCheckpoint serves the newest signed head.
func (h *Handler) getCheckpoint(w *response, r *http.Request) error {
	return h.underHead(w, r, mediaText, func(_ context.Context, l *logged) error {
		w.Header()["Cache-Control"] = fresh
		w.send(http.StatusOK, typeText, l.head.Note)
		return nil
	})
}

// getTile serves a tile of hashes or a bundle of entries, as c2sp.org/tlog-tiles has them.
func (h *Handler) getTile(w *response, r *http.Request) error {
	t, err := proof.ParseTilePath("tile/" + pathVar(r, "tile"))
	if err != nil {
		return refusal.New(refusal.NotFound, "There is no tile of this name; names are as in tile/0/x001/234, tile/0/000.p/17 and tile/entries/000.")
	}
	return h.underHead(w, r, mediaBytes, func(ctx context.Context, l *logged) error {
		v, err := h.prover.View(ctx, l.head)
		if err != nil {
			return err
		}
		hashes := t
		hashes.Level = max(t.Level, 0) // those of the entries, for a bundle
		known, err := v.Tile(hashes)
		if errors.Is(err, proof.ErrMissing) {
			return refusal.New(refusal.NotFound, "The signed log has %d entries, and no such tile yet.", l.head.Size)
		} else if err != nil {
			return err
		}
		body := proof.AppendHashes(nil, known)
		if t.Level == proof.EntryBundle {
			if body, err = l.bundle(t, known); err != nil {
				return err
			}
		}
		w.sendKept(r, body)
		return nil
	})
}

// sendKept sends what caches keep, or says that what they have is still so.
func (w *response) sendKept(r *http.Request, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	w.Header()["Cache-Control"], w.Header()["Etag"] = fresh, []string{tag}
	if ifNoneMatch(r.Header["If-None-Match"], tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.send(http.StatusOK, typeBytes, body)
}

// bundle returns the entries that have these hashes.
func (l *logged) bundle(t proof.Tile, hashes []proof.Hash) (b []byte, err error) {
	from := t.Number * proof.TileWidth
	n := 0
	for entry := range l.Leaves(from, from+uint64(t.Width)) {
		if proof.LeafHash(entry) != hashes[n] {
			break // the poll was restored meanwhile
		}
		if b, err = proof.AppendBundle(b, entry); err != nil {
			return nil, err
		}
		n++
	}
	if n != t.Width {
		return nil, refusal.Of(refusal.ProofPending)
	}
	return b, nil
}

// getDefinition serves the bytes whose SHA-256 is in leaf 0.
func (h *Handler) getDefinition(w *response, r *http.Request) error {
	return h.onLog(w, r, mediaBytes, func(_ context.Context, c *poll.Capture, _ poll.Info) error {
		w.sendKept(r, c.Rules().AppendLogged(nil))
		return nil
	})
}

// getPolicy serves the policy that the members' own keys make. Whoever takes it from here
// trusts this node; a copy that came another way is what checks it.
func (h *Handler) getPolicy(w *response, r *http.Request) error {
	return h.onLog(w, r, mediaText, func(_ context.Context, c *poll.Capture, _ poll.Info) error {
		policy, err := h.prover.Policy(c.Rules().ID)
		if err != nil {
			return err
		}
		w.Header()["Cache-Control"] = fresh
		w.send(http.StatusOK, typeText, policy)
		return nil
	})
}

// getClosing serves the proof that the log has ended, and with which numbers.
func (h *Handler) getClosing(w *response, r *http.Request) error {
	return h.underHead(w, r, mediaText, func(ctx context.Context, l *logged) error {
		if !l.Closed() {
			return refusal.New(refusal.PollNotClosed, "The poll is not closed; its log ends when it is.")
		}
		ended, ok := h.closings.of(l)
		if !ok {
			return refusal.Of(refusal.ProofPending)
		}
		v, err := h.prover.View(ctx, l.head)
		if err != nil {
			return err
		}
		p, err := l.closingProof(v, &ended.entry)
		if err != nil {
			return err
		}
		w.Header()["Cache-Control"] = fresh // later heads may have further signatures
		w.send(http.StatusOK, typeText, p)
		return nil
	})
}

// closingProof is the proof of the log's end, as a file. Like receipts, it was checked.
func (l *logged) closingProof(v *proof.View, closing *proof.ClosingEntry) ([]byte, error) {
	rules := l.Rules()
	p := proof.ClosingProof{
		Poll: rules.ID, Title: rules.Title, OpensAt: rules.OpensAt, ClosesAt: rules.ClosesAt,
		Closing: *closing, Checkpoint: l.head.Note,
	}
	var err error
	for first := range l.Leaves(0, 1) {
		if p.First, err = proof.ParseDefinitionEntry(first); err != nil {
			return nil, err
		}
	}
	if p.FirstPath, err = v.Inclusion(0); err != nil {
		return nil, err
	}
	if p.Path, err = v.Inclusion(l.head.Size - 1); err != nil {
		return nil, err
	}
	if p.CheckIn(l.head.checkpoint()) != nil {
		return nil, refusal.Of(refusal.ProofPending) // the poll was restored meanwhile
	}
	return p.Append(nil), nil
}

// getProfile serves how many ballots of a closed poll hold each choice: what the hash in the
// closing entry stands for, and what the result follows from.
func (h *Handler) getProfile(w *response, r *http.Request) error {
	return h.onLog(w, r, mediaNDJSON, func(_ context.Context, c *poll.Capture, _ poll.Info) error {
		if !c.Closed() {
			return refusal.New(refusal.PollNotClosed, "The poll is not closed; its profile is published then.")
		}
		e := &exporter{rules: c.Rules()}
		w.Header()["Content-Type"], w.Header()["Cache-Control"] = typeNDJSON, fresh
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return nil
		}
		out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, 64<<10)
		err := e.writeProfile(out, c.Profile())
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			panic(http.ErrAbortHandler) // a shortened profile must not end like a whole one
		}
		return nil
	})
}

// writeProfile writes a line for each choice, as voted tally reads them.
func (e *exporter) writeProfile(out *bufio.Writer, lines []proof.ProfileLine) error {
	var line []byte
	for _, l := range lines {
		marks, err := e.rules.Marks(l.Selections)
		if err != nil {
			return err
		}
		line = append(line[:0], `{"`+ballotjson.FieldOf(e.rules.Form())+`":`+e.marksJSON(marks)+`,"count":`...)
		line = strconv.AppendUint(line, l.Ballots, 10)
		line = append(line, `,"weight":`...)
		line = append(strconv.AppendUint(line, l.Weight, 10), '}', '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// isLog reports whether a route serves a part of a log.
func isLog(template string) bool { return slices.Contains(logTemplates, template) }
