package backend

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"

	"voted/internal/api"
	"voted/internal/cluster"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/webhook"
)

// The calls by which the member that leads is asked for what it alone can say of a webhook: the
// number of the endpoint in eight bytes, answered with an api.Pong or with api.Attempts in JSON.
const (
	PingMethod     = "webhook-ping"
	AttemptsMethod = "webhook-attempts"
)

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

// Ping implements api.Webhooks.
func (h HookAPI) Ping(ctx context.Context, e *poll.Endpoint) (p api.Pong, err error) {
	err = h.ask(ctx, PingMethod, e, &p)
	return p, err
}

// Attempts implements api.Webhooks.
func (h HookAPI) Attempts(ctx context.Context, e *poll.Endpoint) (all []api.Attempt, err error) {
	err = h.ask(ctx, AttemptsMethod, e, &all)
	return all, err
}

// ask has the member that leads answer, which may be this one.
func (h HookAPI) ask(ctx context.Context, method string, e *poll.Endpoint, to any) error {
	leader := h.Node.Leader()
	body := binary.BigEndian.AppendUint64(nil, e.Number)
	var answer []byte
	var err error
	switch leader {
	case "":
		return refusal.New(refusal.Unavailable, "No member leads just now, so none delivers webhooks. Send the request again.")
	case h.Node.ID():
		answer, err = h.Calls()[method](ctx, body)
	default:
		answer, err = h.Node.Ask(ctx, leader, method, body)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &refusal.Error{
			Code: refusal.Unavailable, Cause: err,
			Detail: "The member that leads, " + leader + ", did not answer for its webhooks; it may have no --webhook-key. Send the request again, or look at voted cluster status.",
		}
	}
	return json.Unmarshal(answer, to)
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
	e, err := h.endpoint(body)
	if err != nil {
		return nil, err
	}
	a := h.Deliverer.Ping(ctx, e)
	return json.Marshal(api.Pong{Status: a.Status, Address: a.Address, Took: a.Took, Failure: a.Failure})
}

func (h HookAPI) answerAttempts(_ context.Context, body []byte) ([]byte, error) {
	e, err := h.endpoint(body)
	if err != nil {
		return nil, err
	}
	made, ok := h.Deliverer.Attempts(e.Number)
	if !ok {
		return nil, errors.New("this member delivers no webhooks")
	}
	all := make([]api.Attempt, 0, len(made))
	for _, a := range made {
		all = append(all, api.Attempt{
			At: a.At, Event: a.Event, Number: a.Number, Status: a.Status, Took: a.Took, Result: string(a.Result), Failure: a.Failure, Next: a.Next,
		})
	}
	return json.Marshal(all)
}
