package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"voted/client"
	"voted/internal/backup"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/tally"
	"voted/internal/usage"
)

// backupKind is a backup among the kinds of files.
const backupKind = "backup"

// readBackup reads a poll of a backup, and by what it is counted.
func (c *tallyCommand) readBackup(s *session, in io.Reader, size int64) (*tallyDefinition, *ballotsFile, error) {
	if c.Definition != "" || c.Contest != "" || c.Encoding != "" || c.Separator != "" {
		return nil, nil, usage.Errorf("%s is a backup, which has the definition of its polls; leave out --definition, --contest, --encoding and --separator", inputName(c.File))
	}
	watched := watch(s, in, size)
	p, err := backup.ReadPoll(watched, c.Poll)
	if err = watched.end(err); err != nil {
		return nil, nil, backupProblem(inputName(c.File), err)
	}
	d, err := definitionIn(p)
	if err != nil {
		return nil, nil, err
	}
	if c.Method != "" && c.Method != p.Method { // whose rules are others
		for name := range d.Rules {
			if name != lotRule {
				delete(d.Rules, name)
			}
		}
		s.stderr.Linef("counted by %s, and not as the poll says, by %s with its rules", c.Method, p.Method)
	}
	file := &ballotsFile{
		Found: &profilefile.Found{Profile: p.Profile, Kind: backupKind}, Name: c.File, Kind: backupKind, SHA256: watched.sum(), Bytes: watched.n, state: client.State(p.State),
		said: fmt.Sprintf("the backup of log index %d by node %s of %s", p.Index, p.Node, strings.Join(p.Members, ", ")),
	}
	return d, file, nil
}

func backupProblem(name string, err error) error {
	var missing *backup.NoPollError
	switch {
	case errors.As(err, &missing):
		return usage.Errorf("%s: %w; name a poll with --poll", name, err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%s cannot be trusted: %w; nothing was counted", name, err)
}

// definitionIn is the definition of a poll in a backup.
func definitionIn(p *backup.Poll) (*tallyDefinition, error) {
	m, known := tally.ByName(p.Method)
	if !known {
		return nil, usage.Errorf("the poll's method %q is not known to this program; take one of its cluster's version", p.Method)
	}
	d := &tallyDefinition{}
	d.ID, d.Title, d.Method = p.ID, p.Title, client.Method(p.Method)
	d.TieBreak, d.Rules = p.Settings.Ties.String(), map[string]any{}
	d.Definition.Seats, d.Definition.MaxSelections, d.Definition.MaxScore = p.Settings.Seats, p.Settings.MaxChoices, p.Settings.MaxScore
	for _, o := range p.Options {
		d.Definition.Options = append(d.Definition.Options, client.PollOption{ID: o.ID, Title: o.Title})
	}
	for _, r := range m.Rules {
		if v, set := p.Settings.Rules[r.Name]; set {
			d.Rules[r.Name] = settingText(r.Kind, v, p.Profile)
		}
	}
	if p.Settings.Lot != nil {
		d.Rules[lotRule] = idsOf(p.Profile, p.Settings.Lot)
	}
	return d, nil
}

// settingText is a rule as it stands on the command line.
func settingText(kind tally.RuleKind, v tally.Value, p *profile.Profile) string {
	switch kind {
	case tally.Count:
		return strconv.Itoa(v.Count)
	case tally.OneOption, tally.SomeOptions:
		return idsOf(p, v.Options)
	case tally.Word:
	}
	return v.Word
}

// idsOf lists options by their ids, with commas.
func idsOf(p *profile.Profile, options []int) string {
	ids := make([]string, len(options))
	for i, option := range options {
		ids[i] = p.Options[option].ID
	}
	return strings.Join(ids, ",")
}
