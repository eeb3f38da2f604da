package strangers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// delivery is a request that a receiver has verified.
type delivery struct {
	id       string
	number   uint64
	previous uint64
	body     []byte
	at       time.Time
}

// receiver knows the library of Standard Webhooks, and that an event has a number. It is what
// somebody writes who has read docs/webhooks.md and nothing of this project's code.
type receiver struct {
	mu     sync.Mutex
	key    *standardwebhooks.Webhook // guarded by mu; nil: nobody has told it yet
	last   uint64                    // guarded by mu: all that it keeps to tell repetitions
	taken  []delivery                // guarded by mu: what it handled
	all    []delivery                // guarded by mu: what came
	wrong  []string                  // guarded by mu: what it refused, and why
	pinged int                       // guarded by mu
}

func (r *receiver) learn(secret string) error {
	key, err := standardwebhooks.NewWebhook(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = key
	return err
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest) // the sender died while it sent
		return
	case q.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case r.key == nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err := r.key.Verify(body, q.Header); err != nil {
		r.wrong = append(r.wrong, fmt.Sprintf("%v: %s", err, body))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.take(q.Header.Get(standardwebhooks.HeaderWebhookID), body)
	w.WriteHeader(http.StatusNoContent)
}

// take handles a delivery, or recognises it. The caller holds mu.
func (r *receiver) take(id string, body []byte) {
	var e struct{ ID, Type, Sequence, Previous string }
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id {
		r.wrong = append(r.wrong, fmt.Sprintf("%s has the body %s, %v", id, body, err))
		return
	}
	if e.Type == "webhook.ping" {
		r.pinged++
		return
	}
	number, err := strconv.ParseUint(e.Sequence, 10, 64)
	previous, err2 := strconv.ParseUint(e.Previous, 10, 64)
	if err != nil || err2 != nil {
		r.wrong = append(r.wrong, fmt.Sprintf("%s has the numbers %q and %q", id, e.Sequence, e.Previous))
		return
	}
	d := delivery{id, number, previous, bytes.Clone(body), time.Now()}
	r.all = append(r.all, d)
	if number <= r.last {
		return // seen
	}
	if previous != r.last {
		r.wrong = append(r.wrong, fmt.Sprintf("%s comes after %d, and says that %d came before", id, r.last, previous))
	}
	r.last = number
	r.taken = append(r.taken, d)
}

// told returns what came so far.
func (r *receiver) told() (taken, all []delivery, wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken, r.all, r.wrong
}

// faults compares what a receiver took with the feed's ids. allowed is how many repetitions the
// deaths of leaders explain.
func faults(taken, all []delivery, feed []string, allowed int) (wrong []string) {
	for i := range max(len(taken), len(feed)) {
		switch {
		case i >= len(taken):
			return append(wrong, "it did not get "+feed[i])
		case i >= len(feed):
			return append(wrong, "it got "+taken[i].id+", which is not in the feed")
		case taken[i].id != feed[i]:
			return append(wrong, "it got "+taken[i].id+" where the feed has "+feed[i])
		}
	}
	first := map[string][]byte{}
	for _, d := range all {
		if was, ok := first[d.id]; !ok {
			first[d.id] = d.body
		} else if !bytes.Equal(was, d.body) {
			wrong = append(wrong, fmt.Sprintf("%s was sent as\n%s\nand then as\n%s", d.id, was, d.body))
		}
	}
	if repeated := len(all) - len(taken); repeated > allowed {
		wrong = append(wrong, fmt.Sprintf("%d deliveries were repetitions, and %d at most are explained", repeated, allowed))
	}
	return wrong
}

// The judge finds what it is there for.
func TestALostAReorderedAndAChangedDeliveryAreFound(t *testing.T) {
	t.Parallel()
	d := func(id, body string) delivery { return delivery{id: id, body: []byte(body)} }
	a, b := d("a", "1"), d("b", "2")
	for name, c := range map[string]struct {
		taken, all []delivery
		want       int
	}{
		"all is well":               {[]delivery{a, b}, []delivery{a, b}, 0},
		"one repetition":            {[]delivery{a, b}, []delivery{a, a, b}, 0},
		"two repetitions":           {[]delivery{a, b}, []delivery{a, a, b, b}, 1},
		"one is lost":               {[]delivery{a}, []delivery{a}, 1},
		"the first one is lost":     {[]delivery{b}, []delivery{b}, 1},
		"one is nowhere else":       {[]delivery{a, b, d("c", "")}, []delivery{a, b, d("c", "")}, 1},
		"they are in another order": {[]delivery{b, a}, []delivery{b, a}, 1},
		"the repetition differs":    {[]delivery{a, b}, []delivery{a, d("a", "x"), b}, 1},
	} {
		if got := faults(c.taken, c.all, []string{"a", "b"}, 1); len(got) != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	// And a receiver refuses what was signed by another key, and notes what does not follow.
	keys := keysOf(t, 1)
	r := &receiver{}
	must(t, r.learn(keys.Key(crm).Secret()))
	r.take("evt_c_3", []byte(`{"id":"evt_c_3","sequence":"3","previous":"0"}`))
	r.take("evt_c_3", []byte(`{"id":"evt_c_3","sequence":"3","previous":"0"}`))
	r.take("evt_c_5", []byte(`{"id":"evt_c_5","sequence":"5","previous":"4"}`))
	if taken, all, wrong := r.told(); len(taken) != 2 || len(all) != 3 || len(wrong) != 1 {
		t.Errorf("it took %d of %d, and says %q", len(taken), len(all), wrong)
	}
}
