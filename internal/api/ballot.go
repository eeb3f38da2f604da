package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/voterid"
)

// castBallot serves PUT of a voter's ballot.
func (h *Handler) castBallot(w *response, r *http.Request) error {
	err := h.castOne(w, r)
	if err == nil {
		return nil
	}
	code := refusal.Internal
	var refused *refusal.Error
	if errors.As(err, &refused) {
		code = refused.Code
	}
	h.metrics.refused(code)
	return err
}

func (h *Handler) castOne(w *response, r *http.Request) error {
	id, voter, err := pollAndVoter(r)
	if err != nil {
		return err
	}
	version, err := ifMatch(r.Header["If-Match"])
	if err != nil {
		return err
	}
	read, err := h.readBallot(w, r, id)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(h.timeFor(r))
	ctx := context.Context(&w.ctx)
	if !read.plain || len(r.Header["Prefer"]) > 0 { // more than the casting may have to wait
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	rules, selections := read.rules, read.selections
	if !read.plain {
		if rules, err = h.rules(ctx, id); err != nil {
			return err
		}
		var faults []refusal.FieldError
		if selections, faults = read.body.Encode(rules); faults != nil {
			return h.refuseInvalid(ctx, id, faults)
		}
	}
	b := poll.Ballot{Poll: id, Key: rules.Key(voter), Selections: selections, IfVersion: version}
	if rules.Secrecy == poll.Open {
		b.Voter = voter
	}
	outcome, err := h.decide(ctx, deadline, &b)
	if err != nil {
		return err
	}
	var proven proven
	if v := r.Header["Prefer"]; len(v) > 0 && h.prover != nil && outcome.Kind != poll.Refused {
		proven = h.preferred(ctx, w, v, rules, voter, outcome.Receipt)
	}
	return w.outcome(r, rules, voter, outcome, proven)
}

// preferred makes what a sender wants to have with the receipt of a ballot that is counted. The
// promise waits for nothing, the proof for its head.
func (h *Handler) preferred(ctx context.Context, w *response, values []string, rules *poll.Rules, voter string, r poll.Receipt) (p proven) {
	p.asked = prefers(values, preferProof)
	wantsPromise := prefers(values, preferPromise)
	if !p.asked && !wantsPromise || h.hidesNumbers(rules) {
		return p
	}
	if wantsPromise {
		p.promise = h.promise(ctx, w, rules.ID, voter, r)
	}
	if p.asked {
		p.receipt = h.proveAtOnce(ctx, w, rules.ID, voter, r.Ballot)
	}
	return p
}

// proven is what an answer to a ballot says of its proof.
type proven struct {
	asked   bool
	receipt []byte // nil: there is none yet
	promise *promise
}

// decodedBallot is a ballot as it was read; the selections of a plain one are encoded
// already.
type decodedBallot struct {
	plain      bool
	rules      *poll.Rules       // of a plain ballot
	selections []byte            // of a plain ballot
	body       ballotjson.Ballot // of any other
}

func (h *Handler) readBallot(w *response, r *http.Request, id string) (b decodedBallot, err error) {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return b, err
	}
	if err := contentType(r, mediaJSON); err != nil {
		return b, err
	}
	b.rules = h.knownRules(id)
	err = withBody(w, r, maxBallotBytes, func(body []byte) error {
		if b.rules != nil {
			var scanner plainBallot
			var p plain
			if p, b.plain = scanner.scan(body, b.rules, false, nil); b.plain {
				b.selections = p.selections
				return nil
			}
		}
		d := ballotjson.Get()
		defer d.Release()
		b.body, err = d.Decode(body, false)
		return err
	})
	return b, err
}

// rules finds a poll's rules. A poll that this node does not know may have been created
// on another one a moment ago, so only a linearizable read can show that there is none.
func (h *Handler) rules(ctx context.Context, id string) (*poll.Rules, error) {
	if rules := h.knownRules(id); rules != nil {
		return rules, nil
	}
	if err := h.sync(ctx); err != nil {
		return nil, err
	}
	rules := h.knownRules(id)
	if rules == nil {
		return nil, refusal.Of(refusal.PollNotFound)
	}
	return rules, nil
}

// refuseInvalid answers a ballot that breaks the rules. If the poll is not open, that is
// the answer, so the poll's phase must be known for certain.
func (h *Handler) refuseInvalid(ctx context.Context, id string, faults []refusal.FieldError) error {
	code, err := h.invalidCode(ctx, id)
	if err != nil {
		return err
	}
	refused := alone.refuse(poll.Outcome{Kind: poll.Refused, Code: code})
	if code == refusal.InvalidBallot {
		refused.Fields = faults
	}
	return refused
}

// invalidCode returns the code for a ballot of a poll whose selections cannot
// be encoded.
func (h *Handler) invalidCode(ctx context.Context, id string) (refusal.Code, error) {
	if err := h.sync(ctx); err != nil {
		return 0, err
	}
	info, _, err := h.info(id)
	if err != nil {
		return refusal.PollNotFound, nil
	}
	switch info.Phase {
	case poll.Scheduled:
		return refusal.PollNotOpen, nil
	case poll.Closed:
		return refusal.PollClosed, nil
	case poll.Opened:
	}
	return refusal.InvalidBallot, nil
}

