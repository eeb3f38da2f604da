package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"voted/internal/poll"
)

// Answer is what came of one request to an endpoint.
type Answer struct {
	Status  int           // of the answer; 0: none came
	Wait    time.Duration // Retry-After of a 429 or a 503; 0: it named no time
	Address string        // that was called, "" if none was
	Took    time.Duration // until the answer, or until it was given up
	Fault   poll.Fault    // why no answer came
	Failure string        // a sentence on why it does not count as delivered, "" if it does
	Allowed int           // deliveries a minute that WebHook-Allowed-Rate allows; 0: it names none
}

// Result is what an answer counts as, in the words of the metric.
type Result string

// The results. An event that becomes a dead letter counts as Dead in addition.
const (
	OK      Result = "ok"
	Refused Result = "refused" // the endpoint answered that it does not want this event
	Failed  Result = "failed"  // the endpoint does not work, or was not reached
	Blocked Result = "blocked"
	Dead    Result = "dead"
)

var results = []Result{OK, Refused, Failed, Blocked, Dead}

// Result sorts the answer. Redirects are refusals: nobody follows them.
func (a Answer) Result() Result {
	switch s := a.Status; {
	case a.Fault == poll.FaultBlocked:
		return Blocked
	case s >= 200 && s < 300:
		return OK
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return Failed
	case s >= 300 && s < 500:
		return Refused
	}
	return Failed
}

// The times of the table of answers. Ages are by the replicated clock, so that no change of
// leader makes them begin again.
const (
	// firstDelay doubles with each failure up to longestDelay, each ±50 %.
	firstDelay   = time.Second
	longestDelay = 10 * time.Minute
	// oldAge is from when an event is tried once in lateDelay, and deadAge when it becomes a
	// dead letter: long enough for a weekend.
	oldAge    = 24 * time.Hour
	lateDelay = time.Hour
	deadAge   = 72 * time.Hour
	// disableAfter is how long an endpoint may take nothing before nothing more is sent to it.
	disableAfter = 5 * 24 * time.Hour
	// maxWait is the longest that a Retry-After is taken for.
	maxWait = time.Hour
	// refusedTimes and refusedFor are how often and for how long an event is refused until it
	// becomes a dead letter: a deployment with a fault must not cost events.
	refusedTimes = 5
	refusedFor   = 5 * time.Minute
	// probeFrom and probeEvery say after which attempts the next event is tried too.
	probeFrom  = 8
	probeEvery = 4
)

// history is what came so far of the event that an endpoint gets.
type history struct {
	attempts int           // by this leader, with this one
	since    time.Duration // since the first of them
	age      time.Duration // of the event
	failing  time.Duration // for which the endpoint has taken nothing
}

// step is what is done next.
type step uint8

const (
	retry   step = iota // the same event, later
	settle              // the event was taken; the next one at once
	bury                // the event is a dead letter; the next one, later
	disable             // nothing more
)

// verdict is what follows from an answer.
type verdict struct {
	step step
	wait time.Duration       // until the next attempt
	why  poll.EndpointReason // of disable
}

// judge says what follows from the answer to an event. delay gives the next of the growing
// delays; it is asked only where one is needed.
func judge(a Answer, h history, delay func() time.Duration) verdict {
	result := a.Result()
	switch {
	case result == OK:
		return verdict{step: settle}
	case a.Status == http.StatusGone:
		return verdict{step: disable, why: poll.ReasonGone}
	case h.failing >= disableAfter && a.Fault != poll.FaultRender: // this node's own fault disables nobody
		return verdict{step: disable, why: poll.ReasonFailing}
	case h.age >= deadAge && result == Refused:
		return verdict{step: bury}
	case h.age >= deadAge:
		return verdict{step: bury, wait: lateDelay} // the next one is about as old
	case a.Wait > 0:
		return verdict{wait: a.Wait}
	case result == Refused && h.attempts >= refusedTimes && h.since >= refusedFor:
		return verdict{step: bury}
	case h.age >= oldAge:
		return verdict{wait: lateDelay}
	}
	return verdict{wait: delay()}
}

// probes reports whether the next event is tried right after an attempt that failed, if it is
// about another poll: where the endpoint takes that, only the event is the trouble.
func probes(attempt int) bool { return attempt >= probeFrom && attempt%probeEvery == 0 }

// judgeProbe says what follows for an event that has just failed from the answer to the one
// after it. settle: that one was taken, and the event is a dead letter. A second event that is
// refused says nothing of the first.
func judgeProbe(a Answer) verdict {
	switch {
	case a.Result() == OK:
		return verdict{step: settle}
	case a.Status == http.StatusGone:
		return verdict{step: disable, why: poll.ReasonGone}
	}
	return verdict{wait: a.Wait}
}

// againTimes is how often an event is tried that was delivered, or given up, before: whoever
// asked for it waits for the answer, and so do the events that are new.
const againTimes = 8

// judgeAgain says what follows from the answer to an event that somebody asked for once more.
func judgeAgain(a Answer, h history, delay func() time.Duration) verdict {
	h.age = 0
	v := judge(a, h, delay)
	if v.step == retry && (a.Result() == Refused || h.attempts >= againTimes) {
		return verdict{step: bury, wait: v.wait}
	}
	return v
}

// retryAfter reads the header of that name, seconds or a date, up to maxWait. It returns 0 for
// anything else, and for times that are over.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxWait)
}
