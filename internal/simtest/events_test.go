package simtest

import (
	"slices"
	"testing"

	"voted/internal/poll"
)

// The oracle itself: each thing that must not be in a journal is found in one.
func TestAJournalWithAFaultIsFound(t *testing.T) {
	t.Parallel()
	sound := []poll.Event{
		{Number: 1, Index: 2, At: 10, Kind: poll.PollCreated, Poll: "p", A: 1},
		{Number: 2, Index: 2, At: 10, Kind: poll.PollOpened, Poll: "p", A: 1},
		{Number: 3, Index: 5, At: 20, Kind: poll.PollMilestone, Poll: "p", A: 1},
		{Number: 4, Index: 9, At: 30, Kind: poll.PollClosed, Poll: "p", A: 1, B: 1},
	}
	polls := []poll.Info{{Rules: &poll.Rules{Definition: poll.Definition{ID: "p"}}, Ballots: 1, ClosedIndex: 9}}
	if faults := eventFaults(sound, sound, polls); faults != nil {
		t.Fatalf("a sound one has %q", faults)
	}
	change := func(f func(e []poll.Event) []poll.Event) []poll.Event { return f(slices.Clone(sound)) }
	for name, journal := range map[string][]poll.Event{
		"a gap":                     change(func(e []poll.Event) []poll.Event { return slices.Delete(e, 1, 2) }),
		"an event twice":            change(func(e []poll.Event) []poll.Event { e[2] = e[0]; e[2].Number = 3; return e }),
		"another event":             change(func(e []poll.Event) []poll.Event { e[1].A = 7; return e }),
		"two that changed places":   change(func(e []poll.Event) []poll.Event { e[1], e[2] = e[2], e[1]; return e }),
		"one less than was read":    change(func(e []poll.Event) []poll.Event { return e[:3] }),
		"a close at another index":  change(func(e []poll.Event) []poll.Event { e[3].Index = 8; return e }),
		"no event of its first one": change(func(e []poll.Event) []poll.Event { e[2].Kind = poll.QuorumMet; return e }),
	} {
		if eventFaults(journal, sound, polls) == nil {
			t.Errorf("%s is not found", name)
		}
	}
}
