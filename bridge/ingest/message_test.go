package ingest

import (
	"sync"
	"time"
)

// message is one that a test makes, and what became of it.
type message struct {
	id, poll, body string
	deliveries     uint64
	receipt        bool

	broker *broker
	answer string // ack, term or retry, as the broker understands it
	pause  time.Duration
}

func (m *message) ID() string         { return m.id }
func (m *message) Poll() string       { return m.poll }
func (m *message) Body() []byte       { return []byte(m.body) }
func (m *message) WantsReceipt() bool { return m.receipt }
func (m *message) Deliveries() uint64 { return max(1, m.deliveries) }

func (m *message) Ack() error                  { return m.broker.answered(m, "ack", 0) }
func (m *message) Term() error                 { return m.broker.answered(m, "term", 0) }
func (m *message) Retry(d time.Duration) error { return m.broker.answered(m, "retry", d) }
func (m *message) Extend() error               { return m.broker.answered(m, "extend", 0) }

// broker notes what it is told, in order. After a message was acknowledged or terminated nothing else is heard of it, until
// it is delivered again.
type broker struct {
	mu   sync.Mutex
	told []string // guarded by mu
}

func (b *broker) answered(m *message, how string, pause time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if how != "extend" && m.answer != "ack" && m.answer != "term" {
		m.answer, m.pause = how, pause
	}
	b.told = append(b.told, how+" "+m.id)
	return nil
}
