package ingest

import (
	"time"

	"voted/client"
)

// fate is what becomes of a message.
type fate int

const (
	settled   fate = iota // acknowledged: the ballot is in the box, or a later one of its voter is
	waiting               // delivered again: what it needs may come
	dead                  // a dead letter: it can never be counted
	suspended             // delivered again: the cluster takes no ballots now, so the whole bridge pauses
	locked                // the same, and somebody must give the bridge other credentials
)

// fates says what an answer means for its message. A code that is not here belongs to no ballot, or to a newer service:
// such a message waits, and becomes a dead letter in the end, so that it is neither lost nor in the way forever.
var fates = map[client.Code]fate{
	"":                          settled,
	client.CodeSuperseded:       settled, // a late duplicate of a ballot that was replaced
	client.CodeVersionMismatch:  waiting, // the revote overtook what it replaces
	client.CodePollNotOpen:      waiting,
	client.CodePollNotFound:     waiting, // the poll may be created a moment later
	client.CodeAlreadyVoted:     dead,
	client.CodePollClosed:       dead,
	client.CodePollFull:         dead,
	client.CodeNotEligible:      dead,
	client.CodeInvalidBallot:    dead,
	client.CodeInvalidVoter:     dead,
	client.CodeMalformedRequest: dead,
	client.CodePayloadTooLarge:  dead,
	client.CodeUnavailable:      suspended,
	client.CodeOutcomeUnknown:   suspended, // it is a replay, or counted, when it is cast again
	client.CodeTooManyRequests:  suspended,
	client.CodeStorageFull:      suspended,
	client.CodeInternal:         suspended,
	client.CodeUpgradePending:   suspended,
	client.CodeUnauthenticated:  locked,
	client.CodeForbidden:        locked, // of the whole upload: the bridge's role is wrong, and not the ballot
}

// verdict is a fate with what is needed to carry it out.
type verdict struct {
	fate  fate
	pause time.Duration // until it is delivered again
	label string        // outcome in the metrics
}

// refusal is what is known about a message that was refused.
type refusal struct {
	code       client.Code
	deliveries uint64
	since      time.Time // of the first refusal that this bridge saw; later, if the cluster was away after it
	opens      time.Time // when the poll opens; zero: not known
	window     time.Duration
}

// fateOf is what an answer means for its message.
func fateOf(code client.Code) fate {
	if f, known := fates[code]; known {
		return f
	}
	return waiting
}

// judge decides what becomes of a message by its answer. now is the bridge's clock.
func judge(r refusal, now time.Time) verdict {
	switch f := fateOf(r.code); f {
	case settled:
		return verdict{fate: settled, label: labelSuperseded}
	case dead:
		return verdict{fate: dead, label: labelDead}
	case suspended, locked:
		return verdict{fate: f, label: labelReturned}
	}
	patience := r.since
	if r.code == client.CodePollNotOpen && r.opens.After(patience) {
		patience = r.opens
	}
	if now.Sub(patience) >= r.window {
		return verdict{fate: dead, label: labelDead}
	}
	pause := pauseAfter(r.deliveries)
	if early := r.opens.Sub(now); r.code == client.CodePollNotOpen && early > pause {
		pause = min(early, longestEarly)
	}
	return verdict{fate: waiting, pause: pause, label: labelWaiting}
}

// pauseAfter doubles with each delivery. The broker's count decides how long, and nothing else.
func pauseAfter(deliveries uint64) time.Duration {
	n := min(max(deliveries, 1)-1, 20)
	return min(firstPause<<n, longestPause)
}
