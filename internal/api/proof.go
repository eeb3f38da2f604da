package api

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/textfile"
	"voted/proof"
)

// receipts makes receipts of one log under one head.
type receipts struct {
	*logged
	view  *proof.View
	ended *closing // nil unless the head covers the closing

	chunkOf uint32 // number of the chunk that was proved last, counted from 1
	chunk   proof.Chunk
}

// receipts prepares receipts under the log's head.
func (h *Handler) receipts(ctx context.Context, l *logged) (*receipts, error) {
	v, err := h.prover.View(ctx, l.head)
	if err != nil {
		return nil, err
	}
	ended, _ := h.closings.of(l)
	return &receipts{logged: l, view: v, ended: ended}, nil
}

// of returns the receipt of a ballot that the head covers, as a file. It was checked: it
// fails with refusal.ProofPending where the poll is no longer that of the head.
func (p *receipts) of(voter string, number uint32) ([]byte, error) {
	if uint64(number) >= p.head.Size || number > p.Records() {
		return nil, refusal.Of(refusal.ProofPending)
	}
	rules := p.Rules()
	entry, opening := p.Entry(number)
	path, err := p.view.Inclusion(uint64(number))
	if err != nil {
		return nil, err
	}
	r := proof.Receipt{
		Poll: rules.ID, Voter: voter, KeyNonce: proof.VoterNonce(rules.Salt, voter),
		Ballot: entry, Number: uint64(number), Path: path, Checkpoint: p.head.Note,
	}
	if rules.Proves() == poll.ReceiptsOpened {
		r.Opening = &opening
	}
	if p.ended != nil {
		if r.Final, err = p.final(number); err != nil {
			return nil, err
		}
	}
	if err := r.CheckIn(p.head.checkpoint()); err != nil {
		return nil, &refusal.Error{Code: refusal.ProofPending, Cause: err}
	}
	return r.Append(nil), nil
}

// final shows that a ballot was not replaced before the close. The proof of a chunk serves
// its neighbours too.
func (p *receipts) final(number uint32) (*proof.Final, error) {
	at := number/proof.TileWidth + 1
	if p.chunkOf != at {
		var err error
		if p.chunk, err = p.ended.superseded.Prove(number); err != nil {
			return nil, err
		}
		p.chunkOf = at
	}
	path, err := p.view.Inclusion(p.head.Size - 1)
	if err != nil {
		return nil, err
	}
	return &proof.Final{Closing: p.ended.entry, Path: path, Chunk: p.chunk}, nil
}

// getProof serves the proof that a voter's ballot is in the log.
func (h *Handler) getProof(w *response, r *http.Request) error {
	voter, err := voterID(r)
	if err != nil {
		return err
	}
	return h.onLog(w, r, mediaText, func(ctx context.Context, _ *poll.Capture, _ poll.Info) error {
		id, err := pollID(r)
		if err != nil {
			return err
		}
		// A linearizable read: whoever was told that a ballot counts is not told here that
		// there is none.
		if err := h.sync(ctx); err != nil {
			return err
		}
		c, info, err := h.captured(ctx, w, id)
		if err != nil {
			return err
		}
		w.Header()["Cache-Control"] = noStore
		number, err := h.numberOf(id, c.Rules().Key(voter))
		if err != nil {
			return err
		}
		if !info.Visible() {
			return proofsLater()
		}
		head, ok := h.prover.Head(id)
		if !ok || head.Size <= uint64(number) {
			return refusal.Of(refusal.ProofPending)
		}
		p, err := h.receipts(ctx, &logged{c, head})
		if err != nil {
			return err
		}
		receipt, err := p.of(voter, number)
		if err != nil {
			return err
		}
		w.send(http.StatusOK, typeText, receipt)
		return nil
	})
}

// proofsLater is the refusal of a proof as long as results are hidden: it would show how many
// voted.
func proofsLater() error {
	return refusal.New(refusal.ResultsHidden, "The poll shows its results, and proofs with them, after it has closed.")
}

// numberOf returns the number of a voter's current ballot.
func (h *Handler) numberOf(id string, key poll.VoterKey) (number uint32, err error) {
	var receipt poll.Receipt
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) { receipt, refused = s.Receipt(id, key) })
	if refused != nil {
		return 0, refused
	}
	return receipt.Ballot, nil
}

// What a ballot's sender may prefer to have with the answer (RFC 7240).
const (
	preferProof   = "proof"
	preferPromise = "promise"
)

// prefers reports whether a request asks for something by its header Prefer.
func prefers(values []string, what string) bool {
	for _, v := range values {
		for v != "" {
			var one string
			one, v = cutList(v)
			if strings.EqualFold(strings.TrimSpace(firstPart(one)), what) {
				return true
			}
		}
	}
	return false
}

