package eventjson

import (
	"encoding/hex"

	"voted/internal/poll"
)

// About is what the state says of an event's subject, in addition to the event's numbers.
type About struct {
	info   poll.Info
	there  bool            // it was not deleted
	box    poll.Capture    // for poll.BallotsFiled
	backup string          // of the restore that the event is about, "" if another came since
	task   *poll.Task      // that the event is about; nil: it is no longer remembered
	alarm  *poll.AlarmNote // likewise
	hook   string          // id of the webhook that the event is about, "" if it was deleted
}

// Gather reads what the events are rendered from.
func Gather(s *poll.State, events []poll.Event) []About {
	all := make([]About, len(events))
	for i, e := range events {
		a := &all[i]
		switch e.Kind {
		case poll.StateRestored:
			if o := s.Origin(); o.Index == e.Index {
				a.backup = hex.EncodeToString(o.Backup[:])
			}
			continue
		case poll.TaskRun, poll.TaskCalledOff:
			if k, ok := s.TaskNumber(e.A); ok {
				a.task = &k
			}
			continue
		case poll.AlarmRaised, poll.AlarmOver:
			a.alarm, _ = s.AlarmNumber(e.A)
			continue
		case poll.EndpointDisabled:
			if h, ok := s.EndpointNumber(e.A); ok {
				a.hook = h.ID
			}
			continue
		case poll.BallotsFiled:
			box, info, missing := s.Capture(e.Poll)
			a.box, a.info, a.there = box, info, missing == nil
		default:
			info, missing := s.Info(e.Poll)
			a.info, a.there = info, missing == nil
		}
	}
	return all
}
