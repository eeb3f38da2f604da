package client

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestJitterIsFull(t *testing.T) {
	t.Parallel()
	// Given the default policy, when 4,000 calls are tried again nine times,
	// then each delay is uniform between zero and a doubling bound.
	p := RetryPolicy{}.withDefaults()
	const calls, buckets, tries = 4000, 8, 9
	var counts [tries][buckets]int
	for range calls {
		b := fullJitter(p)
		for try := range tries {
			bound := min(p.BaseDelay<<try, p.MaxDelay)
			d := b.NextBackOff()
			if d < 0 || d > bound+time.Nanosecond {
				t.Fatalf("delay %v of try %d is beyond %v", d, try+1, bound)
			}
			counts[try][min(buckets-1, int(int64(d)*buckets/int64(bound)))]++
		}
	}
	for try, row := range counts {
		chi := 0.0
		for _, n := range row {
			chi += math.Pow(float64(n)-calls/buckets, 2) / (calls / buckets)
		}
		// 7 degrees of freedom: one in a million exceeds 40.5.
		if chi > 40.5 {
			t.Errorf("try %d: chi² = %.1f of %v", try+1, chi, row)
		}
	}
}

func TestRetryAfterForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "soon": 0, "99999999999": 0,
		"Tue, 01 Dec 2026 08:01:00 GMT": time.Minute, "Tue, 01 Dec 2026 07:00:00 GMT": 0,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", v, got, want)
		}
	}
}

func TestFlatLeavesTheUnusualToEncodingJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]step{
		`{}`: stepEnd, ` { "a" : 1 , "b" : "x" } `: stepEnd, `{"a":1`: stepUnusual, `{"a":1}x`: stepUnusual,
		`{"a":-1}`: stepUnusual, `{"a":1.5}`: stepUnusual, `{"a":null}`: stepUnusual, `{"a":"\n"}`: stepUnusual,
		`{"a":[1]}`: stepUnusual, ``: stepUnusual, `[`: stepUnusual, `{"a":12345678901234567890}`: stepUnusual,
	} {
		f := flat{rest: []byte(in)}
		got := f.next()
		for got == stepMember {
			got = f.next()
		}
		if got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":7,"index":12,"cast_at":"2026-12-01T08:00:03.125Z"}`))
	f.Add([]byte(`{"outcome":"replayed","version":1,"x":{"y":[]},"voter":"\u00e4"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var quick receiptInto
		if quick.decode(body) != nil {
			return
		}
		// The numbers that were read are those that encoding/json finds
		// under exactly these names.
		var m map[string]json.RawMessage
		if err := json.Unmarshal(body, &m); err != nil {
			return // accepted although not quite JSON, such as a number like 007
		}
		for name, got := range map[string]uint64{"version": quick.Version, "ballot": quick.Ballot, "index": quick.Index} {
			var want uint64
			if raw, ok := m[name]; ok && json.Unmarshal(raw, &want) == nil && want != got {
				t.Errorf("%s: %s = %d, want %d", body, name, got, want)
			}
		}
	})
}

func TestAQuantileIsOfRecentLatencies(t *testing.T) {
	t.Parallel()
	var l latencies
	// Given 100 latencies from 1 to 100 ms in the first ten seconds …
	for i := range 100 {
		l.record(time.Duration(i)*latencySpan/100, time.Duration(i+1)*time.Millisecond)
	}
	for _, now := range []time.Duration{latencySpan - 1, latencySpan, 2*latencySpan - 1} {
		d, n := l.quantile(now, 0.95)
		if n != 100 || d < 95*time.Millisecond || d > 95*time.Millisecond*5/4 {
			t.Errorf("at %v: %v of %d", now, d, n)
		}
	}
	// … when two more halves have begun, then they are forgotten, however much time
	// passes.
	for _, now := range []time.Duration{2 * latencySpan, 3 * latencySpan, time.Hour} {
		if _, n := l.quantile(now, 0.95); n != 0 {
			t.Errorf("at %v: %d are left", now, n)
		}
	}
}

func TestEveryLatencyIsInTheBucketThatEndsAfterIt(t *testing.T) {
	t.Parallel()
	for d := time.Duration(0); d < 30*time.Second; d += d/50 + time.Microsecond {
		i := bucketOf(d)
		if end := bucketEnd(i); end <= d || end > max(latencyUnit, d*5/4+latencyUnit) || i > 0 && bucketEnd(i-1) > d {
			t.Fatalf("%v is in bucket %d, which ends at %v", d, i, end)
		}
	}
	if i := bucketOf(time.Hour); i != latencyBuckets-1 {
		t.Errorf("an hour is in bucket %d", i)
	}
}
