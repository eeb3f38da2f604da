package backend

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"voted/internal/api"
	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/webhook"
)

// The calls by which the member that leads is asked for what it alone can say of a webhook. They
// are answered with a hookAnswer in JSON.
const (
	PingMethod     = "webhook-ping"     // number of the endpoint and milliseconds to wait, eight bytes each: an api.Pong
	AttemptsMethod = "webhook-attempts" // number of the endpoint in eight bytes: api.Attempts
)

// HookMethods are all of them.
var HookMethods = []string{PingMethod, AttemptsMethod}

// hookAnswer is what the member that leads answers.
type hookAnswer struct {
	Off  string          `json:"off,omitempty"` // why it delivers no webhooks, a sentence; "": it does
	Said json.RawMessage `json:"said,omitempty"`
}

// NoHooks answers for a member without --webhook-key.
func NoHooks(context.Context, []byte) ([]byte, error) {
	return json.Marshal(hookAnswer{Off: "It was started without --webhook-key."})
}

// HookAPI is a deliverer with the methods that the API needs.
type HookAPI struct {
	Node      *cluster.Node
	Deliverer *webhook.Deliverer
	Keys      *webhook.Keys
	Guard     *webhook.Guard
}

var _ api.Webhooks = HookAPI{}

// Secret implements api.Webhooks.
func (h HookAPI) Secret(e *poll.Endpoint) (string, error) {
	return h.Keys.Key(webhook.Generation{Endpoint: e.ID, Number: e.Number, Key: e.Key}).Secret(), nil
}

// CheckURL implements api.Webhooks.
func (h HookAPI) CheckURL(target string) error { return h.Guard.CheckURL(target) }

// CheckKey implements api.Webhooks.
func (h HookAPI) CheckKey() error {
	if why := h.Deliverer.KeyTrouble(); why != "" {
		return refusal.New(refusal.Unavailable, "This node hands out no secret, and nothing was changed. %s", why)
	}
	return nil
}

// wayBack bounds what is left of a request's time for the way back from the member that leads: that
// a receiver did not answer is an answer of that member.
const wayBack = 500 * time.Millisecond

// longestPing is for requests without a deadline.
const longestPing = time.Minute

// Ping implements api.Webhooks.
func (h HookAPI) Ping(ctx context.Context, e *poll.Endpoint) (p api.Pong, err error) {
	patience := longestPing
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		patience = left - min(wayBack, left/4)
	}
	body := binary.BigEndian.AppendUint64(nil, e.Number)
	body = binary.BigEndian.AppendUint64(body, uint64(max(0, patience.Milliseconds())))
	leader, err := h.ask(ctx, PingMethod, body, &p)
	var refused *refusal.Error
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, peer.ErrNotSent) {
		return p, &refusal.Error{
			Code: refusal.OutcomeUnknown, Cause: err,
			Detail: "The member that leads, " + leader + ", did not say in time what came of the ping; it may have been sent.",
		}
	}
	return p, unanswered(ctx, leader, err)
}

// Attempts implements api.Webhooks.
func (h HookAPI) Attempts(ctx context.Context, e *poll.Endpoint) (all []api.Attempt, err error) {
	leader, err := h.ask(ctx, AttemptsMethod, binary.BigEndian.AppendUint64(nil, e.Number), &all)
	return all, unanswered(ctx, leader, err)
}

// ask has the member that leads answer, which may be this one. An error is a *refusal.Error, or
// that of the call.
func (h HookAPI) ask(ctx context.Context, method string, body []byte, to any) (leader string, err error) {
	var text []byte
	switch leader = h.Node.Leader(); leader {
	case "":
		return "", refusal.New(refusal.Unavailable, "No member leads just now, so none delivers webhooks. Send the request again.")
	case h.Node.ID():
		if text, err = h.Calls()[method](ctx, body); err != nil {
			err = fmt.Errorf("%w: %w", peer.ErrNotSent, err) // as from another member
		}
	default:
		text, err = h.Node.Ask(ctx, leader, method, body)
	}
	if err != nil {
		return leader, err
	}
	var answer hookAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		return leader, err
	}
	if answer.Off != "" {
		return leader, refusal.New(refusal.WebhooksOff, "The member that leads, %s, delivers no webhooks. %s", leader, answer.Off)
	}
	return leader, json.Unmarshal(answer.Said, to)
}

// unanswered puts the error of ask into the client's words.
func unanswered(ctx context.Context, leader string, err error) error {
	var refused *refusal.Error
	switch {
	case err == nil || errors.As(err, &refused):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &refusal.Error{
		Code: refusal.Unavailable, Cause: err,
		Detail: "The member that leads, " + leader + ", did not answer for its webhooks. Send the request again, or look at voted cluster status.",
	}
}

// Calls are what other members ask of this one while it leads.
func (h HookAPI) Calls() map[string]func(context.Context, []byte) ([]byte, error) {
	return map[string]func(context.Context, []byte) ([]byte, error){PingMethod: h.answerPing, AttemptsMethod: h.answerAttempts}
}

var errNoEndpoint = errors.New("there is no such endpoint here")

// endpoint reads which one a call is about.
func (h HookAPI) endpoint(body []byte) (e *poll.Endpoint, err error) {
	if len(body) != 8 {
		return nil, errNoEndpoint
	}
	ok := false
	h.Node.Read(func(s *poll.State) { e, ok = s.EndpointNumber(binary.BigEndian.Uint64(body)) })
	if !ok {
		return nil, errNoEndpoint
	}
	return e, nil
}

func (h HookAPI) answerPing(ctx context.Context, body []byte) ([]byte, error) {
	if len(body) != 16 {
		return nil, errNoEndpoint
	}
	e, err := h.endpoint(body[:8])
	if err != nil {
		return nil, err
	}
	if why := h.Deliverer.Report().Withheld; why != "" {
		return json.Marshal(hookAnswer{Off: why})
	}
	patience := time.Duration(min(binary.BigEndian.Uint64(body[8:]), uint64(longestPing.Milliseconds()))) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a := h.Deliverer.Ping(ctx, e)
	return answered(api.Pong{Status: a.Status, Address: a.Address, Took: a.Took, Failure: a.Failure})
}

func (h HookAPI) answerAttempts(_ context.Context, body []byte) ([]byte, error) {
	e, err := h.endpoint(body)
	if err != nil {
		return nil, err
	}
	made, ok := h.Deliverer.Attempts(e.Number)
	why := h.Deliverer.Report().Withheld
	switch {
	case !ok && why != "":
		return json.Marshal(hookAnswer{Off: why})
	case !ok:
		return nil, errors.New("this member does not deliver webhooks yet")
	}
	all := make([]api.Attempt, 0, len(made))
	for _, a := range made {
		all = append(all, api.Attempt{
			At: a.At, Event: a.Event, Number: a.Number, Status: a.Status, Took: a.Took, Result: string(a.Result), Failure: a.Failure, Next: a.Next,
		})
	}
	return answered(all)
}

func answered(said any) ([]byte, error) {
	text, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	return json.Marshal(hookAnswer{Said: text})
}
