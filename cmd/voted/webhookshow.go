package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
)

type webhookList struct{ connection }

func (webhookList) Help() string { return "Example:\n\n    voted webhook list" }

// Run lists all webhooks.
func (c *webhookList) Run(s *session) error {
	return c.on(func(cl *client.Client) error {
		all, err := cl.Webhooks(s.ctx)
		if err != nil {
			return err
		}
		t := display.Table{Columns: []display.Column{
			{Title: "id"}, {Title: "state"}, {Title: "waiting"}, {Title: "dead", Right: true}, {Title: "url", Flex: true}, {Title: ""},
		}}
		for _, w := range all {
			if c.JSON {
				if err := printJSON(s, w.Raw); err != nil {
					return err
				}
				continue
			}
			t.Row(display.Cell{Text: w.ID}, stateCellOfHook(w), display.Cell{Text: waitingOf(w)},
				display.Cell{Text: strconv.Itoa(w.DeadLetters)}, display.Cell{Text: w.URL}, display.Cell{Text: w.Reason, Style: display.Dim})
		}
		if !c.JSON {
			t.Write(s.stdout)
		}
		return nil
	})
}

type webhookShow struct{ hooked }

func (webhookShow) Help() string { return "Example:\n\n    voted webhook show erp" }

// Run shows one webhook, and what was given up.
func (c *webhookShow) Run(s *session) error {
	return c.on(func(cl *client.Client) error {
		w, err := cl.Webhook(s.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s, w.Raw)
		}
		showWebhook(s.stdout, w, c.clock())
		showDead(s.stdout, w.Dead, c.clock())
		return nil
	})
}

func showWebhook(o *display.Output, w client.Webhook, now clock.Clock) {
	t := display.Table{Bare: true, Columns: make([]display.Column, 2)}
	add := func(name, value string) {
		if value != "" {
			t.Row(display.Cell{Text: name, Style: display.Dim}, display.Cell{Text: value})
		}
	}
	add("webhook", w.ID)
	t.Row(display.Cell{Text: "state", Style: display.Dim}, stateCellOfHook(w))
	add("because", w.Reason)
	add("url", w.URL)
	add("types", strings.Join(w.Types, " "))
	add("polls", strings.Join(w.Polls, " "))
	add("rate", strconv.Itoa(w.Rate)+" a second at most")
	add("settled", "all events up to "+strconv.FormatUint(w.Cursor, 10))
	add("waiting", waitingOf(w))
	add("failing", sinceSaid(w.FailingSince, now))
	add("last", lastSaid(w.LastAttempt, now))
	add("dead", deadSaid(w))
	if w.Redelivering > 0 {
		add("again", events(w.Redelivering)+" to be sent once more")
	}
	add("old secret", stillSigns(w.PreviousUntil, now))
	t.Write(o)
}

func sinceSaid(at time.Time, now clock.Clock) string {
	if at.IsZero() {
		return ""
	}
	return "since " + now.Show(at)
}

// lastSaid says what came of the newest attempt.
func lastSaid(a *client.WebhookAttempt, now clock.Clock) string {
	if a == nil {
		return ""
	}
	said := "attempt was " + a.Result
	if a.Status != 0 {
		said += fmt.Sprintf(" (%d)", a.Status)
	}
	said += ", " + now.Show(a.At)
	if !a.NextAt.IsZero() {
		said += "; again " + now.Show(a.NextAt)
	}
	return said
}

func stillSigns(at time.Time, now clock.Clock) string {
	if at.IsZero() {
		return ""
	}
	return "signs too until " + now.Show(at)
}

// deadSaid says how many events were given up.
func deadSaid(w client.Webhook) string {
	if len(w.Dead) == 0 {
		return ""
	}
	return events(w.DeadLetters) + " given up and not delivered since"
}

// events says how many.
func events(n int) string { return display.Plural(int64(n), "event") }

// waitingOf says what a webhook has yet to get.
func waitingOf(w client.Webhook) string {
	if w.LagEvents == 0 {
		return ""
	}
	return events(w.LagEvents) + " for " + display.Duration(time.Duration(w.LagSeconds)*time.Second)
}

// stateOfHook is the state with its reason.
func stateOfHook(w client.Webhook) string {
	if w.Reason == "" {
		return w.State
	}
	return w.State + ": " + w.Reason
}

func stateCellOfHook(w client.Webhook) display.Cell {
	style := map[string]display.Style{
		"enabled": display.Green, "disabled": display.Red, "paused": display.Yellow, "verifying": display.Yellow,
	}[w.State]
	if w.State == "enabled" && !w.FailingSince.IsZero() {
		style = display.Yellow
	}
	return display.Cell{Text: w.State, Style: style}
}

// showDead lists events that were given up.
func showDead(o *display.Output, dead []client.DeadLetter, now clock.Clock) {
	if len(dead) == 0 {
		return
	}
	o.Linef("")
	t := display.Table{Columns: []display.Column{{Title: "given up"}, {Title: "at"}, {Title: "last answer"}, {Title: ""}}}
	for _, d := range dead {
		said := ""
		if d.Redelivered {
			said = "delivered since"
		}
		t.Row(display.Cell{Text: d.Event}, display.Cell{Text: now.Show(d.At)}, display.Cell{Text: answerSaid(d.Status, d.Fault)},
			display.Cell{Text: said, Style: display.Dim})
	}
	t.Write(o)
}

// answerSaid is the status of an answer, or why none came.
func answerSaid(status int, fault string) string {
	if status != 0 {
		return strconv.Itoa(status)
	}
	return fault
}

// pongPlace says where a ping went, and how long that took.
func pongPlace(p client.Pong) string {
	took := " after " + display.Duration(time.Duration(p.Milliseconds)*time.Millisecond)
	if p.Address == "" {
		return took
	}
	return " from " + p.Address + took
}

type webhookAttempts struct{ hooked }

func (webhookAttempts) Help() string {
	return `The attempts are those of the node that leads, in its memory: after a failover the list is empty again.

    voted webhook attempts erp`
}

// Run shows what was tried lately, and what was given up.
func (c *webhookAttempts) Run(s *session) error {
	return c.on(func(cl *client.Client) error {
		a, err := cl.WebhookAttempts(s.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s, a.Raw)
		}
		showAttempts(s.stdout, a.Attempts, c.clock())
		showDead(s.stdout, a.Dead, c.clock())
		return nil
	})
}

func showAttempts(o *display.Output, all []client.WebhookAttempt, now clock.Clock) {
	t := display.Table{Columns: []display.Column{
		{Title: "at"}, {Title: "event"}, {Title: "attempt", Right: true}, {Title: "result"}, {Title: "took"}, {Title: "", Flex: true},
	}}
	for _, a := range all {
		event, style, said := a.Event, display.Red, a.Failure
		if event == "" {
			event = "ping"
		}
		if a.Result == "ok" {
			style = display.Green
		}
		if !a.NextAt.IsZero() {
			said += " Again at " + now.Show(a.NextAt) + "."
		}
		t.Row(display.Cell{Text: now.Show(a.At)}, display.Cell{Text: event}, display.Cell{Text: strconv.Itoa(a.Attempt)},
			display.Cell{Text: a.Result, Style: style},
			display.Cell{Text: display.Duration(time.Duration(a.Milliseconds) * time.Millisecond)}, display.Cell{Text: said, Style: display.Dim})
	}
	t.Write(o)
}