// proveAtOnce waits for the proof of a ballot that was counted, for as long as the request
// may take. It returns nil where there is none in time, or before the poll shows its results:
// the ballot is counted all the same.
func (h *Handler) proveAtOnce(ctx context.Context, w *response, id, voter string, number uint32) []byte {
	head, err := h.prover.Await(ctx, id, uint64(number))
	if err == nil {
		err = h.sync(ctx) // the ballot may have been counted by way of another node
	}
	var c poll.Capture
	if err == nil {
		c, _, err = h.captured(ctx, w, id)
	}
	var p *receipts
	if err == nil {
		p, err = h.receipts(ctx, &logged{c, head})
	}
	if err == nil {
		var receipt []byte
		if receipt, err = p.of(voter, number); err == nil {
			return receipt
		}
	}
	var refused *refusal.Error
	if !errors.As(err, &refused) && ctx.Err() == nil {
		h.log.Error("a proof could not be made", "request_id", w.id, "poll", id, "error", err)
	}
	return nil
}

// proofsLine is a line of a request for many proofs.
type proofsLine struct {
	Voter string `json:"voter"`
}

// wanted is a proof that a line asks for.
type wantedProof struct {
	voter   string
	number  uint32
	receipt []byte
	refused *refusal.Error
}

// postProofs serves the proofs of many voters: lines in, a line out for each, all under one
// head.
func (h *Handler) postProofs(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaNDJSON); err != nil {
		return err
	}
	if err := contentType(r, mediaNDJSON); err != nil {
		return err
	}
	if h.prover == nil {
		return noLogs()
	}
	if !h.bulks.take() {
		return refusal.New(refusal.TooManyRequests, "This node takes all the bulk uploads it can; try another one, or wait.")
	}
	defer h.bulks.give()
	var all []wantedProof
	if err := withBody(w, r, maxProofsBytes, func(body []byte) error {
		all, err = readProofsLines(body)
		return err
	}); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	c, info, err := h.captured(ctx, w, id)
	if err != nil {
		return err
	}
	if !info.Visible() {
		return proofsLater()
	}
	head, ok := h.prover.Head(id)
	if !ok {
		return refusal.Of(refusal.ProofPending)
	}
	p, err := h.receipts(ctx, &logged{c, head})
	if err != nil {
		return err
	}
	if err := h.proveAll(ctx, p, all); err != nil {
		return err
	}
	header := w.Header()
	header["Content-Type"], header["Cache-Control"] = typeNDJSON, noStore
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, 64<<10)
	for i := range all {
		if _, err = out.Write(all[i].appendLine(nil, i+1)); err != nil {
			break
		}
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler) // what is cut off must not look whole
	}
	return nil
}

// readProofsLines reads the lines of a request. Blank ones are voters too: none may be there.
func readProofsLines(body []byte) (all []wantedProof, err error) {
	body = textfile.TrimMark(body)
	for line := range bytes.Lines(body) {
		if len(all) == maxProofs {
			return nil, refusal.New(refusal.PayloadTooLarge, "This route takes up to %d lines; send the others in another request.", maxProofs)
		}
		var asked wantedProof
		var in proofsLine
		if err := unmarshal(bytes.TrimSpace(line), &in); err != nil {
			errors.As(err, &asked.refused)
		} else if asked.voter, err = ballotjson.Voter(in.Voter); err != nil {
			errors.As(err, &asked.refused)
		}
		all = append(all, asked)
	}
	return all, nil
}

// proveAll makes the proofs in the order of the ballots' numbers: the hashes of a tile then
// serve all of its ballots.
func (h *Handler) proveAll(ctx context.Context, p *receipts, all []wantedProof) error {
	h.cluster.Read(func(s *poll.State) {
		for i := range all {
			if x := &all[i]; x.refused == nil {
				var receipt poll.Receipt
				receipt, x.refused = s.Receipt(p.Rules().ID, p.Rules().Key(x.voter))
				x.number = receipt.Ballot
			}
		}
	})
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[a].number, all[b].number) })
	for _, i := range order {
		x := &all[i]
		if x.refused != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if x.receipt, err = p.of(x.voter, x.number); err != nil && !errors.As(err, &x.refused) {
			return err
		}
	}
	return nil
}

// appendLine appends the answer to a line.
func (x *wantedProof) appendLine(b []byte, line int) []byte {
	if e := x.refused; e != nil {
		detail := sentence(e)
		for _, f := range e.Fields {
			detail += " " + f.Field + ": " + f.Detail
		}
		return appendRefusal(b, line, e.Code, detail)
	}
	b = append(b, `{"line":`...)
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, `,"voter":`...)
	b, _ = jsontext.AppendQuote(b, x.voter) // voters and proofs are valid UTF-8
	b = append(b, `,"proof":`...)
	b, _ = jsontext.AppendQuote(b, x.receipt)
	return append(b, '}', '\n')
}
