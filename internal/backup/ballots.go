package backup

import (
	"fmt"
	"io"
	"strings"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
)

// Poll is a poll as a backup has it.
type Poll struct {
	fsm.BackupInfo
	ID    string
	State string // such as open
	// Profile has the ballots that count, each as often as its voter weighs.
	*profile.Profile
	Settings tally.Settings // by which the poll counts
}

// NoPollError says that a backup has no such poll.
type NoPollError struct {
	ID    string
	Polls []string // the first ones that there are
	More  bool     // there are more
}

func (e *NoPollError) Error() string {
	said := "it holds no poll"
	if e.ID != "" {
		said = fmt.Sprintf("it holds no poll %.64q", e.ID)
	}
	switch {
	case len(e.Polls) == 0:
		return said
	case e.More:
		return said + "; the first ones that it holds are " + strings.Join(e.Polls, ", ")
	}
	return said + "; it holds " + strings.Join(e.Polls, ", ")
}

// BeginningBytes is how much of a file Begins needs.
const BeginningBytes = 8

// Begins reports whether a file begins as a backup does.
func Begins(beginning []byte) bool { return fsm.IsBackup(beginning) }

// ReadPoll reads a whole backup, checks it to its end as [Verify] does, and counts a poll
// again from its records; the ballots that it returns are those. Errors are a *NoPollError,
// or name what is damaged and where. An empty id stands for the only poll.
func ReadPoll(r io.Reader, id string) (*Poll, error) {
	info, state, err := fsm.ReadBackup(r)
	if err != nil {
		return nil, err
	}
	if id, err = pollIn(state, id); err != nil {
		return nil, err
	}
	again, err := recount(state, id)
	if err != nil {
		return nil, fmt.Errorf("poll %s: %w", id, err)
	}
	rules := again.info.Rules
	p := &profile.Profile{Title: rules.Title, Method: rules.Method, Form: rules.Form(), Groups: again.profile.Groups}
	for _, o := range rules.Options {
		if o.Title == "" {
			o.Title = o.ID
		}
		p.Options = append(p.Options, profile.Option{ID: o.ID, Title: o.Title})
	}
	return &Poll{BackupInfo: info, ID: id, State: again.info.Phase.String(), Profile: p, Settings: again.info.Settings()}, nil
}

// pollIn finds a poll; an empty id is the only one's.
func pollIn(state *poll.State, id string) (string, error) {
	const most = 20 // of them are named
	page, next := state.List(0, most, func(poll.Info) bool { return true })
	missing := &NoPollError{ID: id, More: next != 0}
	for _, p := range page {
		missing.Polls = append(missing.Polls, p.Rules.ID)
	}
	if id == "" && len(page) == 1 && next == 0 {
		return page[0].Rules.ID, nil
	}
	if _, _, refused := state.Capture(id); id == "" || refused != nil {
		return "", missing
	}
	return id, nil
}
