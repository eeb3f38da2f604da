package api

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// maxEventResult is the size up to which an event has the results of a closed poll in it.
const maxEventResult = 16 << 10

// eventJSON is an event in the form of CloudEvents 1.0 (JSON format, structured mode), with
// the extensions sequence and index. Numbers are strings there, as CloudEvents has no
// integers of 64 bits.
type eventJSON struct {
	SpecVersion string         `json:"specversion"`
	ID          string         `json:"id"`
	Source      string         `json:"source"`
	Type        string         `json:"type"`
	Subject     string         `json:"subject,omitempty"`
	Time        string         `json:"time"`
	Sequence    string         `json:"sequence"`
	Index       string         `json:"index"`
	Data        jsontext.Value `json:"data"`
}

// eventID names an event forever: no two clusters share one.
func eventID(cluster string, number uint64) string {
	return "evt_" + cluster + "_" + strconv.FormatUint(number, 10)
}

// readEventID reads what eventID wrote; ok is false for an id of another cluster.
func readEventID(id, cluster string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, "evt_"+cluster+"_")
	number, err := strconv.ParseUint(digits, 10, 63)
	return number, ok && err == nil
}

// pollOfEvent is what an event is rendered from, in addition to its numbers.
type pollOfEvent struct {
	info   poll.Info
	there  bool         // it was not deleted
	box    poll.Capture // for poll.BallotsFiled
	backup string       // of the restore that the event is about, "" if another came since
	task   *poll.Task   // that the event is about; nil: it is no longer remembered
}

// pollsOf gathers what the events are rendered from.
func pollsOf(s *poll.State, events []poll.Event) []pollOfEvent {
	all := make([]pollOfEvent, len(events))
	for i, e := range events {
		p := &all[i]
		switch e.Kind {
		case poll.StateRestored:
			if o := s.Origin(); o.Index == e.Index {
				p.backup = hex.EncodeToString(o.Backup[:])
			}
			continue
		case poll.TaskRun, poll.TaskCalledOff:
			if k, ok := s.TaskNumber(e.A); ok {
				p.task = &k
			}
			continue
		case poll.BallotsFiled:
			box, info, missing := s.Capture(e.Poll)
			p.box, p.info, p.there = box, info, missing == nil
		default:
			info, missing := s.Info(e.Poll)
			p.info, p.there = info, missing == nil
		}
	}
	return all
}

// renderEvent renders an event from the state as it is. What cannot change any more is the
// same each time: the results of a closed poll are.
func (h *Handler) renderEvent(ctx context.Context, e poll.Event, of pollOfEvent) (jsontext.Value, error) {
	cluster := h.cluster.ClusterID()
	shown := eventJSON{
		SpecVersion: "1.0", ID: eventID(cluster, e.Number), Source: "/voted/" + cluster, Type: e.Kind.String(),
		Time: string(appendTime(nil, e.At)), Sequence: strconv.FormatUint(e.Number, 10), Index: strconv.FormatUint(e.Index, 10),
	}
	if e.Poll != "" {
		shown.Subject = "polls/" + e.Poll
	}
	data, err := h.eventData(ctx, e, of)
	if err != nil {
		return nil, err
	}
	if shown.Data, err = json.Marshal(data); err != nil {
		return nil, err
	}
	return json.Marshal(shown)
}

// eventDataJSON is what the events about polls say. Omitted is why the rest is missing.
type eventDataJSON struct {
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
	Omitted     string         `json:"omitted,omitempty"`
}

func (h *Handler) eventData(ctx context.Context, e poll.Event, of pollOfEvent) (d eventDataJSON, err error) {
	d.Poll = e.Poll
	switch e.Kind {
	case poll.StateRestored:
		d.Backup = of.backup
		return d, nil
	case poll.TaskRun, poll.TaskCalledOff:
		d.scheduled(e, of.task)
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
	return d, h.pollData(ctx, e, of.info, &d)
}

// scheduled says which command it was, and what came of it.
func (d *eventDataJSON) scheduled(e poll.Event, k *poll.Task) {
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
	d.Schedule, d.Action, d.Poll = k.ID, actionOf(k.Do), k.Poll()
}

// filed says which records came, and how many of them were voters' first ones: all who have
// voted, if the records begin with the first.
func (d *eventDataJSON) filed(e poll.Event, of pollOfEvent) {
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
func (h *Handler) pollData(ctx context.Context, e poll.Event, info poll.Info, d *eventDataJSON) error {
	d.Title = info.Rules.Title
	switch e.Kind {
	case poll.PollCreated, poll.PollUpdated, poll.PollOpened:
		d.State = info.Phase.String()
		d.OpensAt, d.ClosesAt = timeOrNone(info.Rules.OpensAt), timeOrNone(info.Rules.ClosesAt)
	case poll.PollClosed:
		return h.closedData(ctx, e, info, d)
	default:
	}
	return nil
}

// closedData adds the results, unless the poll that closed then is not as it was: a backup
// from before was restored, and it may be open.
func (h *Handler) closedData(ctx context.Context, e poll.Event, info poll.Info, d *eventDataJSON) error {
	if info.ClosedIndex != e.Index {
		d.Omitted = "restored"
		return nil
	}
	d.State, d.ClosedAt = info.Phase.String(), timeOrNone(info.ClosedAt)
	now, err := h.standing(ctx, info, info.ClosedIndex)
	if err != nil {
		return err
	}
	text := now.appendJSON(nil)
	if len(text) > maxEventResult {
		d.ResultsAt = "/v1/polls/" + e.Poll + "/results"
		return nil
	}
	d.Results = text[:len(text)-1]
	return nil
}

func timeOrNone(ms int64) string {
	if ms == 0 {
		return ""
	}
	return string(appendTime(nil, ms))
}
