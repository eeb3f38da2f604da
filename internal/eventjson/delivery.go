package eventjson

import (
	"context"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
)

// MaxBody is the size that the body of a webhook keeps below: Standard Webhooks asks for less
// than 20 KB. Results that are larger come as a link.
const MaxBody = 20_000

// Delivery is an event for receivers of webhooks. All endpoints share it: the number of the
// event before, which differs, is put in for each. Of an event in the journal it is the same
// bytes each time, unless its poll was changed or deleted meanwhile, or its lot drawn.
type Delivery struct {
	ID         string // one for each event, and forever the same; without a dot
	head, tail []byte
}

// Body returns the body for an endpoint. previous is the number of the event before that the
// endpoint asked for, 0 if there was none.
func (d Delivery) Body(previous uint64) []byte {
	b := make([]byte, 0, d.Bytes())
	b = append(append(b, d.head...), `,"previous":"`...)
	return append(append(strconv.AppendUint(b, previous, 10), '"'), d.tail...)
}

// Bytes bounds the memory that the delivery takes, and the size of its bodies.
func (d Delivery) Bytes() int {
	return len(d.head) + len(d.tail) + len(`,"previous":"18446744073709551615"`)
}

// Delivery renders an event for receivers of webhooks. It has a timestamp, too, and does not say
// in which state a poll is now: deliveries that are repeated would differ, and the events that
// follow say it.
func (r Renderer) Delivery(ctx context.Context, e poll.Event, about About) (Delivery, error) {
	data, err := r.data(ctx, e, about)
	if err != nil {
		return Delivery{}, err
	}
	if e.Kind != poll.PollClosed {
		data.State = ""
	}
	d, err := deliver(r.envelope(e), data)
	if err == nil && d.Bytes() >= MaxBody && data.Results != nil {
		data.link()
		d, err = deliver(r.envelope(e), data)
	}
	return d, err
}

// Ping is what an endpoint is tried with. It is in no journal and has no number; id names it,
// in letters and digits.
func (r Renderer) Ping(id string, at int64) (Delivery, error) {
	return deliver(r.envelopeOf("ping_"+r.Cluster+"_"+id, "webhook.ping", at), struct{}{})
}

// Missed tells a receiver that the events from the one number to the other were dropped before
// it got them. Its own number is that of the last of them, so that the next event follows it.
func (r Renderer) Missed(from, to uint64, at int64) (Delivery, error) {
	last := strconv.FormatUint(to, 10)
	shown := r.envelopeOf("missed_"+r.Cluster+"_"+last, "events.missed", at)
	shown.Sequence = last
	return deliver(shown, missed{strconv.FormatUint(from, 10), last})
}

type missed struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// deliver writes an event in two parts, between which the number of the event before belongs.
func deliver(shown envelope, data any) (d Delivery, err error) {
	shown.Timestamp = shown.Time
	text, err := json.Marshal(data)
	if err != nil {
		return d, fmt.Errorf("the data of %s: %w", shown.ID, err)
	}
	shown.Data = jsontext.Value("0") // stands last, and is replaced
	head, err := json.Marshal(shown)
	if err != nil {
		return d, fmt.Errorf("the event %s: %w", shown.ID, err)
	}
	const placeholder = `,"data":0}`
	d.ID, d.head = shown.ID, head[:len(head)-len(placeholder)]
	d.tail = append(append([]byte(`,"data":`), text...), '}')
	return d, nil
}
