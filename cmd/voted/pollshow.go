package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
)

// showPoll writes the definition and the state of a poll.
func showPoll(o *display.Output, p client.Poll, now clock.Clock) {
	title := p.Title
	if title == "" {
		title = p.ID
	}
	o.Linef("%s", o.Paint(display.Bold, title))
	t := display.Table{Bare: true, Indent: 2, Columns: make([]display.Column, 2)}
	add := func(name, value string) {
		if value != "" {
			t.Row(display.Cell{Text: name, Style: display.Dim}, display.Cell{Text: value})
		}
	}
	add("poll", p.ID)
	t.Row(display.Cell{Text: "state", Style: display.Dim}, stateCell(p.State))
	add("method", string(p.Method))
	add("ballots", ballotCount(p))
	add("opens", now.Show(p.OpensAt))
	if p.ClosedAt.IsZero() {
		add("closes", now.Show(p.ClosesAt))
	} else {
		add("closed", now.Show(p.ClosedAt))
	}
	add("revote", p.Revote)
	add("results", p.Results)
	add("secrecy", p.Secrecy)
	add("discloses", p.Disclosure)
	add("receipt", p.Receipt)
	add("audience", p.Audience)
	add("order", p.OptionOrder)
	add("contact", p.Contact)
	if p.MaxBallots > 0 {
		add("at most", display.Plural(int64(p.MaxBallots), "ballot"))
	}
	if p.Eligibility == client.OnRoll {
		add("voters", "those on its roll")
	}
	if p.Seats > 1 {
		add("seats", strconv.Itoa(p.Seats))
	}
	add("marked", p.Marking)
	add("ties", p.TieBreak)
	for _, name := range slices.Sorted(maps.Keys(p.Rules)) {
		add(name, ruleText(p.Rules[name]))
	}
	if p.Lot != nil {
		add("lot", strings.Join(p.Lot.Order, " "))
		add("lot's seed", p.Lot.Seed)
	}
	if p.Quorum > 0 {
		add("quorum", display.Plural(int64(p.Quorum), "voter"))
	}
	rows := func(name string, text ...string) {
		for _, line := range text {
			t.Row(display.Cell{Text: name, Style: display.Dim}, display.Cell{Text: line})
			name = ""
		}
	}
	if p.Description != "" {
		rows("about", strings.Split(p.Description, "\n")...)
	}
	rows("options", optionLines(p.Options)...)
	t.Write(o)
}

// optionLines are the options as lines: id, title, and below them what voters read about it.
func optionLines(options []client.PollOption) (lines []string) {
	width := 0
	for _, option := range options {
		width = max(width, len(option.ID))
	}
	for _, option := range options {
		text := option.ID
		if option.Title != "" && option.Title != option.ID {
			text = fmt.Sprintf("%-*s  %s", width, option.ID, option.Title)
		}
		lines = append(lines, text)
		if option.Description != "" {
			for line := range strings.SplitSeq(option.Description, "\n") {
				lines = append(lines, strings.Repeat(" ", width+2)+line)
			}
		}
	}
	return lines
}

func stateCell(s client.State) display.Cell {
	style := map[client.State]display.Style{client.StateOpen: display.Green, client.StateScheduled: display.Yellow}[s]
	return display.Cell{Text: string(s), Style: style}
}

func ballotCount(p client.Poll) string {
	if p.Ballots == nil {
		return "hidden"
	}
	return display.Int(*p.Ballots)
}

// closing returns when the poll closes or closed, as text.
func closing(p client.Poll, now clock.Clock) string {
	if !p.ClosedAt.IsZero() {
		return now.Show(p.ClosedAt)
	}
	return now.Show(p.ClosesAt)
}
