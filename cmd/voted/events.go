package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
)

type eventsCommand struct {
	connection
	After  string   `help:"Begin after this event: its id, its number, or newest. Without it, with the oldest event that is kept." placeholder:"EVENT"`
	Type   []string `help:"Only events of this type, such as poll.closed or poll.*; may be repeated. ballots.counted comes only if it is named." placeholder:"TYPE"`
	Poll   []string `help:"Only events about this poll, or about polls whose ids begin so: board-*; up to 16 of them." placeholder:"POLL"`
	Follow bool     `help:"Keep waiting for further events, until Ctrl-C." short:"f"`
}

func (eventsCommand) Help() string {
	return `What happened in the cluster, in order, each event once, also while leaders change. With --json a CloudEvent a line; its id
is what --after takes.

    voted events
    voted events --follow --type poll.closed
    voted events --follow --after newest --poll 'board-*'
    voted events --json --after evt_k2j4mq7xw3ab5cde_41`
}

// Run shows the events.
func (c *eventsCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	q := client.EventsQuery{After: c.After, Types: c.Type, Polls: c.Poll, Follow: c.Follow}
	for e, err := range cl.Events(s.ctx, q) {
		switch {
		case err != nil:
			return err
		case c.JSON:
			if err := printJSON(s, e.Raw); err != nil {
				return err
			}
		default:
			showEvent(s.stdout, e, c.clock(), "")
		}
	}
	return nil
}

// showEvent writes an event on a line, and what there is to be said of its coming.
func showEvent(o *display.Output, e client.JournalEvent, now clock.Clock, note string) {
	about := e.Poll
	if about == "" {
		about = "–"
	}
	number := "–" // of a ping
	if e.Number > 0 {
		number = strconv.FormatUint(e.Number, 10)
	}
	o.Linef("%s  %6s  %s  %s  %s", o.Paint(display.Dim, now.Show(e.Time)), number, o.Paint(display.Bold, e.Type), about, strings.TrimSpace(eventText(e)+note))
}

// eventText returns what an event says beyond its type and poll.
func eventText(e client.JournalEvent) string {
	var d struct {
		Title    string  `json:"title"`
		Revision uint64  `json:"revision"`
		Ballots  *uint64 `json:"ballots"`
		First    uint64  `json:"first"`
		Last     uint64  `json:"last"`
		Added    *uint64 `json:"added"`
		Changed  uint64  `json:"changed"`
		Dropped  uint64  `json:"dropped"`
		Backup   string  `json:"backup_sha256"`
		Omitted  string  `json:"omitted"`
		Results  *struct{ Winners []string }
		deedText
	}
	if json.Unmarshal(e.Data, &d) != nil {
		return "" // of a newer node; its type and poll are shown
	}
	said := d.deedText.lines()
	if d.Last != 0 {
		said = append(said, "records "+strconv.FormatUint(d.First, 10)+" to "+strconv.FormatUint(d.Last, 10))
	}
	if d.Ballots != nil {
		said = append(said, display.Plural(int64(*d.Ballots), "ballot"))
	}
	if d.Added != nil {
		said = append(said, display.Int(*d.Added)+" added, "+display.Int(d.Changed)+" changed, "+display.Int(d.Dropped)+" dropped")
	}
	if d.Results != nil && len(d.Results.Winners) > 0 {
		said = append(said, "won by "+strings.Join(d.Results.Winners, ", "))
	}
	if d.Revision > 1 {
		said = append(said, "revision "+strconv.FormatUint(d.Revision, 10))
	}
	if d.Backup != "" {
		said = append(said, "from the backup "+d.Backup[:min(12, len(d.Backup))])
	}
	if d.Omitted != "" {
		said = append(said, d.Omitted+" since")
	}
	return strings.Join(said, ", ")
}

// deedText is what events say that are not about a poll alone: of schedules, alarms and webhooks.
type deedText struct {
	Schedule string `json:"schedule"`
	Action   string `json:"action"`
	Outcome  string `json:"outcome"`
	Code     string `json:"code"`
	Member   string `json:"member"`
	Says     string `json:"says"`
	Webhook  string `json:"webhook"`
	Reason   string `json:"reason"`
	From     string `json:"from"` // the first event that was missed
	To       string `json:"to"`
}

func (d *deedText) lines() (said []string) {
	about := func(name, what string) {
		if what = strings.TrimSpace(what); name != "" && !strings.Contains(what, name) {
			what = strings.TrimSpace(name + ": " + what)
		}
		if what != "" {
			said = append(said, what)
		}
	}
	done := d.Action + " " + d.Outcome
	if d.Code != "" {
		done += " with " + d.Code
	}
	about(d.Schedule, done)
	about(d.Member, d.Says)
	about(d.Webhook, d.Reason)
	if d.From != "" {
		about("", "events "+d.From+" to "+d.To)
	}
	return said
}
