package webhook

import (
	"net/http"
	"testing"
	"time"

	"voted/internal/poll"
)

const day = 24 * time.Hour

func TestTheTableOfAnswers(t *testing.T) {
	t.Parallel()
	const delay = 17 * time.Second // as the growing delays would have it
	fresh := history{attempts: 1, age: time.Second}
	for name, c := range map[string]struct {
		answer Answer
		so     history
		want   verdict
	}{
		"200":                                  {Answer{Status: 200}, fresh, verdict{step: settle}},
		"202":                                  {Answer{Status: 202}, fresh, verdict{step: settle}},
		"299":                                  {Answer{Status: 299}, fresh, verdict{step: settle}},
		"a late 204 settles all the same":      {Answer{Status: 204}, history{attempts: 99, age: 4 * day, failing: 6 * day}, verdict{step: settle}},
		"410":                                  {Answer{Status: 410}, fresh, verdict{step: disable, why: poll.ReasonGone}},
		"429 without a time":                   {Answer{Status: 429}, fresh, verdict{wait: delay}},
		"429 with one":                         {Answer{Status: 429, Wait: 40 * time.Second}, fresh, verdict{wait: 40 * time.Second}},
		"503 with one":                         {Answer{Status: 503, Wait: time.Minute}, fresh, verdict{wait: time.Minute}},
		"503 with a time, for three days":      {Answer{Status: 503, Wait: time.Minute}, history{attempts: 9, age: 3 * day}, verdict{step: bury, wait: time.Hour}},
		"503 with a time, for five days":       {Answer{Status: 503, Wait: time.Minute}, history{attempts: 9, age: day, failing: 5 * day}, verdict{step: disable, why: poll.ReasonFailing}},
		"a redirect":                           {Answer{Status: 307}, fresh, verdict{wait: delay}},
		"404":                                  {Answer{Status: 404}, fresh, verdict{wait: delay}},
		"404 four times in ten minutes":        {Answer{Status: 404}, history{attempts: 4, since: 10 * time.Minute}, verdict{wait: delay}},
		"404 nine times in less than five":     {Answer{Status: 404}, history{attempts: 9, since: 5*time.Minute - 1}, verdict{wait: delay}},
		"404 five times in five minutes":       {Answer{Status: 404}, history{attempts: 5, since: 5 * time.Minute}, verdict{step: bury}},
		"500 five times in five minutes":       {Answer{Status: 500}, history{attempts: 5, since: 5 * time.Minute}, verdict{wait: delay}},
		"404 under one leader after the other": {Answer{Status: 404}, history{attempts: 1, age: 3 * day}, verdict{step: bury}},
		"408 is about the endpoint":            {Answer{Status: 408}, history{attempts: 9, since: time.Hour}, verdict{wait: delay}},
		"425 too":                              {Answer{Status: 425}, history{attempts: 9, since: time.Hour}, verdict{wait: delay}},
		"500":                                  {Answer{Status: 500}, fresh, verdict{wait: delay}},
		"no answer":                            {Answer{}, fresh, verdict{wait: delay}},
		"an answer that is none":               {Answer{Status: 101}, fresh, verdict{wait: delay}},
		"blocked":                              {Answer{Fault: poll.FaultBlocked}, fresh, verdict{wait: delay}},
		"500 for less than a day":              {Answer{Status: 500}, history{attempts: 99, age: day - 1, failing: day}, verdict{wait: delay}},
		"500 for a day":                        {Answer{Status: 500}, history{attempts: 99, age: day, failing: day}, verdict{wait: time.Hour}},
		"500 for less than three days":         {Answer{Status: 500}, history{attempts: 99, age: 3*day - 1, failing: day}, verdict{wait: time.Hour}},
		"500 for three days":                   {Answer{Status: 500}, history{attempts: 99, age: 3 * day, failing: 3 * day}, verdict{step: bury, wait: time.Hour}},
		"no success for less than five days":   {Answer{}, history{attempts: 1, failing: 5*day - 1}, verdict{wait: delay}},
		"no success for five days":             {Answer{}, history{attempts: 1, failing: 5 * day}, verdict{step: disable, why: poll.ReasonFailing}},
		"blocked for five days":                {Answer{Fault: poll.FaultBlocked}, history{attempts: 1, failing: 5 * day}, verdict{step: disable, why: poll.ReasonFailing}},
		"not rendered, for five days":          {Answer{Fault: poll.FaultRender}, history{attempts: 1, failing: 5 * day}, verdict{wait: delay}},
		"refused for five days, event after event": {Answer{Status: 404}, history{attempts: 1, failing: 5 * day}, verdict{step: disable, why: poll.ReasonFailing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judge(c.answer, c.so, func() time.Duration { return delay }); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAfterTheEighthAttemptAndEveryFourthTheNextEventIsTried(t *testing.T) {
	t.Parallel()
	var which []int
	for n := 1; n <= 17; n++ {
		if probes(n) {
			which = append(which, n)
		}
	}
	if len(which) != 3 || which[0] != 8 || which[1] != 12 || which[2] != 16 {
		t.Errorf("the attempts %v", which)
	}
}

func TestWhatTheNextEventSaysOfTheOneBeforeIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer Answer
		want   verdict
	}{
		"it is taken: the first was the trouble":    {Answer{Status: 204}, verdict{step: settle}},
		"it is refused too: that says nothing":      {Answer{Status: 404}, verdict{}},
		"it fails too: the endpoint is the trouble": {Answer{Status: 500}, verdict{}},
		"it is asked to wait":                       {Answer{Status: 429, Wait: time.Second}, verdict{wait: time.Second}},
		"the endpoint is gone":                      {Answer{Status: 410}, verdict{step: disable, why: poll.ReasonGone}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judgeProbe(c.answer); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"120": 2 * time.Minute, " 7 ": 7 * time.Second, "0": 0, "": 0, "-5": 0, "1.5": 0, "soon": 0, "86400": time.Hour, "99999999999999999999999": time.Hour,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(day).Format(http.TimeFormat):              time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
