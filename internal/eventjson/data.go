package eventjson

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// maxResult is the size up to which an event has the results of a closed poll in it.
const maxResult = 16 << 10

// eventData is what the events about polls say. Omitted is why the rest is missing.
type eventData struct {
	Poll        string         `json:"poll,omitempty"`
	Title       string         `json:"title,omitempty"` // as it is now
	Revision    uint64         `json:"revision,omitzero"`
	State       string         `json:"state,omitempty"` // as it is now
	OpensAt     string         `json:"opens_at,omitempty"`
	ClosesAt    string         `json:"closes_at,omitempty"`
	ClosedAt    string         `json:"closed_at,omitempty"`
	ClosedIndex uint64         `json:"closed_index,omitzero"`
	Ballots     *uint64        `json:"ballots,omitzero"`
	Records     *uint64        `json:"records,omitzero"`
	Quorum      uint64         `json:"quorum,omitzero"`
	First       uint64         `json:"first,omitzero"`
	Last        uint64         `json:"last,omitzero"`
	Counted     *uint64        `json:"counted,omitzero"`
	Replaced    *uint64        `json:"replaced,omitzero"`
	Added       *uint64        `json:"added,omitzero"`
	Changed     *uint64        `json:"changed,omitzero"`
	Dropped     *uint64        `json:"dropped,omitzero"`
	Results     jsontext.Value `json:"results,omitzero"`
	ResultsAt   string         `json:"results_at,omitempty"`
	Backup      string         `json:"backup_sha256,omitempty"`
	Schedule    string         `json:"schedule,omitempty"`
	Action      string         `json:"action,omitempty"`
	Outcome     string         `json:"outcome,omitempty"` // of a scheduled command: done, refused
	Code        string         `json:"code,omitempty"`    // of its refusal
	Kind        string         `json:"kind,omitempty"`    // of an alarm
	Member      string         `json:"member,omitempty"`
	Says        string         `json:"says,omitempty"`
	Webhook     string         `json:"webhook,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Omitted     string         `json:"omitted,omitempty"`
}

func (r Renderer) data(ctx context.Context, e poll.Event, of About) (d eventData, err error) {
	d.Poll = e.Poll
	switch e.Kind {
	case poll.StateRestored:
		d.Backup = of.backup
		return d, nil
	case poll.TaskRun, poll.TaskCalledOff:
		d.scheduled(e, of.task)
		return d, nil
	case poll.AlarmRaised, poll.AlarmOver:
		d.alarm(of.alarm)
		return d, nil
	case poll.EndpointDisabled:
		d.disabled(e, of.hook)
		return d, nil
	case poll.PollCreated, poll.PollUpdated, poll.PollOpened, poll.PollDeleted, poll.LotDrawn:
		d.Revision = e.A
	case poll.PollClosed:
		d.Ballots, d.Records, d.ClosedIndex = &e.A, &e.B, e.Index
	case poll.PollMilestone:
		d.Ballots = &e.A
	case poll.QuorumMet:
		d.Ballots, d.Quorum = &e.A, e.A
	case poll.BallotsFiled:
		d.filed(e, of)
	case poll.RollChanged:
		changed, dropped := e.B>>32, e.B&(1<<32-1)
		d.Added, d.Changed, d.Dropped = &e.A, &changed, &dropped
	}
	if !of.there {
		if e.Kind != poll.PollDeleted {
			d.Omitted = "deleted"
		}
		return d, nil
	}
	return d, r.pollData(ctx, e, of.info, &d)
}

// scheduled says which command it was, and what came of it.
func (d *eventData) scheduled(e poll.Event, k *poll.Task) {
	if e.Kind == poll.TaskRun {
		d.Outcome = poll.TaskDone.String()
		if code := refusal.Code(e.B); code != refusal.None {
			d.Outcome, d.Code = poll.TaskRefused.String(), code.String()
		}
	}
	if k == nil {
		d.Omitted = "forgotten"
		return
	}
	d.Schedule, d.Action, d.Poll = k.ID, k.Action(), k.Poll()
}

// alarm says what is wrong, or no longer is.
func (d *eventData) alarm(n *poll.AlarmNote) {
	if n == nil {
		d.Omitted = "forgotten"
		return
	}
	d.Kind, d.Member, d.Says = n.Kind, n.Member, n.Says
}

// disabled says which webhook gets nothing any more, and why.
func (d *eventData) disabled(e poll.Event, id string) {
	d.Webhook, d.Reason = id, poll.EndpointReason(e.B).String()
	if id == "" {
		d.Omitted = "deleted"
	}
}

// filed says which records came, and how many of them were voters' first ones: all who have
// voted, if the records begin with the first.
func (d *eventData) filed(e poll.Event, of About) {
	first, last := uint32(e.A>>32), uint32(e.A)
	d.First, d.Last, d.Ballots = uint64(first), uint64(last), &e.B
	counted, ok := e.B, first == 1
	if !ok && of.there {
		counted, ok = of.box.FirstBallots(first, last, e.Index)
	}
	if ok {
		replaced := d.Last - d.First + 1 - counted
		d.Counted, d.Replaced = &counted, &replaced
	}
}

// pollData adds what the poll itself says.
func (r Renderer) pollData(ctx context.Context, e poll.Event, info poll.Info, d *eventData) error {
	d.Title = info.Rules.Title
	switch e.Kind {
	case poll.PollCreated, poll.PollUpdated, poll.PollOpened:
		d.State = info.Phase.String()
		d.OpensAt, d.ClosesAt = timeOrNone(info.Rules.OpensAt), timeOrNone(info.Rules.ClosesAt)
	case poll.PollClosed:
		return r.closedData(ctx, e, info, d)
	default:
	}
	return nil
}

// closedData adds the results, unless the poll that closed then is not as it was: a backup
// from before was restored, and it may be open.
func (r Renderer) closedData(ctx context.Context, e poll.Event, info poll.Info, d *eventData) error {
	if info.ClosedIndex != e.Index {
		d.Omitted = "restored"
		return nil
	}
	d.State, d.ClosedAt = info.Phase.String(), timeOrNone(info.ClosedAt)
	text, err := r.Results.Closed(ctx, info)
	if err != nil {
		return err
	}
	if d.Results = text; len(text) > maxResult {
		d.link()
	}
	return nil
}

// link puts the place of the results in the place of the results.
func (d *eventData) link() {
	d.Results, d.ResultsAt = nil, "/v1/polls/"+d.Poll+"/results"
}

func timeOrNone(ms int64) string {
	if ms == 0 {
		return ""
	}
	return timeText(ms)
}
