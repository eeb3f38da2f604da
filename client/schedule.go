package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Scheduled is a command that the service carries out at a time, once. Exactly one of the
// commands is set.
type Scheduled struct {
	At     time.Time
	Create *Definition
	Patch  *ScheduledPatch
	Close  string // id of the poll
	Delete string // id of the poll
	Lot    *ScheduledLot
}

// ScheduledPatch is a change of a poll. Key and IfRevision of the Patch are not used.
type ScheduledPatch struct {
	Poll string
	Patch
}

// ScheduledLot is a lot that is drawn by its seed.
type ScheduledLot struct {
	Poll string `json:"poll"`
	Seed string `json:"seed"`
}

// MarshalJSON writes the body of the request.
func (s Scheduled) MarshalJSON() ([]byte, error) {
	do := map[string]any{}
	if s.Create != nil {
		do["create"] = s.Create
	}
	if s.Patch != nil {
		raw, err := json.Marshal(s.Patch.Patch)
		if err != nil {
			return nil, err
		}
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, err
		}
		if fields["poll"], err = json.Marshal(s.Patch.Poll); err != nil {
			return nil, err
		}
		do["patch"] = fields
	}
	if s.Close != "" {
		do["close"] = map[string]string{"poll": s.Close}
	}
	if s.Delete != "" {
		do["delete"] = map[string]string{"poll": s.Delete}
	}
	if s.Lot != nil {
		do["lot"] = s.Lot
	}
	if len(do) != 1 {
		return nil, errors.New("exactly one command is scheduled at a time")
	}
	return json.Marshal(map[string]any{"at": s.At, "do": do})
}

// Task is what is known of a scheduled command.
type Task struct {
	ID        string
	Action    string // create, patch, close, delete, lot
	Poll      string
	At        time.Time
	State     string // pending, done, refused, cancelled
	CreatedAt time.Time
	EndedAt   time.Time // zero while it is pending
	Index     uint64    // log index at which it was carried out; 0: it was not
	// Code and Detail are why it was refused: what the same request would have been answered
	// then.
	Code   Code
	Detail string
	Raw    json.RawMessage
	Meta   Meta
}

// UnmarshalJSON reads what the service shows of a scheduled command.
func (t *Task) UnmarshalJSON(data []byte) error {
	var in struct {
		ID        string    `json:"id"`
		Action    string    `json:"action"`
		Poll      string    `json:"poll"`
		At        time.Time `json:"at"`
		State     string    `json:"state"`
		CreatedAt time.Time `json:"created_at"`
		EndedAt   time.Time `json:"ended_at"`
		Index     uint64    `json:"index"`
		Problem   struct {
			Code   Code   `json:"code"`
			Detail string `json:"detail"`
		} `json:"problem"`
	}
	if err := decodeJSON(data, &in); err != nil {
		return err
	}
	*t = Task{
		ID: in.ID, Action: in.Action, Poll: in.Poll, At: in.At, State: in.State, CreatedAt: in.CreatedAt, EndedAt: in.EndedAt,
		Index: in.Index, Code: in.Problem.Code, Detail: in.Problem.Detail, Raw: bytes.Clone(bytes.TrimSpace(data)),
	}
	return nil
}

// Schedule has a command carried out at a time, under an id of the caller's choice. The
// same again changes nothing (Meta.Replayed), also after the time; another command under
// the id is refused with CodeScheduleExists.
func (c *Client) Schedule(ctx context.Context, id string, s Scheduled) (Task, error) {
	var t Task
	k := call{method: http.MethodPut, write: true, into: jsonInto{&t}}
	if err := k.route("/v1/schedule/", id); err != nil {
		return t, err
	}
	if err := c.withBody(ctx, &k, "application/json", s); err != nil {
		return t, err
	}
	meta, err := c.do(ctx, &k)
	t.Meta = meta
	return t, err
}

// Unschedule calls off what has not been carried out yet. Again changes nothing; what was
// carried out is refused with CodeScheduleExists.
func (c *Client) Unschedule(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true}
	if err := k.route("/v1/schedule/", id); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}

// Scheduled returns a scheduled command, and what came of it.
func (c *Client) Scheduled(ctx context.Context, id string) (Task, error) {
	var t Task
	k := call{method: http.MethodGet, into: jsonInto{&t}}
	if err := k.route("/v1/schedule/", id); err != nil {
		return t, err
	}
	meta, err := c.do(ctx, &k)
	t.Meta = meta
	return t, err
}

// ScheduleList returns all scheduled commands that are remembered, in the order of
// scheduling.
func (c *Client) ScheduleList(ctx context.Context) ([]Task, error) {
	var list struct {
		Schedule []Task `json:"schedule"`
	}
	k := call{method: http.MethodGet, path: "/v1/schedule", into: jsonInto{&list}}
	_, err := c.do(ctx, &k)
	return list.Schedule, err
}
