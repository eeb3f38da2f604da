package api

import (
	"time"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

// maxLag bounds how many waiting events of a webhook are counted.
const maxLag = 1000

// attemptPatience is how long the member that leads is waited for where all else is known.
const attemptPatience = time.Second

// webhookJSON is a webhook as admins see it. Its secret is in the answers that give it out
// alone.
type webhookJSON struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Types     []string `json:"types"`
	Polls     []string `json:"polls,omitempty"` // absent: all
	Rate      uint16   `json:"rate"`
	Revision  uint32   `json:"revision"`
	CreatedAt string   `json:"created_at"`
	State     string   `json:"state"`
	Reason    string   `json:"reason,omitempty"`
	// Cursor: every event up to it is settled.
	Cursor       uint64     `json:"cursor"`
	LagEvents    int        `json:"lag_events"` // up to maxLag
	LagSeconds   int64      `json:"lag_seconds"`
	WaitingSince string     `json:"waiting_since,omitempty"`
	FailingSince string     `json:"failing_since,omitempty"`
	DeadLetters  int        `json:"dead_letters"` // that were not delivered later
	Dead         []deadJSON `json:"dead,omitempty"`
	DeadDropped  uint64     `json:"dead_dropped,omitzero"` // older ones, which are no longer listed
	Redelivering int        `json:"redelivering,omitzero"`
	// LastAttempt is in the answer to GET of one webhook, where its leader has made one.
	LastAttempt *attemptJSON `json:"last_attempt,omitempty"`
	// PreviousUntil is until when the key before signs too.
	PreviousUntil string `json:"previous_secret_until,omitempty"`
	Secret        string `json:"secret,omitempty"`
}

// webhookShown shows a webhook without its dead letters.
func webhookShown(s *poll.State, e *poll.Endpoint) webhookJSON {
	shown := webhookJSON{
		ID: e.ID, URL: e.URL, Types: []string{}, Polls: e.Polls, Rate: e.Rate, Revision: e.Revision,
		CreatedAt: string(appendTime(nil, e.CreatedAt)), State: e.State.String(), Reason: e.Reason.String(),
		Cursor: e.Cursor, FailingSince: timeText(e.FailingSince), DeadLetters: e.DeadNow(), DeadDropped: e.DeadDropped(),
		Redelivering: len(e.Again),
	}
	for _, k := range e.Kinds.All() {
		shown.Types = append(shown.Types, k.String())
	}
	if e.PreviousUntil > s.Clock() {
		shown.PreviousUntil = timeText(e.PreviousUntil)
	}
	if waiting := waitingOf(s, e); len(waiting) > 0 {
		since := waiting[0].At
		shown.LagEvents, shown.WaitingSince = len(waiting), timeText(since)
		shown.LagSeconds = max(0, int64(time.Since(time.UnixMilli(since))/time.Second))
	}
	return shown
}

// waitingOf returns the first events that the webhook has yet to get, up to maxLag.
func waitingOf(s *poll.State, e *poll.Endpoint) []poll.Event {
	oldest, _ := s.EventSpan()
	waiting, _, _ := s.Events(max(e.Cursor, oldest-1), maxLag, e.Webhook.Wants)
	return waiting
}

// deadJSON is a dead letter as admins see it.
type deadJSON struct {
	Event       string `json:"event"`
	Sequence    uint64 `json:"sequence"`
	At          string `json:"at"`
	Status      uint16 `json:"status,omitzero"`
	Fault       string `json:"fault,omitempty"`
	Redelivered bool   `json:"redelivered,omitzero"`
}

func deadOf(cluster string, d poll.DeadLetter) deadJSON {
	return deadJSON{
		Event: eventjson.ID(cluster, d.Number), Sequence: d.Number, At: string(appendTime(nil, d.At)), Status: d.Status,
		Fault: d.Fault.String(), Redelivered: d.Redelivered,
	}
}