// decide answers a ballot from committed state if that answer is final, and otherwise
// through the log.
func (h *Handler) decide(ctx context.Context, deadline time.Time, b *poll.Ballot) (poll.Outcome, error) {
	if o, settled := h.settled(b); settled {
		if err := h.cluster.Doubt(); err != nil {
			return o, err
		}
		h.metrics.settled.Inc()
		return o, nil
	}
	o, err := h.cluster.CastUntil(ctx, deadline, b)
	return o, inTime(err, refusal.OutcomeUnknown)
}

// outcome renders the outcome of a single ballot.
func (w *response) outcome(r *http.Request, rules *poll.Rules, voter string, o poll.Outcome, p proven) error {
	w.saw(o.Receipt.Index)
	if o.Kind == poll.Refused {
		return alone.refuse(o)
	}
	w.h.metrics.outcome(o)
	status := http.StatusOK
	switch o.Kind {
	case poll.Counted:
		status = http.StatusCreated
		at := r.URL.EscapedPath()
		if !voterid.Plain(voter) {
			at = ballotPath(rules.ID, voter) // the request may have written the id in another way
		}
		w.Header()["Location"] = w.value(at)
	case poll.Replayed:
		w.Header()["Idempotent-Replayed"] = yes
		w.h.repeats.add(rules.ID, 1)
	case poll.Refused, poll.Replaced:
	}
	if w.h.hidesNumbers(rules) {
		o.Receipt.Ballot = 0
	}
	w.receipt(status, rules.ID, voter, o.Kind, o.Receipt, p)
	return nil
}

// hidesNumbers reports whether receipts leave out the number of the ballot: it shows how
// many ballots came before, which must stay hidden while the poll's results are.
func (h *Handler) hidesNumbers(rules *poll.Rules) bool {
	if rules.Results == poll.ResultsLive {
		return false
	}
	info, _, err := h.info(rules.ID)
	return err != nil || !info.Visible()
}

// receipt writes a receipt, without a number if that is 0. It names the voter: no cache
// may keep it.
func (w *response) receipt(status int, id, voter string, kind poll.Kind, r poll.Receipt, p proven) {
	w.Header()["Cache-Control"] = noStore
	w.tag(r.Version)
	b := make([]byte, 0, 192+len(id)+len(voter))
	b = append(b, `{"poll":"`...)
	b = append(b, id...) // ids need no escapes
	b = append(b, `","voter":`...)
	b, _ = jsontext.AppendQuote(b, voter) // voters are valid UTF-8
	b = append(b, `,"outcome":"`...)
	b = append(b, kind.String()...)
	b = append(b, `","version":`...)
	b = strconv.AppendUint(b, uint64(r.Version), 10)
	if r.Ballot != 0 {
		b = append(b, `,"ballot":`...)
		b = strconv.AppendUint(b, uint64(r.Ballot), 10)
	}
	b = append(b, `,"index":`...)
	b = strconv.AppendUint(b, r.Index, 10)
	b = append(b, `,"cast_at":"`...)
	b = appendTime(b, r.CastAt)
	b = append(b, '"')
	if p.promise != nil {
		w.Header()["Preference-Applied"] = promiseApplied
		b = p.promise.appendJSON(b)
	}
	switch {
	case p.receipt != nil:
		b = append(b, `,"proof":`...)
		b, _ = jsontext.AppendQuote(b, p.receipt) // proofs are valid UTF-8
	case p.asked:
		b = append(b, `,"proof_pending":true`...)
	}
	w.send(status, typeJSON, append(b, '}', '\n'))
}

// getReceipt serves GET of a voter's current receipt.
func (h *Handler) getReceipt(w *response, r *http.Request) error {
	id, voter, err := pollAndVoter(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	stale, err := wantsStale(r)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.upToDate(ctx, w, stale); err != nil {
		return err
	}
	receipt, refused := h.ownReceipt(w, id, voter)
	if refused != nil {
		w.Header()["Cache-Control"] = noStore
		if stale {
			w.Header().Del("Voted-Age") // of an answer that is none
			return refusal.New(refusal.Unavailable, "What this node has shows no such ballot, and may be old; only without consistency=stale it is certain.")
		}
		return refused
	}
	rules := h.knownRules(id)
	hidden := h.hidesNumbers(rules)
	if hidden {
		receipt.Ballot = 0
	}
	// If the number was hidden before and no longer is, the receipt of the same version
	// differs.
	if same := rules.Results == poll.ResultsLive || hidden; same {
		w.tag(receipt.Version)
		if ifNoneMatch(r.Header["If-None-Match"], w.Header().Get("Etag")) {
			w.Header()["Cache-Control"] = noStore
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	kind := poll.Counted
	if receipt.Version > 1 {
		kind = poll.Replaced
	}
	w.receipt(http.StatusOK, id, voter, kind, receipt, proven{})
	return nil
}
