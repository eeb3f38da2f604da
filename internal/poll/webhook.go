package poll

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"voted/internal/refusal"
)

// WebhookLevel is the format level from which the state has endpoints of webhooks and
// alarms.
const WebhookLevel = 6

// The limits of webhooks. Together they bound the memory of all endpoints to 4 MiB: 2 of
// definitions, 1.5 of dead letters, and what is left for redeliveries and remembered requests.
const (
	// MaxEndpoints bounds how many there are.
	MaxEndpoints = 1024
	// MaxEndpointBytes bounds the memory of their definitions together.
	MaxEndpointBytes = 2 << 20
	// MaxURLBytes bounds the address of one.
	MaxURLBytes = 2048
	// MaxEndpointPolls bounds the ids of polls, and beginnings of ids, that one names.
	MaxEndpointPolls = 16
	// MaxRate bounds the deliveries a second to one; DefaultRate is for those who say nothing.
	MaxRate     = 100
	DefaultRate = 20
	// MaxDeadLetters bounds the dead letters that are listed of one endpoint.
	MaxDeadLetters = 256
	// maxAllDeadLetters bounds them together: of more than 256 endpoints each has fewer.
	maxAllDeadLetters = 1 << 16
	// MaxRedeliveries bounds the redeliveries that wait at one endpoint.
	MaxRedeliveries = 64
	// maxAllRedeliveries bounds them together.
	maxAllRedeliveries = 1 << 13
	// MaxOverlap bounds how long the key before signs too, in milliseconds: a week.
	MaxOverlap int64 = 7 * 24 * 3600 * 1000
	// maxEndpointAsks bounds the remembered requests about endpoints.
	maxEndpointAsks = 4096
	// endpointBytes is about the memory of an endpoint without its texts and lists.
	endpointBytes = 256
)

// KindSet is a set of kinds of events.
type KindSet uint64

// webhookKinds are the kinds that an endpoint may ask for. A kind that is added later needs
// a level: members of two builds must not decide differently about one definition.
const webhookKinds KindSet = 1<<(EndpointDisabled+1) - 2

