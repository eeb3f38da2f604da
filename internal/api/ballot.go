package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
)

// castBallot serves PUT of a voter's ballot.
func (h *Handler) castBallot(w *response, r *http.Request) error {
	err := h.castOne(w, r)
	if err == nil {
		return nil
	}
	code := poll.CodeInternal
	var refusal *poll.Error
	if errors.As(err, &refusal) {
		code = refusal.Code
	}
	h.metrics.refused(code)
	return err
}

func (h *Handler) castOne(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	voter, err := voterID(r)
	if err != nil {
		return err
	}
	version, err := ifMatch(r.Header["If-Match"])
	if err != nil {
		return err
	}
	m, err := h.readBallot(w, r, id)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	rules, selections := m.rules, m.selections
	if !m.plain {
		if rules, err = h.rules(ctx, id); err != nil {
			return err
		}
		var faults []poll.FieldError
		if selections, faults = m.body.encode(rules); faults != nil {
			return h.refuseInvalid(ctx, id, faults)
		}
	}
	b := poll.Ballot{Poll: id, Key: rules.Key(voter), Selections: selections, IfVersion: version}
	if rules.Secrecy == poll.Open {
		b.Voter = voter
	}
	outcome, err := h.decide(ctx, &b)
	if err != nil {
		return err
	}
	return w.outcome(r, id, voter, outcome)
}

// marked is a ballot as it was read: plain ones are encoded already.
type marked struct {
	plain      bool
	rules      *poll.Rules // of a plain ballot
	selections []byte      // of a plain ballot
	body       ballotBody  // of any other
}

func (h *Handler) readBallot(w *response, r *http.Request, id string) (m marked, err error) {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return m, err
	}
	if err := contentType(r, mediaJSON); err != nil {
		return m, err
	}
	m.rules = h.knownRules(id)
	err = withBody(w, r, maxBallotBytes, func(body []byte) error {
		if m.rules != nil {
			var scanner plainBallot
			var p plain
			if p, m.plain = scanner.scan(body, m.rules, false, nil); m.plain {
				m.selections = p.selections
				return nil
			}
		}
		d := ballotDecoders.Get().(*ballotDecoder)
		defer ballotDecoders.Put(d)
		m.body, err = d.decode(body, false)
		return err
	})
	return m, err
}

// rules finds a poll's rules. A poll that this node does not know may have been
// created on another one a moment ago: only a linearizable read can deny it.
func (h *Handler) rules(ctx context.Context, id string) (*poll.Rules, error) {
	if rules := h.knownRules(id); rules != nil {
		return rules, nil
	}
	if err := h.sync(ctx); err != nil {
		return nil, err
	}
	rules := h.knownRules(id)
	if rules == nil {
		return nil, unknownPoll(id)
	}
	return rules, nil
}

func unknownPoll(id string) error {
	return poll.Refuse(poll.CodePollNotFound, "There is no poll %q; list the polls with GET /v1/polls.", id)
}

// refuseInvalid answers a ballot that breaks the rules: whether the poll is open
// comes before what is wrong with the ballot, and must be known for certain.
func (h *Handler) refuseInvalid(ctx context.Context, id string, faults []poll.FieldError) error {
	code, err := h.invalidCode(ctx, id)
	if err != nil {
		return err
	}
	refusal := poll.Outcome{Kind: poll.Refused, Code: code}.Err()
	if code == poll.CodeInvalidBallot {
		refusal.Fields = faults
	}
	return refusal
}

// invalidCode returns the code for a ballot of a poll whose selections cannot
// be encoded.
func (h *Handler) invalidCode(ctx context.Context, id string) (poll.Code, error) {
	if err := h.sync(ctx); err != nil {
		return 0, err
	}
	info, _, err := h.info(id)
	if err != nil {
		return poll.CodePollNotFound, nil
	}
	switch info.Phase {
	case poll.Scheduled:
		return poll.CodePollNotOpen, nil
	case poll.Closed:
		return poll.CodePollClosed, nil
	case poll.Opened:
	}
	return poll.CodeInvalidBallot, nil
}

// decide lets committed state answer where that is final, and else the log.
func (h *Handler) decide(ctx context.Context, b *poll.Ballot) (poll.Outcome, error) {
	if o, settled := h.settled(b); settled {
		if err := h.cluster.Doubt(); err != nil {
			return o, err
		}
		h.metrics.settled.Inc()
		return o, nil
	}
	o, err := h.cluster.Cast(ctx, b)
	return o, inTime(err, poll.CodeOutcomeUnknown)
}

// outcome renders what became of a single ballot.
func (w *response) outcome(r *http.Request, id, voter string, o poll.Outcome) error {
	w.saw(o.Receipt.Index)
	if o.Kind == poll.Refused {
		return o.Err()
	}
	w.h.metrics.outcome(o)
	status := http.StatusOK
	switch o.Kind {
	case poll.Counted:
		status = http.StatusCreated
		w.Header()["Location"] = w.value(r.URL.EscapedPath())
	case poll.Replayed:
		w.Header()["Idempotent-Replayed"] = yes
	case poll.Refused, poll.Replaced:
	}
	w.receipt(status, id, voter, o.Kind, o.Receipt)
	return nil
}

// receipt writes a receipt. It names the voter: no cache may keep it.
func (w *response) receipt(status int, id, voter string, kind poll.Kind, r poll.Receipt) {
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
	b = append(b, `,"ballot":`...)
	b = strconv.AppendUint(b, uint64(r.Ballot), 10)
	b = append(b, `,"index":`...)
	b = strconv.AppendUint(b, r.Index, 10)
	b = append(b, `,"cast_at":"`...)
	b = appendTime(b, r.CastAt)
	b = append(b, '"', '}', '\n')
	w.send(status, typeJSON, b)
}

// getReceipt serves GET of a voter's current receipt.
func (h *Handler) getReceipt(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	voter, err := voterID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	rules, err := h.rules(ctx, id)
	if err != nil {
		return err
	}
	key := rules.Key(voter)
	var receipt poll.Receipt
	var refusal *poll.Error
	h.cluster.Read(func(s *poll.State) {
		receipt, refusal = s.Receipt(id, key)
		w.index = s.Index()
	})
	if refusal != nil {
		w.Header()["Cache-Control"] = noStore
		return refusal
	}
	kind := poll.Counted
	if receipt.Version > 1 {
		kind = poll.Replaced
	}
	w.receipt(http.StatusOK, id, voter, kind, receipt)
	return nil
}
