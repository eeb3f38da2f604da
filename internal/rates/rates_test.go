package rates

import (
	"strconv"
	"testing"
	"time"
)

func TestRatesRefillAndTheTableIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	r := New(Rate{PerSecond: 2, Burst: 3})
	for i, want := range []bool{true, true, true, false} {
		if ok, _ := r.Take("a", now); ok != want {
			t.Errorf("request %d: %v", i, ok)
		}
	}
	if ok, _ := r.Take("b", now); !ok {
		t.Error("another client was refused")
	}
	if ok, _ := r.Take("a", now.Add(time.Second/2)); !ok {
		t.Error("nothing was refilled")
	}
	for i := range maxRated + 10 {
		r.Take(strconv.Itoa(i), now)
	}
	if len(r.known) != maxRated || r.order.Len() != maxRated {
		t.Errorf("%d and %d clients are remembered", len(r.known), r.order.Len())
	}
	if New(Rate{}) != nil {
		t.Error("no rate is a bound")
	}
}