// KindsOf returns the set of these kinds.
func KindsOf(kinds ...EventKind) (set KindSet) {
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Has reports whether a kind is in the set.
func (k KindSet) Has(kind EventKind) bool { return k>>kind&1 == 1 }

// All returns the kinds of the set, in the order of their numbers.
func (k KindSet) All() (all []EventKind) {
	for ; k != 0; k &= k - 1 {
		all = append(all, EventKind(bits.TrailingZeros64(uint64(k))))
	}
	return all
}

// Webhook is which events are to be sent where.
type Webhook struct {
	URL   string
	Kinds KindSet
	Polls []string // ids, and beginnings of ids followed by *; sorted; nil: all polls
	Rate  uint16   // deliveries a second
}

// Wants reports whether events of a kind about a poll are asked for.
func (w *Webhook) Wants(kind EventKind, id string) bool {
	return w.Kinds.Has(kind) && AmongPolls(w.Polls, id)
}

// AmongPolls reports whether an event about a poll is about one of these: ids, and beginnings of
// ids followed by *; none stands for all. An event about no poll, whose id is "", is about all.
func AmongPolls(polls []string, id string) bool {
	return len(polls) == 0 || id == "" || slices.ContainsFunc(polls, func(p string) bool {
		beginning, open := strings.CutSuffix(p, "*")
		return id == beginning || open && strings.HasPrefix(id, beginning)
	})
}

// same reports whether two definitions ask for the same.
func (w *Webhook) same(o *Webhook) bool {
	return w.URL == o.URL && w.Kinds == o.Kinds && w.Rate == o.Rate && slices.Equal(w.Polls, o.Polls)
}

// sorted returns the definition with its polls in order, each once.
func (w Webhook) sorted() Webhook {
	w.Polls = slices.Compact(slices.Sorted(slices.Values(w.Polls)))
	return w
}

// Validate returns everything that is wrong with the definition. Of the URL it checks only
// what no version of a parser can see differently: all members must decide alike. Whoever
// proposes the definition checks that it is a URL to which something may be sent.
func (w *Webhook) Validate() (errs []refusal.FieldError) {
	wrong := func(field, format string, args ...any) {
		errs = append(errs, refusal.FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	web := strings.HasPrefix(w.URL, "https://") || strings.HasPrefix(w.URL, "http://")
	if !web || len(w.URL) > MaxURLBytes || strings.ContainsFunc(w.URL, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		wrong("url", "Use an address that begins with https:// and has up to %d printable ASCII characters.", MaxURLBytes)
	}
	if w.Kinds == 0 || w.Kinds&^webhookKinds != 0 {
		wrong("types", "Name at least one type of event.")
	}
	if w.Rate < 1 || w.Rate > MaxRate {
		wrong("rate", "Use 1 to %d deliveries a second.", MaxRate)
	}
	if len(w.Polls) > MaxEndpointPolls {
		wrong("polls", "Name up to %d polls, or beginnings of their ids followed by *.", MaxEndpointPolls)
	}
	for i, p := range w.Polls {
		if id, open := strings.CutSuffix(p, "*"); !ValidID(id) && (!open || id != "") {
			wrong(Item("polls", i), "Use the id of a poll, or a beginning of ids followed by *.")
		}
	}
	return errs
}

// bytes returns about how much memory the definition takes.
func (w *Webhook) bytes() int {
	n := endpointBytes + len(w.URL)
	for _, p := range w.Polls {
		n += len(p) + 16
	}
	return n
}

// EndpointState is what is done with an endpoint. The numbers are in snapshots.
type EndpointState uint8

// The states.
const (
	// EndpointVerifying: nothing is sent but a ping, until one is answered.
	EndpointVerifying EndpointState = iota
	EndpointEnabled
	// EndpointPaused: an administrator, or a restore, stopped it.
	EndpointPaused
	// EndpointStopped: the deliverer disabled it, see EndpointReason.
	EndpointStopped
	endpointStates
)

// String returns the state as clients see it.
func (s EndpointState) String() string {
	return [...]string{"verifying", "enabled", "paused", "disabled"}[s]
}

// EndpointReason is why an endpoint is paused or disabled. The numbers are in snapshots.
type EndpointReason uint8

// The reasons. Where two reports disable an endpoint, the lower number is kept.
const (
	ReasonNone      EndpointReason = iota
	ReasonAsked                    // an administrator paused it
	ReasonRestored                 // a backup was restored
	ReasonRecovered                // the cluster was recovered from one member
	ReasonGone                     // it answered 410
	ReasonFailing                  // it took nothing for five days
	endpointReasons
)

// String returns the reason as clients see it.
func (r EndpointReason) String() string {
	if r < endpointReasons {
		return [...]string{
			"", "paused by an administrator", "restored from a backup", "the cluster was recovered from one member",
			"it answered 410 Gone", "it took nothing for five days",
		}[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Disables reports whether a deliverer disables endpoints for this reason.
func (r EndpointReason) Disables() bool { return r == ReasonGone || r == ReasonFailing }

// Fault is why an attempt to deliver was not answered. The numbers are in snapshots.
type Fault uint8

// The faults. FaultNone means that there was an answer, with a status.
const (
	FaultNone Fault = iota
	FaultTimeout
	FaultName    // the name has no address
	FaultConnect // no connection, or it broke
	FaultTLS     // the certificate or the handshake
	FaultBlocked // this node does not call that address
	FaultAnswer  // what came is not HTTP
	FaultRender  // the event could not be made into a body
	faults
)

// String returns the fault as clients see it.
func (f Fault) String() string {
	if f < faults {
		return [...]string{"", "timeout", "name", "connect", "tls", "blocked", "answer", "render"}[f]
	}
	return fmt.Sprintf("fault %d", uint8(f))
}

// DeadLetter is an event that an endpoint asked for and that was given up.
type DeadLetter struct {
	Number      uint64 // of the event
	At          int64  // the replicated clock when it was given up
	Status      uint16 // of the last answer; 0: there was none
	Fault       Fault  // why there was none
	Redelivered bool   // it was delivered later, because somebody asked for that
}

// Redone is a redelivery that is over.
type Redone struct {
	Redelivery
	Delivered bool // false: it was given up
}

// Redelivery is an event that is to be sent once more.
type Redelivery struct {
	Number uint64 // of the event
	Asked  uint64 // log index of the request: a report about an earlier one does not settle it
}

// Endpoint is a webhook, and how far it is served. It is immutable.
type Endpoint struct {
	ID string
	// Number rises in the order of creation. One that is created again under an id has another
	// number, so reports about the one before do not reach it.
	Number uint64
	Webhook
	// Revision is of the definition and of what administrators did with the endpoint. It rises,
	// and no endpoint has one that another had.
	Revision  uint32
	CreatedAt int64

	// Key is the number of the key that signs. An endpoint that is created again under an id
	// gets another one. PreviousKey (0: there is none) signs too until PreviousUntil on the
	// replicated clock.
	Key, PreviousKey uint32
	PreviousUntil    int64

	State    EndpointState
	Reason   EndpointReason
	Verified bool // a ping to this URL was answered

	// Cursor: every event up to it is settled. It was delivered, not asked for, or is a dead
	// letter. Last is the newest of these that was asked for, 0 if none was.
	Cursor, Last uint64
	// FailingSince is since when the event after Cursor cannot be delivered, and those before
	// it if nothing was delivered in between, by the replicated clock; 0: nothing fails.
	FailingSince int64
	// Dead are the newest dead letters, in the order of the events; DeadEver is how many there
	// were ever.
	Dead     []DeadLetter
	DeadEver uint64
	Again    []Redelivery // that are asked for, in the order of the events
}

// Wants reports whether the endpoint gets an event: one that it asked for, but not that it
// was disabled itself.
func (e *Endpoint) Wants(v Event) bool {
	return e.Webhook.Wants(v.Kind, v.Poll) && (v.Kind != EndpointDisabled || v.A != e.Number)
}

// DeadDropped returns how many dead letters are no longer listed.
func (e *Endpoint) DeadDropped() uint64 { return e.DeadEver - min(e.DeadEver, uint64(len(e.Dead))) }

// DeadNow returns how many listed dead letters were not delivered later.
func (e *Endpoint) DeadNow() (n int) {
	for _, d := range e.Dead {
		if !d.Redelivered {
			n++
		}
	}
	return n
}
