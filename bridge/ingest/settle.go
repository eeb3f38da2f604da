package ingest

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"voted/client"
)

// settle answers the broker for each message. A letter is stored before its message is settled: a bridge that dies in
// between stores it again, under the same id.
func (b *Bridge) settle(items []*item) {
	var letters []Letter
	var senders []*item
	for _, it := range items {
		if letter, needed := b.letterOf(it); needed {
			letters, senders = append(letters, letter), append(senders, it)
		}
	}
	b.store(letters, senders)
	for _, it := range items {
		if err := b.conclude(it); err != nil {
			b.o.Log.Debug("the broker was not told; the message comes again", "message", it.ID(), "error", err)
		}
		it.done.Store(true)
	}
}

// store stores letters. The message of one that is not stored must come again.
func (b *Bridge) store(letters []Letter, senders []*item) {
	if len(letters) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	faults := map[string]string{} // of the parts that a letter was of
	for i, err := range b.o.Outbox.Store(ctx, letters) {
		part := partReceipts
		if letters[i].Dead {
			part = partDead
		}
		faults[part] += "" // it is there now
		if err != nil {
			faults[part] = err.Error()
			it := senders[i]
			it.verdict = verdict{fate: waiting, pause: pauseAfter(it.Deliveries()), label: labelReturned}
			continue
		}
		if letters[i].Dead {
			b.metrics.dead.WithLabelValues(string(letters[i].Code)).Inc()
		}
	}
	for part, fault := range faults {
		if b.state.Fault(part, fault) && fault != "" {
			b.o.Log.Warn(part+" cannot be stored; their messages are kept", "error", fault)
		}
	}
}

// conclude tells the broker what becomes of a message.
func (b *Bridge) conclude(it *item) error {
	b.metrics.messages.WithLabelValues(it.verdict.label).Inc()
	switch it.verdict.fate {
	case settled:
		b.patience.forget(it.ID())
		return it.Ack()
	case dead:
		b.patience.forget(it.ID())
		return it.Term()
	}
	return it.Retry(it.verdict.pause)
}

// letterOf returns what is told about a message, if anything is.
func (b *Bridge) letterOf(it *item) (l Letter, needed bool) {
	l = Letter{ID: it.ID(), Poll: it.Poll()}
	switch {
	case it.verdict.fate == dead:
		l.Dead, l.Body, l.Code, l.Problem = true, it.Body(), it.refused.Code, problemOf(it.refused)
		return l, true
	case it.verdict.fate == settled && (b.o.Receipts || it.WantsReceipt()):
		l.Body = receiptOf(it)
		return l, true
	}
	return l, false
}

// receiptOf renders what the cluster answered to a ballot that counts, or did until its voter replaced it.
func receiptOf(it *item) []byte {
	outcome := it.answer.Outcome
	if it.refused != nil {
		outcome = labelSuperseded
	}
	b, err := json.Marshal(struct {
		Poll    string         `json:"poll"`
		Voter   string         `json:"voter"`
		Outcome client.Outcome `json:"outcome"`
		Version uint64         `json:"version,omitzero"`
		Ballot  uint64         `json:"ballot,omitzero"`
		Message string         `json:"message"`
	}{it.Poll(), it.answer.Voter, outcome, it.answer.Version, it.answer.Ballot, it.ID()})
	if err != nil {
		panic(err) // strings and numbers of a ballot that was read from JSON
	}
	return b
}

// statuses are those that the service gives the codes of single ballots (docs/api.md).
var statuses = map[client.Code]int{
	client.CodeAlreadyVoted: http.StatusConflict, client.CodePollClosed: http.StatusConflict, client.CodePollFull: http.StatusConflict,
	client.CodeNotEligible: http.StatusForbidden, client.CodePollNotFound: http.StatusNotFound,
	client.CodeVersionMismatch: http.StatusPreconditionFailed, client.CodePollNotOpen: http.StatusConflict,
	client.CodePayloadTooLarge: http.StatusRequestEntityTooLarge, client.CodeMalformedRequest: http.StatusBadRequest,
}

func statusOf(code client.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}
