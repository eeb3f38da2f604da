package threshold

import (
	"testing"
	"time"
)

func TestAThresholdHoldsWhereItsValueIsOnTheRightSide(t *testing.T) {
	t.Parallel()
	m := Measured{
		P50: time.Millisecond, P90: 20 * time.Millisecond, P99: 100 * time.Millisecond, P999: time.Second,
		Unavailability: 500 * time.Millisecond, Faults: 3, Rate: 1999, Requests: 1000, Errors: 10,
	}
	for text, held := range map[string]bool{
		"p50<2ms": true, "p50<1ms": false, "p50<=1ms": true, "p90 < 25ms": true, "p99<250ms": true, "p999<1s": false,
		"p999>=1s": true, "unavailability<1s": true, "unavailability<400ms": false, "rate>1900": true, "rate>=2000": false,
		"errors<1%": false, "errors<=1%": true, "errors<11": true, "errors<=9": false,
	} {
		x, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, value := x.Check(m); got != held {
			t.Errorf("%s held: %v (%s), want %v", text, got, value, held)
		}
	}
}

func TestUnavailabilityWithoutFaultsIsNotHeld(t *testing.T) {
	t.Parallel()
	x, err := Parse("unavailability<1s")
	if err != nil {
		t.Fatal(err)
	}
	if held, _ := x.Check(Measured{}); held {
		t.Error("a limit held although nothing was measured")
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "p99", "p99<", "p99<5", "p99<-1s", "p42<1s", "rate<x", "errors<1%%", "errors<-1", "rate>NaN", "=<1"} {
		if x, err := Parse(text); err == nil {
			t.Errorf("%q was read as %+v", text, x)
		}
	}
}
