package trace

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// export queues a span that has ended. It never waits.
func (t *Tracer) export(s *Span) {
	select {
	case t.queue <- s:
	default:
		t.dropped.Inc()
	}
}

// Close delivers what is queued, until ctx ends, and ends the tracer. Later spans are
// dropped.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	close(t.stop)
	select {
	case <-t.done:
	case <-ctx.Done():
	}
	t.cancel()
	<-t.done
	t.client.CloseIdleConnections()
}

// deliver sends what is queued, one delivery at a time, until Close.
func (t *Tracer) deliver() {
	defer close(t.done)
	failing := false
	for last := false; !last; {
		var spans []*Span
		spans, last = t.gather()
		if len(spans) == 0 {
			continue
		}
		rejected, err := t.send(encode(t.opts, spans), len(spans))
		if err != nil {
			rejected = len(spans)
		}
		t.sent.Add(float64(len(spans) - rejected))
		t.failed.Add(float64(rejected))
		if err != nil && !failing {
			t.opts.Logger.Warn("traces cannot be delivered; voted_trace_spans_total counts what is lost, and nothing else is affected", "endpoint", t.url, "error", err)
		} else if err == nil && failing {
			t.opts.Logger.Info("traces are delivered again", "endpoint", t.url)
		}
		failing = err != nil
	}
}

// gather waits for spans: until there are enough, or a short time after the first.
func (t *Tracer) gather() (spans []*Span, last bool) {
	select {
	case s := <-t.queue:
		spans = append(spans, s)
	case <-t.stop:
		return t.rest(nil)
	}
	moment := time.NewTimer(deliverEvery)
	defer moment.Stop()
	for len(spans) < deliverySpans {
		select {
		case s := <-t.queue:
			spans = append(spans, s)
		case <-moment.C:
			return spans, false
		case <-t.stop:
			return t.rest(spans)
		}
	}
	return spans, false
}

// rest takes what is queued. last says that no more will come.
func (t *Tracer) rest(spans []*Span) (all []*Span, last bool) {
	for len(spans) < deliverySpans {
		select {
		case s := <-t.queue:
			spans = append(spans, s)
		default:
			return spans, true
		}
	}
	return spans, false
}

// send makes one delivery and returns how many of its spans were rejected. A failed
// delivery is not repeated: the next one follows soon, and its spans are newer.
func (t *Tracer) send(body []byte, spans int) (rejected int, err error) {
	ctx, cancel := context.WithTimeout(t.ctx, deliveryTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for k, v := range t.headers {
		r.Header[k] = v
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "voted/"+t.opts.Version)
	resp, err := t.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	switch {
	case resp.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("the receiver answered %s", resp.Status)
	case err != nil:
		return 0, err
	}
	return min(rejectedSpans(answer), spans), nil
}
